"""Activiteit: the log of one seller, as a page and as a file."""

import csv
from collections.abc import Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SellerRequest, seller_required
from apicredentials.forms import ActivityFilterForm
from apicredentials.models import Activity
from apicredentials.models.activity import ActivityQuerySet

PAGE_SIZE = 50
BATCH_SIZE = 1000

COLUMNS = ("Wanneer (Nederlandse tijd)", "Wie", "Wat", "Waarover", "Bijzonderheden", "Vanaf adres", "Reden")
# A spreadsheet takes a cell that starts like this, or with the full-width form of it, for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@require_safe
@seller_required
def activity(request: SellerRequest) -> HttpResponse:
    """Show what was done, the newest first, a page at a time."""
    form = ActivityFilterForm(request.GET)
    found = form.rows(Activity.objects.for_seller(request.seller)).before(request.GET.get("before", ""))
    # One more than is shown tells whether there is an older page.
    rows = list(found[: PAGE_SIZE + 1])
    context = {
        "form": form,
        "activities": rows[:PAGE_SIZE],
        "is_filtered": any(form.data.get(name) for name in form.fields),
        "is_first_page": "before" not in request.GET,
        "older": rows[PAGE_SIZE - 1].cursor if len(rows) > PAGE_SIZE else None,
    }
    return render(request, "apicredentials/activity.html", context, status=200 if form.is_valid() else 422)


@require_safe
@seller_required
def activity_export(request: SellerRequest) -> HttpResponseBase:
    """Send the same rows, all of them, as a file for a spreadsheet."""
    form = ActivityFilterForm(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('apicredentials:activity')}?{request.GET.urlencode()}")
    found = form.rows(Activity.objects.for_seller(request.seller))
    name = f"activiteit-{request.seller.retailer_id}-{timezone.localdate():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class Echo:
    """A file for csv.writer, whose writerow() then returns the line."""

    def write(self, text: str) -> str:
        return text


def lines(activities: ActivityQuerySet) -> Iterator[str]:
    """Yield the file, with a byte order mark, by which spreadsheets recognise UTF-8.

    Separated by commas (RFC 4180): only Excel on a Dutch Windows expects semicolons. Read in batches, so that
    statements are short and one batch at a time is in memory.
    """
    writer = csv.writer(Echo(), quoting=csv.QUOTE_ALL)
    yield "\ufeff" + writer.writerow(COLUMNS)
    cursor = ""
    while batch := list(activities.before(cursor)[:BATCH_SIZE]):
        yield "".join(writer.writerow([harmless(cell) for cell in cells(row)]) for row in batch)
        cursor = batch[-1].cursor


def cells(row: Activity) -> tuple[str, ...]:
    """Return a row of the log in the order of COLUMNS."""
    return (
        f"{timezone.localtime(row.at):%Y-%m-%d %H:%M:%S}",
        row.actor_name,
        row.get_kind_display(),
        row.subject,
        row.full_explanation,
        row.address or "",
        row.reason,
    )


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
