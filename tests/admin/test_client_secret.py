"""`/beheer/apicredentials/…/<pk>/secret/` and `…/nieuw-secret/`: the secret of a party or a resource server, once."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Actor
from apicredentials.models import Activity, ClientCredential, OAuthClient
from tests.admin.clients import SECRET, address, press
from tests.admin.conftest import kim, staff
from tests.factories import ClientCredentialFactory, ResourceServerFactory, SellerFactory, ThirdPartyFactory
from tests.inventory import sessions, tables
from tests.journeys.pages import Page
from tests.logged import listening
from tests.oauth.flow import Software
from tests.people import PROVE, says, signed_in

pytestmark = pytest.mark.django_db

KINDS = pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])


def works(client: OAuthClient, secret: str) -> bool:
    """Return whether the client can authenticate with this secret."""
    return Software(client.client_id, secret).post("/revoke", token="x").status_code == 200


@KINDS
def test_form_links_to_the_secret(operator: Client, factory: Any) -> None:
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
def test_secret_is_shown_once(operator: Client, factory: Any) -> None:
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
def test_secret_is_not_stored_or_logged(operator: Client, factory: Any) -> None:
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
def test_other_methods_create_no_secret(operator: Client, factory: Any, step: str) -> None:
    client = factory()
    before = tables()
    for method, status in (("GET", 200), ("HEAD", 200), ("OPTIONS", 405), ("PUT", 405), ("DELETE", 405)):
        answer = operator.generic(method, address(client, step))
        assert answer.status_code == status
        assert not SECRET.search(answer.content.decode())
    assert tables() == before


@KINDS
def test_old_secret_works_until_its_chosen_end(operator: Client, factory: Any) -> None:
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
def test_third_secret_is_refused_while_two_work(operator: Client, factory: Any) -> None:
    client = factory()
    press(operator, client, "secret")
    press(operator, client, "rotate", overlap="7d")
    answer = operator.post(address(client, "rotate"), {"overlap": "7d"})
    assert answer.status_code == 422
    assert "Er zijn al twee secrets." in says(answer)
    assert client.secrets.count() == 2


@KINDS
def test_stale_page_creates_no_secret(operator: Client, factory: Any) -> None:
    """A second submission would end the secret that another operator has just passed on."""
    client = factory()
    press(operator, client, "secret")
    page = Page(operator.get(address(client, "rotate")).content.decode(), address(client, "rotate"))
    sent = page.form("Nieuw secret").fill() | {"overlap": "0"}
    second = press(operator, client, "rotate", **sent)
    answer = operator.post(address(client, "rotate"), sent, follow=True)
    assert answer.redirect_chain == [(address(client), 302)]
    assert "Intussen is er al een nieuw secret gemaakt." in says(answer)
    assert client.secrets.count() == 2
    assert works(client, second)


@KINDS
def test_overlap_must_be_chosen(operator: Client, factory: Any) -> None:
    client = factory()
    client.reveal(by=Actor())
    for data in ({"x": "y"}, {"overlap": "eeuwig"}):
        assert operator.post(address(client, "rotate"), data).status_code == 422
    assert client.secrets.count() == 1


@KINDS
def test_rotation_without_a_secret_is_refused(operator: Client, factory: Any) -> None:
    client = factory()
    answer = operator.post(address(client, "rotate"), {"overlap": "0"})
    assert answer.status_code == 422
    assert "Er is nog geen secret." in says(answer)
    assert not client.secrets.exists()


def test_public_client_has_no_secret(operator: Client) -> None:
    party = ThirdPartyFactory(public=True)
    for page in ("secret", "rotate"):
        assert operator.get(address(party, page)).status_code == 404
        assert operator.post(address(party, page), {"overlap": "0"}).status_code == 404
    assert "Toon secret" not in says(operator.get(address(party)))
    assert not party.secrets.exists()


def test_secret_of_a_sellers_credential_cannot_be_created_here(operator: Client) -> None:
    credential: ClientCredential = ClientCredentialFactory()
    for kind in ("thirdparty", "resourceserver"):
        url = reverse(f"admin:apicredentials_{kind}_secret", args=[credential.pk])
        assert operator.post(url).status_code == 404
    assert not credential.secrets.exists()


@KINDS
@pytest.mark.parametrize("step", ["secret", "rotate"])
def test_recent_proof_of_identity_is_required(factory: Any, step: str) -> None:
    client = factory()
    operator = signed_in(kim())
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        for answer in (operator.get(address(client, step)), operator.post(address(client, step), {"overlap": "0"})):
            assert answer["Location"].startswith(PROVE)
    assert not client.secrets.exists()


@KINDS
@pytest.mark.parametrize("step", ["secret", "rotate"])
def test_change_permission_is_required(factory: Any, step: str) -> None:
    client = factory()
    kind = client._meta.model_name
    others = {"view_thirdparty", "view_resourceserver", "change_clientcredential", "add_thirdparty"}
    for browser in (staff(f"view_{kind}"), staff(*others), signed_in(SellerFactory().members.get()), Client()):
        after_arrival = tables()
        assert browser.get(address(client, step)).status_code in {302, 403}
        assert browser.post(address(client, step), {"overlap": "0"}).status_code in {302, 403}
        assert tables() == after_arrival
    assert not client.secrets.exists()
    assert "Toon secret" not in says(staff(f"view_{kind}").get(address(client)))


@KINDS
def test_change_permission_is_sufficient(factory: Any) -> None:
    client = factory()
    assert press(staff(f"change_{client._meta.model_name}"), client, "secret")


@KINDS
def test_forms_contain_a_csrf_token(factory: Any) -> None:
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
