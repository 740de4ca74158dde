"""Notices for operators: late commands, stuck mail, suspended parties, refused sellers."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Seller
from apicredentials.models import CommandRun, OutgoingMail, ThirdParty, Usage
from apicredentials.moments import moment

# From this number of refusals of one seller in the last hour, a mistake of one person is unlikely.
MANY_REFUSALS = 100
REFUSED_WITHIN = dt.timedelta(hours=1)
# At most this many parties or sellers are shown; the lists have the rest.
MAXIMUM_SHOWN = 20


@dataclass(frozen=True)
class ScheduledCommand:
    """A command run by a timer, and the time after which a run is late (as in docs/alerts.yaml)."""

    name: str
    label: str
    late_after: dt.timedelta
    consequence: str


COMMANDS = (
    ScheduledCommand("send_notices", "Mail versturen", dt.timedelta(minutes=30), "Er gaat geen mail uit."),
    ScheduledCommand("purge", "Opruimen", dt.timedelta(days=2), "Oude gegevens blijven staan."),
)


@dataclass(frozen=True)
class Notice:
    """A line of the start page; a warning requires action."""

    text: str
    address: str = ""
    is_warning: bool = True


def notices(site: AdminSite, request: HttpRequest) -> list[Notice]:
    """Return the notices about models whose pages this operator may open."""
    sources: dict[type[Model], Callable[[], Iterator[Notice]]] = {
        CommandRun: last_runs,
        OutgoingMail: stuck_mail,
        ThirdParty: suspended_parties,
        Seller: refused_sellers,
    }
    return [notice for model, source in sources.items() if may_view(site, request, model) for notice in source()]


def may_view(site: AdminSite, request: HttpRequest, model: type[Model]) -> bool:
    """Return True if this operator may open the pages of a model."""
    return bool(site.get_model_admin(model).has_view_permission(request))


def last_runs() -> Iterator[Notice]:
    """Yield the last run of each scheduled command, as a warning if it is late."""
    runs = CommandRun.objects.in_bulk([command.name for command in COMMANDS])
    for command in COMMANDS:
        run = runs.get(command.name)
        when = f"laatst bezig op {moment(run.finished_at)}" if run else "heeft nog niet gedraaid"
        text = f"{command.label} ({command.name}): {when}."
        if run and timezone.now() - run.finished_at <= command.late_after:
            yield Notice(text, is_warning=False)
        else:
            yield Notice(f"{text} {command.consequence} Controleer de timer en de log van deze opdracht.")


def stuck_mail() -> Iterator[Notice]:
    if count := OutgoingMail.objects.stuck().count():
        address = reverse("admin:apicredentials_outgoingmail_changelist", query={"state": "stuck"})
        yield Notice(f"{count} {'mail zit' if count == 1 else 'mails zitten'} vast.", address)


def suspended_parties() -> Iterator[Notice]:
    parties = ThirdParty.objects.present().filter(paused_at__isnull=False).order_by("-paused_at")
    for party in parties[:MAXIMUM_SHOWN]:
        why = "het secret is gelekt" if party.is_stopped_by_leak else "stilgezet door een operator"
        address = reverse("admin:apicredentials_thirdparty_change", args=[party.pk])
        yield Notice(f"{party.name} staat stil sinds {moment(party.paused_at)}: {why}.", address)


def refused_sellers() -> Iterator[Notice]:
    """Yield the sellers with many refusals. Counts cover the whole day, because rows hold daily counts."""
    found = Usage.objects.refused_sellers(timezone.now() - REFUSED_WITHIN, at_least=MANY_REFUSALS)
    for refused in found[:MAXIMUM_SHOWN]:
        address = reverse("admin:accounts_seller_change", args=[refused.seller.pk])
        yield Notice(f"{refused.seller}: {refused.count} keer geweigerd, laatst op {moment(refused.last_at)}.", address)
