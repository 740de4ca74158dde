"""The consent page of the authorization endpoint: its content, and the rights left ticked (OAuth 2.1)."""

import base64
import re

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Seller
from apicredentials import scopes
from apicredentials.models import ThirdParty, ThirdPartyAuthorization
from apicredentials.moments import one_year_after
from tests.factories import SellerFactory, ThirdPartyFactory
from tests.oauth.consent import nothing_was_recorded
from tests.oauth.flow import STATE, Software, decide, request_address, rights, sent_back, software
from tests.people import codes, says
from tests.rights import posted

# ---- The page ---------------------------------------------------------------------------------------------


def test_page_names_party_rights_seller_and_end_date(owner: Client, party: Software, seller: Seller) -> None:
    """V10.7.2."""
    page = owner.get(request_address(party, scope="orders:manage offers:read"))
    words = says(page)
    ends_at = timezone.localtime(one_year_after(timezone.now()))
    for expected in (
        ThirdParty.objects.get().name,
        "partij.example",
        seller.display_name,
        seller.retailer_id,
        seller.members.get().email,
        "Bestellingen",
        "Aanbod",
        date_format(ends_at, "j F Y"),
        "Toestaan",
        "Weigeren",
    ):
        assert expected in words
    assert "Facturen" not in words


def test_page_shows_the_partys_contact_if_known(owner: Client) -> None:
    assert "Vragen?" not in says(owner.get(request_address(software(ThirdPartyFactory()))))
    party = software(ThirdPartyFactory(name="Orderwijs", contact_email="hulp@orderwijs.example"))
    assert "Vragen? hulp@orderwijs.example" in says(owner.get(request_address(party)))


def test_page_names_the_user_once(owner: Client, party: Software, seller: Seller) -> None:
    user = seller.members.get()
    for name, shown in (("Sanne", f"Jij Sanne ({user.email}) Ander"), ("", f"Jij {user.email} Ander")):
        seller.members.update(name=name)
        assert shown in says(owner.get(request_address(party)))


def test_name_of_the_party_is_escaped(owner: Client) -> None:
    """V1.2.1."""
    party = software(ThirdPartyFactory(name="<b>Partij</b>{{ 7 }}"))
    page = owner.get(request_address(party)).content.decode()
    assert "&lt;b&gt;Partij&lt;/b&gt;{{ 7 }}" in page
    assert "<b>Partij" not in page


def test_page_forbids_framing_caching_and_scripts_but_not_redirects(owner: Client, party: Software) -> None:
    """OAuth 2.1 (clickjacking), V3.4.3-3.4.6."""
    page = owner.get(request_address(party))
    policy = dict(part.strip().partition(" ")[::2] for part in page["Content-Security-Policy"].split(";"))
    assert policy["form-action"].split() == ["'self'", "https:", "http:"]
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'none'"
    assert {source for sources in policy.values() for source in sources.split()} <= {
        "'self'",
        "'none'",
        "data:",
        "https:",
        "http:",
    }
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert page["Cache-Control"] == "no-store"


def test_invalid_form_may_still_redirect_to_the_party(owner: Client, party: Software) -> None:
    page = decide(owner, request_address(party), scopes=[])
    assert page.status_code == 422
    assert "form-action 'self' https: http:" in page["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["/authorize", "/inloggen/?next=/authorize"])
def test_other_pages_may_not_submit_forms_elsewhere(db: None, address: str) -> None:
    assert "form-action 'self'" in Client().get(address)["Content-Security-Policy"]


def test_page_does_not_contain_the_session_key(owner: Client, party: Software) -> None:
    """V3.3.x: the cookie is HttpOnly so that no script can read the key."""
    page = owner.get(request_address(party))
    key = owner.session.session_key
    assert key is not None
    shown = page.context["shown"]
    held = page.content + b"".join(_decoded(part) for part in re.split(r"[:.]", shown))
    assert key.encode() not in held


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ---- The rights left ticked -------------------------------------------------------------------------------


def test_unticked_rights_are_not_granted(owner: Client, party: Software) -> None:
    code = sent_back(decide(owner, request_address(party), scopes=["orders:read", "invoices:read"]))["code"]
    assert rights(party.exchange(code).json()["access_token"]) == "orders:read invoices:read"


def test_without_named_rights_all_registered_rights_are_offered(owner: Client) -> None:
    party = software(ThirdPartyFactory(scope=scopes.join(["orders:manage", "offers:read"])))
    offered = owner.get(request_address(party)).context["form"].fields["scopes"].initial
    assert offered == ["offers:read", "orders:read", "orders:manage"]


@pytest.mark.parametrize("scope", [None, "", "offline_access"])
def test_without_scope_all_registered_rights_are_offered(owner: Client, party: Software, scope: str | None) -> None:
    """RFC 6749 §3.3."""
    code = sent_back(decide(owner, request_address(party, scope=scope)))["code"]
    assert party.exchange(code).json()["scope"] == "offline_access"


def test_only_rights_shown_on_the_page_can_be_granted(owner: Client, party: Software) -> None:
    """CVE-2023-27891."""
    for ticked in ("invoices:read", "orders:read offers:manage", "offline_access", "RETAILER", "\x00", "é" * 1000, ""):
        page = decide(owner, request_address(party, scope="orders:manage"), scopes=ticked.split(" ") if ticked else [])
        assert page.status_code == 422
        assert codes(page.context["form"]) == {"scopes": ["invalid_choice" if ticked else "required"]}
    assert nothing_was_recorded()


def test_decision_must_be_yes_or_no(owner: Client, party: Software) -> None:
    for allow in ("", "maybe", "YES", "\x00", "é" * 1000):
        assert decide(owner, request_address(party), allow=allow).status_code == 422
    assert nothing_was_recorded()


def test_other_form_fields_are_ignored(owner: Client, party: Software, seller: Seller) -> None:
    """V15.3.3."""
    other = SellerFactory()
    address = request_address(party, scope="orders:read")
    page = owner.get(address)
    form = {"shown": page.context["shown"], "allow": "yes", **posted(["orders:read"])}
    extra = {
        "client_id": "x",
        "redirect_uri": "https://evil.example",
        "scope": "orders:manage",
        "state": "x",
        "code_challenge": "x" * 43,
        "seller": other.retailer_id,
        "user": "1",
        "expires_at": "2999-01-01",
        "skip_authorization": "on",
        "response_mode": "fragment",
    }
    received = sent_back(owner.post(address, form | extra))
    assert received["state"] == STATE
    authorization = ThirdPartyAuthorization.objects.get()
    assert (authorization.seller, authorization.scope) == (seller, "orders:read")
    assert party.exchange(received["code"]).status_code == 200
