"""`/instellingen/api/contact/`: the technical contact."""

import re

import pytest
from django.test import Client

from accounts.models import Membership, Seller
from apicredentials.models import Activity, TechnicalContact
from tests.factories import MembershipFactory, SellerFactory, TechnicalContactFactory
from tests.journeys.pages import Page
from tests.people import codes, says, signed_in

URL = "/instellingen/api/contact/"
SETTINGS = "/instellingen/api/"
FILLED = {"name": "Sanne", "email": "sanne@winkel.example", "phone_number": "020 123 45 67"}


def save(client: Client, **fields: str) -> TechnicalContact:
    """Save the contact and return it."""
    answer = client.post(URL, FILLED | fields)
    assert answer.status_code == 302, codes(answer.context["form"])
    assert answer["Location"] == SETTINGS
    seller: Seller = answer.wsgi_request.seller  # type: ignore[attr-defined]
    return TechnicalContact.objects.get(seller=seller)


def refused(client: Client, **fields: str) -> dict[str, list[str]]:
    """Try to save what is wrong, and return the codes of what is."""
    answer = client.post(URL, FILLED | fields)
    assert answer.status_code == 422
    return codes(answer.context["form"])


def test_first_time_makes_it(db: None) -> None:
    seller = SellerFactory()
    contact = save(signed_in(seller.members.get()))
    assert (contact.seller, contact.name, contact.email, contact.confirmed_at) == (
        seller,
        "Sanne",
        "sanne@winkel.example",
        None,
    )


def test_contact_form_is_filled_in_by_its_labels(owner: Client, seller: Seller) -> None:
    form = Page(owner.get(URL).content.decode(), URL).form("Opslaan")
    filled = form.fill(**{"Naam": "Kim", "E-mailadres": "kim@winkel.example", "Telefoonnummer": ""})
    answer = owner.post(form.address, filled, follow=True)
    assert "Het technisch contact is opgeslagen." in says(answer)
    seller.technical_contact.refresh_from_db()
    assert str(seller.technical_contact) == "Kim <kim@winkel.example>"


def test_page_of_one_seller_changes_no_other(owner: Client, seller: Seller) -> None:
    """In another tab its user went to work for somebody else."""
    other = SellerFactory(display_name="Peren", owner__user=seller.members.get())
    form = Page(owner.get(URL).content.decode(), URL).form("Opslaan")
    owner.post("/instellingen/verkoper/", {"seller": other.retailer_id})
    answer = owner.post(form.address, form.fill(Naam="Kim"))
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"shown_for": ["other_seller"]}
    assert "Deze pagina hoort bij een ander verkopersaccount. Je werkt nu voor Peren" in says(answer)
    assert Page(answer.content.decode()).form("Opslaan").fill()["name"] == ["Kim"]
    assert not TechnicalContact.objects.filter(seller=other).exists()


def test_second_time_changes_it(owner: Client, seller: Seller) -> None:
    save(owner)
    assert save(owner, name="Kim").name == "Kim"
    assert TechnicalContact.objects.filter(seller=seller).count() == 1


def test_log_says_who_saved_the_contact_and_from_where(owner: Client, seller: Seller) -> None:
    save(owner)
    activity = Activity.objects.get(kind=Activity.Kind.CONTACT_SAVED)
    assert (activity.seller, activity.user) == (seller, seller.members.get())
    assert activity.address == "127.0.0.1"


def test_new_address_is_yet_to_be_confirmed_and_the_same_one_is_not(owner: Client, seller: Seller) -> None:
    confirmed_at = seller.technical_contact.confirmed_at
    assert confirmed_at
    assert save(owner, email=seller.technical_contact.email, name="Kim").confirmed_at == confirmed_at
    assert save(owner, email="nieuw@winkel.example").confirmed_at is None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("", ""),
        ("020 123 45 67", "+31201234567"),
        ("020-1234567", "+31201234567"),
        ("06 12345678", "+31612345678"),
        ("+32 2 345 67 89", "+3223456789"),
        ("0032 2 345 67 89", "+3223456789"),
        ("+31 (0)20/123.45\u201167", "+31201234567"),
        ("\u202a+31 20\u00a0123 45 67\u202c", "+31201234567"),
    ],
)
def test_phone_number_is_stored_in_e164(owner: Client, typed: str, stored: str) -> None:
    save(owner, phone_number=typed)
    assert TechnicalContact.objects.values_list("phone_number", flat=True).get() == stored


@pytest.mark.parametrize(
    "typed", ["12", "020 123", "bel mij", "+31 20 123 45 678 9", "+999 123456789", "020 123 45 67 <b>"]
)
def test_invalid_phone_number_is_refused(owner: Client, typed: str) -> None:
    assert refused(owner, phone_number=typed) == {"phone_number": ["invalid"]}


@pytest.mark.parametrize(
    "typed",
    [
        "06 1234 5678 ext. 9",
        "0612345678#9",
        "+31 20 123 45 67 x12",
        "020 123 45 67 toestel 12",
        "020-1234567;ext=12",
        "tel:+31201234567;isub=12",
        "Bel 020 123 45 67",
        "020 123 45 67 (ma-vr)",
        "0800-FLOWERS",
    ],
)
def test_phone_number_with_an_extension_is_refused(owner: Client, typed: str) -> None:
    before = TechnicalContact.objects.values().get()
    [[code]] = refused(owner, phone_number=typed).values()
    assert code in {"extension", "invalid"}
    assert TechnicalContact.objects.values().get() == before


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": ""}, {"name": ["required"]}),
        ({"name": " \t "}, {"name": ["required"]}),
        ({"name": "x" * 101}, {"name": ["max_length"]}),
        ({"name": "Sanne\nBcc: x"}, {"name": ["invisible"]}),
        ({"name": "Sanne\u202e"}, {"name": ["invisible"]}),
        ({"name": "San\0ne"}, {"name": ["null_characters_not_allowed"]}),
        ({"email": ""}, {"email": ["required"]}),
        ({"email": "sanne"}, {"email": ["invalid"]}),
        ({"email": "sanne@winkel.example\nBcc: kwaad@kwaad.example"}, {"email": ["invisible"]}),
        ({"email": "sanne@winkel.example, kwaad@kwaad.example"}, {"email": ["invalid"]}),
        ({"email": "s\0@winkel.example"}, {"email": ["invalid", "null_characters_not_allowed"]}),
        ({"email": "s" * 242 + "@winkel.example"}, {"email": ["max_length"]}),
        ({"name": "", "email": ""}, {"name": ["required"], "email": ["required"]}),
    ],
    ids=str,
)
def test_invalid_field_is_refused(
    owner: Client, seller: Seller, fields: dict[str, str], errors: dict[str, list[str]]
) -> None:
    before = str(seller.technical_contact)
    found = refused(owner, **fields)
    assert {name: set(found[name]) <= set(wanted) for name, wanted in errors.items()} == dict.fromkeys(found, True)
    seller.technical_contact.refresh_from_db()
    assert str(seller.technical_contact) == before


@pytest.mark.parametrize(
    "email", ["sanne+api@winkel.example", "sanne@xn--bcher-kva.example", "s" * 64 + "@" + "winkel." * 20 + "example"]
)
def test_odd_but_true_addresses_are_taken(owner: Client, email: str) -> None:
    assert save(owner, email=email).email == email


def test_examples_of_the_refusal_are_taken(owner: Client) -> None:
    answer = owner.post(URL, FILLED | {"phone_number": "12"})
    examples = re.findall(r"\+?\d[\d ]+\d", answer.context["form"].errors["phone_number"][0])
    assert len(examples) == 2
    for example in examples:
        save(owner, phone_number=example)


def test_refused_form_keeps_what_was_typed(owner: Client) -> None:
    answer = owner.post(URL, {"name": "Kim <b>", "email": "kim", "phone_number": "12"})
    fields = Page(answer.content.decode()).form("Opslaan").fields
    assert [fields[label]["value"] for label in fields] == ["Kim <b>", "kim", "12"]
    assert "Vul een geldig e-mailadres in" in says(answer)


def test_refused_first_contact_leaves_the_other_sections_closed(db: None) -> None:
    owner = signed_in(SellerFactory().members.get())
    answer = owner.post(URL, FILLED | {"email": "sanne"})
    assert codes(answer.context["contact_form"]) == {"email": ["invalid"]}
    assert not Page(answer.content.decode()).buttons("Aanmaken")


def test_unknown_field_is_ignored(owner: Client, seller: Seller) -> None:
    other = TechnicalContactFactory()
    save(owner, seller=str(other.seller.pk), id=str(other.pk), pk=str(other.pk), confirmed_at="2026-01-01")
    assert TechnicalContact.objects.get(seller=seller).confirmed_at is None
    other.refresh_from_db()
    assert str(other) == "Sanne de Vries <techniek@winkel.example>"


def test_stranger_saves_their_own(stranger: Client, seller: Seller) -> None:
    assert save(stranger, name="Kwaad").seller != seller
    seller.technical_contact.refresh_from_db()
    assert seller.technical_contact.name == "Sanne de Vries"


def test_form_of_the_first_contact_is_on_the_settings_page(db: None) -> None:
    owner = signed_in(SellerFactory().members.get())
    assert owner.get(URL)["Location"] == SETTINGS
    assert Page(owner.get(SETTINGS).content.decode()).form("Opslaan").address.endswith(URL)


def test_wijzigen_opens_the_form_filled_in(owner: Client, seller: Seller) -> None:
    TechnicalContact.objects.filter(seller=seller).update(phone_number="+31201234567")
    page = Page(owner.get(SETTINGS).content.decode(), SETTINGS).part("main")
    assert not page.buttons("Opslaan")
    assert page.form("Wijzigen").address == URL
    fields = Page(owner.get(URL).content.decode(), URL).form("Opslaan").fields
    assert {label: fields[label]["value"] for label in fields} == {
        "Naam": "Sanne de Vries",
        "E-mailadres": "techniek@winkel.example",
        "Telefoonnummer": "020 123 4567",
    }


def test_member_without_the_capability_sees_no_buttons(seller: Seller) -> None:
    TechnicalContact.objects.filter(seller=seller).update(confirmed_at=None)
    technician = signed_in(MembershipFactory(seller=seller, role=Membership.Role.TECHNICAL).user)
    page = Page(technician.get(SETTINGS).content.decode(), SETTINGS).part("main")
    assert not page.buttons("Wijzigen")
    assert not page.buttons("Opnieuw versturen")
    assert page.buttons("Aanmaken")
