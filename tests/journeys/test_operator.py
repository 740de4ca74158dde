"""Journeys of an operator: a leak, a breach, a lost colleague or mailbox, and "it stopped at 02:10"."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Actor, Seller, User
from apicredentials.models import ClientCredential, ClientSecret, ThirdParty, ThirdPartyAuthorization, sellers
from apicredentials.models.leak_reports import report_leak_of
from apicredentials.oauth import counting
from tests.admin import acts
from tests.admin.clients import press
from tests.admin.conftest import kim
from tests.admin.registry import change, search
from tests.commands.conftest import Manage
from tests.factories import (
    ClientCredentialFactory,
    MembershipFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyFactory,
)
from tests.journeys.pages import Page
from tests.mailbox import last_link, send_due_mail
from tests.oauth.flow import GRANT, Software, decide, request_address, sent_back, software, verify
from tests.people import NEW_PASSWORD, choose_password, is_signed_in, says, sign_in, signed_in

if TYPE_CHECKING:
    from tests.people import Response

pytestmark = pytest.mark.django_db

SETTINGS = "/instellingen/api/"
OWNER, CONTACT, COLLEAGUE = "sanne@zwaan.example", "techniek@zwaan.example", "fatima@ict.example"
MINUTE = dt.timedelta(minutes=1)
PARTY_CONTACT = "hulp@orderhulp.example"
OPERATOR = Actor(reason="Melding 4711")
WHY = ("--reason", "Melding 4711")


@dataclass
class Shop:
    """A seller with its members, its own software, and a party that one member authorised."""

    seller: Seller
    owner: User
    colleague: User
    warehouse: Software
    party: Software
    tokens: dict[str, Any] = field(default_factory=dict)
    old_token: str = ""

    @property
    def authorization(self) -> ThirdPartyAuthorization:
        return ThirdPartyAuthorization.objects.with_parties().latest("granted_at")

    def connect(self, user: User) -> None:
        """Authorise the party on the consent page."""
        browser = signed_in(user)
        self.tokens = self.party.exchange(sent_back(decide(browser, request_address(self.party)))["code"]).json()

    def refresh(self) -> "Response":
        """Refresh the party's tokens."""
        answer = self.party.refresh(self.tokens["refresh_token"])
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    @property
    def works(self) -> bool:
        """Return True if the party can use the API for this shop."""
        token_works = verify(self.tokens["access_token"]).status_code == 204
        assert (self.refresh().status_code == 200) == token_works
        return token_works


@pytest.fixture
def party() -> ThirdParty:
    return ThirdPartyFactory(name="Orderhulp", contact_email=PARTY_CONTACT)


@pytest.fixture
def shop(party: ThirdParty) -> Shop:
    seller = SellerFactory(display_name="De Zwaan", owner__user__email=OWNER, owner__user__name="Sanne")
    TechnicalContactFactory(seller=seller, email=CONTACT)
    colleague = MembershipFactory(seller=seller, role="technical", user__email=COLLEAGUE, user__name="Fatima").user
    warehouse = software(ClientCredentialFactory(seller=seller, name="Magazijn"))
    shop = Shop(seller, seller.members.earliest("pk"), colleague, warehouse, software(party))
    # A leak ends tokens of earlier seconds only, because those of its own second may belong to the new secret.
    with time_machine.travel(dt.datetime.now(dt.UTC) - MINUTE, tick=False):
        shop.connect(colleague)
        shop.old_token = shop.warehouse.access_token()
    send_due_mail()
    mail.outbox.clear()
    return shop


def read_mail() -> dict[str, list[str]]:
    """Send the due mail and return the subjects by address."""
    mail.outbox.clear()
    found: dict[str, list[str]] = {}
    for message in send_due_mail():
        for address in message.to:
            found.setdefault(address, []).append(str(message.subject))
    mail.outbox.clear()
    return found


def settings_of(user: User) -> str:
    return says(signed_in(user).get(SETTINGS))


# ---- Leaked secret ------------------------------------------------------------------------------------------


def test_leaked_secret_is_traced_stopped_and_replaced(manage: Manage, shop: Shop) -> None:
    token = shop.old_token
    (match,) = manage("explain", "-", "--json", stdin=shop.warehouse.secret).json["matches"]
    assert (match["name"], match["seller"]) == ("Magazijn", shop.seller.retailer_id)

    place = ("--found-at", "https://paste.example/4711")
    rehearsed = manage("report_leak", *place, "--dry-run", "--json", stdin=shop.warehouse.secret).json
    assert verify(token).status_code == 204
    assert manage("report_leak", *place, "--json", stdin=shop.warehouse.secret).json == rehearsed
    assert verify(token).status_code == 401
    assert shop.warehouse.token(**GRANT).status_code == 401
    assert {*read_mail()} == {OWNER, CONTACT}
    assert shop.works

    browser = signed_in(shop.owner)
    page = Page(browser.get(SETTINGS).content.decode(), SETTINGS)
    assert "Gelekt" in page.words
    credential = f"{SETTINGS}credentials/{shop.warehouse.client_id}/"
    shown = browser.post(f"{credential}nieuw-secret/", {"overlap": "0"})
    (secret,) = set(re.findall(r"rts_[A-Za-z0-9]{82}", shown.content.decode()))
    browser.post(f"{credential}hervatten/")
    assert verify(Software(shop.warehouse.client_id, secret).access_token()).status_code == 204
    assert verify(token).status_code == 401


# ---- Breached party -----------------------------------------------------------------------------------------


def test_breached_party_is_suspended_and_resumed(
    manage: Manage, operator: Client, shop: Shop, party: ThirdParty
) -> None:
    other = SellerFactory(owner__user__email="owner@other.example")
    ThirdPartyAuthorization.objects.consent(
        seller=other, third_party=party, rights=["orders:read"], by=Actor(user=other.members.get())
    )
    SellerFactory(owner__user__email="niet@betrokken.example")
    removed = SellerFactory(owner__user__email="al@weg.example")
    ThirdPartyAuthorization.objects.consent(
        seller=removed, third_party=party, rights=["orders:read"], by=Actor(user=removed.members.get())
    ).revoke(by=Actor(user=removed.members.get()))
    read_mail()
    stolen = shop.tokens["access_token"]
    affected = {OWNER, CONTACT, "owner@other.example", PARTY_CONTACT}

    # Both the confirmation page and the dry run of the command show the number of sellers concerned.
    assert "Orderhulp: 2 verkopers met toegang" in says(acts.choose(operator, acts.SUSPEND, party))
    rehearsed = manage("suspend_third_party", shop.party.client_id, "--dry-run", "--json").json
    assert (rehearsed["sellers"], rehearsed["mails"]) == (2, len(affected))
    assert shop.works
    manage("suspend_third_party", shop.party.client_id, *WHY)
    assert not shop.works
    assert {address: len(subjects) for address, subjects in read_mail().items()} == dict.fromkeys(affected, 1)
    assert "Stilgezet door ons" in settings_of(shop.owner)
    assert "Orderhulp staat stil sinds" in says(operator.get("/beheer/"))

    # Its secret leaked too, so it needs a new one before it can be resumed.
    manage("report_leak", stdin=shop.party.secret)
    read_mail()
    assert "nieuw secret" in manage("resume_third_party", shop.party.client_id, *WHY).complaint
    shop.party = Software(shop.party.client_id, press(operator, party, "rotate", overlap="0"))
    assert not shop.works
    acts.do(operator, acts.RESUME_PARTY, party)
    assert {address: len(subjects) for address, subjects in read_mail().items()} == dict.fromkeys(affected, 1)
    assert verify(stolen).status_code == 401
    assert shop.refresh().status_code == 200
    assert shop.works
    assert "Orderhulp staat stil sinds" not in says(operator.get("/beheer/"))


# ---- People -------------------------------------------------------------------------------------------------


def test_consent_of_a_colleague_who_left_is_taken_over(operator: Client, shop: Shop) -> None:
    colleague = signed_in(shop.colleague)
    page = says(acts.choose(operator, acts.SWITCH_OFF, shop.colleague))
    assert "een collega kan ze overnemen" in page
    acts.do(operator, acts.SWITCH_OFF, shop.colleague)
    assert not is_signed_in(colleague)
    assert not shop.works
    assert {OWNER, CONTACT} <= {*read_mail()}

    assert "Fatima gaf toestemming en kan sinds" in says(search(operator, "zwaan"))
    assert "Fatima gaf toestemming en kan sinds" in settings_of(shop.owner)
    expires_at = shop.authorization.expires_at
    signed_in(shop.owner).post(f"{SETTINGS}partijen/{shop.authorization.uid}/overnemen/")
    assert shop.refresh().status_code == 200
    assert shop.works
    assert shop.authorization.expires_at == expires_at


def test_owner_who_lost_the_mailbox_signs_in_with_another_address(operator: Client, shop: Shop) -> None:
    found = search(operator, "zwaan")
    address = change(User, shop.owner)
    assert address in {link["href"] for link in Page(found.content.decode()).root.all("a")}
    form = Page(operator.get(address).content.decode(), address).form("Opslaan")
    new = form.fill() | {"email": ["sanne@nieuw.example"]}
    assert operator.post(address, new).status_code == 200  # without a reason
    assert operator.post(address, new | {"reason": ["Oude postbus opgeheven"]}).status_code == 302
    assert {OWNER, "sanne@nieuw.example"} <= {*read_mail()}

    browser = Client()
    browser.post("/wachtwoord/vergeten/", {"email": "sanne@nieuw.example"})
    choose_password(browser, last_link())
    sign_in(browser, "sanne@nieuw.example", NEW_PASSWORD)
    assert "Oude postbus opgeheven" in says(browser.get(f"{SETTINGS}activiteit/"))
    assert shop.works


# ---- Secrets older than a year --------------------------------------------------------------------------------


def test_old_secrets_are_found_and_replaced_without_interruption(manage: Manage, operator: Client, shop: Shop) -> None:
    ClientCredentialFactory(name="Nieuw", revealed=True)
    year_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=366)
    ClientSecret.objects.filter(client__client_id=shop.warehouse.client_id).update(created_at=year_ago)
    old = ("list_credentials", "--secret-older-than", "365d", "--json")
    assert [each["client_id"] for each in manage(*old).json] == [shop.warehouse.client_id]
    listed = operator.get(reverse("admin:apicredentials_clientcredential_changelist"), {"secret_age": "365d"})
    assert [row.client_id for row in listed.context["cl"].result_list] == [shop.warehouse.client_id]

    rotated = manage("rotate_secret", shop.warehouse.client_id, *WHY, "--overlap", "7d", "--json").json
    for secret in (shop.warehouse.secret, rotated["client_secret"]):
        assert Software(shop.warehouse.client_id, secret).token(**GRANT).status_code == 200
    assert {OWNER, CONTACT} <= {*read_mail()}
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=8)):
        assert manage(*old).json == []
        assert shop.warehouse.token(**GRANT).status_code == 401
        assert Software(shop.warehouse.client_id, rotated["client_secret"]).token(**GRANT).status_code == 200


# ---- Closing a seller -----------------------------------------------------------------------------------------


def test_closed_seller_has_no_access_until_reopened(manage: Manage, operator: Client, shop: Shop) -> None:
    token = shop.warehouse.access_token()
    manage("close_seller", shop.seller.retailer_id, *WHY)
    assert verify(token).status_code == 403
    assert shop.warehouse.token(**GRANT).status_code == 401
    assert shop.refresh().status_code in {400, 401}
    assert {OWNER, CONTACT} <= {*read_mail()}
    assert "gesloten" in settings_of(shop.owner)
    found = {match["kind"]: match for match in manage("explain", OWNER, "--json").json["matches"]}
    assert found["seller"]["state"] == "closed"
    assert found["authorization"]["cause"] == "seller_closed"
    assert "Dit verkopersaccount is op" in says(search(operator, OWNER))

    acts.do(operator, acts.REOPEN, shop.seller)
    assert verify(token).status_code == 204
    assert shop.works
    assert {OWNER, CONTACT} <= {*read_mail()}


# ---- "My integration stopped at 02:10" ------------------------------------------------------------------------

NIGHT = dt.datetime(2026, 5, 5, 0, 10, tzinfo=dt.UTC)
MORNING = NIGHT + dt.timedelta(hours=7)
AT_NIGHT = "5 mei 2026 om 02:10"


def credential_of(shop: Shop) -> ClientCredential:
    credential: ClientCredential = ClientCredential.objects.get(client_id=shop.warehouse.client_id)
    return credential


def end_the_secret(shop: Shop) -> None:
    credential_of(shop).rotate(overlap=dt.timedelta(0), by=OPERATOR)
    assert shop.warehouse.token(**GRANT).status_code == 401


def pause(shop: Shop) -> None:
    credential_of(shop).pause(by=Actor(user=shop.colleague))
    assert shop.warehouse.token(**GRANT).status_code == 401


def take_away_a_right(shop: Shop) -> None:
    token = shop.warehouse.access_token()
    credential_of(shop).change_rights(["offers:read"], by=Actor(user=shop.colleague))
    assert verify(token, "orders:read").status_code == 403


def replay(shop: Shop) -> None:
    replaced = shop.tokens["refresh_token"]
    shop.refresh()
    shop.refresh()
    assert shop.party.refresh(replaced).status_code == 400


STOPS: dict[str, tuple[Callable[[Shop], object], str, str, str]] = {
    "secret ended": (end_the_secret, "ended_secret", "Beëindigd secret", "Zet het nieuwste secret in de software."),
    "paused": (pause, "paused", "Gepauzeerd", "Kies Hervatten"),
    "credential leaked": (
        lambda shop: report_leak_of(credential_of(shop), by=OPERATOR),
        "leaked",
        "Gelekt",
        "Client secret gelekt",
    ),
    "right taken away": (
        take_away_a_right,
        "missing_right",
        "De software mist dit recht: Bestellingen: Lezen.",
        "Geef je eigen software dit recht met Rechten wijzigen.",
    ),
    "token replayed": (
        replay,
        "refresh_token_replayed",
        "Een oud refresh token is op",
        "Vraag Orderhulp wat er is gebeurd.",
    ),
    "ended by the party": (
        lambda shop: shop.party.post("/revoke", token=shop.tokens["refresh_token"]),
        "ended_by_party",
        "Orderhulp heeft de koppeling op",
        "Begin opnieuw bij Orderhulp",
    ),
    "removed": (
        lambda shop: shop.authorization.revoke(by=Actor(user=shop.colleague)),
        "removed_by_seller",
        "Verwijderd door Fatima op",
        "Begin opnieuw bij Orderhulp",
    ),
    "giver off": (
        lambda shop: sellers.switch_off(shop.colleague, by=OPERATOR),
        "user_off",
        "Fatima gaf toestemming en kan sinds",
        "Kies Overnemen.",
    ),
    "suspended": (
        lambda shop: shop.authorization.third_party.pause(by=OPERATOR),
        "suspended",
        "Wij hebben Orderhulp op",
        "Je hoeft niets te doen.",
    ),
    "closed": (
        lambda shop: sellers.close(shop.seller, by=OPERATOR),
        "seller_closed",
        "Dit verkopersaccount is op",
        "Neem contact met ons op",
    ),
}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock stopped in the evening before."""
    counting.flush()
    with time_machine.travel(NIGHT - dt.timedelta(hours=8), tick=False) as clock:
        yield clock


@pytest.mark.parametrize("stop", STOPS)
def test_cause_of_a_stop_is_found_within_a_few_clicks(
    clock: time_machine.Traveller, manage: Manage, shop: Shop, stop: str
) -> None:
    happen, code, cause, remedy = STOPS[stop]
    clock.move_to(NIGHT)
    assert shop.refresh().status_code == 200
    happen(shop)
    counting.flush()
    clock.move_to(MORNING)

    told = manage("explain", "zwaan").out
    assert code in told
    assert AT_NIGHT in told
    assert remedy in told

    words = says(search(signed_in(kim()), "zwaan"))
    assert cause in words
    assert AT_NIGHT in words
    assert remedy in words
