"""`/beheer/`: the search field, with the results of `explain`, and the warnings."""

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Actor, Seller
from apicredentials.keys import secret_format
from apicredentials.models import CommandRun, OutgoingMail, Usage
from apicredentials.models.usage import ProblemCause
from tests.admin.conftest import staff
from tests.admin.registry import START, change, search
from tests.factories import (
    ClientCredentialFactory,
    SellerFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.logged import listening
from tests.oauth.flow import GRANT, software
from tests.people import says

if TYPE_CHECKING:
    from tests.people import Response

pytestmark = pytest.mark.django_db

NOTHING = "Niets gevonden dat je mag bekijken."
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def links(answer: "Response") -> set[str]:
    """Return the links to pages of rows."""
    page = Page(answer.content.decode())
    return {link["href"] for link in page.root.all("a") if link["href"].endswith("/change/")}


def headings(answer: "Response") -> list[str]:
    """Return kind and name of each match, in the order of the page."""
    return [each for each in Page(answer.content.decode()).headings if ": " in each]


@pytest.fixture
def zwaan() -> Seller:
    """A shop with a credential and a party, beside another shop."""
    seller: Seller = SellerFactory(display_name="De Zwaan", owner__user__email="sanne@zwaan.example")
    ClientCredentialFactory(seller=seller, name="Magazijn")
    ThirdPartyAuthorizationFactory(seller=seller, third_party__name="Orderhulp")
    ClientCredentialFactory(name="Van een ander")
    return seller


# ---- Search -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["{0.retailer_id}", "zwaan", " Sanne@zwaan.example "])
def test_seller_number_name_or_address_finds_all_objects_of_the_seller(
    operator: Client, zwaan: Seller, term: str
) -> None:
    answer = search(operator, term.format(zwaan))
    assert answer.status_code == 200
    rows = [zwaan, zwaan.members.get(), zwaan.authorizations.get()]
    credential = zwaan.clients.get()
    expected = {change(type(row), row) for row in rows}
    expected |= {reverse("admin:apicredentials_clientcredential_change", args=[credential.pk])}
    assert links(answer) == expected


def test_suspended_party_is_shown_with_cause_and_remedy(operator: Client, zwaan: Seller) -> None:
    zwaan.authorizations.get().third_party.pause(by=Actor(reason="Inbraak"))
    words = says(search(operator, "zwaan"))
    assert "Toestand Stilgezet door ons sinds" in words
    assert "Wij hebben Orderhulp op" in words
    assert "Je hoeft niets te doen." in words
    assert "reden: Inbraak" in words


def test_problems_are_shown_with_remedies(operator: Client, zwaan: Seller) -> None:
    refused(zwaan.clients.get().client_id, ProblemCause.ENDED_SECRET, count=7)
    words = says(search(operator, "zwaan"))
    assert "Beëindigd secret : 7 keer" in words
    assert "Zet het nieuwste secret in de software." in words


def test_matches_with_recent_problems_come_first(operator: Client, zwaan: Seller) -> None:
    assert headings(search(operator, "zwaan"))[0] == "Verkoper: De Zwaan"
    refused(zwaan.clients.get().client_id, ProblemCause.PAUSED, ago=48 * 60 + 1)
    assert headings(search(operator, "zwaan"))[0] == "Verkoper: De Zwaan"
    refused(zwaan.authorizations.get().uid, ProblemCause.MISSING_RIGHT, ago=48 * 60 - 1)
    assert headings(search(operator, "zwaan"))[0] == "Autorisatie: Orderhulp"


@pytest.mark.parametrize("around", ["{}", "CLIENT_SECRET={}\n", "curl -u x:{} https://api.example", "x" * 500 + "{}\0"])
def test_pasted_secret_finds_its_owner_and_is_not_stored(operator: Client, around: str) -> None:
    ours = software(ClientCredentialFactory(name="Magazijn"))
    with listening(everything=True) as log:
        answer = search(operator, around.format(ours.secret))
    assert "Client credentials: Magazijn" in says(answer)
    assert ours.secret not in answer.content.decode() + log.getvalue() + str(tables())


def test_secret_of_a_party_finds_the_party_and_its_sellers(operator: Client) -> None:
    authorization = ThirdPartyAuthorizationFactory()
    party = software(authorization.third_party)
    found = links(search(operator, party.secret))
    assert len(found) == 2
    assert change(type(authorization), authorization) in found


@pytest.mark.parametrize(
    "term",
    [secret_format.generate(), "niemand@zwaan.example", "xyzzy", "\U0001f9a2"],
    ids=["secret", "address", "word", "swan"],
)
def test_search_without_a_match_is_reported(operator: Client, zwaan: Seller, term: str) -> None:
    assert NOTHING in says(search(operator, term))


def test_invalid_search_is_explained(operator: Client) -> None:
    for what in ("", "  ", "x\x00", "x" * 501):
        assert search(operator, what).status_code == 422
    assert "Vul in wat je zoekt." in says(search(operator, ""))


def test_get_shows_only_the_search_field(operator: Client) -> None:
    answer = operator.get("/beheer/zoeken/", {"what": "De Zwaan"})
    assert answer.status_code == 200
    assert "gevonden" not in says(answer)


@pytest.mark.parametrize(
    ("permission", "kind"),
    [
        ("view_seller", "Verkoper"),
        ("view_user", "Gebruiker"),
        ("view_clientcredential", "Client credentials"),
        ("view_thirdpartyauthorization", "Autorisatie"),
    ],
)
def test_search_finds_only_what_the_operator_may_view(zwaan: Seller, permission: str, kind: str) -> None:
    zwaan.authorizations.get().revoke(by=Actor(reason="Op verzoek"))
    answer = search(staff(permission), "zwaan")
    assert [each.partition(":")[0] for each in headings(answer)] == [kind]
    assert "Op verzoek" not in says(answer)
    assert ("Op verzoek" in says(search(staff(permission, "view_activity"), "zwaan"))) == (
        permission in {"view_seller", "view_thirdpartyauthorization"}
    )


def test_search_without_permissions_reveals_nothing_about_a_secret() -> None:
    ours = software(ClientCredentialFactory())
    operator = staff("view_announcement")
    known, unknown = (search(operator, what) for what in (ours.secret, secret_format.generate()))
    assert NOTHING in says(known)
    assert says(known) == says(unknown)


def test_seller_cannot_search(zwaan: Seller) -> None:
    client = Client()
    client.force_login(zwaan.members.get())
    assert client.post("/beheer/zoeken/", {"what": "zwaan"}, follow=True).status_code == 403


# ---- Attention --------------------------------------------------------------------------------------------


def refused(subject: str, cause: ProblemCause = ProblemCause.WRONG_SECRET, *, count: int = 100, ago: int = 0) -> None:
    at = timezone.now() - ago * MINUTE
    Usage.objects.create(subject=subject, day=timezone.localdate(at), event=cause, count=count, first_at=at, last_at=at)


def warnings(operator: Client) -> list[str]:
    """Return the warnings on the start page."""
    page = Page(operator.get(START).content.decode())
    return [item.words for item in page.root.all("li") if "notices__warning" in item["class"]]


@pytest.fixture
def on_time() -> None:
    for command in ("send_notices", "purge"):
        CommandRun.objects.create(command=command)


@pytest.mark.usefixtures("on_time")
def test_start_page_without_problems_has_no_warning(operator: Client, zwaan: Seller) -> None:
    OutgoingMail(kind=OutgoingMail.Kind.ANNOUNCEMENT, key="x").queue_for(["a@winkel.example"])
    refused(zwaan.clients.get().client_id, count=99)
    refused(zwaan.authorizations.get().uid, ago=61)
    assert warnings(operator) == []
    assert "Mail versturen (send_notices): laatst bezig op" in says(operator.get(START))


@pytest.mark.parametrize(("command", "limit"), [("send_notices", 30 * MINUTE), ("purge", 2 * DAY)])
@pytest.mark.usefixtures("on_time")
def test_late_command_is_a_warning(operator: Client, command: str, limit: dt.timedelta) -> None:
    run = CommandRun.objects.filter(command=command)
    run.update(finished_at=timezone.now() - limit + MINUTE)
    assert warnings(operator) == []
    run.update(finished_at=timezone.now() - limit - MINUTE)
    (warning,) = warnings(operator)
    assert command in warning
    run.delete()
    (warning,) = warnings(operator)
    assert "heeft nog niet gedraaid" in warning


@pytest.mark.usefixtures("on_time")
def test_stuck_mail_is_counted_and_linked(operator: Client) -> None:
    OutgoingMail(kind=OutgoingMail.Kind.ANNOUNCEMENT, key="x").queue_for(["a@winkel.example", "b@winkel.example"])
    OutgoingMail.objects.update(last_error="SMTPServerDisconnected")
    assert warnings(operator) == ["Let op: 2 mails zitten vast."]
    address = Page(operator.get(START).content.decode(), START).link("2 mails zitten vast.")
    assert len(operator.get(address).context["cl"].result_list) == 2


@pytest.mark.usefixtures("on_time")
def test_suspended_parties_are_named_with_the_reason(operator: Client) -> None:
    leaked, suspended = ThirdPartyFactory(name="Lekland"), ThirdPartyFactory(name="Stilstaand")
    suspended.pause(by=Actor(reason="Klachten"))
    leaked.reveal(by=Actor())
    leaked.report_leak(leaked.secrets.get(), by=Actor())
    first, second = warnings(operator)
    assert first.startswith("Let op: Lekland staat stil sinds")
    assert first.endswith("het secret is gelekt.")
    assert second.endswith("stilgezet door een operator.")
    assert change(type(leaked), leaked) in links(operator.get(START))


@pytest.mark.usefixtures("on_time")
def test_sellers_with_many_refusals_are_named(operator: Client, zwaan: Seller) -> None:
    refused(zwaan.clients.get().client_id, count=60)
    refused(zwaan.authorizations.get().uid, count=50, ago=59)
    (warning,) = warnings(operator)
    assert warning.startswith(f"Let op: {zwaan}: 110 keer geweigerd, laatst op ")
    assert links(operator.get(START)) == {change(Seller, zwaan)}


@pytest.mark.parametrize(
    ("permission", "word"),
    [
        ("view_commandrun", "purge"),
        ("view_outgoingmail", "zit vast"),
        ("view_thirdparty", "Lekland"),
        ("view_seller", "geweigerd"),
    ],
)
def test_warnings_are_only_about_what_the_operator_may_view(zwaan: Seller, permission: str, word: str) -> None:
    ThirdPartyFactory(name="Lekland").pause(by=Actor())
    OutgoingMail(kind=OutgoingMail.Kind.ANNOUNCEMENT, key="x").queue_for(["a@winkel.example"])
    OutgoingMail.objects.update(last_error="SMTPServerDisconnected")
    refused(zwaan.clients.get().client_id)
    shown = warnings(staff(permission))
    assert shown
    assert all(word in warning or permission == "view_commandrun" for warning in shown)
    assert len(shown) == (2 if permission == "view_commandrun" else 1)
    assert warnings(staff("view_announcement")) == []


def test_number_of_queries_is_limited(
    operator: Client, zwaan: Seller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        ThirdPartyFactory().pause(by=Actor())
        refused(ClientCredentialFactory().client_id)
    assert software(ThirdPartyFactory()).token(**GRANT).status_code >= 400
    with django_assert_max_num_queries(15):
        operator.get(START)
