"""`/beheer/apicredentials/thirdparty/`, and resource servers beside it: whom the marketplace lets in."""

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Actor
from apicredentials import scopes
from apicredentials.models import Activity, ClientCredential, OAuthClient, ResourceServer, ThirdParty, ThirdPartyLogo
from tests.admin.conftest import kim, staff
from tests.factories import (
    ClientCredentialFactory,
    ResourceServerFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
from tests.inventory import sessions, tables
from tests.journeys.pages import Page
from tests.logged import listening
from tests.oauth.flow import (
    Software,
    assert_error,
    decide,
    request_address,
    rights,
    sent_back,
    software,
    verify,
)
from tests.people import PROVE, codes, says, signed_in

if TYPE_CHECKING:
    from tests.people import Response

pytestmark = pytest.mark.django_db

SECRET = re.compile(r"rts_[A-Za-z0-9]{82}")
PARTIES = "/beheer/apicredentials/thirdparty/"
KINDS = pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])


def address(client: OAuthClient, page: str = "change") -> str:
    return reverse(f"admin:apicredentials_{client._meta.model_name}_{page}", args=[client.pk])


def send(operator: Client, where: str, **fields: Any) -> "Response":
    """Open the form at an address, fill some of it in and save it."""
    form = Page(operator.get(where).content.decode(), where).form("Opslaan")
    return operator.post(where, form.fill() | fields)


def add(operator: Client, **fields: Any) -> "Response":
    return send(
        operator, f"{PARTIES}add/", **{"name": "Orderwijs", "redirect_uris": "https://orderwijs.example/terug"} | fields
    )


def errors(answer: "Response") -> dict[str, list[str]]:
    """Return the codes of what was wrong with a form."""
    assert answer.status_code == 200
    return codes(answer.context["adminform"].form)


# ---- Registered -------------------------------------------------------------------------------------------


def test_by_default_a_party_may_ask_for_everything_and_must_be_careful(operator: Client) -> None:
    answer = add(operator)
    party = ThirdParty.objects.get()
    assert answer["Location"] == address(party)
    assert (party.name, party.redirect_uris) == ("Orderwijs", "https://orderwijs.example/terug")
    assert party.rights == list(scopes.ALL)
    assert (party.refresh_tokens, party.pkce_required, party.client_type) == ("rotating", True, "confidential")
    assert party.created_by is not None


def test_every_choice_counts(operator: Client) -> None:
    uris = "https://orderwijs.example/terug\r\n\r\n  http://localhost:3000/terug\r\nhttps://orderwijs.example/terug"
    choices = {"client_type": "public", "refresh_tokens": "fixed", "pkce_required": [], "scope": ["orders:manage"]}
    add(operator, name="  Orderwijs ", contact_email="hulp@orderwijs.example", redirect_uris=uris, **choices)
    party = ThirdParty.objects.get()
    assert (party.name, party.contact_email) == ("Orderwijs", "hulp@orderwijs.example")
    assert party.redirect_uris == "https://orderwijs.example/terug http://localhost:3000/terug"
    assert (party.is_public, party.refresh_tokens, party.pkce_required) == (True, "fixed", False)
    assert party.scope == "orders:read orders:manage"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "required"),
        ("name", "x" * 101, "max_length"),
        ("name", "Order\u202ewijs", "invisible"),
        ("name", "\u041erderwijs", "mixed_scripts"),
        ("contact_email", "hulp", "invalid"),
        ("redirect_uris", "", "required"),
        ("redirect_uris", "http://orderwijs.example/terug", "scheme"),
        ("redirect_uris", "javascript:alert(1)", "scheme"),
        ("redirect_uris", "https://orderwijs.example/#terug", "fragment"),
        ("redirect_uris", "https://*.orderwijs.example/", "characters"),
        ("redirect_uris", "https://orderwijs.example@kwaad.example/", "userinfo"),
        ("redirect_uris", "https://orderwijs.example/terug\nhttps:///terug", "host"),
        ("scope", [], "required"),
        ("scope", ["root:manage"], "invalid_choice"),
        ("client_type", "trusted", "invalid_choice"),
        ("refresh_tokens", "eternal", "invalid_choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(operator: Client, field: str, value: Any, code: str) -> None:
    before = tables()
    assert errors(add(operator, **{field: value})) == {field: [code]}
    assert tables() == before


def test_every_wrong_redirect_uri_is_told(operator: Client) -> None:
    answer = add(operator, redirect_uris="http://a.example/\nhttps://b.example/\nhttps://c.example/#")
    assert errors(answer) == {"redirect_uris": ["scheme", "fragment"]}
    assert "https://b.example/" in answer.content.decode()  # what was typed stays


@pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])
def test_no_two_have_one_name(operator: Client, factory: Any) -> None:
    factory(name="Orderwijs")
    ClientCredentialFactory(name="Zendwijs")
    assert errors(add(operator, name="\uff2f\uff32DERwijs")) == {"name": ["unique"]}
    assert add(operator, name="Zendwijs").status_code == 302


@pytest.mark.parametrize("step", ["add", "change"])
def test_a_name_that_was_taken_in_between_is_said(operator: Client, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    party = ThirdPartyFactory(name="Zendwijs")
    where = address(party) if step == "change" else f"{PARTIES}add/"

    def taken(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError

    form = Page(operator.get(where).content.decode(), where).form("Opslaan").fill()
    monkeypatch.setattr(OAuthClient, "save", taken)
    data = form | {"name": ["Orderwijs"], "redirect_uris": ["https://orderwijs.example/terug"]}
    answer = operator.post(where, data, follow=True)
    assert answer.redirect_chain == [(where, 302)]
    assert "Er is al een partij met deze naam." in says(answer)
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize(
    "planted",
    [
        {"client_id": "mijn-id"},
        {"authorization_grant_type": "client-credentials"},
        {"seller": "1"},
        {"client_secret": "rts_planted"},
        {"skip_authorization": "on"},
        {"paused_at_0": "01-01-2026", "paused_at_1": "12:00"},
        {"created_by": "1"},
        {"folded_name": "x"},
    ],
)
def test_nothing_else_can_be_chosen(operator: Client, planted: dict[str, str]) -> None:
    add(operator, **planted)
    party = ThirdParty.objects.get()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", party.client_id)
    assert (party.seller, party.paused_at, party.folded_name) == (None, None, "orderwijs")
    assert party.created_by is not None
    assert party.created_by.is_superuser
    assert not party.secrets.exists()


def test_it_is_written_down_who_registered_it(operator: Client) -> None:
    add(operator)
    activity = Activity.objects.get()
    assert (activity.kind, activity.seller, activity.subject) == (Activity.Kind.CLIENT_REGISTERED, None, "Orderwijs")
    assert activity.actor_name == "Kim"
    assert LogEntry.objects.get().object_repr == "Orderwijs"


# ---- Changed ----------------------------------------------------------------------------------------------


def test_a_change_is_written_down_by_what_changed(operator: Client) -> None:
    party = ThirdPartyFactory(name="Orderwijs")
    answer = send(operator, address(party), name="Zendwijs", refresh_tokens="fixed")
    assert answer.status_code == 302
    party.refresh_from_db()
    assert (party.name, party.folded_name, party.refresh_tokens) == ("Zendwijs", "zendwijs", "fixed")
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject, activity.actor_name) == (Activity.Kind.CLIENT_CHANGED, "Zendwijs", "Kim")
    assert activity.explanation == "Gewijzigd: naam, refresh tokens."


def test_saving_it_as_it_is_changes_nothing(operator: Client) -> None:
    party = ThirdPartyFactory(redirect_uris="https://a.example/ https://b.example/", scope="orders:read orders:manage")
    before = OAuthClient.objects.values().get()
    shown = operator.get(address(party)).context["adminform"].form["redirect_uris"].value()
    assert shown.splitlines() == ["https://a.example/", "https://b.example/"]
    # A browser ends the lines of a text like this.
    send(operator, address(party), redirect_uris="https://a.example/\r\nhttps://b.example/")
    assert LogEntry.objects.get().get_change_message() == "Geen velden gewijzigd."
    # "Manage" alone says the same.
    send(operator, address(party), redirect_uris="https://a.example/\nhttps://b.example/", scope=["orders:manage"])
    after = OAuthClient.objects.values().get()
    assert after | {"updated": before["updated"]} == before
    assert not Activity.objects.exists()


def test_what_kind_of_client_it_is_stays(operator: Client) -> None:
    party = ThirdPartyFactory()
    send(operator, address(party), client_type="public", client_id="x", authorization_grant_type="none")
    party.refresh_from_db()
    assert (party.client_type, party.authorization_grant_type) == ("confidential", "authorization-code")


def test_it_can_keep_its_own_name(operator: Client) -> None:
    party = ThirdPartyFactory(name="Orderwijs")
    assert send(operator, address(party), name="ORDERWIJS").status_code == 302


def test_a_redirect_uri_that_is_gone_is_refused(operator: Client) -> None:
    party = ThirdPartyFactory()
    owner = signed_in(SellerFactory().members.get())
    request = request_address(software(party))
    assert owner.get(request).status_code == 200
    send(operator, address(party), redirect_uris="https://elders.example/terug")
    assert owner.get(request).status_code == 400


def test_a_party_is_never_deleted(operator: Client) -> None:
    for client in (ThirdPartyFactory(), ResourceServerFactory()):
        assert operator.post(address(client, "delete"), {"post": "yes"}).status_code == 403
        changelist = reverse(f"admin:apicredentials_{client._meta.model_name}_changelist")
        operator.post(changelist, {"action": "delete_selected", "_selected_action": client.pk, "post": "yes"})
        assert OAuthClient.objects.filter(pk=client.pk, deleted_at=None).exists()


# ---- Its tokens -------------------------------------------------------------------------------------------


def connected(party: ThirdParty) -> tuple[Software, dict[str, Any]]:
    """Return the party's software, and the tokens that a seller has just allowed it."""
    its_software = software(party)
    owner = signed_in(TechnicalContactFactory().seller.members.get())
    code = sent_back(decide(owner, request_address(its_software)))["code"]
    return its_software, its_software.exchange(code).json()


def test_narrower_rights_take_hold_at_once_and_come_back(operator: Client) -> None:
    party = ThirdPartyFactory(scope=scopes.join(["orders:manage", "invoices:read"]))
    its_software, tokens = connected(party)
    access = tokens["access_token"]
    assert rights(access) == "orders:read orders:manage invoices:read"
    send(operator, address(party), scope=["orders:read"])
    assert rights(access) == "orders:read"
    assert verify(access, "invoices:read").status_code == 403
    fresh = its_software.refresh(tokens["refresh_token"]).json()
    assert fresh["granted_scope"] == "orders:read"
    assert rights(fresh["access_token"]) == "orders:read"
    send(operator, address(party), scope=["orders:manage", "invoices:read"])
    assert rights(access) == "orders:read orders:manage invoices:read"


def test_wider_rights_need_a_new_consent(operator: Client) -> None:
    party = ThirdPartyFactory(scope="orders:read")
    its_software, tokens = connected(party)
    send(operator, address(party), scope=["orders:manage", "invoices:read"])
    assert rights(tokens["access_token"]) == "orders:read"
    assert its_software.refresh(tokens["refresh_token"]).json()["granted_scope"] == "orders:read"


def test_a_code_given_before_brings_the_rights_of_now(operator: Client) -> None:
    party = ThirdPartyFactory(scope=scopes.join(["orders:manage", "invoices:read"]))
    its_software = software(party)
    owner = signed_in(SellerFactory().members.get())
    code = sent_back(decide(owner, request_address(its_software)))["code"]
    send(operator, address(party), scope=["invoices:read"])
    tokens = its_software.exchange(code).json()
    assert tokens["granted_scope"] == rights(tokens["access_token"]) == "invoices:read"


def test_sellers_see_and_read_of_narrower_rights(operator: Client) -> None:
    party = ThirdPartyFactory(name="Orderwijs", scope=scopes.join(["orders:manage", "invoices:read"]))
    seller = TechnicalContactFactory().seller
    ThirdPartyAuthorizationFactory(seller=seller, third_party=party)
    other = ThirdPartyAuthorizationFactory().seller
    send(operator, address(party), scope=["orders:read"])
    assert {row.seller for row in Activity.objects.filter(kind=Activity.Kind.CLIENT_CHANGED)} == {seller, None}
    assert not other.activities.exists()
    owner = signed_in(seller.members.get())
    assert "Derde partij gewijzigd" in says(owner.get("/instellingen/api/activiteit/"))
    card = next(Page(owner.get("/instellingen/api/").content.decode()).root.all("article"))
    assert "Facturen" not in card.words
    assert "Bestellingen" in card.words
    # What does not concern them, they are not told.
    send(operator, address(party), scope=["orders:read", "products:read"], refresh_tokens="fixed")
    assert seller.activities.count() == 1


def test_deactivated_nothing_of_it_works_and_reactivated_all_of_it_does(operator: Client) -> None:
    party = ThirdPartyFactory()
    its_software, tokens = connected(party)
    owner = signed_in(SellerFactory().members.get())
    by = Actor(reason="Klacht")
    party.pause(by=by)
    assert verify(tokens["access_token"]).status_code == 401
    assert_error(its_software.refresh(tokens["refresh_token"]), "invalid_client", 401)
    assert owner.get(request_address(its_software)).status_code == 400
    party.resume(by=by)
    assert verify(tokens["access_token"]).status_code == 204
    assert its_software.refresh(tokens["refresh_token"]).status_code == 200
    assert owner.get(request_address(its_software)).status_code == 200


# ---- Its secret, once -------------------------------------------------------------------------------------


def press(operator: Client, client: OAuthClient, page: str, **data: str) -> str:
    """Press the button, and return the secret that is shown."""
    answer = operator.post(address(client, page), data)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    (secret,) = set(SECRET.findall(answer.content.decode()))
    return str(secret)


def works(client: OAuthClient, secret: str) -> bool:
    """Whether the client may speak with this secret at all."""
    return Software(client.client_id, secret).post("/revoke", token="x").status_code == 200


@KINDS
def test_the_form_leads_to_the_secret(operator: Client, factory: Any) -> None:
    client = factory()
    where = address(client)
    assert Page(operator.get(where).content.decode(), where).link("Toon secret") == address(client, "secret")
    page = Page(operator.get(address(client, "secret")).content.decode(), address(client, "secret"))
    form = page.form("Toon secret")
    assert (form.method, form.address) == ("post", address(client, "secret"))
    assert page.link("Annuleren") == where
    client.reveal(by=Actor())
    assert Page(operator.get(where).content.decode(), where).link("Nieuw secret") == address(client, "rotate")


@KINDS
def test_it_is_shown_once(operator: Client, factory: Any) -> None:
    client = factory()
    secret = press(operator, client, "secret")
    assert works(client, secret)
    for again in (operator, signed_in(kim())):
        answer = again.post(address(client, "secret"))
        assert answer.status_code == 409
        assert not SECRET.search(answer.content.decode())
        assert "is al getoond" in says(answer)
        assert f"…{secret[-4:]}" in says(answer)
    assert client.secrets.count() == 1


@KINDS
def test_it_is_kept_nowhere(operator: Client, factory: Any) -> None:
    client = factory()
    with listening(everything=True) as log:
        secrets = [press(operator, client, "secret"), press(operator, client, "rotate", overlap="24h")]
        pages = [operator.get(address(client, page)).content.decode() for page in ("change", "history", "secret")]
    for text in (repr(tables()), repr(sessions()), repr(operator.cookies), log.getvalue(), *pages):
        assert not [secret for secret in secrets if secret in text or secret[4:40] in text]
    assert secrets[1][-4:] in pages[0]
    messages = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    assert messages == ["Client secret getoond.", "Nieuw client secret gemaakt."]
    assert {activity.actor_name for activity in Activity.objects.all()} == {"Kim"}


@KINDS
@pytest.mark.parametrize("step", ["secret", "rotate"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_looking_makes_none(operator: Client, factory: Any, step: str, method: str) -> None:
    client = factory()
    before = tables()
    answer = operator.generic(method, address(client, step))
    assert answer.status_code == (200 if method in {"GET", "HEAD"} else 405)
    assert not SECRET.search(answer.content.decode())
    assert tables() == before


@KINDS
def test_the_old_one_works_as_long_as_was_chosen(operator: Client, factory: Any) -> None:
    client = factory()
    first = press(operator, client, "secret")
    second = press(operator, client, "rotate", overlap="24h")
    assert works(client, first)
    assert works(client, second)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=25)):
        assert not works(client, first)
    third = press(operator, client, "rotate", overlap="0")
    assert [works(client, secret) for secret in (first, second, third)] == [False, False, True]


@KINDS
def test_a_third_secret_waits_for_the_end_of_the_first(operator: Client, factory: Any) -> None:
    client = factory()
    press(operator, client, "secret")
    press(operator, client, "rotate", overlap="7d")
    answer = operator.post(address(client, "rotate"), {"overlap": "7d"})
    assert answer.status_code == 422
    assert "Er zijn al twee secrets." in says(answer)
    assert client.secrets.count() == 2


@KINDS
@pytest.mark.parametrize("data", [{}, {"overlap": "eeuwig"}])
def test_without_a_choice_no_new_secret_is_made(operator: Client, factory: Any, data: dict[str, str]) -> None:
    client = factory()
    client.reveal(by=Actor())
    answer = operator.post(address(client, "rotate"), {"x": "y"} | data)
    assert answer.status_code == 422
    assert client.secrets.count() == 1


@KINDS
def test_there_is_nothing_to_replace_before_the_first(operator: Client, factory: Any) -> None:
    client = factory()
    answer = operator.post(address(client, "rotate"), {"overlap": "0"})
    assert answer.status_code == 422
    assert "Er is nog geen secret." in says(answer)
    assert not client.secrets.exists()


def test_a_public_client_has_none(operator: Client) -> None:
    party = ThirdPartyFactory(public=True)
    for page in ("secret", "rotate"):
        assert operator.get(address(party, page)).status_code == 404
        assert operator.post(address(party, page), {"overlap": "0"}).status_code == 404
    assert "Toon secret" not in says(operator.get(address(party)))
    assert not party.secrets.exists()


def test_the_secret_of_a_seller_is_not_to_be_had_here(operator: Client) -> None:
    credential: ClientCredential = ClientCredentialFactory()
    for kind in ("thirdparty", "resourceserver"):
        url = reverse(f"admin:apicredentials_{kind}_secret", args=[credential.pk])
        assert operator.post(url).status_code == 404
    assert not credential.secrets.exists()


@KINDS
@pytest.mark.parametrize("step", ["secret", "rotate"])
def test_it_asks_who_is_there_when_that_was_long_ago(factory: Any, step: str) -> None:
    client = factory()
    operator = signed_in(kim())
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        for answer in (operator.get(address(client, step)), operator.post(address(client, step), {"overlap": "0"})):
            assert answer["Location"].startswith(PROVE)
    assert not client.secrets.exists()


@KINDS
@pytest.mark.parametrize("step", ["secret", "rotate"])
def test_who_may_not_change_it_gets_no_secret(factory: Any, step: str) -> None:
    client = factory()
    kind = client._meta.model_name
    others = {"view_thirdparty", "view_resourceserver", "change_clientcredential", "add_thirdparty"}
    before = tables()
    for browser in (staff(f"view_{kind}"), staff(*others), signed_in(SellerFactory().members.get()), Client()):
        after_arrival = tables()
        assert browser.get(address(client, step)).status_code in {302, 403}
        assert browser.post(address(client, step), {"overlap": "0"}).status_code in {302, 403}
        assert tables() == after_arrival
    assert before
    assert not client.secrets.exists()
    assert "Toon secret" not in says(staff(f"view_{kind}").get(address(client)))


@KINDS
def test_the_right_to_change_is_enough(factory: Any) -> None:
    client = factory()
    assert press(staff(f"change_{client._meta.model_name}"), client, "secret")


@KINDS
def test_the_pages_bring_their_own_token(factory: Any) -> None:
    client = factory()
    operator = signed_in(kim(), enforce_csrf_checks=True)
    for page, button in (("secret", "Toon secret"), ("rotate", "Nieuw secret")):
        form = Page(operator.get(address(client, page)).content.decode(), address(client, page)).form(button)
        assert operator.post(form.address, form.fill()).status_code == 200
    assert client.secrets.count() == 2


@KINDS
@pytest.mark.parametrize("step", ["secret", "rotate", "change"])
def test_csrf_is_enforced(factory: Any, step: str) -> None:
    client = factory()
    operator = signed_in(kim(), enforce_csrf_checks=True)
    before = tables()
    assert operator.post(address(client, step), {"overlap": "0", "name": "X"}).status_code == 403
    assert tables() == before


def test_who_may_only_look_sees_the_party_and_changes_nothing() -> None:
    party = ThirdPartyFactory(name="Orderwijs")
    ThirdPartyLogo.set_for(party, b'<svg xmlns="http://www.w3.org/2000/svg"/>', by=Actor())
    client = staff("view_thirdparty")
    page = says(client.get(address(party)))
    assert "Orderwijs" in page
    assert "https://partij.example/terug" in page
    before = tables()
    assert client.post(address(party), {"name": "X"}).status_code == 403
    assert client.post(f"{PARTIES}add/", {"name": "X"}).status_code == 403
    assert tables() == before


# ---- Resource servers -------------------------------------------------------------------------------------


def test_a_resource_server_is_a_name(operator: Client) -> None:
    answer = send(operator, reverse("admin:apicredentials_resourceserver_add"), name=" Retailer API ", scope="x")
    server = ResourceServer.objects.get()
    assert answer["Location"] == address(server)
    assert (server.name, server.scope, server.authorization_grant_type) == ("Retailer API", "", "none")
    secret = press(operator, server, "secret")
    assert Software(server.client_id, secret).post("/introspect", token="x").json() == {"active": False}


def test_the_name_of_a_resource_server_is_its_own(operator: Client) -> None:
    ThirdPartyFactory(name="Orderwijs")
    where = reverse("admin:apicredentials_resourceserver_add")
    assert errors(send(operator, where, name="orderwijs")) == {"name": ["unique"]}


def test_a_resource_server_is_not_changed(operator: Client) -> None:
    server = ResourceServerFactory(name="Retailer API")
    assert operator.post(address(server), {"name": "X"}).status_code == 403
    assert ResourceServer.objects.get().name == "Retailer API"
