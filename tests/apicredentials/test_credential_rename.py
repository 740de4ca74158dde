"""`…/credentials/<id>/naam/`: another name for the same credential."""

import pytest
from django.test import Client

from accounts.models import Actor, Seller
from apicredentials.models import Activity, ClientCredential
from tests.apicredentials.test_credential_rotate import works
from tests.factories import ClientCredentialFactory
from tests.journeys.pages import Page
from tests.people import codes, says
from tests.rights import posted

SETTINGS = "/instellingen/api/"


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/naam/"


def test_form_starts_from_the_present_name(owner: Client, credential: ClientCredential) -> None:
    page = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main")
    assert page.headings == ["Naam wijzigen van 'Magazijn'"]
    form = page.form("Opslaan")
    assert (form.method, form.address) == ("post", address(credential))
    assert form.fill()["name"] == ["Magazijn"]


def test_page_leads_here_and_the_row_shows_the_new_name(owner: Client, credential: ClientCredential) -> None:
    page = f"{SETTINGS}credentials/{credential.client_id}/"
    found = Page(owner.get(page).content.decode(), page).part("main")
    assert found.form("Naam wijzigen").address == address(credential)
    form = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main").form("Opslaan")
    answer = owner.post(form.address, form.fill(Naam="  Magazijn Zwolle "), follow=True)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert "'Magazijn' heet nu 'Magazijn Zwolle'." in says(answer)
    assert Page(answer.content.decode()).part("article").headings == ["Magazijn Zwolle"]


def test_nothing_else_changes(owner: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    before = ClientCredential.objects.values().get()
    other = {"client_id": "x", "seller": "1", "scope": "", **posted(["orders:read"]), "folded_name": "x"}
    owner.post(address(credential), {"name": "Kassa", **other})
    after = ClientCredential.objects.values().get()
    assert {key for key in before if before[key] != after[key]} <= {"name", "folded_name", "updated"}
    assert (after["name"], after["folded_name"]) == ("Kassa", "kassa")
    assert works(credential, secret)


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "required"), (" ", "required"), ("a" * 101, "max_length"), ("Kas\u202esa", "invisible"), ("a\0", None)],
)
def test_name_that_cannot_be_is_refused(
    owner: Client, credential: ClientCredential, name: str, code: str | None
) -> None:
    answer = owner.post(address(credential), {"name": name})
    assert answer.status_code == 422
    assert list(codes(answer.context["form"])) == ["name"]
    assert code is None or codes(answer.context["form"]) == {"name": [code]}
    credential.refresh_from_db()
    assert credential.name == "Magazijn"


@pytest.mark.parametrize("name", ["Kassa", "KASSA", "  kassa"])
def test_name_in_use_is_refused_and_kept_in_the_form(
    owner: Client, seller: Seller, credential: ClientCredential, name: str
) -> None:
    ClientCredentialFactory(seller=seller, name="Kassa")
    answer = owner.post(address(credential), {"name": name})
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"__all__": ["unique"]}
    assert Page(answer.content.decode()).part("main").form("Opslaan").fill()["name"] == [name]
    credential.refresh_from_db()
    assert credential.name == "Magazijn"
    assert not Activity.objects.exists()


def test_its_own_name_in_capitals_is_not_in_use(owner: Client, credential: ClientCredential) -> None:
    assert owner.post(address(credential), {"name": "MAGAZIJN"}).status_code == 302


@pytest.mark.parametrize("elsewhere", [{}, {"deleted": True}])
def test_name_of_a_deleted_one_or_of_another_seller_is_free(
    owner: Client, seller: Seller, credential: ClientCredential, elsewhere: dict[str, bool]
) -> None:
    ClientCredentialFactory(name="Kassa", **({"seller": seller, **elsewhere} if elsewhere else {}))
    assert owner.post(address(credential), {"name": "Kassa"}).status_code == 302


def test_log_keeps_both_names(owner: Client, credential: ClientCredential) -> None:
    owner.post(address(credential), {"name": "Kassa"})
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject) == (Activity.Kind.CREDENTIAL_RENAMED, "Kassa")
    assert activity.explanation == "Heette eerst 'Magazijn'."


def test_empty_form_is_told_what_is_missing(owner: Client, credential: ClientCredential) -> None:
    answer = owner.post(address(credential))
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"name": ["required"]}


def test_name_it_has_is_no_change(owner: Client, credential: ClientCredential) -> None:
    """Also the second of two clicks."""
    answer = owner.post(address(credential), {"name": "Magazijn"}, follow=True)
    assert "'Magazijn' heet nu 'Magazijn'" not in says(answer)
    assert not Activity.objects.exists()


def test_stranger_changes_nothing(stranger: Client, credential: ClientCredential) -> None:
    for answer in (stranger.get(address(credential)), stranger.post(address(credential), {"name": "Kassa"})):
        assert answer.status_code == 404
    credential.refresh_from_db()
    assert credential.name == "Magazijn"
