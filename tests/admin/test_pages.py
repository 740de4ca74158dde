"""`/beheer/`: models, pages and their language."""

import ast
import gettext
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import Actor, User
from apicredentials.models import OutgoingMail
from apicredentials.models.activity import Activity
from tests.admin.registry import REGISTERED, change
from tests.factories import ClientCredentialFactory, ResourceServerFactory, ThirdPartyAuthorizationFactory
from tests.inventory import admin_pages
from tests.journeys.pages import Page
from tests.people import says

if TYPE_CHECKING:
    from django.contrib.admin.options import ModelAdmin

pytestmark = pytest.mark.django_db


def test_only_our_own_models_are_registered() -> None:
    labels = {model._meta.label for model in REGISTERED}
    assert labels >= {
        "accounts.Seller",
        "accounts.User",
        "apicredentials.ClientCredential",
        "apicredentials.ThirdParty",
    }
    assert {label.partition(".")[0] for label in labels} <= {"accounts", "apicredentials", "auth"}
    assert not labels & {
        f"apicredentials.{name}"
        for name in ("OAuthClient", "ClientSecret", "Grant", "RefreshToken", "RevokedAccessToken", "IDToken")
    }


@pytest.mark.usefixtures("rows")
def test_every_page_renders_or_is_forbidden(operator: Client) -> None:
    statuses = {}
    for page in admin_pages():
        answer = operator.get(page)
        statuses[page] = answer.status_code
        if answer.status_code == 200:
            assert '<html lang="nl"' in answer.content.decode()
    assert set(statuses.values()) == {200, 403}
    assert {status for page, status in statuses.items() if page.endswith(("/change/", "/history/"))} == {200}
    assert {status for page, status in statuses.items() if page.count("/") == 4} == {200}
    assert len([page for page in statuses if page.endswith("/change/")]) > len(REGISTERED) - 2


@pytest.mark.usefixtures("rows")
def test_pages_have_the_headers_of_all_pages(operator: Client) -> None:
    for page in (reverse("admin:index"), reverse("admin:accounts_seller_changelist")):
        answer = operator.get(page)
        assert "unsafe-inline" not in answer["Content-Security-Policy"]
        assert "<script>" not in answer.content.decode()
        assert answer["Cache-Control"].find("no-store") >= 0


def shown_labels(model: type[Model], model_admin: "ModelAdmin[Model]") -> Iterator[tuple[str, str]]:
    """Yield the fields of a model that an operator sees, with their labels."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    fields = model_admin.get_form(request).base_fields if model_admin.has_add_permission(request) else {}
    names = [*model_admin.get_list_display(request), *flatten_fieldsets(model_admin.get_fieldsets(request))]
    for name in names:
        if isinstance(name, str) and name != "__str__":
            yield name, str(fields[name].label if name in fields else label_for_field(name, model, model_admin))


@pytest.mark.parametrize("model", [model for model in REGISTERED if model._meta.app_label != "auth"], ids=str)
def test_every_field_has_a_dutch_label(model: type[Model]) -> None:
    same_in_both = {"name", "logo", "scope", "client_id", "refresh_tokens", "status", "type"}
    left_in_english = {
        name
        for name, label in shown_labels(model, REGISTERED[model])
        if label.lower() == name.replace("_", " ") and name not in same_in_both
    }
    assert not left_in_english


ENGLISH = re.compile(
    r"\b(Select|Filter by|Are you sure|Deleting|Can (add|change|delete|view)|Pagination|Search|[a-z]+_[a-z]+)\b"
)


@pytest.mark.usefixtures("rows")
def test_every_page_is_in_dutch(operator: Client) -> None:
    Group.objects.create(name="Helpdesk")
    OutgoingMail(kind=OutgoingMail.Kind.AUTHORIZATION_ENDS, key="x").queue_for(["lezer@winkel.example"])
    # Without addresses and names of commands.
    found = {
        (page, word[0])
        for page in admin_pages()
        for word in ENGLISH.finditer(re.sub(r"\w+@\S+|send_notices", "", says(operator.get(page))))
    }
    assert not found


def test_every_permission_can_be_given(operator: Client) -> None:
    form = Page(operator.get(reverse("admin:auth_group_add")).content.decode()).form("Opslaan")
    labels = ["Lidmaatschappen: wijzigen", "Uitgaande mail: wijzigen", "Mag een mededeling versturen"]
    chosen = [form.fields[label]["value"] for label in labels]
    operator.post(reverse("admin:auth_group_add"), {"name": "Helpdesk", "permissions": chosen})
    given = Group.objects.get().permissions.values_list("codename", flat=True)
    assert {*given} == {"change_membership", "change_outgoingmail", "send_announcement"}


def test_compiled_translations_equal_their_source() -> None:
    """Django reads the compiled file."""
    folder = settings.BASE_DIR / "portal/locale/nl/LC_MESSAGES"
    written = re.findall(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)', (folder / "django.po").read_text(), re.MULTILINE)
    words = [tuple("".join(map(ast.literal_eval, text.splitlines())) for text in pair) for pair in written]
    with (folder / "django.mo").open("rb") as file:
        read = gettext.GNUTranslations(file)
    assert len(words) > 8
    for original, dutch in words[1:]:
        assert read.gettext(original) == translation.gettext(original) == dutch


def test_scripts_are_in_dutch(operator: Client) -> None:
    """Django's calendar, and its warning for a browser in another time zone."""
    words = operator.get(reverse("admin:jsi18n")).content.decode()
    for dutch in ("Kies een tijdstip", "Vandaag (%(date)s)", "Je loopt %(offset)s uur achter."):
        assert dutch in words


def test_log_shows_time_and_details_in_words(operator: Client) -> None:
    row = Activity.record(
        Activity.Kind.PARTY_RENEWED, seller=None, subject="Bol", by=Actor(), expires_at="2027-03-02T11:00:00+00:00"
    )
    page = says(operator.get(change(Activity, row)))
    assert "Einddatum: 2 maart 2027 om 12:00." in page
    assert f"Wanneer: {date_format(timezone.localtime(row.at), 'j F Y H:i')}" in page


def test_activity_shows_the_reason(operator: Client) -> None:
    credential = ClientCredentialFactory(name="Magazijn")
    credential.delete_softly(by=Actor(reason="Op verzoek van de verkoper"))
    page = says(operator.get(reverse("admin:apicredentials_activity_change", args=[Activity.objects.get().pk])))
    assert "Op verzoek van de verkoper" in page
    assert "Client credentials verwijderd" in page


def test_start_page_is_called_beheer(operator: Client) -> None:
    page = Page(operator.get("/beheer/").content.decode())
    assert "Beheer" in page.headings
    assert "Verkopers en gebruikers" in page.words
    assert "Client credentials" in page.words


def test_each_list_has_one_kind_of_client(operator: Client) -> None:
    credential, party = ClientCredentialFactory(name="Magazijn"), ThirdPartyAuthorizationFactory().third_party
    server = ResourceServerFactory(name="API")
    for kind, row in (("clientcredential", credential), ("thirdparty", party), ("resourceserver", server)):
        page = says(operator.get(reverse(f"admin:apicredentials_{kind}_changelist")))
        assert [other.client_id in page for other in (credential, party, server)] == [
            other is row for other in (credential, party, server)
        ]
