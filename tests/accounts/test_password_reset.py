"""`/wachtwoord/…`: a new password by mail, without telling who has an account."""

import datetime as dt
import re

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.factories import PASSWORD, UserFactory
from tests.journeys.pages import Page
from tests.mailbox import last_link
from tests.people import (
    NEW_PASSWORD,
    SIGN_IN,
    choose_password,
    codes,
    is_signed_in,
    says,
    sign_in,
    signed_in,
    without_token,
)

pytestmark = pytest.mark.django_db

FORGOTTEN = "/wachtwoord/vergeten/"


@pytest.fixture
def user() -> User:
    return UserFactory(email="sanne@winkel.example", name="Sanne")


def ask(client: Client, email: str) -> None:
    assert client.post(FORGOTTEN, {"email": email})["Location"] == "/wachtwoord/vergeten/verstuurd/"


def test_mail_is_in_dutch_and_only_to_the_user(client: Client, user: User) -> None:
    ask(client, user.email)
    (message,) = mail.outbox
    assert message.to == [user.email]
    assert message.subject == "Kies een nieuw wachtwoord"
    assert "Hallo Sanne," in message.body
    assert "Je hebt een nieuw wachtwoord gevraagd." in message.body
    assert "De link werkt 3 dagen en één keer." in message.body
    assert not re.search(r"(?i)password reset|you're receiving|hello|thank", str(message.body))


def test_error_about_a_weak_password_is_in_dutch(client: Client, user: User) -> None:
    ask(client, user.email)
    page = choose_password(client, last_link(), "kort")
    assert "Dit wachtwoord is te kort. Gebruik minstens 12 tekens." in page.words
    page = choose_password(client, last_link(), "password1234")
    assert "Dit wachtwoord wordt te veel gebruikt. Kies een ander wachtwoord." in page.words


def test_link_sets_a_new_password(client: Client, user: User) -> None:
    ask(client, user.email)
    assert choose_password(client, last_link()).words.count("Je wachtwoord is gewijzigd") == 1
    assert "Je wachtwoord is gewijzigd." in says(client.get(SIGN_IN))
    assert sign_in(Client(), user, NEW_PASSWORD).status_code == 302
    assert sign_in(Client(), user, PASSWORD).status_code == 200


def test_link_works_once(client: Client, user: User) -> None:
    ask(client, user.email)
    address = last_link()
    choose_password(client, address)
    page = Page(Client().get(address, follow=True).content.decode())
    assert "Deze link werkt niet meer" in page.headings
    assert "Heb je net een nieuw wachtwoord gekozen? Log daar dan mee in." in page.words
    assert (page.link("Nieuwe link aanvragen"), page.link("Naar inloggen")) == (FORGOTTEN, SIGN_IN)


def test_earlier_link_does_not_work_after_a_later_one_was_used(client: Client, user: User) -> None:
    ask(client, user.email)
    earlier = last_link()
    ask(client, user.email)
    choose_password(client, last_link())
    assert "Deze link werkt niet meer" in says(Client().get(earlier, follow=True))


def test_old_link_does_not_work(client: Client, user: User) -> None:
    ask(client, user.email)
    with time_machine.travel(timezone.now() + dt.timedelta(days=3, hours=3), tick=False):
        assert "Deze link werkt niet meer" in says(client.get(last_link(), follow=True))


def test_link_works_for_one_user(client: Client, user: User) -> None:
    ask(client, user.email)
    key = last_link().removesuffix("/").rpartition("/")[2].partition("-")[2]
    ask(client, UserFactory().email)
    other = last_link().removesuffix("/").rpartition("/")[2].partition("-")[0]
    page = client.get(f"/wachtwoord/nieuw/{other}-{key}/", follow=True)
    assert "Deze link werkt niet meer" in says(page)


def test_key_is_removed_from_the_address(client: Client, user: User) -> None:
    ask(client, user.email)
    key = last_link().partition("-")[2].strip("/")
    page = client.get(last_link(), follow=True)
    assert key not in page.redirect_chain[-1][0]
    assert key not in page.content.decode()


def test_new_password_ends_every_session(client: Client, user: User) -> None:
    elsewhere = signed_in(user)
    ask(client, user.email)
    choose_password(client, last_link())
    assert not is_signed_in(elsewhere)


def test_user_created_by_an_operator_chooses_a_first_password(client: Client) -> None:
    for user in (UserFactory(password=None), User.objects.create(email="zonder@winkel.example")):
        ask(client, user.email)
        choose_password(client, last_link())
        assert sign_in(Client(), user, NEW_PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("kort", "password_too_short"),
        ("qwerty123456", "password_too_common"),
        ("sanne@winkel.example", "password_too_similar"),
    ],
)
def test_weak_password_is_refused(client: Client, user: User, password: str, code: str) -> None:
    ask(client, user.email)
    page = client.get(last_link(), follow=True)
    answer = client.post(page.redirect_chain[-1][0], {"password1": password, "password2": password})
    assert code in codes(answer.context["form"])["password1"]
    assert sign_in(Client(), user, PASSWORD).status_code == 302


def test_different_passwords_are_refused(client: Client, user: User) -> None:
    ask(client, user.email)
    page = client.get(last_link(), follow=True)
    answer = client.post(page.redirect_chain[-1][0], {"password1": NEW_PASSWORD, "password2": PASSWORD})
    assert codes(answer.context["form"]).keys() == {"password2"}


@pytest.mark.parametrize("host", ["localhost:6666", "LOCALHOST", "127.0.0.1"])
def test_link_starts_with_the_issuer_for_every_host_header(client: Client, user: User, host: str) -> None:
    client.post(FORGOTTEN, {"email": user.email}, headers={"host": host})
    assert re.findall(r"https?://[^/\s]+", str(mail.outbox[0].body)) == ["http://testserver"]
    assert "Je wachtwoord is gewijzigd" in choose_password(client, last_link()).headings


@pytest.mark.parametrize("error", [OSError, ValueError, RuntimeError])
def test_failed_mail_gives_the_same_response_as_an_unknown_address(
    user: User, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    answers = [Client().post(FORGOTTEN, {"email": email}) for email in (user.email, "niemand@winkel.example")]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [
        (302, "/wachtwoord/vergeten/verstuurd/")
    ] * 2


def test_response_is_the_same_for_known_and_unknown_addresses(user: User) -> None:
    UserFactory(email="uit@winkel.example", is_active=False)
    pages = []
    for email in (user.email, "niemand@winkel.example", "uit@winkel.example"):
        answer = Client().post(FORGOTTEN, {"email": email}, follow=True)
        pages.append((answer.redirect_chain, answer.status_code, without_token(answer)))
    assert pages[0] == pages[1] == pages[2]
    assert "Bekijk je e-mail" in pages[0][2]


def test_unknown_or_switched_off_address_gets_no_mail(client: Client) -> None:
    ask(client, "niemand@winkel.example")
    ask(client, UserFactory(is_active=False).email)
    assert mail.outbox == []


def test_at_most_five_mails_a_minute_are_sent(client: Client, user: User) -> None:
    for email in (user.email, "niemand@winkel.example"):
        for _ in range(5):
            ask(client, email)
        refused = client.post(FORGOTTEN, {"email": email})
        assert refused.status_code == 429
        assert "Even wachten" in says(refused)
    assert len(mail.outbox) == 5


def test_address_with_a_mail_header_is_refused(client: Client) -> None:
    answer = client.post(FORGOTTEN, {"email": "sanne@winkel.example\nBcc: kwaad@kwaad.example"})
    assert codes(answer.context["form"]) == {"email": ["invalid"]}
    assert mail.outbox == []


def test_name_with_a_mail_header_does_not_change_the_recipients(client: Client) -> None:
    user = UserFactory(name="Sanne <b>\r\nBcc: kwaad@kwaad.example")
    ask(client, user.email)
    assert mail.outbox[0].recipients() == [user.email]


def test_csrf_is_enforced(user: User) -> None:
    assert Client(enforce_csrf_checks=True).post(FORGOTTEN, {"email": user.email}).status_code == 403
    assert mail.outbox == []


def test_reset_leads_back_to_the_requested_page(client: Client, user: User) -> None:
    """A third party's request is not lost, however long its state: from sign-in, over the mail, to sign-in."""
    following = f"/authorize?client_id=x&state={'s' * 3000}"
    page = Page(client.get("/inloggen/", {"next": following}).content.decode(), "/inloggen/")
    asking = page.link("Wachtwoord vergeten?")
    form = Page(client.get(asking).content.decode(), asking).form("Link versturen")
    sent = client.post(form.address, form.fill(**{"E-mailadres": user.email}), follow=True)
    assert sent.redirect_chain == [("/wachtwoord/vergeten/verstuurd/", 302)]
    assert following not in mail.outbox[0].body
    done = choose_password(client, last_link())
    page = Page(client.get(done.link("Naar inloggen")).content.decode(), "/inloggen/")
    form = page.form("Inloggen")
    filled = form.fill(**{"E-mailadres": user.email, "Wachtwoord": NEW_PASSWORD})
    assert client.post(form.address, filled)["Location"] == following


def test_reset_does_not_lead_to_another_site(client: Client, user: User) -> None:
    client.post(FORGOTTEN, {"email": user.email, "next": "https://elders.example/"})
    assert choose_password(client, last_link()).link("Naar inloggen") == "/inloggen/"
