"""A third party's request is kept, and named, on every step that comes before it."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.links import link_token
from accounts.models import Invitation
from tests.accounts.factors import APP, SECOND_STEP, code_of, set_up_app
from tests.factories import PASSWORD, MembershipFactory, SellerFactory, ThirdPartyFactory, UserFactory
from tests.journeys.pages import Page
from tests.mailbox import last_link
from tests.people import NEW_PASSWORD, PROVE, SIGN_IN, says, signed_in

if TYPE_CHECKING:
    from tests.people import Response

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_address() -> str:
    party = ThirdPartyFactory(name="Orderwijs", pkce_required=False)
    query = {"client_id": party.client_id, "response_type": "code", "redirect_uri": party.redirect_uris}
    return f"/authorize?{urlencode(query)}"


def named(response: "Response", address: str = "") -> Page:
    """Return a page that names the party; `address` is where its links and forms start from."""
    assert response.status_code == 200
    assert "Doorgaan naar Orderwijs" in says(response)
    chain = getattr(response, "redirect_chain", [])
    return Page(response.content.decode(), chain[-1][0] if chain else address)


def submit(client: Client, page: Page, button: str, **values: str) -> "Response":
    form = page.form(button)
    return client.post(form.address, form.fill(**values), follow=True)


def sign_in_on(client: Client, page: Page, email: str, password: str = PASSWORD) -> "Response":
    form = page.form("Inloggen")
    return client.post(form.address, form.fill(**{"E-mailadres": email, "Wachtwoord": password}))


def test_forgotten_password_leads_back_to_the_request(client: Client, request_address: str) -> None:
    user = MembershipFactory().user
    sign_in = named(client.get(request_address, follow=True))
    forgotten = named(client.get(sign_in.link("Wachtwoord vergeten?")), sign_in.link("Wachtwoord vergeten?"))
    named(submit(client, forgotten, "Link versturen", **{"E-mailadres": user.email}))
    choosing = named(client.get(last_link(), follow=True))
    named(client.get(choosing.link("Annuleren")))
    both = dict.fromkeys(choosing.form("Wachtwoord opslaan").fields, NEW_PASSWORD)
    done = named(submit(client, choosing, "Wachtwoord opslaan", **both))
    again = named(client.get(done.link("Naar inloggen")), SIGN_IN)
    assert sign_in_on(client, again, user.email, NEW_PASSWORD)["Location"] == request_address


def invitation_address(email: str) -> str:
    row = Invitation.objects.create(seller=SellerFactory(), email=email, role="technical")
    return f"/uitnodiging/?token={link_token('invitation', row.pk, row.nonce)}"


@pytest.mark.parametrize("second_step", ["none", "asked", "required"])
def test_invitation_of_an_account_leads_back_to_the_request(
    client: Client, request_address: str, second_step: str, settings: Settings
) -> None:
    settings.REQUIRE_MFA = "all" if second_step == "required" else "off"
    user = UserFactory()
    secret = set_up_app(signed_in(user))[0] if second_step == "asked" else ""
    address = invitation_address(user.email)
    named(client.get(request_address, follow=True))
    sign_in = named(client.get(address, follow=True))
    assert "Log in om de uitnodiging te bekijken" in sign_in.words
    back = sign_in_on(client, sign_in, user.email)
    if second_step == "asked":
        named(client.get(SECOND_STEP))
        back = client.post(SECOND_STEP, {"code": code_of(secret)})
    if second_step == "required":
        named(client.get(back["Location"], follow=True))
        named(client.get(APP))
        set_up_app(client)
    invitation = named(client.get(back["Location"]), "/uitnodiging/")
    form = invitation.form("Accepteren")
    assert client.post(form.address, form.fill())["Location"] == request_address


def test_question_for_proof_names_the_party(request_address: str) -> None:
    named(signed_in(MembershipFactory().user).get(PROVE, {"next": request_address}))
