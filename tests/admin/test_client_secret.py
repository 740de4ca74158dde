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
    """Return whether the client may speak with this secret at all."""
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
def test_a_page_from_before_another_new_secret_makes_none(operator: Client, factory: Any) -> None:
    """Sent twice, or by two operators, it would end the secret that the other has just passed on."""
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
