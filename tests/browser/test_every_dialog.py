"""Every dialog: axe, its buttons at 200 % zoom, and where the focus is when it is closed and when its act is done."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import Membership, Seller, User
from tests.browser.inspection import DESKTOP, WAYS, ZOOMED_TO_200_PERCENT, Inspected, go
from tests.browser.seller import SETTINGS
from tests.browser.shop import LONG_NAME
from tests.factories import (
    ClientCredentialFactory,
    ClientSecretFactory,
    MembershipFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
)

type ComeIn = Callable[[User], None]

MEMBERS = "/instellingen/medewerkers/"
# The message that has the focus when the act of a dialog is done. `test_dialogs` has those with another answer.
DONE = {
    "apicredentials:contact": "Het technisch contact is opgeslagen.",
    "apicredentials:credential-restore": "is teruggezet",
    "apicredentials:credential-rename": "De naam is niet veranderd.",
    "apicredentials:credential-rights": "zijn opgeslagen",
    "apicredentials:secret-end": "Het einde van het oude secret is gewijzigd.",
    "apicredentials:credential-pause": "is gepauzeerd",
    "apicredentials:credential-resume": "is hervat",
    "apicredentials:credential-delete": "zijn verwijderd",
    "apicredentials:authorization-renew": "is met een jaar verlengd",
    "apicredentials:authorization-take-over": "overgenomen",
    "apicredentials:authorization-rights": "zijn opgeslagen",
    "apicredentials:authorization-revoke": "heeft geen toegang meer",
    "accounts:member-role": "rol",
    "accounts:member-remove": "kan niet meer bij",
}


@dataclass(frozen=True)
class Dialog:
    """An act, and the page with its button."""

    page: str
    act: str
    arguments: tuple[Any, ...] = ()

    def opener(self, page: Page) -> Locator:
        """Go to the page and return what opens the dialog."""
        go(page, self.page)
        page.locator("details:not(.menu)").evaluate_all("all => all.forEach(each => each.open = true)")
        address = reverse(self.act, args=self.arguments)
        return page.locator(
            f"main form[data-dialog][action='{address}'] button, main a[data-dialog][href='{address}']"
        ).first


def dialogs(seller: Seller) -> list[Dialog]:
    """Create what the dialogs are about. The order is one in which all acts can be done."""
    fresh = ClientCredentialFactory(seller=seller, name=LONG_NAME[:100])
    paused = ClientCredentialFactory(seller=seller, paused=True, revealed=True)
    deleted = ClientCredentialFactory(seller=seller, deleted=True)
    rotated = ClientCredentialFactory(
        seller=seller, revealed=True, secret__ends_at=timezone.now() + dt.timedelta(days=7)
    )
    ClientSecretFactory(client=rotated)
    ending = ThirdPartyAuthorizationFactory(seller=seller, expiring=True, third_party__name=LONG_NAME[:100])
    orphaned = ThirdPartyAuthorizationFactory(seller=seller, granted_by=None)
    member = MembershipFactory(seller=seller, role=Membership.Role.TECHNICAL, user__name=LONG_NAME[:100])

    def of_credential(credential: Any, *acts: str) -> list[Dialog]:
        page, arguments = reverse("apicredentials:credential", args=[credential.client_id]), (credential.client_id,)
        return [Dialog(page, f"apicredentials:credential-{act}", arguments) for act in acts]

    def of_party(authorization: Any, *acts: str) -> list[Dialog]:
        page, arguments = reverse("apicredentials:authorization", args=[authorization.uid]), (authorization.uid,)
        return [Dialog(page, f"apicredentials:authorization-{act}", arguments) for act in acts]

    (rename, *others) = of_credential(rotated, "rename", "rights", "pause", "rotate")
    return [
        Dialog(SETTINGS, "apicredentials:contact"),
        Dialog(SETTINGS, "apicredentials:credential-create"),
        Dialog(SETTINGS, "apicredentials:credential-restore", (deleted.client_id,)),
        Dialog(rename.page, "apicredentials:secret-end", (rotated.client_id, rotated.secrets.earliest("pk").pk)),
        *[rename, *others],
        *of_credential(paused, "resume"),
        *of_credential(fresh, "reveal", "delete"),
        *of_party(ending, "renew", "rights", "revoke"),
        *of_party(orphaned, "take-over"),
        Dialog(MEMBERS, "accounts:member-invite"),
        *[Dialog(MEMBERS, f"accounts:member-{act}", (member.pk,)) for act in ("role", "remove")],
    ]


@pytest.fixture
def seller() -> Seller:
    seller: Seller = TechnicalContactFactory().seller
    return seller


def expect_buttons_in_view_at_200_percent(page: Page) -> None:
    """Take the viewport of a screen of 1280 by 720 at 200 %."""
    page.set_viewport_size({"width": ZOOMED_TO_200_PERCENT, "height": 360})
    buttons = page.locator("dialog .dialog__foot :is(button, a)").all()
    assert buttons
    for button in buttons:
        expect(button).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": DESKTOP, "height": 800})


def test_every_dialog_is_for_everyone(page: Page, seller: Seller, come_in: ComeIn, inspected: Inspected) -> None:
    come_in(seller.members.get())
    for dialog in dialogs(seller):
        with inspected(dialog.act, WAYS):
            opener = dialog.opener(page)
            opener.click()
            expect(page.get_by_role("dialog").get_by_role("heading", level=1)).to_be_visible()
            expect_buttons_in_view_at_200_percent(page)


def test_closed_dialog_gives_the_focus_back(page: Page, seller: Seller, come_in: ComeIn) -> None:
    come_in(seller.members.get())
    shown, heading = page.get_by_role("dialog"), page.get_by_role("dialog").get_by_role("heading", level=1)
    for dialog in dialogs(seller):
        if dialog.act == "apicredentials:credential-reveal":  # has no button to go back: the secret exists by then
            continue
        opener = dialog.opener(page)
        for close in (lambda: page.keyboard.press("Escape"), shown.get_by_role("link", name="Annuleren").click):
            opener.click()
            expect(heading).to_be_visible()
            close()
            expect(shown).to_have_count(0)
            expect(opener).to_be_focused()


def test_message_has_the_focus_when_the_act_of_a_dialog_is_done(page: Page, seller: Seller, come_in: ComeIn) -> None:
    come_in(seller.members.get())
    done = [dialog for dialog in dialogs(seller) if dialog.act in DONE]
    assert {dialog.act for dialog in done} == {*DONE}
    for dialog in done:
        dialog.opener(page).click()
        page.locator("dialog .dialog__foot button").click()
        expect(page.get_by_role("status").filter(has_text=DONE[dialog.act])).to_be_focused()
