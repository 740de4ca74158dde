"""`/instellingen/api/credentials/`: a new credential, with a name and rights."""

import unicodedata
from typing import Any

import pytest
from django import forms
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Seller
from apicredentials import scopes
from apicredentials.forms import ClientCredentialForm, NameField
from apicredentials.models import Activity, ClientCredential
from tests.factories import ClientCredentialFactory, SellerFactory, TechnicalContactFactory, UserFactory
from tests.journeys.pages import Page
from tests.people import codes, says, signed_in
from tests.rights import chosen, posted

URL = "/instellingen/api/credentials/"
SETTINGS = "/instellingen/api/"
ALL = list(scopes.ALL)


def create(client: Client, name: str, rights: list[str] = ALL, **fields: object) -> ClientCredential:
    """Make a credential and return it."""
    made = set(ClientCredential.objects.values_list("pk", flat=True))
    answer = client.post(URL, {"name": name, **posted(rights), **fields})
    assert answer.status_code == 302, codes(answer.context["form"])
    credential: ClientCredential = ClientCredential.objects.exclude(pk__in=made).get()
    assert answer["Location"] == f"{SETTINGS}?nieuw={credential.client_id}"
    return credential


def refused(client: Client, name: str, rights: list[str] = ALL, **fields: object) -> dict[str, list[str]]:
    """Try to make a credential, and return the codes of what is wrong."""
    before = ClientCredential.objects.count()
    answer = client.post(URL, {"name": name, **posted(rights), **fields})
    assert answer.status_code == 422
    assert ClientCredential.objects.count() == before
    return codes(answer.context["form"])


# ---- The dialog -------------------------------------------------------------------------------------------


def test_form_asks_for_a_name_and_has_every_right_chosen(owner: Client) -> None:
    form = Page(owner.get(URL).content.decode(), URL).form("Aanmaken")
    assert next(iter(form.fields)) == "Naam"
    assert chosen(form.fill()) == ALL


def test_empty_form_is_told_what_is_missing(owner: Client) -> None:
    answer = owner.post(URL)
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"name": ["required"], "scopes": ["required"]}


@pytest.mark.parametrize(("rights", "unfolded"), [(ALL, False), (["orders:read"], True)])
def test_rights_stay_folded_after_an_error_unless_some_are_left_out(
    owner: Client, rights: list[str], unfolded: bool
) -> None:
    page = Page(owner.post(URL, {"name": "", **posted(rights)}).content.decode(), URL).part("main")
    assert ("open" in page.part("details").root.attributes) is unfolded


def test_new_credential_is_in_the_list_without_a_secret(owner: Client, seller: Seller) -> None:
    form = Page(owner.get(URL).content.decode(), URL).form("Aanmaken")
    answer = owner.post(form.address, form.fill(Naam="Magazijn"), follow=True)
    credential = ClientCredential.objects.get()
    assert (credential.seller, credential.created_by) == (seller, seller.members.get())
    assert credential.client_id in says(answer)
    assert "'Magazijn'" in says(answer)
    assert not credential.secrets.exists()


def test_page_of_one_seller_makes_none_for_another(owner: Client, seller: Seller) -> None:
    """In another tab its user went to work for somebody else."""
    user = seller.members.get()
    other = TechnicalContactFactory(seller__owner__user=user, seller__display_name="Peren").seller
    form = Page(owner.get(URL).content.decode(), URL).form("Aanmaken")
    owner.post("/instellingen/verkoper/", {"seller": other.retailer_id})
    answer = owner.post(form.address, form.fill(Naam="Magazijn"))
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"shown_for": ["other_seller"]}
    assert "Je werkt nu voor Peren" in says(answer)
    assert not ClientCredential.objects.exists()


def test_log_says_who_created_the_credential(owner: Client, seller: Seller) -> None:
    create(owner, "Magazijn")
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject) == (Activity.Kind.CREDENTIAL_CREATED, "Magazijn")
    assert (activity.seller, activity.user, activity.address) == (seller, seller.members.get(), "127.0.0.1")


def test_client_id_is_a_lower_case_uuid_of_its_own(owner: Client) -> None:
    ids = {create(owner, name).client_id for name in "ab"}
    assert len(ids) == 2
    assert all(len(each) == 36 and each == each.lower() for each in ids)


def test_credential_needs_a_technical_contact(db: None) -> None:
    owner = signed_in(SellerFactory().members.get())
    for answer in (owner.get(URL), owner.post(URL, {"name": "Magazijn", **posted(ALL)})):
        assert answer["Location"] == SETTINGS
    assert not ClientCredential.objects.exists()


# ---- Names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Magazijn", "Magazijn"),
        ("  Magazijn \t\n", "Magazijn"),
        ("\u00a0Magazijn\u2003", "Magazijn"),
        ("x", "x"),
        ("x" * 100, "x" * 100),
        (" " * 50 + "x" * 100 + " " * 50, "x" * 100),
        ("Cafe\u0301", "Café"),
        ("e\u0301" * 100, "é" * 100),  # a hundred characters once they are composed
        ("🏬" * 100, "🏬" * 100),
        ("倉庫 1", "倉庫 1"),
        ("Ζεύς", "Ζεύς"),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
    ],
)
def test_name_is_trimmed_and_composed(owner: Client, typed: str, stored: str) -> None:
    assert create(owner, typed).name == stored


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "required"),
        (" \t\r\n", "required"),
        ("\u00a0\u2003\u3000", "required"),
        ("x" * 101, "max_length"),
        ("🏬" * 101, "max_length"),
        ("Maga\nzijn", "invisible"),
        ("Maga\r\nzijn", "invisible"),
        ("Maga\tzijn", "invisible"),
        ("Maga\x1bzijn", "invisible"),
        ("Maga\x7fzijn", "invisible"),
        ("Maga\x85zijn", "invisible"),
        ("Maga\u2028zijn", "invisible"),
        ("Maga\u200bzijn", "invisible"),  # zero-width space
        ("Maga\u200dzijn", "invisible"),  # zero-width joiner
        ("\ufeffMagazijn", "invisible"),
        ("Maga\u00adzijn", "invisible"),  # soft hyphen
        ("Maga\u202ezijn", "invisible"),  # right-to-left override
        ("Maga\u2066zijn", "invisible"),
        ("Maga\u200fzijn", "invisible"),
        ("Maga\U000e0041zijn", "invisible"),  # a tag
        ("Maga\ue000zijn", "invisible"),  # for private use
        ("\u041c\u0430gazijn", "mixed_scripts"),  # begins in Cyrillic
        ("Maga\0zijn", "null_characters_not_allowed"),
    ],
    ids=ascii,
)
def test_invalid_name_is_refused(owner: Client, name: str, code: str) -> None:
    assert refused(owner, name) == {"name": [code]}


@pytest.mark.parametrize(
    "character", ["\u034f", "\u115f", "\u3164", "\uffa0", "\u180b", "\u2800", "\U000e0100"], ids=ascii
)
def test_name_shows_all_it_has(owner: Client, character: str) -> None:
    assert refused(owner, f"Maga{character}zijn") == {"name": ["invisible"]}


def test_name_that_grows_when_compared_is_stored_or_refused(owner: Client) -> None:
    # One character, eighteen in the form that names are compared in.
    answer = owner.post(URL, {"name": "\ufdfa" * 100, **posted(ALL)})
    assert answer.status_code in {302, 422}


@given(st.text(max_size=120))
def test_name_is_clean_or_refused(text: str) -> None:
    form = NameForm({"name": text})
    if form.is_valid():
        name = form.cleaned_data["name"]
        assert 1 <= len(name) <= 100
        assert name == name.strip() == unicodedata.normalize("NFC", name) == NameField().clean(name)
        assert not {unicodedata.category(character) for character in name} & {"Cc", "Cf", "Cs"}
    else:
        assert all(codes(form)["name"])


class NameForm(forms.Form):
    name = NameField()


# ---- One of a name ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["Magazijn", "MAGAZIJN", " magazijn ", "\uff2dagazijn", "maGAzijn", "M\u0251gazijn"])
def test_name_is_taken_whatever_its_case(owner: Client, credential: ClientCredential, again: str) -> None:
    assert refused(owner, again) == {"name": ["unique"]}


@pytest.mark.parametrize(("name", "again"), [("Straße", "STRASSE"), ("Café", "CAFE\u0301"), ("A  B", "a b")])
def test_names_that_read_the_same_are_the_same(owner: Client, name: str, again: str) -> None:
    create(owner, name)
    assert refused(owner, again) == {"name": ["unique"]}


def test_another_seller_may_have_the_same_name(stranger: Client, credential: ClientCredential) -> None:
    assert create(stranger, credential.name).seller != credential.seller


def test_name_of_a_deleted_one_is_free(owner: Client, seller: Seller) -> None:
    ClientCredentialFactory(seller=seller, name="Magazijn", deleted=True)
    create(owner, "Magazijn")


def test_name_of_a_paused_one_is_not(owner: Client, seller: Seller) -> None:
    ClientCredentialFactory(seller=seller, name="Magazijn", paused=True)
    assert refused(owner, "Magazijn") == {"name": ["unique"]}


def test_sending_it_twice_makes_one(owner: Client) -> None:
    form = Page(owner.get(URL).content.decode(), URL).form("Aanmaken")
    sent = form.fill(Naam="Magazijn")
    assert owner.post(URL, sent).status_code == 302
    again = owner.post(URL, sent)
    assert codes(again.context["form"]) == {"name": ["unique"]}
    assert ClientCredential.objects.count() == 1


def test_database_holds_it_when_the_form_looked_too_early(
    owner: Client, credential: ClientCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClientCredentialForm, "clean_name", lambda form: form.cleaned_data["name"])
    assert refused(owner, "magazijn") == {"__all__": ["unique"]}


def test_there_is_a_maximum(owner: Client, credential: ClientCredential, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClientCredential, "MAXIMUM_PER_SELLER", 2)
    create(owner, "De tweede")
    assert refused(owner, "De derde") == {"__all__": ["too_many"]}
    credential.deleted_at = credential.created
    credential.save()
    create(owner, "De derde")


# ---- Rights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "rights"),
    [
        (["orders:read"], ["orders:read"]),
        (["orders:manage"], ["orders:read", "orders:manage"]),
        (["orders:manage", "offers:read"], ["offers:read", "orders:read", "orders:manage"]),
        (["transports:manage"], ["transports:manage"]),
        (ALL, ALL),
    ],
)
def test_credential_gets_the_rights_that_were_chosen(owner: Client, given: list[str], rights: list[str]) -> None:
    assert create(owner, "Magazijn", given).scope.split() == rights


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([], "required"),
        (["orders:delete"], "invalid_choice"),
        (["RETAILER"], "invalid_choice"),
        (["offline_access"], "invalid_choice"),
        (["orders:read", "orders:read offers:manage"], "invalid_choice"),
        (["orders:read\0"], "invalid_choice"),
    ],
)
def test_no_rights_or_unknown_ones_are_refused(owner: Client, given: list[str], code: str) -> None:
    assert refused(owner, "Magazijn", given) == {"scopes": [code]}


# ---- What somebody tries ----------------------------------------------------------------------------------


PLANTED: dict[str, Any] = {
    "id": "4242",
    "pk": "4242",
    "client_id": "11111111-1111-4111-8111-111111111111",
    "client_secret": "rts_planted",
    "hash_client_secret": "false",
    "secrets": "rts_planted",
    "skip_authorization": "true",
    "client_type": "public",
    "authorization_grant_type": "authorization_code",
    "redirect_uris": "https://kwaad.example/",
    "scope": "kwaad",
    "folded_name": "kwaad",
    "algorithm": "HS256",
    "allowed_origins": "https://kwaad.example",
    "pkce_required": "false",
    "refresh_tokens": "fixed",
    "paused_at": "2026-01-01",
    "deleted_at": "2026-01-01",
    "leaked_at": "2026-01-01",
    "created": "2000-01-01",
}


def test_unknown_field_is_ignored(owner: Client, seller: Seller) -> None:
    other, user = SellerFactory(), UserFactory()
    sellers: dict[str, Any] = {"seller": other.pk, "seller_id": other.pk, "retailer_id": other.retailer_id}
    credential = create(owner, "Magazijn", **PLANTED, **sellers, user=user.pk, created_by=user.pk)
    made = {field.attname: getattr(credential, field.attname) for field in credential._meta.concrete_fields}
    plain = ClientCredentialFactory(seller=seller, created_by=seller.members.get())
    same = {field.attname: getattr(plain, field.attname) for field in plain._meta.concrete_fields}
    own = {"id", "client_id", "name", "folded_name", "created", "updated"}
    assert {name: value for name, value in made.items() if name not in own} == {
        name: value for name, value in same.items() if name not in own
    }
    assert credential.folded_name == "magazijn"
    assert credential.created.year > 2000
    assert all(str(made[name]) != PLANTED[name] for name in own & PLANTED.keys())
    assert not credential.secrets.exists()
    assert not other.clients.exists()


def test_name_is_text_wherever_it_is_shown(owner: Client) -> None:
    name = "<img src=x onerror=alert(1)> & \"'"
    shown = [
        owner.post(URL, {"name": name, **posted(ALL)}, follow=True),
        owner.post(URL, {"name": name, **posted(ALL)}),
    ]
    credential = ClientCredential.objects.get()
    page = f"{URL}{credential.client_id}"
    shown += [owner.get(f"{page}/secret/"), owner.get(f"{page}/verwijderen/"), owner.post(f"{page}/secret/")]
    for answer in shown:
        assert "<img" not in answer.content.decode()
        assert "&lt;img src=x onerror=alert(1)&gt; &amp; " in answer.content.decode()


def test_refused_form_keeps_what_was_typed(owner: Client, credential: ClientCredential) -> None:
    answer = owner.post(URL, {"name": 'magazijn" autofocus x="', **posted([])})
    assert answer.status_code == 422
    assert Page(answer.content.decode(), URL).form("Aanmaken").fields["Naam"]["value"] == 'magazijn" autofocus x="'
    answer = owner.post(URL, {"name": "", **posted(["orders:read", "orders:manage"])})
    assert chosen(Page(answer.content.decode(), URL).form("Aanmaken").fill()) == ["orders:read", "orders:manage"]
    assert "Vul een naam in." in says(answer)


def test_empty_form_is_refused_with_a_reason(owner: Client) -> None:
    assert refused(owner, "", []) == {"name": ["required"], "scopes": ["required"]}


def test_stranger_makes_their_own(stranger: Client, seller: Seller) -> None:
    assert create(stranger, "Magazijn", seller=str(seller.pk)).seller != seller
