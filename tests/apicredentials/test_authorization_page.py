"""`…/partijen/<id>/`: everything about one authorised party, and every act on it."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Actor, Seller, User
from apicredentials.models import Activity, ThirdPartyAuthorization
from apicredentials.models.states import Cause, State
from apicredentials.models.usage import ProblemCause, Use
from apicredentials.moments import midnight_in
from tests.apicredentials.use import counted
from tests.factories import MembershipFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.journeys.pages import Page
from tests.people import codes, says
from tests.rights import chosen, posted

SETTINGS = "/instellingen/api/"


@pytest.fixture
def authorization(seller: Seller) -> ThirdPartyAuthorization:
    """A running consent to read orders and offers."""
    party = ThirdPartyFactory(
        name="Orderwijs",
        level="gold",
        contact_email="hulp@orderwijs.example",
        start_url="https://orderwijs.example/start",
    )
    return ThirdPartyAuthorizationFactory(
        seller=seller, third_party=party, scope="orders:read offers:read offers:manage"
    )


@pytest.fixture
def colleague(seller: Seller) -> User:
    return MembershipFactory(seller=seller, user__name="Fatima").user


def address(authorization: ThirdPartyAuthorization, act: str = "") -> str:
    return f"{SETTINGS}partijen/{authorization.uid}/{act}"


def open_page(client: Client, authorization: ThirdPartyAuthorization) -> Page:
    answer = client.get(address(authorization))
    assert answer.status_code == 200
    return Page(answer.content.decode(), address(authorization)).part("main")


def row(client: Client) -> Page:
    """Return the row of the only party."""
    page = Page(client.get(SETTINGS).content.decode(), SETTINGS).part("main")
    return page.part("article")


def test_name_in_the_row_leads_here(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    assert row(owner).link("Orderwijs") == address(authorization)
    page = open_page(owner, authorization)
    assert page.headings[0] == "Orderwijs"
    for words in ("Actief", "Goud", "Aanbod Lezen en beheren", "Bestellingen Lezen", "hulp@orderwijs.example"):
        assert words in page.words
    assert page.form("Rechten wijzigen").address == address(authorization, "rechten/")
    assert page.form("Verwijderen").address == address(authorization, "verwijderen/")


def test_use_problems_and_log_are_of_this_party(
    owner: Client, seller: Seller, authorization: ThirdPartyAuthorization
) -> None:
    counted(authorization.uid, Use.API_CALL, 1234)
    counted(authorization.uid, ProblemCause.UNKNOWN_SCOPE, 3, right="orders:write")
    authorization.narrow(["orders:read"], by=Actor())
    ThirdPartyAuthorizationFactory(seller=seller).revoke(by=Actor())
    page = open_page(owner, authorization)
    assert "API-aanroepen 1.234" in page.words
    assert "'orders:write'" in page.words
    acts = [next(each.all("h3")).words for each in page.root.all("article") if each["class"] == "act"]
    assert acts == [Activity.Kind.PARTY_NARROWED.label]


# ---- States: cause and what to do, in the row and on the page ---------------------------------------------


def test_stopped_party_says_why_and_offers_to_begin_again(
    owner: Client, authorization: ThirdPartyAuthorization
) -> None:
    authorization.stop(Cause.REFRESH_TOKEN_REPLAYED, by=Actor.machine())
    for page in (row(owner), open_page(owner, authorization)):
        assert State.STOPPED.label in page.words
        assert authorization.cause_sentence in page.words
        assert f"Wat nu: {authorization.remedy}" in page.words
        assert page.link("Opnieuw koppelen") == "https://orderwijs.example/start"
        assert not page.buttons("Verwijderen")
    assert "Orderwijs: koppel opnieuw" in says(owner.get(SETTINGS))


def test_party_that_stopped_long_ago_is_history(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    authorization.stop(Cause.ENDED_BY_PARTY, by=Actor.machine())
    ThirdPartyAuthorization.objects.update(ended_at=timezone.now() - dt.timedelta(days=61))
    page = Page(owner.get(SETTINGS).content.decode(), SETTINGS).part("main")
    assert "Dit vraagt je aandacht" not in page.words
    ended = date_format(timezone.localtime(timezone.now() - dt.timedelta(days=61)), "j F Y")
    assert page.link(f"Orderwijs Gestopt op {ended}") == address(authorization)


def test_suspended_party_says_that_there_is_nothing_to_do(
    owner: Client, authorization: ThirdPartyAuthorization
) -> None:
    authorization.third_party.pause(by=Actor(reason="Lek"))
    for page in (row(owner), open_page(owner, authorization)):
        assert "Stilgezet door ons" in page.words
        assert "Je hoeft niets te doen." in page.words
        assert page.buttons("Verwijderen")
    assert "Dit vraagt je aandacht" not in says(owner.get(SETTINGS))


def test_party_that_ends_soon_can_be_renewed(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    ThirdPartyAuthorization.objects.update(expires_at=midnight_in(23))
    assert "Orderwijs: verleng vóór" in says(owner.get(SETTINGS))
    for page in (row(owner), open_page(owner, authorization)):
        assert page.form("Verlengen").address == address(authorization, "verlengen/")
        assert "over 23 dagen" in page.words


# ---- Overnemen --------------------------------------------------------------------------------------------


def test_colleague_takes_over_and_the_end_stays(
    owner: Client, seller: Seller, authorization: ThirdPartyAuthorization, colleague: User
) -> None:
    ends = authorization.expires_at
    ThirdPartyAuthorization.objects.update(granted_by=colleague)
    ThirdPartyAuthorization.objects.get_queryset().stop_for_member(colleague, seller=seller, by=Actor())  # type: ignore[attr-defined]
    assert "Orderwijs: neem de toestemming over" in says(owner.get(SETTINGS))
    form = row(owner).form("Overnemen")
    asked = Page(owner.get(form.address).content.decode(), form.address).part("main")
    answer = owner.post(form.address, asked.form("Overnemen").fill(), follow=True)
    assert "Je hebt de toestemming voor Orderwijs overgenomen." in says(answer)
    authorization.refresh_from_db()
    assert (authorization.state, authorization.granted_by, authorization.expires_at) == (
        State.ACTIVE,
        seller.members.first(),
        ends,
    )


def test_active_party_cannot_be_taken_over(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    answer = owner.post(address(authorization, "overnemen/"), follow=True)
    assert not Activity.objects.filter(kind=Activity.Kind.PARTY_TAKEN_OVER).exists()
    assert "Je hebt de toestemming voor Orderwijs overgenomen." not in says(answer)


@pytest.mark.parametrize(
    ("act", "refusal"), [("verlengen/", "kan nu niet worden verlengd"), ("overnemen/", "niet meer worden overgenomen")]
)
def test_page_promises_no_access_that_will_not_come(
    owner: Client, authorization: ThirdPartyAuthorization, act: str, refusal: str
) -> None:
    authorization.revoke(by=Actor())
    answer = owner.get(address(authorization, act), follow=True)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert refusal in says(answer)


def test_taking_over_a_suspended_party_promises_no_access(
    owner: Client, seller: Seller, authorization: ThirdPartyAuthorization, colleague: User
) -> None:
    ThirdPartyAuthorization.objects.update(granted_by=colleague)
    ThirdPartyAuthorization.objects.get_queryset().stop_for_member(colleague, seller=seller, by=Actor())  # type: ignore[attr-defined]
    authorization.third_party.pause(by=Actor(reason="Lek"))
    owner.post(address(authorization, "overnemen/"))
    words = open_page(owner, authorization).words
    assert "Autorisatie overgenomen" in words
    assert "heeft weer toegang" not in words.replace("zodra Orderwijs weer toegang", "")


# ---- Rechten wijzigen -------------------------------------------------------------------------------------


def test_rights_are_narrowed_at_once(owner: Client, authorization: ThirdPartyAuthorization) -> None:
    url = address(authorization, "rechten/")
    form = Page(owner.get(url).content.decode(), url).part("main").form("Opslaan")
    assert chosen(form.fill()) == ["offers:read", "offers:manage", "orders:read"]
    answer = owner.post(url, posted(["offers:read"]), headers={"Referer": f"http://testserver{address(authorization)}"})
    assert answer["Location"] == address(authorization)
    authorization.refresh_from_db()
    assert authorization.rights == ["offers:read"]


@pytest.mark.parametrize(
    ("given", "code"), [(["invoices:read"], "invalid_choice"), (["orders:manage"], "invalid_choice"), ([], "required")]
)
def test_rights_are_not_widened(
    owner: Client, authorization: ThirdPartyAuthorization, given: list[str], code: str
) -> None:
    answer = owner.post(address(authorization, "rechten/"), posted(given))
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"scopes": [code]}
    authorization.refresh_from_db()
    assert authorization.rights == ["offers:read", "offers:manage", "orders:read"]


# ---- Proof, strangers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["verwijderen/", "verlengen/", "overnemen/", "rechten/"])
def test_password_is_asked_again_after_half_an_hour(
    owner: Client, authorization: ThirdPartyAuthorization, act: str
) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        for answer in (owner.get(address(authorization, act)), owner.post(address(authorization, act))):
            assert answer["Location"].startswith("/inloggen/bevestigen/?next=")
    authorization.refresh_from_db()
    assert authorization.is_active


def test_stranger_does_not_see_it(stranger: Client, authorization: ThirdPartyAuthorization) -> None:
    assert stranger.get(address(authorization)).status_code == 404
