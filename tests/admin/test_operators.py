"""`/beheer/`: who comes in, and what each operator may."""

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
    user = operator_with("view_seller")
    client = signed_in(user)
    assert client.get(reverse("admin:accounts_seller_changelist")).status_code == 200
    user.is_active = False
    user.save()
    assert client.get(reverse("admin:accounts_seller_changelist")).status_code == 302


# ---- What each operator may -------------------------------------------------------------------------------


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", [model for model in REGISTERED if model._meta.app_label != "auth"], ids=str)
def test_who_may_see_one_model_sees_only_that(model: type[Model]) -> None:
    client = staff(f"view_{model._meta.model_name}")
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
    client = staff(*everything)
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
    user = operator_with("view_user", "change_user")
    client = signed_in(user)
    form = Page(client.get(change(User, user)).content.decode()).form("Opslaan")
    more = {"is_superuser": ["on"], "is_staff": ["on"], "user_permissions": ["1", "2", "3"], "name": ["Sanne"]}
    client.post(change(User, user), form.fill() | more)
    user.refresh_from_db()
    assert (user.is_superuser, user.user_permissions.count()) == (False, 2)


def test_an_operator_cannot_take_over_one_with_more_rights() -> None:
    boss = UserFactory(is_staff=True, is_superuser=True, email="baas@portaal.example")
    client = staff("view_user", "change_user")
    assert client.post(change(User, boss), {"email": "kwaad@kwaad.example", "is_active": "on"}).status_code == 403
    boss.refresh_from_db()
    assert boss.email == "baas@portaal.example"


def test_an_operator_cannot_take_over_a_colleague_with_other_rights() -> None:
    colleague = UserFactory(is_staff=True, email="collega@portaal.example")
    colleague.user_permissions.set(Permission.objects.filter(codename="change_thirdparty"))
    client = staff("view_user", "change_user")
    assert client.post(change(User, colleague), {"email": "kwaad@kwaad.example"}).status_code == 403
    chosen = {"action": "reset_factors", "index": "0", "_selected_action": str(colleague.pk), "reason": "Kwijt"}
    assert "dat kan hier niet" in says(client.post(reverse("admin:accounts_user_changelist"), chosen, follow=True))


def test_an_operator_cannot_switch_off_one_with_more_rights() -> None:
    boss = UserFactory(is_staff=True, is_superuser=True)
    client = staff("view_user", "change_user")
    chosen = {"action": "switch_off", "index": "0", "_selected_action": str(boss.pk), "reason": "Weg ermee"}
    assert "dat kan hier niet" in says(client.post(reverse("admin:accounts_user_changelist"), chosen, follow=True))
    boss.refresh_from_db()
    assert boss.is_active


def test_a_user_is_not_switched_off_without_a_reason(operator: Client) -> None:
    user = UserFactory()
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    assert operator.post(change(User, user), form.fill() | {"is_active": []}).status_code == 302
    user.refresh_from_db()
    assert user.is_active


def test_a_change_of_rights_by_a_superuser_is_done(operator: Client) -> None:
    user = UserFactory()
    form = Page(operator.get(change(User, user)).content.decode()).form("Opslaan")
    operator.post(change(User, user), form.fill() | {"is_staff": ["on"]})
    user.refresh_from_db()
    assert user.is_staff


def test_csrf_is_enforced() -> None:
    client = signed_in(UserFactory(is_staff=True, is_superuser=True), enforce_csrf_checks=True)
    seller = SellerFactory()
    assert client.post(change(Seller, seller), {"display_name": "X"}).status_code == 403
