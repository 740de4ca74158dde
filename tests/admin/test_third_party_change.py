"""`/beheer/…/thirdparty/<pk>/change/`: changes of a party, and their effect on its tokens."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Actor
from apicredentials import scopes
from apicredentials.models import Activity, OAuthClient, ThirdParty, ThirdPartyLogo
from tests.admin.clients import PARTIES, address, send
from tests.admin.conftest import staff
from tests.admin.pictures import PNG
from tests.factories import (
    ResourceServerFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.oauth.flow import Software, decide, request_address, rights, sent_back, software, verify
from tests.people import says, signed_in
from tests.rights import only

pytestmark = pytest.mark.django_db


# ---- Changed ----------------------------------------------------------------------------------------------


def test_change_is_logged_with_the_changed_fields(operator: Client) -> None:
    party = ThirdPartyFactory(name="Orderwijs")
    answer = send(operator, address(party), name="Zendwijs", refresh_tokens="fixed")
    assert answer.status_code == 302
    party.refresh_from_db()
    assert (party.name, party.folded_name, party.refresh_tokens) == ("Zendwijs", "zendwijs", "fixed")
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject, activity.actor_name) == (Activity.Kind.CLIENT_CHANGED, "Zendwijs", "Kim")
    assert activity.explanation == "Gewijzigd: naam, refresh tokens."


def test_saving_without_changes_changes_nothing(operator: Client) -> None:
    party = ThirdPartyFactory(redirect_uris="https://a.example/ https://b.example/", scope="orders:read orders:manage")
    before = OAuthClient.objects.values().get()
    shown = operator.get(address(party)).context["adminform"].form["redirect_uris"].value()
    assert shown.splitlines() == ["https://a.example/", "https://b.example/"]
    # A browser ends the lines of a text like this.
    send(operator, address(party), redirect_uris="https://a.example/\r\nhttps://b.example/")
    assert LogEntry.objects.get().get_change_message() == "Geen velden gewijzigd."
    # "Manage" alone says the same.
    send(operator, address(party), redirect_uris="https://a.example/\nhttps://b.example/", **only(["orders:manage"]))
    after = OAuthClient.objects.values().get()
    assert after | {"updated": before["updated"]} == before
    assert not Activity.objects.exists()


def test_kind_of_client_cannot_be_changed(operator: Client) -> None:
    party = ThirdPartyFactory()
    send(operator, address(party), client_type="public", client_id="x", authorization_grant_type="none")
    party.refresh_from_db()
    assert (party.client_type, party.authorization_grant_type) == ("confidential", "authorization-code")


def test_party_can_keep_its_name(operator: Client) -> None:
    party = ThirdPartyFactory(name="Orderwijs")
    assert send(operator, address(party), name="ORDERWIJS").status_code == 302


def test_removed_redirect_uri_is_refused(operator: Client) -> None:
    party = ThirdPartyFactory()
    owner = signed_in(SellerFactory().members.get())
    request = request_address(software(party))
    assert owner.get(request).status_code == 200
    send(operator, address(party), redirect_uris="https://elders.example/terug")
    assert owner.get(request).status_code == 400


def test_party_cannot_be_deleted(operator: Client) -> None:
    for client in (ThirdPartyFactory(), ResourceServerFactory()):
        assert operator.post(address(client, "delete"), {"post": "yes"}).status_code == 403
        changelist = reverse(f"admin:apicredentials_{client._meta.model_name}_changelist")
        operator.post(changelist, {"action": "delete_selected", "_selected_action": client.pk, "post": "yes"})
        assert OAuthClient.objects.filter(pk=client.pk, deleted_at=None).exists()


def test_view_permission_shows_the_party_and_allows_no_change() -> None:
    party = ThirdPartyFactory(name="Orderwijs")
    ThirdPartyLogo.set_for(party, PNG, by=Actor())
    client = staff("view_thirdparty")
    page = says(client.get(address(party)))
    assert "Orderwijs" in page
    assert "https://partij.example/terug" in page
    before = tables()
    assert client.post(address(party), {"name": "X"}).status_code == 403
    assert client.post(f"{PARTIES}add/", {"name": "X"}).status_code == 403
    assert tables() == before


# ---- Its tokens -------------------------------------------------------------------------------------------


def connected(party: ThirdParty) -> tuple[Software, dict[str, Any]]:
    """Return the party's software, and the tokens that a seller has just allowed it."""
    its_software = software(party)
    owner = signed_in(TechnicalContactFactory().seller.members.get())
    code = sent_back(decide(owner, request_address(its_software)))["code"]
    return its_software, its_software.exchange(code).json()


def test_narrower_rights_apply_at_once_and_can_be_restored(operator: Client) -> None:
    party = ThirdPartyFactory(scope=scopes.join(["orders:manage", "invoices:read"]))
    its_software, tokens = connected(party)
    access = tokens["access_token"]
    assert rights(access) == "orders:read orders:manage invoices:read"
    send(operator, address(party), **only(["orders:read"]))
    assert rights(access) == "orders:read"
    assert verify(access, "invoices:read").status_code == 403
    fresh = its_software.refresh(tokens["refresh_token"]).json()
    assert fresh["granted_scope"] == "orders:read"
    assert rights(fresh["access_token"]) == "orders:read"
    send(operator, address(party), **only(["orders:manage", "invoices:read"]))
    assert rights(access) == "orders:read orders:manage invoices:read"


def test_wider_rights_need_a_new_consent(operator: Client) -> None:
    party = ThirdPartyFactory(scope="orders:read")
    its_software, tokens = connected(party)
    send(operator, address(party), **only(["orders:manage", "invoices:read"]))
    assert rights(tokens["access_token"]) == "orders:read"
    assert its_software.refresh(tokens["refresh_token"]).json()["granted_scope"] == "orders:read"


def test_code_from_before_a_change_gives_the_current_rights(operator: Client) -> None:
    party = ThirdPartyFactory(scope=scopes.join(["orders:manage", "invoices:read"]))
    its_software = software(party)
    owner = signed_in(SellerFactory().members.get())
    code = sent_back(decide(owner, request_address(its_software)))["code"]
    send(operator, address(party), **only(["invoices:read"]))
    tokens = its_software.exchange(code).json()
    assert tokens["granted_scope"] == rights(tokens["access_token"]) == "invoices:read"


def test_narrower_rights_are_in_the_sellers_log_and_page(operator: Client) -> None:
    party = ThirdPartyFactory(name="Orderwijs", scope=scopes.join(["orders:manage", "invoices:read"]))
    seller = TechnicalContactFactory().seller
    authorization = ThirdPartyAuthorizationFactory(seller=seller, third_party=party)
    other = ThirdPartyAuthorizationFactory().seller
    send(operator, address(party), **only(["orders:read"]))
    assert {row.seller for row in Activity.objects.filter(kind=Activity.Kind.CLIENT_CHANGED)} == {seller, None}
    assert not other.activities.exists()
    owner = signed_in(seller.members.get())
    assert "Derde partij gewijzigd" in says(owner.get("/instellingen/api/activiteit/"))
    page = owner.get(f"/instellingen/api/partijen/{authorization.uid}/")
    granted = [box.words for box in Page(page.content.decode()).root.all("ul") if box["class"] == "rights"]
    assert granted == ["Bestellingen Lezen"]
    # Other changes do not concern the sellers.
    send(operator, address(party), **only(["orders:read", "products:read"]), refresh_tokens="fixed")
    assert seller.activities.count() == 1
