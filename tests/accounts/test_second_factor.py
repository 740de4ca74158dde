"""The second step of signing in, step-up with it, and the recovery codes."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from unittest.mock import Mock

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.security.factors import new_recovery_codes
from apicredentials.keys.hash_keys import new_hash_key
from apicredentials.models import Activity, OutgoingMail
from tests.accounts.factors import APP, SECOND_STEP, SECURITY, code_of, recovery_codes_in, set_up_app
from tests.factories import PASSWORD, SellerFactory, ThirdPartyFactory, UserFactory
from tests.inventory import sessions, tables
from tests.journeys.pages import Page
from tests.mailbox import send_due_mail
from tests.people import PROVE, is_signed_in, says, sign_in, signed_in

pytestmark = pytest.mark.django_db

CODES = f"{SECURITY}herstelcodes/"
NEW_PASSWORD = {"oldpassword": PASSWORD} | dict.fromkeys(["password1", "password2"], "een-heel-ander-wachtwoord")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def user() -> User:
    return SellerFactory(owner__user__email="sanne@winkel.example").members.get()


@pytest.fixture
def browser(user: User) -> Client:
    return signed_in(user)


@pytest.fixture
def app(browser: Client) -> tuple[str, list[str]]:
    """The secret of the user's authenticator app, and the recovery codes."""
    return set_up_app(browser)


def mails(kind: str) -> list[str]:
    return [mail.recipient for mail in OutgoingMail.objects.filter(kind=kind)]


# ---- Setting up -------------------------------------------------------------------------------------------


def test_secret_and_qr_code_are_shown_once(browser: Client) -> None:
    first, second = browser.get(APP), browser.get(APP)
    secrets = [re.findall(r"[A-Z2-7]{32}", page.content.decode()) for page in (first, second)]
    assert len(secrets[0]) == 1
    assert secrets[0] != secrets[1]
    assert first["Cache-Control"] == "no-store"
    wrong = browser.post(APP, Page(first.content.decode(), APP).form("Aanzetten").fill(Code="000000"))
    assert wrong.status_code == 422
    assert secrets[0][0] not in wrong.content.decode()
    assert 'class="qr"' not in wrong.content.decode()


def test_mistyped_code_can_be_corrected_with_the_same_secret(browser: Client) -> None:
    page = browser.get(APP).content.decode()
    (secret,) = re.findall(r"[A-Z2-7]{32}", page)
    wrong = browser.post(APP, Page(page, APP).form("Aanzetten").fill(Code="000000"))
    form = Page(wrong.content.decode(), APP).form("Aanzetten")
    assert len(recovery_codes_in(browser.post(APP, form.fill(Code=code_of(secret))).content.decode())) == 10


def test_secrets_and_codes_are_not_stored_in_clear_text(app: tuple[str, list[str]]) -> None:
    secret, codes = app
    kept = json.dumps([tables(), sessions()], default=str)
    assert secret not in kept
    for code in codes:
        assert code not in kept
        assert code.replace("-", "") not in kept


def test_form_with_a_forged_secret_is_refused(browser: Client) -> None:
    for sealed in ("", "x", "development$eA==", "tests$AAAA"):
        assert browser.post(APP, {"code": "123456", "sealed_secret": sealed}).status_code == 422
    assert not Authenticator.objects.exists()


def test_ten_recovery_codes_come_with_the_first_factor_and_can_be_downloaded(browser: Client) -> None:
    page = browser.get(APP).content.decode()
    (secret,) = re.findall(r"[A-Z2-7]{32}", page)
    answer = browser.post(APP, Page(page, APP).form("Aanzetten").fill(Code=code_of(secret)))
    codes = recovery_codes_in(answer.content.decode())
    assert len(set(codes)) == 10
    assert answer["Cache-Control"] == "no-store"
    link = Page(answer.content.decode()).link("Downloaden")
    assert link == "data:text/plain;charset=utf-8," + "".join(f"{code}%0A" for code in codes)
    assert not any(code in browser.get(page).content.decode() for code in codes for page in (SECURITY, CODES))


def test_new_factor_is_mailed_and_in_the_log_of_the_seller(app: tuple[str, list[str]], user: User) -> None:
    assert mails("own_factor_added") == [user.email]
    activity = Activity.objects.get(kind=Activity.Kind.FACTOR_ADDED)
    assert (activity.user, activity.details) == (user, {"factor": "Authenticator-app"})


# ---- Signing in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_current_code_signs_in(
    app: tuple[str, list[str]], user: User, clock: time_machine.Traveller, steps: int
) -> None:
    clock.shift(dt.timedelta(minutes=2))
    client = Client()
    assert sign_in(client, user)["Location"] == SECOND_STEP
    assert not is_signed_in(client)
    assert client.post(SECOND_STEP, {"code": code_of(app[0], steps=steps)}).status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize("steps", [-2, 2])
def test_old_or_future_code_does_not_sign_in(
    app: tuple[str, list[str]], user: User, clock: time_machine.Traveller, steps: int
) -> None:
    clock.shift(dt.timedelta(minutes=5))
    client = Client()
    sign_in(client, user)
    assert client.post(SECOND_STEP, {"code": code_of(app[0], steps=steps)}).status_code == 200
    assert not is_signed_in(client)


def test_used_code_does_not_work_twice(app: tuple[str, list[str]], user: User, clock: time_machine.Traveller) -> None:
    """Nor 31 seconds later, when it is still within the tolerance, or after the cache was lost."""
    clock.shift(dt.timedelta(minutes=2))
    code = code_of(app[0], steps=1)
    for attempt, seconds in enumerate((0, 1, 30)):
        clock.shift(dt.timedelta(seconds=seconds))
        cache.clear()
        client = Client()
        sign_in(client, user)
        client.post(SECOND_STEP, {"code": code})
        assert is_signed_in(client) == (attempt == 0)


def test_code_used_for_setting_up_does_not_sign_in(app: tuple[str, list[str]], user: User) -> None:
    client = Client()
    sign_in(client, user)
    assert client.post(SECOND_STEP, {"code": code_of(app[0], steps=-1)}).status_code == 200


@pytest.mark.parametrize("spelling", [str, str.upper, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_recovery_code_signs_in_once_and_is_mailed(
    app: tuple[str, list[str]], user: User, spelling: "type[str]"
) -> None:
    for works in (True, False):
        client = Client()
        sign_in(client, user)
        client.post(SECOND_STEP, {"code": spelling(app[1][3]), "recovery": "1"})
        assert is_signed_in(client) == works
    assert mails("own_recovery_code") == [user.email]
    assert "Je hebt er nog 9." in str([mail.body for mail in send_due_mail()])


def test_wrong_recovery_code_says_what_to_do(app: tuple[str, list[str]], user: User, settings: Settings) -> None:
    settings.SUPPORT_EMAIL = "hulp@portaal.example"
    client = Client()
    sign_in(client, user)
    answer = client.post(SECOND_STEP, {"code": "aaaaa-bbbbb", "recovery": "1"})
    assert "Deze herstelcode klopt niet of is al gebruikt." in says(answer)
    assert "Mail hulp@portaal.example ." in says(answer)
    box = Page(answer.content.decode()).at("herstelcode")
    assert box
    assert "autofocus" in box.attributes


def test_new_set_of_recovery_codes_ends_the_old_one(app: tuple[str, list[str]], browser: Client, user: User) -> None:
    new = recovery_codes_in(browser.post(CODES).content.decode())
    assert len(set(new) - set(app[1])) == 10
    for code, works in ((app[1][0], False), (new[0], True)):
        client = Client()
        sign_in(client, user)
        client.post(SECOND_STEP, {"code": code})
        assert is_signed_in(client) == works


def test_recovery_code_signs_in_when_the_key_of_the_app_is_lost(
    app: tuple[str, list[str]], user: User, settings: Settings
) -> None:
    settings.SECRET_HASH_KEYS = new_hash_key()
    (recovery_code, *_) = new_recovery_codes(user)
    for code, works in ((code_of(app[0]), False), (recovery_code, True)):
        client = Client()
        sign_in(client, user)
        client.post(SECOND_STEP, {"code": code})
        assert is_signed_in(client) == works


def test_wrong_codes_count_with_wrong_passwords(
    app: tuple[str, list[str]], user: User, clock: time_machine.Traveller
) -> None:
    client = Client()
    for _ in range(2):
        sign_in(client, user, "een-verkeerd-wachtwoord")
    clock.shift(dt.timedelta(seconds=1))  # allauth takes back a good attempt by its moment
    sign_in(client, user)
    for _ in range(3):
        assert "Deze code klopt niet" in says(client.post(SECOND_STEP, {"code": "000000"}))
    clock.shift(dt.timedelta(minutes=2))
    refused = client.post(SECOND_STEP, {"code": code_of(app[0])})
    assert "Te veel mislukte pogingen. Wacht 3 minuten en" in says(refused)
    assert "Te veel mislukte pogingen" in says(sign_in(Client(), user))


def test_codes_from_many_addresses_are_throttled_together(
    app: tuple[str, list[str]], user: User, clock: time_machine.Traveller
) -> None:
    clock.shift(dt.timedelta(minutes=2))
    for number in range(20):
        client = Client(REMOTE_ADDR=f"203.0.113.{number}")
        sign_in(client, user)
        client.post(SECOND_STEP, {"code": "000000"})
    client = Client(REMOTE_ADDR="198.51.100.1")
    sign_in(client, user)
    assert "Te veel mislukte pogingen" in says(client.post(SECOND_STEP, {"code": code_of(app[0])}))


def test_second_step_names_the_party_and_leads_back_to_its_request(app: tuple[str, list[str]], user: User) -> None:
    request = f"/authorize?client_id={ThirdPartyFactory(name='Orderwijs').client_id}&state=a"
    client = Client()
    sign_in(client, user, next=request)
    page = Page(client.get(SECOND_STEP).content.decode(), SECOND_STEP)
    assert "Doorgaan naar Orderwijs" in page.headings
    answer = client.post(SECOND_STEP, page.form("Doorgaan").fill(**{"Code uit je authenticator-app": app[1][0]}))
    assert answer["Location"] == request


def test_second_step_names_the_support_address(app: tuple[str, list[str]], user: User, settings: Settings) -> None:
    settings.SUPPORT_EMAIL = "hulp@markt.example"
    client = Client()
    sign_in(client, user)
    assert "Ook geen codes meer? Mail hulp@markt.example" in says(client.get(SECOND_STEP))


def test_cancel_leads_back_to_the_sign_in_page(app: tuple[str, list[str]], user: User) -> None:
    client = Client()
    sign_in(client, user, next="/instellingen/?a=1")
    page = Page(client.get(SECOND_STEP).content.decode(), SECOND_STEP)
    form = Page(client.get(page.link("Annuleren")).content.decode(), "/inloggen/").form("Inloggen")
    assert form.fill()["next"] == ["/instellingen/?a=1"]


def test_second_step_needs_the_first(client: Client) -> None:
    assert client.get(SECOND_STEP)["Location"] == "/inloggen/"
    assert client.post(SECOND_STEP, {"code": "000000"})["Location"] == "/inloggen/"


def test_password_reset_does_not_skip_the_second_step(app: tuple[str, list[str]], user: User) -> None:
    user.set_password("een-heel-ander-wachtwoord")
    user.save()
    assert sign_in(Client(), user, "een-heel-ander-wachtwoord")["Location"] == SECOND_STEP


# ---- Step-up ----------------------------------------------------------------------------------------------


def test_step_up_asks_for_the_factor_and_refuses_the_password(
    app: tuple[str, list[str]], browser: Client, clock: time_machine.Traveller
) -> None:
    clock.shift(dt.timedelta(minutes=31))
    page = browser.get(CODES, follow=True)
    assert "Wachtwoord" not in Page(page.content.decode()).form("Bevestigen").fields
    assert browser.post(f"{PROVE}?next={CODES}", {"password": PASSWORD}).status_code == 200
    form = Page(page.content.decode(), page.redirect_chain[-1][0]).form("Bevestigen")
    answer = browser.post(form.address, form.fill(**{"Code uit je authenticator-app": code_of(app[0])}))
    assert answer["Location"] == CODES
    assert browser.get(CODES).status_code == 200


def test_recovery_code_is_proof_for_step_up(
    app: tuple[str, list[str]], browser: Client, clock: time_machine.Traveller
) -> None:
    clock.shift(dt.timedelta(minutes=31))
    assert browser.post(PROVE, {"code": app[1][0], "next": CODES})["Location"] == CODES


# ---- Removing ---------------------------------------------------------------------------------------------


def test_recovery_codes_are_removed_with_the_last_factor(
    app: tuple[str, list[str]], browser: Client, user: User
) -> None:
    assert browser.get(f"{APP}verwijderen/").status_code == 200
    assert Authenticator.objects.count() == 2
    browser.post(f"{APP}verwijderen/")
    assert not Authenticator.objects.exists()
    assert sign_in(Client(), user)["Location"] == "/instellingen/api/"
    assert mails("own_factor_removed") == [user.email]
    assert Activity.objects.filter(kind=Activity.Kind.FACTOR_REMOVED).count() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda browser, codes: set_up_app(browser),
        lambda browser, codes: browser.post(f"{APP}verwijderen/"),
        lambda browser, codes: browser.post(CODES),
        lambda browser, codes: browser.post(PROVE, {"code": codes[0]}),
        lambda browser, codes: browser.post("/wachtwoord/wijzigen/", NEW_PASSWORD),
    ],
    ids=["app", "app removed", "recovery codes", "recovery code used", "password"],
)
def test_change_is_undone_if_its_mail_cannot_be_queued(
    app: tuple[str, list[str]], browser: Client, monkeypatch: pytest.MonkeyPatch, change: Callable[..., object]
) -> None:
    before = tables()
    monkeypatch.setattr(OutgoingMail, "queue_for", Mock(side_effect=OperationalError))
    with pytest.raises(OperationalError):
        change(browser, app[1])
    assert tables() == before


@pytest.mark.parametrize("page", ["authenticator/", "authenticator/verwijderen/", "herstelcodes/", "gegevens/"])
def test_changing_sign_in_methods_needs_recent_proof(
    app: tuple[str, list[str]], browser: Client, clock: time_machine.Traveller, page: str
) -> None:
    clock.shift(dt.timedelta(minutes=31))
    before = Authenticator.objects.count()
    for answer in (browser.get(SECURITY + page), browser.post(SECURITY + page)):
        assert answer["Location"].startswith(f"{PROVE}?next=")
    assert Authenticator.objects.count() == before


def test_passkey_of_another_user_is_not_found(browser: Client) -> None:
    passkey = Authenticator.objects.create(user=UserFactory(), type="webauthn", data={"name": "X", "credential": {}})
    for act in ("naam", "verwijderen"):
        assert browser.post(f"{SECURITY}passkeys/{passkey.pk}/{act}/", {"name": "Y"}).status_code == 404


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", '"x"', '{"id": "a"}', "{", "\0"])
def test_malformed_passkey_response_is_refused(browser: Client, credential: str) -> None:
    assert browser.post(f"{SECURITY}passkeys/toevoegen/", {"credential": credential}).status_code == 422
    assert Client().post("/inloggen/passkey/", {"credential": credential}).status_code == 302
    assert browser.post(PROVE, {"credential": credential}).status_code == 200
