"""`/inloggen/` and `/uitloggen/`: who comes in, for how long, and how wrong attempts are slowed down."""

import datetime as dt

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from tests.factories import PASSWORD, SellerFactory, ThirdPartyFactory, UserFactory
from tests.journeys.pages import Page
from tests.people import PROVE, SIGN_IN, codes, is_signed_in, says, sign_in, signed_in, without_token

pytestmark = pytest.mark.django_db

SIGN_OUT = "/uitloggen/"
SETTINGS = "/instellingen/api/"
WRONG = "een-verkeerd-wachtwoord"


@pytest.fixture
def owner() -> str:
    """The address of somebody who works for a seller."""
    return SellerFactory(owner__user__email="sanne@winkel.example").members.get().email


# ---- The form ---------------------------------------------------------------------------------------------


def test_form_asks_for_address_and_password(client: Client) -> None:
    form = Page(client.get(SIGN_IN).content.decode()).form("Inloggen")
    assert list(form.fields) == ["E-mailadres", "Wachtwoord"]


def test_error_about_a_wrong_password_says_what_to_do(client: Client, owner: str) -> None:
    answer = client.post(SIGN_IN, {"login": owner, "password": "iets-anders-42"})
    assert "klopt niet. Probeer het opnieuw, of kies 'Wachtwoord vergeten?'." in says(answer)
    sign_in(client, owner)
    answer = client.post(PROVE, {"password": "iets-anders-42"})
    assert "Dit wachtwoord klopt niet. Probeer het opnieuw." in says(answer)


def test_sign_in_leads_to_the_settings(client: Client, owner: str) -> None:
    assert sign_in(client, owner)["Location"] == SETTINGS
    assert is_signed_in(client)


@pytest.mark.parametrize("spelling", ["SANNE@winkel.example", "Sanne@Winkel.Example", " sanne@winkel.example "])
def test_case_of_the_address_does_not_matter(client: Client, owner: str, spelling: str) -> None:
    assert sign_in(client, spelling).status_code == 302


def test_address_stored_with_capitals_can_sign_in(client: Client) -> None:
    UserFactory(email="Sanne.DeVries@Winkel.example")
    assert sign_in(client, "sanne.devries@winkel.example").status_code == 302


def test_signed_in_user_is_redirected(client: Client, owner: str) -> None:
    sign_in(client, owner)
    assert client.get(SIGN_IN)["Location"] == SETTINGS


def test_csrf_is_enforced(owner: str) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(SIGN_IN, {"login": owner, "password": PASSWORD}).status_code == 403
    assert sign_in(client, owner).status_code == 302


def test_page_names_the_waiting_party(client: Client) -> None:
    party = ThirdPartyFactory(name="Bol & <b>Zo</b>")
    page = client.get(SIGN_IN, {"next": f"/authorize?client_id={party.client_id}"})
    assert "Doorgaan naar Bol & <b>Zo</b>" in Page(page.content.decode()).part("main").headings


@pytest.mark.parametrize("following", ["/authorize?client_id=x{}", "/elders?client_id={}", "/authorize?id={}"])
def test_page_names_no_party_for_other_addresses(client: Client, following: str) -> None:
    page = client.get(SIGN_IN, {"next": following.format(ThirdPartyFactory().client_id)})
    assert Page(page.content.decode()).part("main").headings == ["Inloggen"]


@pytest.mark.parametrize("following", ["http://[", "https://[::1", "/authorize?client_id=%00"])
def test_malformed_next_is_ignored(client: Client, following: str) -> None:
    assert client.get(SIGN_IN, {"next": following}).status_code == 200


# ---- Wrong attempts ---------------------------------------------------------------------------------------


def test_unknown_user_and_wrong_password_get_the_same_response(client: Client, owner: str) -> None:
    wrong, unknown = sign_in(client, owner, WRONG), sign_in(client, "niemand@winkel.example", WRONG)
    assert wrong.status_code == unknown.status_code
    assert without_token(wrong) == without_token(unknown).replace("niemand@winkel.example", owner)
    assert codes(wrong.context["form"]) == codes(unknown.context["form"]) == {"__all__": ["email_password_mismatch"]}


def test_failed_form_keeps_the_address_but_not_the_password(client: Client, owner: str) -> None:
    page = sign_in(client, owner, WRONG).content.decode()
    assert f'value="{owner}"' in page
    assert WRONG not in page


def test_right_password_is_refused_after_five_wrong_ones(client: Client, owner: str) -> None:
    for _ in range(5):
        assert codes(sign_in(client, owner, WRONG).context["form"]) == {"__all__": ["email_password_mismatch"]}
    refused = sign_in(client, owner, PASSWORD)
    assert codes(refused.context["form"]) == {"__all__": ["too_many_login_attempts"]}
    assert not is_signed_in(client)


@pytest.mark.parametrize("host", ["testserver", "localhost:6666", "LOCALHOST", "127.0.0.1"])
def test_another_host_header_gives_no_extra_attempts(client: Client, owner: str, host: str) -> None:
    for _ in range(5):
        sign_in(client, owner, WRONG)
    refused = client.post(SIGN_IN, {"login": owner, "password": PASSWORD}, headers={"host": host})
    assert codes(refused.context["form"]) == {"__all__": ["too_many_login_attempts"]}


@pytest.mark.parametrize(
    ("passed", "wait"), [(0, "5 minuten"), (61, "4 minuten"), (239, "2 minuten"), (241, "1 minuut")]
)
def test_throttled_sign_in_says_how_long_to_wait(client: Client, owner: str, passed: int, wait: str) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(5):
            sign_in(client, owner, WRONG)
        clock.shift(passed)
        assert f"Wacht {wait} en probeer het dan opnieuw." in says(sign_in(client, owner, PASSWORD))
        clock.shift(60 * int(wait[0]))
        assert sign_in(client, owner, PASSWORD).status_code == 302


def test_address_throttled_over_many_accounts_is_told_how_long_to_wait(owner: str) -> None:
    guesser = Client(REMOTE_ADDR="203.0.113.7")
    with time_machine.travel(timezone.now(), tick=False):
        for number in range(20):
            sign_in(guesser, f"gok{number}@winkel.example", WRONG)
        assert "Wacht 1 minuut en" in says(sign_in(guesser, owner, PASSWORD))


def test_throttled_confirmation_says_how_long_to_wait(owner: str) -> None:
    client = Client()
    sign_in(client, owner)
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(5):
            client.post(PROVE, {"password": WRONG})
        assert "Wacht 5 minuten en" in says(client.post(PROVE, {"password": PASSWORD}))


def test_throttled_account_is_open_again_after_five_minutes(client: Client, owner: str) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(10):
            sign_in(client, owner, WRONG)
        clock.shift(dt.timedelta(minutes=5, seconds=1))
        assert sign_in(client, owner, PASSWORD).status_code == 302


def test_stranger_elsewhere_cannot_lock_the_owner_out(owner: str) -> None:
    stranger = Client(REMOTE_ADDR="203.0.113.7")
    for _ in range(10):
        sign_in(stranger, owner, WRONG)
    assert sign_in(Client(REMOTE_ADDR="198.51.100.3"), owner, PASSWORD).status_code == 302


def test_unknown_accounts_are_throttled_like_known_ones(client: Client, owner: str) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        for email in (owner, "niemand@winkel.example"):
            for _ in range(5):
                sign_in(client, email, WRONG)
        known, unknown = sign_in(client, owner, WRONG), sign_in(client, "niemand@winkel.example", WRONG)
    assert without_token(known) == without_token(unknown).replace("niemand@winkel.example", owner)


def test_address_that_tries_many_accounts_is_throttled(owner: str) -> None:
    guesser = Client(REMOTE_ADDR="203.0.113.7")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(20):
            sign_in(guesser, f"gok{number}@winkel.example", WRONG)
        assert codes(sign_in(guesser, owner, PASSWORD).context["form"]) == {"__all__": ["too_many_login_attempts"]}
        assert sign_in(Client(REMOTE_ADDR="198.51.100.3"), owner, PASSWORD).status_code == 302
        clock.shift(dt.timedelta(minutes=1, seconds=1))
        assert sign_in(guesser, owner, PASSWORD).status_code == 302


def test_successful_sign_ins_from_one_address_are_not_counted(owner: str) -> None:
    for _ in range(25):
        assert sign_in(Client(), owner, PASSWORD).status_code == 302


@pytest.mark.parametrize("address", [SIGN_IN, PROVE, "/wachtwoord/wijzigen/"])
def test_missing_password_says_what_to_do(address: str) -> None:
    client = Client() if address == SIGN_IN else signed_in(UserFactory())
    words = says(client.post(address))
    assert "Vul het wachtwoord in." in words
    assert "Dit veld is verplicht." not in words


def test_switched_off_user_cannot_sign_in(client: Client) -> None:
    user = UserFactory(is_active=False)
    response = sign_in(client, user)
    assert response["Location"] == "/inloggen/geblokkeerd/"
    assert "Dit account is uitgeschakeld" in says(client.get(response["Location"]))
    assert not is_signed_in(client)


def test_switched_off_account_is_named_after_the_right_password_only(client: Client) -> None:
    user = UserFactory(is_active=False)
    assert codes(sign_in(client, user, WRONG).context["form"]) == {"__all__": ["email_password_mismatch"]}


def test_switched_off_user_is_signed_out_at_once() -> None:
    user = SellerFactory().members.get()
    client = signed_in(user)
    user.is_active = False
    user.save()
    assert not is_signed_in(client)


# ---- A form that is posted twice ---------------------------------------------------------------------------


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


PARTY = "/authorize?client_id=x&state=a%26b"


@pytest.mark.parametrize("following", [PARTY, "/instellingen/?a=1", ""])
def test_second_post_of_the_form_leads_to_the_same_page(browser: Client, owner: str, following: str) -> None:
    page = Page(browser.get(SIGN_IN, {"next": following} if following else {}).content.decode(), SIGN_IN)
    fields = page.form("Inloggen").fill(**{"E-mailadres": owner, "Wachtwoord": PASSWORD})
    first, second = browser.post(SIGN_IN, fields), browser.post(SIGN_IN, fields)
    assert first["Location"] == second["Location"] == (following or SETTINGS)


@pytest.mark.parametrize("address", [SIGN_IN, "/wachtwoord/vergeten/"])
def test_old_form_in_another_tab_leads_on_after_sign_in(browser: Client, owner: str, address: str) -> None:
    browser.get(SIGN_IN)
    stale = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value, "next": PARTY, "email": owner}
    sign_in(browser, owner)
    assert browser.post(address, stale)["Location"] == PARTY


@pytest.mark.parametrize("following", ["https://kwaad.example/", "//kwaad.example/"])
def test_old_form_leads_to_no_other_site(browser: Client, owner: str, following: str) -> None:
    sign_in(browser, owner)
    assert browser.post(SIGN_IN, {"next": following})["Location"] == SETTINGS


def test_refused_form_of_a_visitor_links_to_a_fresh_one(browser: Client, owner: str) -> None:
    answer = browser.post(SIGN_IN, {"login": owner, "password": PASSWORD, "next": PARTY})
    assert answer.status_code == 403
    again = Page(answer.content.decode(), SIGN_IN).link("Opnieuw proberen")
    assert f'name="next" value="{PARTY.replace("&", "&amp;")}"' in browser.get(again).content.decode()


def test_other_stale_forms_are_still_refused(browser: Client, owner: str) -> None:
    sign_in(browser, owner)
    answer = browser.post("/wachtwoord/wijzigen/", {"next": PARTY})
    assert answer.status_code == 403
    assert Page(answer.content.decode()).link("Naar de startpagina") == "/"


# ---- The session ------------------------------------------------------------------------------------------


def test_sign_in_creates_a_new_session_and_ends_the_earlier_one(client: Client, owner: str) -> None:
    session = client.session
    session["planted"] = "by somebody who knows this key"
    session.save()
    planted = session.session_key
    sign_in(client, owner)
    assert client.session.session_key != planted
    assert not Session.objects.filter(pk=planted).exists()


def test_session_cookie_is_hidden_from_scripts_and_other_sites(client: Client, owner: str) -> None:
    cookie = sign_in(client, owner).cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
    assert not cookie["max-age"]  # it ends with the browser; the server has limits of its own


def test_sign_out_ends_the_session_on_the_server(client: Client, owner: str) -> None:
    sign_in(client, owner)
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert is_signed_in(stolen)
    assert client.post(SIGN_OUT)["Location"] == SIGN_IN
    assert not is_signed_in(stolen)
    assert not Session.objects.filter(pk=stolen.cookies["sessionid"].value).exists()


@pytest.mark.parametrize("method", ["get", "head"])
def test_get_of_the_sign_out_page_ends_nothing(client: Client, owner: str, method: str) -> None:
    sign_in(client, owner)
    assert client.generic(method.upper(), SIGN_OUT).status_code == 200
    assert is_signed_in(client)


def test_sign_out_needs_a_csrf_token() -> None:
    client = signed_in(UserFactory(), enforce_csrf_checks=True)
    assert client.post(SIGN_OUT).status_code == 403


def test_session_ends_after_two_hours_without_use(owner: str) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = Client()
        sign_in(client, owner)
        for _ in range(2):
            clock.shift(dt.timedelta(hours=1, minutes=55))
            assert is_signed_in(client)
        clock.shift(dt.timedelta(hours=2, seconds=1))
        assert not is_signed_in(client)
        clock.shift(-dt.timedelta(hours=2))
        assert not is_signed_in(client)


def test_session_ends_after_twelve_hours_of_use(owner: str) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = Client()
        sign_in(client, owner)
        for _ in range(11):
            clock.shift(dt.timedelta(hours=1))
            assert client.post("/inloggen/bevestigen/", {"password": PASSWORD}).status_code == 302
        clock.shift(dt.timedelta(minutes=59))
        assert is_signed_in(client)
        clock.shift(dt.timedelta(minutes=2))
        assert not is_signed_in(client)


# ---- Where it leads ---------------------------------------------------------------------------------------


ELSEWHERE = [
    "https://kwaad.example/",
    "//kwaad.example/",
    "///kwaad.example/",
    "/\\kwaad.example/",
    "\\\\kwaad.example/",
    "http:kwaad.example",
    "https://testserver@kwaad.example/",
    "https://testserver.kwaad.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "\t//kwaad.example/",
    "/\t/kwaad.example/",
    "http://localhost/",  # an allowed host, and not this one
]


@pytest.mark.parametrize("following", ELSEWHERE)
def test_next_stays_on_the_site(client: Client, owner: str, following: str) -> None:
    assert sign_in(client, owner, next=following)["Location"] == SETTINGS
    assert client.get(SIGN_IN, {"next": following})["Location"] == SETTINGS
    assert client.post(SIGN_OUT, {"next": following})["Location"] == SIGN_IN


def test_next_leads_back_to_the_requested_page(client: Client, owner: str) -> None:
    response = client.get("/instellingen/api/credentials/", {"a": "b c&d"})
    form = Page(client.get(response["Location"]).content.decode()).form("Inloggen")
    answer = client.post(SIGN_IN, form.fill(**{"E-mailadres": owner, "Wachtwoord": PASSWORD}))
    assert answer["Location"] == "/instellingen/api/credentials/?a=b+c%26d"


def test_root_redirects_to_the_settings_or_to_sign_in(client: Client, owner: str) -> None:
    assert client.get("/")["Location"] == "/inloggen/?next=/"
    sign_in(client, owner)
    assert client.get("/")["Location"] == SETTINGS
