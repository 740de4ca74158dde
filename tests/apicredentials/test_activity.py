"""`/instellingen/api/activiteit/`: who did what, when and from where."""

import datetime as dt

import pytest
import time_machine
from django.test import Client

from accounts.models import Actor, Membership, Seller, User
from apicredentials import scopes
from apicredentials.models import Activity, ThirdPartyAuthorization
from tests.apicredentials.activity import EXPORT, URL, Kind, acts, download, log, open_page, subjects
from tests.factories import ClientCredentialFactory, MembershipFactory, SellerFactory, ThirdPartyFactory
from tests.journeys.pages import Page
from tests.people import says, signed_in
from tests.rights import posted

# ---- A row --------------------------------------------------------------------------------------------------


def test_page_shows_a_recent_act(owner: Client, seller: Seller) -> None:
    owner.post("/instellingen/api/credentials/", {"name": "Magazijn", **posted(["orders:read"])})
    page = open_page(owner)
    assert page.headings[:2] == ["Activiteit", "Wat er is gedaan"]
    assert acts(page) == ["Client credentials aangemaakt: Magazijn"]
    assert f"{seller.members.get()}, vanaf 127.0.0.1" in page.words


def test_newest_stands_on_top_under_its_day_in_amsterdam(owner: Client, seller: Seller) -> None:
    log(seller, "Oud", at=dt.datetime(2026, 3, 28, 22, 59, tzinfo=dt.UTC))
    log(seller, "Nieuw", at=dt.datetime(2026, 3, 28, 23, 1, tzinfo=dt.UTC))
    page = open_page(owner)
    assert subjects(page) == ["Nieuw", "Oud"]
    assert [heading for heading in page.headings if "maart" in heading] == [
        "Zondag 29 maart 2026",
        "Zaterdag 28 maart 2026",
    ]
    assert "00:01" in page.words
    assert "23:59" in page.words


def test_today_and_yesterday_are_named(seller: Seller) -> None:
    now = dt.datetime(2026, 3, 29, 10, tzinfo=dt.UTC)
    for days in range(3):
        log(seller, "Kassa", at=now - dt.timedelta(days=days))
    with time_machine.travel(now, tick=False):
        headings = open_page(signed_in(seller.members.get())).headings
    assert [heading.partition(" ")[0] for heading in headings if "maart" in heading] == [
        "Vandaag,",
        "Gisteren,",
        "Vrijdag",
    ]


def test_operators_reason_is_there_to_read(owner: Client, seller: Seller) -> None:
    credential = ClientCredentialFactory(seller=seller, name="Magazijn")
    credential.pause(by=Actor(reason="Verdacht verkeer, zie ticket 7"))
    words = open_page(owner).words
    assert "Operator van de marktplaats" in words
    assert "Reden: Verdacht verkeer, zie ticket 7" in words


def test_act_of_the_system_has_no_address(owner: Client, seller: Seller) -> None:
    ClientCredentialFactory(seller=seller).pause(by=Actor.machine())
    assert "Automatisch" in open_page(owner).words
    assert "vanaf" not in open_page(owner).words


@pytest.mark.parametrize(
    ("kind", "details", "sentence"),
    [
        (Kind.CREDENTIAL_RENAMED, {"former_name": "Kassa {0}"}, "Heette eerst 'Kassa {0}'."),
        (Kind.CONTACT_SAVED, {"changed": "naam, e-mailadres"}, "Gewijzigd: naam, e-mailadres."),
        (Kind.CONTACT_SAVED, {"changed": ""}, ""),
        (Kind.LEAK_REPORTED, {"hint": "aB3x"}, "Het gaat om het secret …aB3x."),
        (
            Kind.SECRET_ROTATED,
            {"previous_ends_at": "2026-06-02T10:00:00+00:00"},
            "Einde van het oude secret: 2 juni 2026 om 12:00.",
        ),
        (
            Kind.SECRET_ENDED,
            {"hint": "aB3x", "secret": "9", "ended_at": "2026-12-02T10:00:00+00:00"},
            "Het gaat om het secret …aB3x. Het werkte tot 2 december 2026 om 11:00.",
        ),
        (
            Kind.PARTY_AUTHORIZED,
            {"scope": "orders:read orders:manage invoices:read", "expires_at": "2027-06-01T10:00:00+00:00"},
            "Rechten: Bestellingen: Lezen en beheren, Facturen: Lezen. Einddatum: 1 juni 2027 om 12:00.",
        ),
        (Kind.PARTY_AUTHORIZED, {"scope": scopes.join(scopes.ALL)}, "Rechten: alle."),
        (Kind.CREDENTIAL_RIGHTS_CHANGED, {"former_scope": "weg:read", "scope": "weg:manage"}, ""),
        (Kind.CREDENTIAL_RIGHTS_CHANGED, {}, ""),
        (Kind.PARTY_EXPIRED, {"iets": "anders"}, ""),
    ],
)
def test_details_become_a_sentence(kind: str, details: dict[str, str], sentence: str) -> None:
    assert Activity(kind=kind, details=details).explanation == sentence


def test_every_act_can_be_written_and_read(owner: Client, seller: Seller) -> None:
    """By walking through a credential's and an authorisation's whole life."""
    by = Actor(user=seller.members.get(), address="192.0.2.7")
    credential = ClientCredentialFactory(seller=seller, name="Magazijn")
    credential.reveal(by=by)
    credential.rotate(overlap=dt.timedelta(days=1), by=by)
    credential.secrets.earliest("pk").end_after(dt.timedelta(), by=by)
    credential.rename("Kassa", by=by)
    credential.change_rights(["orders:read"], by=by)
    credential.pause(by=by)
    credential.resume(by=by)
    credential.delete_softly(by=by)
    credential.restore(by=by)
    ThirdPartyAuthorization.objects.consent(
        seller=seller, third_party=ThirdPartyFactory(name="Bol"), rights=["orders:read"], by=by
    ).revoke(by=by)
    assert acts(open_page(owner)) == [
        "Derde partij verwijderd: Bol",
        "Derde partij geautoriseerd: Bol",
        "Client credentials teruggezet: Kassa",
        "Client credentials verwijderd: Kassa",
        "Client credentials hervat: Kassa",
        "Client credentials gepauzeerd: Kassa",
        "Rechten van client credentials gewijzigd: Kassa",
        "Naam van client credentials gewijzigd: Kassa",
        "Einde van oud client secret gewijzigd: Magazijn",
        "Nieuw client secret gemaakt: Magazijn",
        "Client secret getoond: Magazijn",
    ]


def test_text_is_text(owner: Client, seller: Seller) -> None:
    log(seller, "<script>alert('1')</script>", reason="<b>", details={"former_name": "<i>"}, actor_name="<u>")
    answer = owner.get(URL)
    assert "<script>alert" not in answer.content.decode()
    for text in ("<script>alert('1')</script>", "<b>", "<i>", "<u>"):
        assert text in says(answer)


def test_deactivated_user_is_still_named(owner: Client, seller: Seller) -> None:
    user = User.objects.create_user("weg@winkel.example", name="Piet Weg")
    ClientCredentialFactory(seller=seller).pause(by=Actor(user=user))
    user.is_active = False
    user.save()
    assert "Piet Weg" in open_page(owner).words


# ---- Whose --------------------------------------------------------------------------------------------------


def test_log_of_another_seller_is_not_shown(owner: Client, stranger: Client, seller: Seller) -> None:
    log(seller, "Magazijn")
    Activity.objects.create(kind=Kind.CLIENT_REGISTERED, subject="Bol", actor_name="Operator")
    assert subjects(open_page(owner)) == ["Magazijn"]
    assert "Er is nog niets gedaan." in open_page(stranger).words
    assert len(download(owner)) == 2
    assert len(download(stranger)) == 1


def test_read_only_member_can_read_the_log(seller: Seller) -> None:
    log(seller, "Magazijn")
    reader = signed_in(MembershipFactory(seller=seller, role=Membership.Role.READ_ONLY).user)
    assert subjects(open_page(reader)) == ["Magazijn"]
    assert len(download(reader)) == 2


def test_working_for_two_one_reads_the_log_of_the_one_in_use(owner: Client, seller: Seller) -> None:
    other = SellerFactory(display_name="Bananen", owner__user=seller.members.get())
    log(seller, "Van Appels")
    log(other, "Van Bananen")
    assert subjects(open_page(owner)) == ["Van Appels"]
    owner.post("/instellingen/verkoper/", {"seller": other.retailer_id})
    assert subjects(open_page(owner)) == ["Van Bananen"]


@pytest.mark.parametrize("address", [URL, EXPORT])
def test_there_is_nothing_to_post(owner: Client, address: str) -> None:
    assert owner.post(address).status_code == 405


# ---- Where it is --------------------------------------------------------------------------------------------


def test_instellingen_and_every_page_beside_it_lead_here(owner: Client) -> None:
    index = Page(owner.get("/instellingen/").content.decode(), "/instellingen/")
    assert index.link("Activiteit Wie wat heeft gedaan, en wanneer") == URL
    assert Page(owner.get("/instellingen/api/").content.decode(), "/").link("Activiteit") == URL


@pytest.mark.parametrize(("address", "here"), [(URL, "Activiteit"), ("/instellingen/api/", "API Instellingen")])
def test_menu_says_which_of_the_two_this_is(owner: Client, address: str, here: str) -> None:
    nav = Page(owner.get(address).content.decode()).part("nav")
    assert [link.words for link in nav.root.all("a") if link["aria-current"]] == [here]
