"""Acts that ask for proof of identity: which they are, and the form that is filled in again afterwards."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from tests.accounts.factors import code_of, set_up_app
from tests.factories import MembershipFactory
from tests.inventory import MEMBERS_PAGES, Address, own_values, tables
from tests.journeys.pages import Element, Page, content
from tests.people import PROVE, signed_in
from tests.rights import only

pytestmark = pytest.mark.django_db

ASKING = {
    "apicredentials:contact",
    "apicredentials:secret-end",
    *(f"apicredentials:credential-{act}" for act in ("reveal", "rotate", "rights", "resume", "delete", "restore")),
    *(f"apicredentials:authorization-{act}" for act in ("rights", "take-over", "renew", "revoke")),
    *(f"accounts:member-{act}" for act in ("invite", "role", "remove")),
    *(f"accounts:invitation-{act}" for act in ("resend", "withdraw")),
    *(f"accounts:{page}" for page in ("profile", "totp-add", "totp-remove", "recovery-codes")),
    *(f"accounts:passkey-{act}" for act in ("add", "rename", "remove")),
}
# A form with a code is not kept, because the session's row holds the fields in clear text.
NOT_KEPT = {"accounts:totp-add"}
# The name is kept; the rest of this form is made by the browser.
WITHOUT_NOTE = {"accounts:passkey-add"}
FIELDS = {
    "name": "Andere naam",
    "email": "anders@winkel.example",
    "phone_number": "",
    "overlap": "30d",
    "role": "read_only",
    "parties": "stop",
    **only(["orders:read"]),
}


def is_visible(box: Element) -> bool:
    return bool(box["name"]) and box["type"] not in {"hidden", "submit"} and "hidden" not in box.attributes


def values_in(page: Page) -> dict[str, list[str]]:
    """Return what the visible fields of the page's forms contain."""
    found: dict[str, list[str]] = {}
    for form in page.root.all("form"):
        for box in filter(is_visible, form.all("input", "select", "textarea")):
            found.setdefault(box["name"], []).extend(content(box))
    return found


@pytest.mark.parametrize("address", MEMBERS_PAGES, ids=str)
def test_act_without_recent_proof_asks_and_keeps_what_was_filled_in(address: Address) -> None:
    membership = MembershipFactory()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in(membership.user)
        secret, _ = set_up_app(client)
        url = address.url(own_values(membership, address))
        clock.shift(dt.timedelta(minutes=31))
        client.get("/instellingen/")
        before = tables()
        asked = client.post(url, FIELDS)
        assert asked.headers.get("Location", "").startswith(PROVE) == (address.name in ASKING)
        if address.name not in ASKING:
            return
        assert tables() == before
        page = client.post(asked["Location"], {"code": code_of(secret)}, follow=True)
    main = Page(page.content.decode()).part("main")
    assert page.status_code == 200
    if address.name not in NOT_KEPT:
        values = {name: value for name, value in values_in(main).items() if name in FIELDS}
        assert values == {name: [FIELDS[name]] for name in values}
    assert "Dit is nog niet gedaan" in main.words or address.name in WITHOUT_NOTE
