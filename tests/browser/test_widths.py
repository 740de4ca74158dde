"""The pages with the most on them, at every width from a phone to a wide screen: nothing scrolls sideways."""

from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Invitation, Membership, Seller, User
from apicredentials.models import ClientCredential, ThirdPartyAuthorization, Usage
from apicredentials.models.usage import ProblemCause, Use
from tests.apicredentials.test_settings_many import fill as fill_with
from tests.browser.inspection import go, what_sticks_out
from tests.browser.seller import SETTINGS
from tests.browser.shop import LONG_NAME, fill
from tests.factories import (
    ClientCredentialFactory,
    MembershipFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
    UserFactory,
)
from tests.oauth.flow import request_address, software

type ComeIn = Callable[[User], None]

WIDTHS = (320, 360, 640, 768, 900, 1024, 1440)
NARROWEST = WIDTHS[0]
HARD_TO_FIT = {
    "a hundred letters": "W" * 100,
    "long words": "Arbeidsongeschiktheidsverzekeringsmaatschappij Kindercarnavalsoptochtvoorbereidingswerkzaamheden",
    "Hebrew": "ספרייתהילדיםהגדולהביותרבארץ " * 3,
    "Arabic and Dutch": "مكتبةالأطفالالكبرى Boekhandel العربيةللكتبوالمجلات 2026 (أمستردام)",
    "ideographs": "世界最大的儿童书店" * 11,
}


@pytest.fixture
def seller() -> Seller:
    user = UserFactory(name="Sanne de Vries", email=f"{'sanne' * 12}@{'boekenhoek' * 5}.example")
    seller: Seller = SellerFactory(display_name=LONG_NAME[:100], owner__user=user)
    TechnicalContactFactory(seller=seller, confirmed_at=None, email=user.email)
    fill(seller, user)
    MembershipFactory(seller=seller, role=Membership.Role.ADMINISTRATOR, user__name=LONG_NAME[:100])
    Invitation.objects.create(seller=seller, email=f"een{user.email}", role=Membership.Role.TECHNICAL, invited_by=user)
    return seller


def count_use(subject: str) -> None:
    """Count every kind of use and every problem, in numbers with many digits."""
    for event in (*Use, *ProblemCause):
        Usage.objects.create(
            subject=subject,
            day=timezone.localdate(),
            event=event,
            right=LONG_NAME[:100],
            count=12_345_678_901,
            first_at=timezone.now(),
            last_at=timezone.now(),
            address="2001:db8:85a3:1319:8a2e:370:7348:7344",
            agent=LONG_NAME,
        )


def crowded_pages(seller: Seller) -> Iterator[str]:
    """Yield the addresses of the pages, with much in them."""
    for credential in ClientCredential.objects.filter(seller=seller).order_by("pk"):
        count_use(credential.client_id)
    yield reverse("apicredentials:credential", args=[credential.client_id])
    rotated = ClientCredential.objects.filter(seller=seller, secrets__ends_at__isnull=False).get()
    yield reverse("apicredentials:credential", args=[rotated.client_id])
    for authorization in ThirdPartyAuthorization.objects.filter(seller=seller):
        count_use(authorization.uid)
        yield reverse("apicredentials:authorization", args=[authorization.uid])
    yield request_address(software(ThirdPartyFactory(name=LONG_NAME[-100:])))
    yield from (SETTINGS, reverse("apicredentials:activity"))
    yield from map(reverse, ("accounts:security", "accounts:members", "help", "help-api", "help-partners"))


def offenders(page: Page, widths: tuple[int, ...]) -> list[str]:
    """Return what is wrong with a page at these widths, with all that opens open."""
    page.locator("details:not(.menu)").evaluate_all("all => all.forEach(each => each.open = true)")
    return [f"{page.url} at {width} px: {each}" for width in widths for each in what_sticks_out(page, width)]


def test_nothing_scrolls_sideways(page: Page, seller: Seller, come_in: ComeIn) -> None:
    come_in(seller.members.get(name="Sanne de Vries"))
    found = []
    for address in crowded_pages(seller):
        go(page, address)
        assert page.url.endswith(address), f"{address} leads to {page.url}"
        found += offenders(page, WIDTHS)
    assert not found, "\n".join(found)


def test_names_that_are_hard_to_fit(page: Page, come_in: ComeIn) -> None:
    user = UserFactory(name=HARD_TO_FIT["Arabic and Dutch"])
    seller = SellerFactory(display_name=HARD_TO_FIT["Hebrew"], owner__user=user)
    TechnicalContactFactory(seller=seller, name=HARD_TO_FIT["long words"])
    for name in HARD_TO_FIT.values():
        ClientCredentialFactory(seller=seller, name=name[:100], revealed=True)
        ThirdPartyAuthorizationFactory(seller=seller, third_party__name=name[:100])
        ThirdPartyAuthorizationFactory(seller=seller, third_party__name=f"{name[:99]}.", ended=True)
    come_in(user)
    go(page, SETTINGS)
    expect(page.get_by_role("article")).to_have_count(2 * len(HARD_TO_FIT))
    found = offenders(page, (NARROWEST,))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("number", [0, 1, 30, 1000])
def test_list_of_any_length(page: Page, come_in: ComeIn, axe: Callable[[Page], None], number: int) -> None:
    seller = TechnicalContactFactory().seller
    fill_with(seller, number)
    come_in(seller.members.get())
    go(page, SETTINGS)
    expect(page.get_by_role("article")).to_have_count(min(number, 20))
    expect(page.get_by_role("button", name="Zoeken")).to_have_count(int(number > 10))
    expect(page.get_by_role("heading", name="Koppel je eigen software")).to_have_count(int(not number))
    axe(page)
    found = offenders(page, (NARROWEST, WIDTHS[-1]))
    assert not found, "\n".join(found)
