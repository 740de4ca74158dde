"""Proof of identity in `/beheer/`: what an operator filled in is kept while it is asked."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Actor
from apicredentials.models import Announcement
from tests.admin.conftest import kim
from tests.factories import PASSWORD, AnnouncementFactory, ThirdPartyFactory
from tests.journeys.pages import Page
from tests.people import signed_in

pytestmark = pytest.mark.django_db


def proven_after(address: str, fields: dict[str, str]) -> Page:
    """Post a form 31 minutes after signing in, give proof, and return the page that follows."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in(kim())
        clock.shift(dt.timedelta(minutes=31))
        proof = client.post(address, fields)["Location"]
        page = client.post(proof, {"password": PASSWORD}, follow=True)
    assert page.status_code == 200
    assert "Dit is nog niet gedaan" in page.content.decode()
    return Page(page.content.decode(), address)


def test_reason_for_an_announcement_is_kept() -> None:
    announcement = AnnouncementFactory()
    address = f"/beheer/apicredentials/announcement/{announcement.pk}/versturen/"
    fields = {"reason": "Onderhoud", "seen": announcement.updated_at.isoformat()}
    page = proven_after(address, fields)
    assert page.form("Nu versturen").fill()["reason"] == ["Onderhoud"]
    assert Announcement.objects.get().is_draft


def test_overlap_of_a_new_secret_is_kept() -> None:
    party = ThirdPartyFactory()
    party.reveal(by=Actor())
    page = proven_after(f"/beheer/apicredentials/thirdparty/{party.pk}/nieuw-secret/", {"overlap": "30d"})
    assert page.form("Nieuw secret").fill()["overlap"] == ["30d"]
    assert party.secrets.count() == 1
