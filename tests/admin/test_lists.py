"""Lists in `/beheer/`: filters by date, counts, and searches over several tables."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.db.models import DateField, Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import admin_pages
from apicredentials.models import Activity
from tests.admin.registry import REGISTERED
from tests.factories import (
    AnnouncementFactory,
    ClientCredentialFactory,
    SellerFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
from tests.journeys.pages import Page
from tests.people import says

DATES = [(model, field.name) for model in REGISTERED for field in model._meta.fields if isinstance(field, DateField)]
NO_DATE = [
    "{0}__year=9999",
    "{0}__year=1",
    "{0}__year=0",
    "{0}__year=-1",
    "{0}__year=99999999999999999999",
    "{0}__year=x",
    "{0}__year=9999&{0}__month=12",
    "{0}__year=9999&{0}__month=12&{0}__day=31",
    "{0}__year=1&{0}__month=1&{0}__day=1",
    "{0}__year=2026&{0}__month=13",
    "{0}__year=2026&{0}__month=2&{0}__day=30",
    "{0}__year=2026&{0}__day=99999999999999999999",
    "{0}__month=99999999999999999999",
    "{0}__day=99999999999999999999",
    "{0}__day__in=1,99999999999999999999",
    "{0}__year__gt=99999",
    "{0}__year__lte=0",
    "{0}__year__in=99999999999999999999",
    "{0}__iso_year=99999",
    "{0}__week=99999999999999999999",
    "{0}__gte=99999-01-01",
    "{0}__gte=0001-01-01",
    "{0}__lt=9999-12-31 23:59:59",
    "{0}__date=0001-01-01",
]


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


LOG = list_of(Activity)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("query", NO_DATE)
def test_impossible_date_in_a_filter_is_ignored(operator: Client, query: str) -> None:
    answer = operator.get(f"{LOG}?{query.format('at')}", follow=True)
    assert answer.status_code == 200
    assert "changelist" in answer.content.decode()


@pytest.mark.usefixtures("rows")
def test_every_date_filter_ignores_impossible_dates(operator: Client) -> None:
    for model, field in DATES:
        for query in ("{0}__year=9999", "{0}__day__in=1,99999999999999999999"):
            answer = operator.get(f"{list_of(model)}?{query.format(field)}", follow=True)
            assert answer.status_code == 200, (model, field)
            assert "changelist" in answer.content.decode(), (model, field)


def test_count_of_a_long_list_is_limited(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_pages, "MOST_COUNTED", 3)
    SellerFactory.create_batch(3)
    sellers = reverse("admin:accounts_seller_changelist")
    assert "3 verkopers" in says(operator.get(sellers))
    SellerFactory()
    assert "meer dan 3 verkopers" in says(operator.get(sellers))


def test_dates_of_the_log_are_found_without_reading_its_rows(operator: Client) -> None:
    for day in (dt.date(2026, 2, 27), dt.date(2026, 3, 2)):
        at = dt.datetime.combine(day, dt.time(12), tzinfo=dt.UTC)
        Activity.objects.create(kind=Activity.Kind.CONTACT_SAVED, seller=SellerFactory(), at=at)
    for query in ({}, {"q": "zonderresultaat"}):
        with CaptureQueriesContext(connection) as queries:
            page = says(operator.get(LOG, query))
        assert "Februari 2026" in page
        assert "Maart 2026" in page
        assert not re.search(r"DISTINCT|MIN\(.*WHERE", "\n".join(each["sql"] for each in queries))
    days = Page(operator.get(f"{LOG}?at__year=2026&at__month=3").content.decode(), LOG)
    assert [link["href"] for link in days.root.all("a") if "at__day" in link["href"]] == [
        f"?at__day={day}&at__month=3&at__year=2026" for day in (1, 2)
    ]


@pytest.mark.parametrize("related", [0, 500])
def test_words_of_a_search_may_match_different_tables(
    operator: Client, monkeypatch: pytest.MonkeyPatch, related: int
) -> None:
    monkeypatch.setattr(admin_pages, "MOST_FOUND", related)
    expected = ThirdPartyAuthorizationFactory(seller__display_name="De Zwaan", third_party__name="Boekhouding")
    ThirdPartyAuthorizationFactory(seller__display_name="De Zwaan", third_party__name="Voorraad")
    ThirdPartyAuthorizationFactory(third_party__name="Boekhouding 2")
    address = reverse("admin:apicredentials_thirdpartyauthorization_changelist")
    answer = operator.get(address, {"q": "boekhouding 'de zwaan'"})
    assert list(answer.context["cl"].result_list) == [expected]


def test_search_with_few_results_compares_the_rows_once(operator: Client) -> None:
    ClientCredentialFactory(name="Magazijn")
    for address, column in (("clientcredential", "folded_name"), ("activity", "subject")):
        with CaptureQueriesContext(connection) as queries:
            operator.get(reverse(f"admin:apicredentials_{address}_changelist"), {"q": "magazijn"})
        compared = re.compile(rf'"{column}"\S* LIKE|UPPER\("\w+"."{column}"\S* LIKE')
        assert len([each for each in queries if compared.search(each["sql"])]) == 1


def test_announcement_is_found_by_its_party(operator: Client) -> None:
    expected = AnnouncementFactory(third_party=ThirdPartyFactory(name="Boekhouding"))
    address = reverse("admin:apicredentials_announcement_changelist")
    assert list(operator.get(address, {"q": "boekh"}).context["cl"].result_list) == [expected]
