"""`/beheer/apicredentials/thirdparty/add/`: registration of third parties."""

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError
from django.test import Client

from apicredentials import scopes
from apicredentials.models import Activity, OAuthClient, ThirdParty
from tests.admin.clients import PARTIES, address, errors, send
from tests.factories import ClientCredentialFactory, ResourceServerFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.people import says
from tests.rights import only

if TYPE_CHECKING:
    from tests.people import Response

pytestmark = pytest.mark.django_db


def add(operator: Client, **fields: Any) -> "Response":
    return send(
        operator, f"{PARTIES}add/", **{"name": "Orderwijs", "redirect_uris": "https://orderwijs.example/terug"} | fields
    )


def test_defaults_are_every_right_pkce_and_rotating_tokens(operator: Client) -> None:
    answer = add(operator)
    party = ThirdParty.objects.get()
    assert answer["Location"] == address(party)
    assert (party.name, party.redirect_uris) == ("Orderwijs", "https://orderwijs.example/terug")
    assert party.rights == list(scopes.ALL)
    assert (party.refresh_tokens, party.pkce_required, party.client_type) == ("rotating", True, "confidential")
    assert party.created_by is not None


def test_every_field_is_stored(operator: Client) -> None:
    uris = "https://orderwijs.example/terug\r\n\r\n  http://localhost:3000/terug\r\nhttps://orderwijs.example/terug"
    choices = {"client_type": "public", "refresh_tokens": "fixed", "pkce_required": [], **only(["orders:manage"])}
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
        ("name", "\u041erderwijs", "mixed_scripts"),
        ("contact_email", "hulp", "invalid"),
        ("redirect_uris", "", "required"),
        ("redirect_uris", "http://orderwijs.example/terug", "scheme"),
        ("redirect_uris", "https://orderwijs.example/terug\nhttps:///terug", "host"),
        ("start_url", "javascript:alert(1)", "invalid"),
        ("description", "x" * 201, "max_length"),
        ("level", "platina", "invalid_choice"),
        ("client_type", "trusted", "invalid_choice"),
        ("refresh_tokens", "eternal", "invalid_choice"),
    ],
)
def test_error_is_shown_at_its_field(operator: Client, field: str, value: Any, code: str) -> None:
    before = tables()
    assert errors(add(operator, **{field: value})) == {field: [code]}
    assert tables() == before


@pytest.mark.parametrize(
    ("fields", "code"), [(only([]), "required"), ({"right-root": "manage"}, "invalid_choice")], ids=["none", "unknown"]
)
def test_invalid_rights_are_refused(operator: Client, fields: dict[str, str], code: str) -> None:
    assert errors(add(operator, **fields)) == {"scope": [code]}
    assert not ThirdParty.objects.exists()


def test_listed_party_needs_a_start_address(operator: Client) -> None:
    partner = {"level": "gold", "description": "Koppelt je kassa.", "start_url": "https://orderwijs.example/start"}
    assert errors(add(operator, is_listed="on")) == {"start_url": ["required"]}
    assert add(operator, is_listed="on", **partner).status_code == 302
    assert ThirdParty.objects.listed().values(*partner).get() == partner


def test_every_invalid_redirect_uri_is_named(operator: Client) -> None:
    answer = add(operator, redirect_uris="http://a.example/\nhttps://b.example/\nhttps://c.example/#")
    assert errors(answer) == {"redirect_uris": ["scheme", "fragment"]}
    assert "https://b.example/" in answer.content.decode()  # what was typed stays


@pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])
def test_name_in_use_is_refused_ignoring_case_and_width(operator: Client, factory: Any) -> None:
    factory(name="Orderwijs")
    ClientCredentialFactory(name="Zendwijs")
    assert errors(add(operator, name="\uff2f\uff32DERwijs")) == {"name": ["unique"]}
    assert add(operator, name="Zendwijs").status_code == 302


@pytest.mark.parametrize("step", ["add", "change"])
def test_name_taken_meanwhile_is_reported(operator: Client, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
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


def test_other_fields_are_ignored(operator: Client) -> None:
    planted = {"client_id": "mijn-id", "authorization_grant_type": "client-credentials", "seller": "1"}
    planted |= {"client_secret": "rts_planted", "paused_at_0": "01-01-2026", "paused_at_1": "12:00"}
    add(operator, **planted, created_by="1", folded_name="x")
    party = ThirdParty.objects.get()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", party.client_id)
    assert (party.seller, party.paused_at, party.folded_name) == (None, None, "orderwijs")
    assert party.created_by is not None
    assert party.created_by.is_superuser
    assert not party.secrets.exists()


def test_registration_is_logged(operator: Client) -> None:
    add(operator)
    activity = Activity.objects.get()
    assert (activity.kind, activity.seller, activity.subject) == (Activity.Kind.CLIENT_REGISTERED, None, "Orderwijs")
    assert activity.actor_name == "Kim"
    assert LogEntry.objects.get().object_repr == "Orderwijs"
