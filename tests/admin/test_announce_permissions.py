"""`/beheer/apicredentials/announcement/`: who may write and send an announcement, and how."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apicredentials.models import Activity
from tests.admin.conftest import kim, staff
from tests.admin.test_announce import ADD, EVERYTHING, LIST, REASON, send, url
from tests.factories import AnnouncementFactory, SellerFactory
from tests.inventory import tables
from tests.people import says, signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("where", ["change", "delete", "history", "voorbeeld", "versturen"])
def test_others_are_refused(where: str) -> None:
    announcement = AnnouncementFactory()
    data = {"reason": REASON, "seen": announcement.updated_at.isoformat(), "post": "yes", "subject": "x", "text": "x"}
    clients = [Client(), signed_in(SellerFactory().members.get()), staff("view_outgoingmail", "change_thirdparty")]
    before = tables()
    for client, status in zip(clients, (302, 302, 403), strict=True):
        for answer in (client.get(url(announcement, where)), client.post(url(announcement, where), data)):
            assert answer.status_code == status
            assert announcement.text not in answer.content.decode()
    assert tables() == before


@pytest.mark.parametrize("permissions", [EVERYTHING, ("send_announcement",), ("view_announcement",)])
def test_sending_needs_its_own_permission_and_the_view_permission(permissions: tuple[str, ...]) -> None:
    announcement = AnnouncementFactory()
    client = staff(*permissions)
    before = tables()
    for answer in (
        client.get(url(announcement, "versturen")),
        client.post(url(announcement, "versturen"), {"reason": REASON, "seen": announcement.updated_at.isoformat()}),
    ):
        assert answer.status_code == 403
    assert tables() == before
    if "view_announcement" in permissions:
        assert "versturen/" not in client.get(url(announcement, "voorbeeld")).content.decode()
        assert "versturen/" not in client.get(url(announcement, "change")).content.decode()


def test_operator_who_may_send_may_not_write() -> None:
    client = staff("view_announcement", "send_announcement")
    announcement = AnnouncementFactory()
    assert client.post(url(announcement, "change"), {"subject": "x", "text": "x"}).status_code == 403
    assert client.get(ADD).status_code == 403
    assert "wordt verstuurd" in says(send(client, announcement))


def test_sending_needs_recent_proof_of_identity(operator: Client) -> None:
    announcement = AnnouncementFactory()
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        data = {"reason": REASON, "seen": announcement.updated_at.isoformat()}
        for answer in (
            operator.get(url(announcement, "versturen")),
            operator.post(url(announcement, "versturen"), data),
        ):
            assert answer["Location"].startswith("/inloggen/bevestigen/?next=")
    assert not Activity.objects.exists()


def test_csrf_is_enforced() -> None:
    announcement = AnnouncementFactory()
    client = signed_in(kim(), enforce_csrf_checks=True)
    data = {"reason": REASON, "seen": announcement.updated_at.isoformat()}
    assert client.post(url(announcement, "versturen"), data).status_code == 403
    assert not Activity.objects.exists()


def test_other_methods_send_nothing(operator: Client) -> None:
    announcement = AnnouncementFactory()
    query = {"reason": REASON, "seen": announcement.updated_at.isoformat()}
    before = tables()
    for method, status in (("GET", 200), ("HEAD", 200), ("PUT", 405), ("DELETE", 405), ("OPTIONS", 405)):
        answer = operator.generic(method, url(announcement, "versturen"), query_params=query)
        assert answer.status_code == status
    assert tables() == before


def test_unknown_announcement_is_not_found(operator: Client) -> None:
    for page in ("voorbeeld", "versturen"):
        assert operator.get(f"{LIST}4711/{page}/").status_code == 404
        assert operator.post(f"{LIST}4711/{page}/", {"reason": REASON, "seen": "x"}).status_code == 404
