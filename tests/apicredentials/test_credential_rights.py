"""`…/credentials/<id>/rechten/`: other rights, which tokens already issued obey too."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Seller
from apicredentials import scopes
from apicredentials.models import Activity, ClientCredential
from tests.factories import ClientCredentialFactory
from tests.journeys.pages import Page
from tests.oauth.flow import rights, software, verify
from tests.people import codes, says
from tests.rights import chosen, posted

SETTINGS = "/instellingen/api/"
SOME = ["orders:read", "orders:manage", "invoices:read"]


@pytest.fixture
def credential(seller: Seller) -> ClientCredential:
    """A credential with SOME rights."""
    return ClientCredentialFactory(seller=seller, name="Magazijn", scope=scopes.join(SOME))


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/rechten/"


def test_form_starts_from_the_present_rights(owner: Client, credential: ClientCredential) -> None:
    page = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main")
    assert page.headings == ["Rechten wijzigen van 'Magazijn'"]
    form = page.form("Opslaan")
    assert (form.method, form.address) == ("post", address(credential))
    assert set(chosen(form.fill())) == set(SOME)
    offered = {f"{box['name']}:{box['value']}" for box in form.element.all("input") if box["type"] == "radio"}
    assert offered == {f"right-{scope}" for scope in [*scopes.ALL, *(f"{each.name}:" for each in scopes.RESOURCES)]}


def test_saving_it_as_it_is_changes_nothing(owner: Client, credential: ClientCredential) -> None:
    form = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main").form("Opslaan")
    answer = owner.post(form.address, form.fill(), follow=True)
    assert "De rechten van 'Magazijn' zijn opgeslagen." in says(answer)
    credential.refresh_from_db()
    assert credential.scope == scopes.join(SOME)
    assert not Activity.objects.exists()


def test_page_of_the_credential_leads_here_and_shows_the_new_rights(
    owner: Client, credential: ClientCredential
) -> None:
    page = f"{SETTINGS}credentials/{credential.client_id}/"
    found = Page(owner.get(page).content.decode(), page).part("main")
    assert found.form("Rechten wijzigen").address == address(credential)
    headers = {"Referer": f"http://testserver{page}"}
    answer = owner.post(address(credential), posted(["offers:read"]), follow=True, headers=headers)
    assert answer.redirect_chain == [(page, 302)]
    assert "De rechten van 'Magazijn' zijn opgeslagen." in says(answer)
    assert "Aanbod Lezen De andere 16 rechten: Geen." in Page(answer.content.decode()).part("main").words


def test_fewer_rights_count_at_once_for_tokens_already_issued(owner: Client, credential: ClientCredential) -> None:
    token = software(credential).access_token()
    assert verify(token, "orders:manage").status_code == 204
    owner.post(address(credential), posted(["orders:read"]))
    assert rights(token) == "orders:read"
    assert verify(token, "orders:manage").status_code == 403
    assert verify(token, "invoices:read").status_code == 403
    assert verify(token, "orders:read").status_code == 204


def test_more_rights_count_from_the_next_token(owner: Client, credential: ClientCredential) -> None:
    warehouse = software(credential)
    token = warehouse.access_token()
    owner.post(address(credential), posted([*SOME, "offers:read"]))
    assert rights(token) == scopes.join(SOME)
    assert verify(warehouse.access_token(), "offers:read").status_code == 204


def test_to_manage_includes_to_read(owner: Client, credential: ClientCredential) -> None:
    owner.post(address(credential), posted(["returns:manage"]))
    credential.refresh_from_db()
    assert credential.scope == "returns:read returns:manage"


@pytest.mark.parametrize(
    ("given", "code"), [([], "required"), (["alles"], "invalid_choice"), (["orders:read", "x:read"], "invalid_choice")]
)
def test_no_right_or_an_unknown_right_is_refused(
    owner: Client, credential: ClientCredential, given: list[str], code: str
) -> None:
    answer = owner.post(address(credential), posted(given))
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"scopes": [code]}
    credential.refresh_from_db()
    assert credential.scope == scopes.join(SOME)


def test_log_says_what_changed(owner: Client, credential: ClientCredential) -> None:
    owner.post(address(credential), posted(["orders:read", "offers:read"]))
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject) == (Activity.Kind.CREDENTIAL_RIGHTS_CHANGED, "Magazijn")
    assert activity.explanation == (
        "Aanbod: Lezen (was: geen). Bestellingen: Lezen (was: Lezen en beheren). Facturen: geen (was: Lezen)."
    )


def test_stranger_changes_nothing(stranger: Client, credential: ClientCredential) -> None:
    for answer in (stranger.get(address(credential)), stranger.post(address(credential), posted(["offers:read"]))):
        assert answer.status_code == 404
    credential.refresh_from_db()
    assert credential.scope == scopes.join(SOME)


def test_password_is_asked_again_after_half_an_hour(owner: Client, credential: ClientCredential) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        answer = owner.post(address(credential), posted(["offers:read"]))
    assert answer["Location"].startswith("/inloggen/bevestigen/?next=")
    credential.refresh_from_db()
    assert credential.scope == scopes.join(SOME)
