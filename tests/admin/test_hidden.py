"""`/beheer/`: secrets, hashes, codes and tokens cannot be seen, searched or guessed."""

from collections.abc import Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from apicredentials.models import ClientSecret, Grant, RefreshToken, RevokedAccessToken, ThirdParty
from tests.admin.registry import REGISTERED, change
from tests.factories import UserFactory
from tests.inventory import admin_pages
from tests.journeys.pages import Page

pytestmark = pytest.mark.django_db

HIDDEN = {
    User: "password",
    ClientSecret: "hash",
    Grant: "code_hash",
    RefreshToken: "token_checksum",
    RevokedAccessToken: "jti",
}


def hidden_values() -> list[str]:
    """Return the values that no page may show."""
    values = [value for model, name in HIDDEN.items() for value in model._default_manager.values_list(name, flat=True)]
    assert len(values) >= 9
    return values


@pytest.mark.usefixtures("rows")
def test_no_page_shows_a_secret_hash_code_or_token(operator: Client) -> None:
    values = hidden_values()
    for page in admin_pages():
        text = operator.get(page).content.decode()
        assert not [value for value in values if value in text or value[-40:] in text], page


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", REGISTERED, ids=str)
def test_hidden_values_cannot_be_searched(operator: Client, model: type[Model]) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for value in hidden_values():
        answer = operator.get(url, {"q": value[-40:]})
        assert answer.status_code == 200
        if REGISTERED[model].search_fields:
            assert answer.context["cl"].result_count == 0


def paths_to_hidden(model: type[Model], depth: int = 3) -> Iterator[str]:
    """Yield the lookups by which a query on `model` could reach a hidden column: `secrets__hash`."""
    if model._meta.concrete_model in HIDDEN:
        yield HIDDEN[model._meta.concrete_model]
    if depth:
        for field in model._meta.get_fields():
            if field.is_relation and field.related_model and not field.related_model._meta.auto_created:
                yield from (f"{field.name}__{path}" for path in paths_to_hidden(field.related_model, depth - 1))


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", REGISTERED, ids=str)
def test_hidden_values_cannot_be_guessed_by_filtering(operator: Client, model: type[Model]) -> None:
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
def test_nul_byte_in_a_lookup_is_refused(operator: Client, address: str) -> None:
    assert operator.get(f"/beheer/{address}").status_code == 400
    chosen = {"action": "suspend", "_selected_action": ["1", "\x00"]}
    assert operator.post("/beheer/apicredentials/thirdparty/", chosen).status_code == 400


def test_lookups_of_hidden_columns_are_found() -> None:
    """The test above would say nothing if no path were tried."""
    assert "password" in set(paths_to_hidden(User))
    assert "secrets__hash" in set(paths_to_hidden(ThirdParty))


def test_form_has_no_password_field(operator: Client) -> None:
    user = UserFactory()
    before = user.password
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    assert not [box for box in form.element.all("input") if "password" in box["name"]]
    data = form.fill() | {"password": ["kwaad"], "name": ["Sanne"]}
    assert operator.post(change(User, user), data).status_code == 302
    user.refresh_from_db()
    assert (user.password, user.name) == (before, "Sanne")


def test_history_of_a_change_names_fields_and_no_values(operator: Client) -> None:
    user = UserFactory(name="Roos")
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    operator.post(change(User, user), form.fill() | {"name": ["Iris"]})
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == "Naam gewijzigd."
    assert "Iris" not in entry.change_message
    assert user.password not in entry.change_message
