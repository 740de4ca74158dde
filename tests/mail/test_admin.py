"""`/beheer/apicredentials/outgoingmail/`: stuck mail, and previews of every mail."""

from http import HTTPStatus

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from apicredentials.mail import MESSAGES
from apicredentials.mail.previews import sample
from apicredentials.mail.rendering import compose
from apicredentials.models import OutgoingMail
from tests.factories import UserFactory
from tests.inventory import tables
from tests.people import says, signed_in

LIST = "/beheer/apicredentials/outgoingmail/"
PREVIEWS = f"{LIST}voorbeelden/"


@pytest.fixture
def operator(db: None) -> Client:
    """The browser of a superuser."""
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def clerk(db: None) -> Client:
    """The browser of an operator who may only view mail."""
    user = UserFactory(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_outgoingmail"))
    return signed_in(user)


def mails() -> dict[str, OutgoingMail]:
    """Create one mail per state, and return them by the name of the state."""
    now = timezone.now()
    states: dict[str, dict[str, object]] = {
        "nieuw": {},
        "verstuurd": {"sent_at": now, "attempts": 2},
        "mislukt": {"last_error": "SMTPRecipientsRefused 550 5.1.1", "attempts": 3},
        "opgegeven": {"last_error": "TimeoutError", "attempts": 15, "given_up_at": now},
    }
    for state, fields in states.items():
        mail = sample("credential_paused")
        mail.key = state
        mail.queue_for([f"{state}@winkel.example"])
        OutgoingMail.objects.filter(key=state).update(**fields)
    return {mail.key: mail for mail in OutgoingMail.objects.all()}


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("stuck", {"mislukt", "opgegeven"}),
        ("given_up", {"opgegeven"}),
        ("waiting", {"nieuw", "mislukt"}),
        ("sent", {"verstuurd"}),
        ("", {"nieuw", "mislukt", "opgegeven", "verstuurd"}),
    ],
)
def test_list_is_filtered_by_state(clerk: Client, state: str, shown: set[str]) -> None:
    names = mails()
    page = clerk.get(LIST, {"state": state} if state else {})
    assert {name for name in names if f"{name}@winkel.example" in page.content.decode()} == shown
    assert "Client credentials gepauzeerd" in says(page)


def test_stuck_mail_can_be_tried_again_with_permission(operator: Client, clerk: Client) -> None:
    rows = mails()
    data = {"action": "try_again", "_selected_action": [row.pk for row in rows.values()]}
    clerk.post(LIST, data)
    assert OutgoingMail.objects.get(key="opgegeven").given_up_at is not None
    answer = operator.post(LIST, data, follow=True)
    assert "2 mails gaan mee met de volgende ronde" in says(answer)
    assert OutgoingMail.objects.get(key="opgegeven").given_up_at is None
    assert OutgoingMail.objects.get(key="verstuurd").attempts == 2


def test_mail_is_read_only(operator: Client) -> None:
    mail = mails()["mislukt"]
    for address in (f"{LIST}add/", f"{LIST}{mail.pk}/delete/"):
        assert operator.get(address).status_code == HTTPStatus.FORBIDDEN
    page = operator.get(f"{LIST}{mail.pk}/change/")
    assert "SMTPRecipientsRefused 550 5.1.1" in says(page)
    assert 'type="submit"' not in page.content.decode().partition('id="outgoingmail_form"')[2]


def test_every_kind_of_mail_has_a_preview(clerk: Client) -> None:
    before, index = tables(), clerk.get(PREVIEWS).content.decode()
    for kind in MESSAGES:
        assert f'href="{PREVIEWS}{kind}/"' in index
        page = clerk.get(f"{PREVIEWS}{kind}/")
        assert page.status_code == HTTPStatus.OK
        assert says(page).count(f"Hallo, {compose(sample(kind)).news[:20]}") == 2  # as text and as HTML
        assert says(page).count("Groet, Verkopersportaal") == 2
    assert tables() == before


def test_unknown_kind_is_not_found(clerk: Client) -> None:
    assert clerk.get(f"{PREVIEWS}onbekend/").status_code == HTTPStatus.NOT_FOUND


def test_previews_need_permission_to_view_mail(db: None, client: Client) -> None:
    assert client.get(PREVIEWS).status_code == HTTPStatus.FOUND
    assert signed_in(UserFactory(is_staff=True)).get(PREVIEWS).status_code == HTTPStatus.FORBIDDEN
    seller_user = signed_in(UserFactory())
    assert seller_user.get(PREVIEWS, follow=True).status_code == HTTPStatus.FORBIDDEN


def test_list_links_to_the_previews(clerk: Client) -> None:
    assert f'href="{PREVIEWS}"' in clerk.get(LIST).content.decode()
