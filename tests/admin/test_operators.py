"""`/beheer/`: sign-in, and the permissions of operators."""

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import Seller, User
from tests.accounts.test_sign_in import ELSEWHERE
from tests.admin.conftest import operator_with, staff
from tests.admin.registry import REGISTERED, change
from tests.factories import PASSWORD, SellerFactory, UserFactory
from tests.inventory import admin_pages, tables
from tests.journeys.pages import Page
from tests.people import codes, is_signed_in, says, sign_in, signed_in

pytestmark = pytest.mark.django_db


# ---- Sign-in ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
def test_anonymous_user_is_redirected_to_sign_in(client: Client) -> None:
    for page in [*admin_pages(), "/beheer/logout/", "/beheer/password_change/", "/beheer/onzin/", "/beheer/login/"]:
        reached = client.get(page, follow=True)
        assert reached.redirect_chain[-1][0].startswith("/inloggen/?next=/beheer/"), page
        assert reached.status_code == 200


@pytest.mark.usefixtures("rows")
def test_seller_is_refused_with_an_explanation() -> None:
    client = signed_in(Seller.objects.get().members.get())
    for page in admin_pages():
        answer = client.get(page, follow=True)
        assert answer.status_code == 403
        assert "Het beheer is alleen voor operators." in says(answer)


def test_sign_in_returns_to_the_requested_page(client: Client) -> None:
    user = UserFactory(is_staff=True, is_superuser=True)
    page = reverse("admin:accounts_seller_changelist")
    where = Page(client.get(page, follow=True).content.decode()).form("Inloggen").fill()["next"]
    assert sign_in(client, user, next=where[0])["Location"] == page


@pytest.mark.parametrize("following", ELSEWHERE)
def test_next_on_another_site_is_ignored(client: Client, operator: Client, following: str) -> None:
    assert operator.get("/beheer/login/", {"next": following})["Location"] == "/beheer/"
    page = client.get("/beheer/login/", {"next": following}, follow=True)
    assert page.redirect_chain[-1][0].startswith("/inloggen/")
    form = Page(page.content.decode()).form("Inloggen")
    user = UserFactory(is_staff=True)
    answer = client.post(form.address, form.fill(**{"E-mailadres": user.email, "Wachtwoord": PASSWORD}), follow=True)
    assert answer.redirect_chain[-1] in {("/beheer/", 302), ("/instellingen/api/", 302)}


def test_password_form_is_that_of_the_portal(operator: Client) -> None:
    assert operator.get("/beheer/password_change/")["Location"] == "/wachtwoord/wijzigen/"


def test_signing_out_of_the_admin_ends_the_session(operator: Client) -> None:
    operator.post("/beheer/logout/")
    assert operator.get("/beheer/").status_code == 302
    assert not is_signed_in(operator)


def test_switched_off_operator_is_signed_out_at_once() -> None:
    user = operator_with("view_seller")
    client = signed_in(user)
    assert client.get(reverse("admin:accounts_seller_changelist")).status_code == 200
    user.is_active = False
    user.save()
    assert client.get(reverse("admin:accounts_seller_changelist")).status_code == 302


# ---- Permissions ------------------------------------------------------------------------------------------


SHOWN = [model for model in REGISTERED if model._meta.app_label != "auth"]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", SHOWN, ids=str)
def test_view_permission_for_one_model_shows_only_that_model(model: type[Model]) -> None:
    client = staff(f"view_{model._meta.model_name}")
    others = staff(*[f"view_{other._meta.model_name}" for other in SHOWN if other is not model])
    own = f"/beheer/{model._meta.app_label}/{model._meta.model_name}/"
    for page in admin_pages():
        if page.startswith(own):
            is_shown = page == own or page.endswith(("/change/", "/history/"))
            assert client.get(page).status_code == (200 if is_shown else 403), page
            assert others.get(page).status_code == 403, page
    index = Page(client.get("/beheer/").content.decode())
    linked = {link["href"] for link in index.root.all("a") if link["href"].count("/") == 4 and "beheer" in link["href"]}
    assert linked == {own}


@pytest.mark.usefixtures("rows")
def test_view_permission_does_not_allow_changes() -> None:
    client = staff(*[f"view_{model._meta.model_name}" for model in SHOWN])
    before = tables()
    for page in admin_pages():
        status = client.post(page, {"name": "X", "post": "yes"}).status_code
        assert status == 403 or not page.endswith(("/add/", "/change/", "/delete/")), page
    assert tables() == before


READ_ONLY = ["clientcredential", "thirdpartyauthorization", "activity", "technicalcontact"]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("name", READ_ONLY)
def test_read_only_model_cannot_be_changed(operator: Client, name: str) -> None:
    before = tables()
    for page in admin_pages():
        if f"/{name}/" in page and page.endswith(("/add/", "/change/", "/delete/")):
            assert operator.post(page, {"name": "X", "post": "yes"}).status_code == 403
    changelist = reverse(f"admin:apicredentials_{name}_changelist")
    operator.post(changelist, {"action": "delete_selected", "_selected_action": "1", "post": "yes"})
    assert tables() == before


@pytest.mark.parametrize("kind", ["seller", "user"])
def test_sellers_and_users_cannot_be_deleted(operator: Client, kind: str) -> None:
    row = SellerFactory() if kind == "seller" else UserFactory()
    assert operator.post(reverse(f"admin:accounts_{kind}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    changelist = reverse(f"admin:accounts_{kind}_changelist")
    operator.post(changelist, {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"})
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_new_user_chooses_a_password_by_mail(operator: Client) -> None:
    form = Page(operator.get(reverse("admin:accounts_user_add")).content.decode()).form("Opslaan")
    answer = operator.post(reverse("admin:accounts_user_add"), form.fill() | {"email": ["Nieuw@Winkel.example"]})
    assert answer.status_code == 302, codes(answer.context["adminform"].form)
    user = User.objects.get(email="nieuw@winkel.example")
    assert user.is_active
    assert not user.is_staff
    Client().post("/wachtwoord/vergeten/", {"email": user.email})
    assert mail.outbox[0].to == [user.email]


def test_address_in_use_is_refused(operator: Client) -> None:
    UserFactory(email="sanne@winkel.example")
    url = reverse("admin:accounts_user_add")
    form = Page(operator.get(url).content.decode()).form("Opslaan")
    answer = operator.post(url, form.fill() | {"email": ["Sanne@winkel.example"]})
    assert answer.status_code == 200
    assert "Er is al een gebruiker met dit e-mailadres." in says(answer)


def test_operator_cannot_extend_their_own_permissions() -> None:
    user = operator_with("view_user", "change_user")
    client = signed_in(user)
    form = Page(client.get(change(User, user)).content.decode()).form("Opslaan")
    more = {"is_superuser": ["on"], "is_staff": ["on"], "user_permissions": ["1", "2", "3"], "name": ["Sanne"]}
    client.post(change(User, user), form.fill() | more)
    user.refresh_from_db()
    assert (user.is_superuser, user.user_permissions.count()) == (False, 2)


def test_operator_cannot_change_a_superuser() -> None:
    boss = UserFactory(is_staff=True, is_superuser=True, email="baas@portaal.example")
    client = staff("view_user", "change_user")
    assert client.post(change(User, boss), {"email": "kwaad@kwaad.example", "is_active": "on"}).status_code == 403
    boss.refresh_from_db()
    assert boss.email == "baas@portaal.example"


def test_operator_cannot_change_a_colleague_with_other_permissions() -> None:
    colleague = UserFactory(is_staff=True, email="collega@portaal.example")
    colleague.user_permissions.set(Permission.objects.filter(codename="change_thirdparty"))
    client = staff("view_user", "change_user")
    assert client.post(change(User, colleague), {"email": "kwaad@kwaad.example"}).status_code == 403
    chosen = {"action": "reset_factors", "index": "0", "_selected_action": str(colleague.pk), "reason": "Kwijt"}
    assert "dat kan hier niet" in says(client.post(reverse("admin:accounts_user_changelist"), chosen, follow=True))


def test_operator_cannot_switch_off_a_superuser() -> None:
    boss = UserFactory(is_staff=True, is_superuser=True)
    client = staff("view_user", "change_user")
    chosen = {"action": "switch_off", "index": "0", "_selected_action": str(boss.pk), "reason": "Weg ermee"}
    assert "dat kan hier niet" in says(client.post(reverse("admin:accounts_user_changelist"), chosen, follow=True))
    boss.refresh_from_db()
    assert boss.is_active


def test_user_cannot_be_switched_off_with_the_form(operator: Client) -> None:
    user = UserFactory()
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    assert operator.post(change(User, user), form.fill() | {"is_active": []}).status_code == 302
    user.refresh_from_db()
    assert user.is_active


def test_superuser_can_change_permissions(operator: Client) -> None:
    user = UserFactory()
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    operator.post(change(User, user), form.fill() | {"is_staff": ["on"]})
    user.refresh_from_db()
    assert user.is_staff


def test_csrf_is_enforced() -> None:
    client = signed_in(UserFactory(is_staff=True, is_superuser=True), enforce_csrf_checks=True)
    seller = SellerFactory()
    assert client.post(change(Seller, seller), {"display_name": "X"}).status_code == 403
