"""`/beheer/`: what operators see and may, and what nobody does."""

import ast
import gettext
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import Actor, Seller, User
from apicredentials.models import ClientSecret, Grant, OutgoingMail, RefreshToken, RevokedAccessToken, ThirdParty
from apicredentials.models.activity import Activity
from tests.accounts.test_sign_in import ELSEWHERE
from tests.factories import (
    PASSWORD,
    AnnouncementFactory,
    ClientCredentialFactory,
    ResourceServerFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    UserFactory,
)
from tests.inventory import admin_pages, tables
from tests.journeys.pages import Page
from tests.people import codes, is_signed_in, says, sign_in, signed_in

if TYPE_CHECKING:
    from django.contrib.admin.options import ModelAdmin

pytestmark = pytest.mark.django_db

REGISTERED = admin.site._registry
HIDDEN = {
    User: "password",
    ClientSecret: "hash",
    Grant: "code_hash",
    RefreshToken: "token_checksum",
    RevokedAccessToken: "jti",
}


@pytest.fixture
def operator() -> Client:
    """The browser of an operator who may do everything."""
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


def staff(*permissions: str) -> User:
    """Return an operator with these permissions only."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    assert user.user_permissions.count() == len(permissions)
    return user


@pytest.fixture
def rows() -> None:
    """One of everything, with values in every column that must stay hidden."""
    contact = TechnicalContactFactory()
    credential = ClientCredentialFactory(seller=contact.seller)
    credential.reveal(by=Actor())
    credential.rotate(overlap=timedelta(days=1), by=Actor())
    authorization = ThirdPartyAuthorizationFactory(seller=contact.seller)
    ThirdParty.objects.get().reveal(by=Actor())
    ResourceServerFactory().reveal(by=Actor())
    AnnouncementFactory()
    now = timezone.now()
    common = {"user": contact.seller.members.get(), "application_id": authorization.third_party.pk}
    grant = Grant.objects.create(
        code_hash="c0de" * 16, authorization=authorization, rights="", scope="", redirect_uri="", expires=now, **common
    )
    RefreshToken.objects.create(token_checksum="70ce" * 16, grant=grant, **common)
    RevokedAccessToken.objects.create(jti="11111111-2222-4333-8444-555555555555", expires=now)


def hidden_values() -> list[str]:
    """Return the values that no page may show."""
    values = [value for model, name in HIDDEN.items() for value in model._default_manager.values_list(name, flat=True)]
    assert len(values) >= 9
    return values


def change(model: type[Model], row: Model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])


# ---- What there is ----------------------------------------------------------------------------------------


def test_only_our_own_models_are_there() -> None:
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
def test_every_page_can_be_drawn_or_is_closed(operator: Client) -> None:
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
def test_the_pages_have_the_same_headers_as_all_others(operator: Client) -> None:
    for page in (reverse("admin:index"), reverse("admin:accounts_seller_changelist")):
        answer = operator.get(page)
        assert "unsafe-inline" not in answer["Content-Security-Policy"]
        assert "<script>" not in answer.content.decode()
        assert answer["Cache-Control"].find("no-store") >= 0


def shown_labels(model: type[Model], model_admin: "ModelAdmin[Model]") -> Iterator[tuple[str, str]]:
    """Return the fields an operator sees of a model, with what they are called."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    names = [*model_admin.get_list_display(request), *flatten_fieldsets(model_admin.get_fieldsets(request))]
    for name in names:
        if isinstance(name, str) and name != "__str__":
            yield name, str(label_for_field(name, model, model_admin))


@pytest.mark.parametrize("model", [model for model in REGISTERED if model._meta.app_label != "auth"], ids=str)
def test_everything_has_a_dutch_name(model: type[Model]) -> None:
    same_in_both = {"name", "scope", "client_id", "refresh_tokens", "status", "type"}
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
def test_every_page_speaks_dutch(operator: Client) -> None:
    Group.objects.create(name="Helpdesk")
    OutgoingMail(kind=OutgoingMail.Kind.AUTHORIZATION_ENDS, key="x").queue_for(["lezer@winkel.example"])
    # The names of what software calls something are nobody's language.
    found = {
        (page, word[0])
        for page in admin_pages()
        for word in ENGLISH.finditer(re.sub(r"\w+@\S+", "", says(operator.get(page))))
    }
    assert not found


def test_every_right_that_a_page_asks_for_can_be_given(operator: Client) -> None:
    form = Page(operator.get(reverse("admin:auth_group_add")).content.decode()).form("Opslaan")
    labels = ["Lidmaatschappen: wijzigen", "Uitgaande mail: wijzigen", "Mag een mededeling versturen"]
    chosen = [form.fields[label]["value"] for label in labels]
    operator.post(reverse("admin:auth_group_add"), {"name": "Helpdesk", "permissions": chosen})
    given = Group.objects.get().permissions.values_list("codename", flat=True)
    assert {*given} == {"change_membership", "change_outgoingmail", "send_announcement"}


def test_what_django_leaves_in_english_is_translated_as_it_was_written() -> None:
    """The file that is read is made of the one that is written."""
    folder = settings.BASE_DIR / "portal/locale/nl/LC_MESSAGES"
    written = re.findall(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)', (folder / "django.po").read_text(), re.MULTILINE)
    words = [tuple("".join(map(ast.literal_eval, text.splitlines())) for text in pair) for pair in written]
    with (folder / "django.mo").open("rb") as file:
        read = gettext.GNUTranslations(file)
    assert len(words) > 8
    for original, dutch in words[1:]:
        assert read.gettext(original) == translation.gettext(original) == dutch


def test_its_scripts_speak_dutch_too(operator: Client) -> None:
    """Django's calendar, and what it says to a browser in another time zone."""
    words = operator.get(reverse("admin:jsi18n")).content.decode()
    for dutch in ("Kies een tijdstip", "Vandaag (%(date)s)", "Je loopt %(offset)s uur achter."):
        assert dutch in words


def test_the_log_says_when_and_what_in_words(operator: Client) -> None:
    row = Activity.record(
        Activity.Kind.PARTY_RENEWED, seller=None, subject="Bol", by=Actor(), expires_at="2027-03-02T11:00:00+00:00"
    )
    page = says(operator.get(change(Activity, row)))
    assert "Einddatum: 2 maart 2027 om 12:00." in page
    assert f"Wanneer: {date_format(timezone.localtime(row.at), 'j F Y H:i')}" in page


def test_it_is_called_beheer(operator: Client) -> None:
    page = Page(operator.get("/beheer/").content.decode())
    assert "Beheer" in page.headings
    assert "Verkopers en gebruikers" in page.words
    assert "Client credentials" in page.words


# ---- What nobody sees -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
def test_no_page_shows_a_secret_hash_code_or_token(operator: Client) -> None:
    values = hidden_values()
    for page in admin_pages():
        text = operator.get(page).content.decode()
        assert not [value for value in values if value in text or value[-40:] in text], page


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", REGISTERED, ids=str)
def test_nothing_hidden_can_be_searched(operator: Client, model: type[Model]) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for value in hidden_values():
        answer = operator.get(url, {"q": value[-40:]})
        assert answer.status_code == 200
        if REGISTERED[model].search_fields:
            assert answer.context["cl"].result_count == 0


def paths_to_hidden(model: type[Model], depth: int = 3) -> Iterator[str]:
    """Return how a query on `model` could ask after a hidden column: `secrets__hash`."""
    if model._meta.concrete_model in HIDDEN:
        yield HIDDEN[model._meta.concrete_model]
    if depth:
        for field in model._meta.get_fields():
            if field.is_relation and field.related_model and not field.related_model._meta.auto_created:
                yield from (f"{field.name}__{path}" for path in paths_to_hidden(field.related_model, depth - 1))


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", REGISTERED, ids=str)
def test_nothing_hidden_can_be_guessed_by_filtering(operator: Client, model: type[Model]) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    paths = {path for path in paths_to_hidden(model) if path.count("__") < 3}
    for path in paths:
        assert operator.get(url, {f"{path}__startswith": "a"}).status_code in {302, 400}, path


@pytest.mark.parametrize(
    "address",
    [
        "apicredentials/thirdparty/?name=%00",
        "apicredentials/outgoingmail/?kind=%00",
        "apicredentials/activity/?kind__exact=x&kind__exact=%00",
        "autocomplete/?app_label=accounts&model_name=membership&field_name=user&term=%00",
    ],
)
def test_what_the_database_cannot_hold_is_not_looked_up(operator: Client, address: str) -> None:
    assert operator.get(f"/beheer/{address}").status_code == 400
    chosen = {"action": "deactivate", "_selected_action": ["1", "\x00"]}
    assert operator.post("/beheer/apicredentials/thirdparty/", chosen).status_code == 400


def test_something_can_be_filtered() -> None:
    """The test above would say nothing if no path were tried."""
    assert "password" in set(paths_to_hidden(User))
    assert "secrets__hash" in set(paths_to_hidden(ThirdParty))


def test_a_password_is_not_even_a_field(operator: Client) -> None:
    user = UserFactory()
    before = user.password
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    assert not [box for box in form.element.all("input") if "password" in box["name"]]
    data = form.fill() | {"password": ["kwaad"], "name": ["Sanne"]}
    assert operator.post(change(User, user), data).status_code == 302
    user.refresh_from_db()
    assert (user.password, user.name) == (before, "Sanne")


def test_the_history_of_a_change_names_fields_and_no_values(operator: Client) -> None:
    user = UserFactory(name="Roos")
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    operator.post(change(User, user), form.fill() | {"name": ["Iris"]})
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == "Naam gewijzigd."
    assert "Iris" not in entry.change_message
    assert user.password not in entry.change_message


# ---- Who comes in -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
def test_who_is_not_signed_in_goes_to_the_portals_sign_in(client: Client) -> None:
    for page in [*admin_pages(), "/beheer/logout/", "/beheer/password_change/", "/beheer/onzin/", "/beheer/login/"]:
        reached = client.get(page, follow=True)
        assert reached.redirect_chain[-1][0].startswith("/inloggen/?next=/beheer/"), page
        assert reached.status_code == 200


@pytest.mark.usefixtures("rows")
def test_a_seller_is_told_that_it_is_not_for_them() -> None:
    client = signed_in(Seller.objects.get().members.get())
    for page in admin_pages():
        answer = client.get(page, follow=True)
        assert answer.status_code == 403
        assert "Het beheer is alleen voor operators." in says(answer)


def test_an_operator_comes_back_to_where_they_wanted_to_be(client: Client) -> None:
    user = UserFactory(is_staff=True, is_superuser=True)
    page = reverse("admin:accounts_seller_changelist")
    where = Page(client.get(page, follow=True).content.decode()).form("Inloggen").fill()["next"]
    assert sign_in(client, user, next=where[0])["Location"] == page


@pytest.mark.parametrize("following", ELSEWHERE)
def test_next_stays_on_the_site(client: Client, operator: Client, following: str) -> None:
    assert operator.get("/beheer/login/", {"next": following})["Location"] == "/beheer/"
    page = client.get("/beheer/login/", {"next": following}, follow=True)
    assert page.redirect_chain[-1][0].startswith("/inloggen/")
    form = Page(page.content.decode()).form("Inloggen")
    user = UserFactory(is_staff=True)
    answer = client.post(form.address, form.fill(**{"E-mailadres": user.email, "Wachtwoord": PASSWORD}), follow=True)
    assert answer.redirect_chain[-1] in {("/beheer/", 302), ("/instellingen/api/", 302)}


def test_the_admin_has_no_password_form_of_its_own(operator: Client) -> None:
    assert operator.get("/beheer/password_change/")["Location"] == "/wachtwoord/wijzigen/"


def test_signing_out_of_the_admin_is_signing_out(operator: Client) -> None:
    operator.post("/beheer/logout/")
    assert operator.get("/beheer/").status_code == 302
    assert not is_signed_in(operator)


def test_an_operator_who_was_switched_off_is_out_at_once() -> None:
    user = staff("view_seller")
    client = signed_in(user)
    assert client.get(reverse("admin:accounts_seller_changelist")).status_code == 200
    user.is_active = False
    user.save()
    assert client.get(reverse("admin:accounts_seller_changelist")).status_code == 302


# ---- What each operator may -------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", [model for model in REGISTERED if model._meta.app_label != "auth"], ids=str)
def test_who_may_see_one_model_sees_only_that(model: type[Model]) -> None:
    client = signed_in(staff(f"view_{model._meta.model_name}"))
    own = f"/beheer/{model._meta.app_label}/{model._meta.model_name}/"
    for page in admin_pages():
        status = client.get(page).status_code
        if page.startswith(own):
            expected = {200} if page == own or page.endswith(("/change/", "/history/")) else {403}
        else:
            expected = {200} if page == "/beheer/" else {200, 403, 404} if page.count("/") == 3 else {403}
        assert status in expected, page
    index = Page(client.get("/beheer/").content.decode())
    linked = {link["href"] for link in index.root.all("a") if link["href"].count("/") == 4 and "beheer" in link["href"]}
    assert linked == {own}


@pytest.mark.usefixtures("rows")
def test_who_may_see_a_model_cannot_change_it() -> None:
    everything = [f"view_{model._meta.model_name}" for model in REGISTERED if model._meta.app_label != "auth"]
    client = signed_in(staff(*everything))
    before = tables()
    for page in admin_pages():
        status = client.post(page, {"name": "X", "post": "yes"}).status_code
        assert status == 403 or not page.endswith(("/add/", "/change/", "/delete/")), page
    assert tables() == before


READ_ONLY = ["clientcredential", "thirdpartyauthorization", "activity", "technicalcontact"]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("name", READ_ONLY)
def test_what_is_for_reading_is_not_changed_by_anyone(operator: Client, name: str) -> None:
    before = tables()
    for page in admin_pages():
        if f"/{name}/" in page and page.endswith(("/add/", "/change/", "/delete/")):
            assert operator.post(page, {"name": "X", "post": "yes"}).status_code == 403
    changelist = reverse(f"admin:apicredentials_{name}_changelist")
    operator.post(changelist, {"action": "delete_selected", "_selected_action": "1", "post": "yes"})
    assert tables() == before


def test_each_list_has_its_own_kind_of_client(operator: Client) -> None:
    credential, party = ClientCredentialFactory(name="Magazijn"), ThirdPartyAuthorizationFactory().third_party
    server = ResourceServerFactory(name="API")
    for kind, row in (("clientcredential", credential), ("thirdparty", party), ("resourceserver", server)):
        page = says(operator.get(reverse(f"admin:apicredentials_{kind}_changelist")))
        assert [other.client_id in page for other in (credential, party, server)] == [
            other is row for other in (credential, party, server)
        ]


@pytest.mark.parametrize("kind", ["seller", "user"])
def test_sellers_and_users_are_never_deleted(operator: Client, kind: str) -> None:
    row = SellerFactory() if kind == "seller" else UserFactory()
    assert operator.post(reverse(f"admin:accounts_{kind}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    changelist = reverse(f"admin:accounts_{kind}_changelist")
    operator.post(changelist, {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"})
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_an_operator_makes_a_user_who_chooses_a_password_by_mail(operator: Client) -> None:
    form = Page(operator.get(reverse("admin:accounts_user_add")).content.decode()).form("Opslaan")
    answer = operator.post(reverse("admin:accounts_user_add"), form.fill() | {"email": ["Nieuw@Winkel.example"]})
    assert answer.status_code == 302, codes(answer.context["adminform"].form)
    user = User.objects.get(email="nieuw@winkel.example")
    assert user.is_active
    assert not user.is_staff
    Client().post("/wachtwoord/vergeten/", {"email": user.email})
    assert mail.outbox[0].to == [user.email]


def test_two_users_cannot_have_one_address(operator: Client) -> None:
    UserFactory(email="sanne@winkel.example")
    url = reverse("admin:accounts_user_add")
    form = Page(operator.get(url).content.decode()).form("Opslaan")
    answer = operator.post(url, form.fill() | {"email": ["Sanne@winkel.example"]})
    assert answer.status_code == 200
    assert "Er is al een gebruiker met dit e-mailadres." in says(answer)


def test_an_operator_cannot_raise_their_own_rights() -> None:
    user = staff("view_user", "change_user")
    client = signed_in(user)
    form = Page(client.get(change(User, user)).content.decode()).form("Opslaan")
    more = {"is_superuser": ["on"], "is_staff": ["on"], "user_permissions": ["1", "2", "3"], "name": ["Sanne"]}
    client.post(change(User, user), form.fill() | more)
    user.refresh_from_db()
    assert (user.is_superuser, user.user_permissions.count()) == (False, 2)


def test_an_operator_cannot_take_over_one_with_more_rights() -> None:
    boss = UserFactory(is_staff=True, is_superuser=True, email="baas@portaal.example")
    client = signed_in(staff("view_user", "change_user"))
    assert client.post(change(User, boss), {"email": "kwaad@kwaad.example", "is_active": "on"}).status_code == 403
    boss.refresh_from_db()
    assert boss.email == "baas@portaal.example"


def test_a_change_of_rights_by_a_superuser_is_done(operator: Client) -> None:
    user = UserFactory()
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    operator.post(change(User, user), form.fill() | {"is_staff": ["on"]})
    user.refresh_from_db()
    assert user.is_staff


def test_an_activity_shows_who_and_why(operator: Client) -> None:
    credential = ClientCredentialFactory(name="Magazijn")
    credential.delete_softly(by=Actor(reason="Op verzoek van de verkoper"))
    page = says(operator.get(reverse("admin:apicredentials_activity_change", args=[Activity.objects.get().pk])))
    assert "Op verzoek van de verkoper" in page
    assert "Client credentials verwijderd" in page


def test_csrf_is_enforced() -> None:
    client = signed_in(UserFactory(is_staff=True, is_superuser=True), enforce_csrf_checks=True)
    seller = SellerFactory()
    assert client.post(change(Seller, seller), {"display_name": "X"}).status_code == 403
