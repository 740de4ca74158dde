"""`/beheer/apicredentials/announcement/`: write, preview and send an announcement, and follow its progress."""

from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Actor
from apicredentials.admin import announcement_admin
from apicredentials.admin.announcement_admin import AnnouncementAdmin
from apicredentials.models import Activity, Announcement, OutgoingMail, TechnicalContact
from tests.factories import (
    AnnouncementFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
)
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.mailbox import send_due_mail
from tests.people import codes, says

if TYPE_CHECKING:
    from tests.people import Response

pytestmark = pytest.mark.django_db

LIST = "/beheer/apicredentials/announcement/"
ADD = f"{LIST}add/"
SUBJECT = "Onderhoud aan de Retailer API op 7 maart"
TEXT = "Zondag 7 maart is er onderhoud.\n\nMeer op https://status.example/onderhoud."
REASON = "Wijziging 4711"
EVERYTHING = ("view_announcement", "add_announcement", "change_announcement", "delete_announcement")


def url(announcement: Announcement, page: str) -> str:
    return f"{LIST}{announcement.pk}/{page}/"


def page_of(answer: "Response", address: str = LIST) -> Page:
    return Page(answer.content.decode(), address)


def write(client: Client, subject: str = SUBJECT, text: str = TEXT) -> "Response":
    """Fill in and save the form of a new announcement."""
    form = page_of(client.get(ADD), ADD).form("Opslaan")
    return client.post(form.address, form.fill(**{"Onderwerp:": subject, "Tekst:": text}), follow=True)


def send(client: Client, announcement: Announcement, reason: str = REASON) -> "Response":
    """Open the send page, and send the announcement."""
    address = url(announcement, "versturen")
    form = page_of(client.get(address), address).form("Nu versturen")
    return client.post(form.address, form.fill(**{"Reden:": reason}), follow=True)


def sent() -> Announcement:
    """Return a sent announcement whose mails wait in the outbox."""
    announcement = AnnouncementFactory()
    announcement.send(by=Actor(), seen=announcement.updated_at)
    announcement.queue()
    return announcement


# ---- From a draft to a mail -------------------------------------------------------------------------------


def test_announcement_is_written_previewed_sent_and_followed(operator: Client) -> None:
    addresses = [TechnicalContactFactory(email=f"c{number}@winkel.example").email for number in range(3)]
    preview = page_of(write(operator))
    announcement = Announcement.objects.get()
    assert preview.link("Wijzigen") == url(announcement, "change")
    assert "3 adressen" in preview.words
    assert not mail.outbox
    assert preview.link("Versturen…") == url(announcement, "versturen")
    answer = send(operator, announcement)
    assert answer.redirect_chain == [(url(announcement, "change"), 302)]
    assert "De mededeling wordt verstuurd." in says(answer)
    assert not mail.outbox
    assert "0 van 3 verstuurd, 3 nog te gaan. " in says(answer)
    assert "Wordt verstuurd" in says(operator.get(LIST))
    assert sorted(address for message in send_due_mail() for address in message.to) == addresses
    followed = page_of(operator.get(url(announcement, "change")))
    assert "3 van 3 verstuurd, 0 nog te gaan. " in followed.words
    outbox = says(operator.get(followed.link("Wie de mail kreeg")))
    assert all(address in outbox for address in addresses)
    assert "Verstuurd" in says(operator.get(LIST))


def test_announcement_can_be_for_the_sellers_of_one_party(operator: Client) -> None:
    TechnicalContactFactory()
    authorization = ThirdPartyAuthorizationFactory(third_party__name="Boekhouding")
    form = page_of(operator.get(ADD), ADD).form("Opslaan")
    chosen = {"subject": [SUBJECT], "text": [TEXT], "third_party": [str(authorization.third_party.pk)]}
    preview = says(operator.post(form.address, form.fill() | chosen, follow=True))
    assert "1 adres" in preview
    assert "elke verkoper die Boekhouding nu toegang geeft" in preview
    send(operator, Announcement.objects.get())
    assert send_due_mail()[0].to == [authorization.seller.members.get().email]


def test_sending_is_logged_with_actor_and_reason(operator: Client) -> None:
    announcement = AnnouncementFactory()
    send(operator, announcement)
    activity = Activity.objects.get()
    assert (activity.kind, activity.subject, activity.seller) == ("announcement_sent", announcement.subject, None)
    assert (activity.actor_name, activity.address, activity.reason) == ("Kim", "127.0.0.1", REASON)
    assert LogEntry.objects.get().change_message == f"Verstuurd: {REASON}"
    assert REASON in says(operator.get("/beheer/apicredentials/activity/"))


def test_preview_shows_the_escaped_mail_and_sends_nothing(operator: Client) -> None:
    TechnicalContactFactory()
    nasty = "Let op: <script>alert(1)</script> & https://status.example/x"
    announcement = AnnouncementFactory(subject="<b>Onderhoud</b>", text=nasty)
    before = tables()
    for page in ("voorbeeld", "versturen"):
        answer = operator.get(url(announcement, page))
        html = answer.content.decode()
        assert "<script>alert" not in html
        assert "<b>Onderhoud" not in html
        assert '<a href="https://status.example/x">' in html
        assert says(answer).count("Let op: <script>alert(1)</script> & https://status.example/x") == 2
        assert "je kunt je er niet voor afmelden" in says(answer)
        assert "1 adres:" in says(answer).replace("1 adres :", "1 adres:")
    operator.post(url(announcement, "voorbeeld"), {"reason": REASON, "seen": announcement.updated_at.isoformat()})
    assert (tables(), mail.outbox) == (before, [])


def test_list_shows_the_state_of_each_announcement(operator: Client) -> None:
    def states() -> list[str]:
        return [cell.words for cell in page_of(operator.get(LIST)).root.all("td") if cell["class"] == "field-state"]

    TechnicalContactFactory()
    AnnouncementFactory()
    assert states() == ["Concept"]
    announcement = AnnouncementFactory()
    announcement.send(by=Actor(), seen=announcement.updated_at)
    assert states() == ["Wordt verstuurd", "Concept"]
    announcement.queue()
    assert states() == ["Wordt verstuurd", "Concept"]
    OutgoingMail.objects.update(sent_at=timezone.now())
    assert states() == ["Verstuurd", "Concept"]


def test_page_counts_failed_and_given_up_mails(operator: Client) -> None:
    for number in range(4):
        TechnicalContactFactory(email=f"c{number}@winkel.example")
    announcement = sent()
    mails = OutgoingMail.objects.order_by("recipient")
    arrived, failed, given_up = (OutgoingMail.objects.filter(pk=each.pk) for each in mails[:3])
    arrived.update(sent_at=timezone.now())
    failed.update(last_error="x")
    given_up.update(last_error="x", given_up_at=timezone.now())
    words = says(operator.get(url(announcement, "change")))
    assert "1 van 4 verstuurd, 2 nog te gaan, waarvan 1 na een mislukte poging, 1 opgegeven." in words


def test_many_addresses_are_not_all_counted(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcement_admin, "MOST_COUNTED", 2)
    for address in ("a@winkel.example", "A@winkel.example", "a@winkel.example", "b@winkel.example"):
        TechnicalContactFactory(email=address)
    announcement = AnnouncementFactory()
    assert "naar 2 adressen" in says(operator.get(url(announcement, "voorbeeld")))
    TechnicalContactFactory(email="c@winkel.example")
    TechnicalContact.objects.filter(email="A@winkel.example").delete()
    assert "naar meer dan 2 adressen" in says(operator.get(url(announcement, "voorbeeld")))
    send(operator, announcement)
    words = says(operator.get(url(announcement, "change")))
    assert "0 verstuurd, 0 nog te gaan, de rest wordt nog klaargezet." in words
    send_due_mail()
    assert "3 van 3 verstuurd, 0 nog te gaan." in says(operator.get(url(announcement, "change")))


def test_number_of_queries_of_the_list_is_constant(operator: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            operator.get(LIST)
        return len(captured)

    sent(), AnnouncementFactory()
    queries()
    few = queries()
    for _ in range(5):
        sent(), AnnouncementFactory()
    assert queries() == few


# ---- Drafts and sent announcements ------------------------------------------------------------------------


def test_draft_can_be_changed_and_deleted(operator: Client) -> None:
    announcement = AnnouncementFactory()
    address = url(announcement, "change")
    form = page_of(operator.get(address), address).form("Opslaan")
    answer = operator.post(address, form.fill(**{"Onderwerp:": SUBJECT, "Tekst:": TEXT}), follow=True)
    assert answer.redirect_chain == [(url(announcement, "voorbeeld"), 302)]
    assert SUBJECT in says(answer)
    operator.post(url(announcement, "delete"), {"post": "yes"})
    assert not Announcement.objects.exists()


def test_sent_announcement_is_read_only(operator: Client) -> None:
    announcement = sent()
    before = tables()
    page = page_of(operator.get(url(announcement, "change")))
    assert not page.buttons("Opslaan")
    assert announcement.text in page.words
    words = {"subject": "Anders", "text": "Anders"}
    assert operator.post(url(announcement, "change"), words).status_code == 403
    assert operator.post(url(announcement, "delete"), {"post": "yes"}).status_code == 403
    operator.post(LIST, {"action": "delete_selected", "_selected_action": str(announcement.pk), "post": "yes"})
    assert tables() == before
    assert "Zo is deze mededeling gemaild" in says(operator.get(url(announcement, "voorbeeld")))


def test_second_click_on_send_sends_nothing(operator: Client) -> None:
    TechnicalContactFactory()
    announcement = AnnouncementFactory()
    data = {"reason": REASON, "seen": announcement.updated_at.isoformat()}
    operator.post(url(announcement, "versturen"), data)
    before = tables()
    answer = operator.post(url(announcement, "versturen"), data, follow=True)
    assert "Deze mededeling is al verstuurd." in says(answer)
    assert "Deze mededeling is al verstuurd." in says(operator.get(url(announcement, "versturen"), follow=True))
    assert tables() == before
    assert len(send_due_mail()) == 1


def test_draft_that_changed_after_the_preview_is_shown_again(operator: Client) -> None:
    announcement = AnnouncementFactory()
    address = url(announcement, "versturen")
    form = page_of(operator.get(address), address).form("Nu versturen")
    announcement.text = "Iets heel anders."
    announcement.save()
    answer = operator.post(address, form.fill(**{"Reden:": REASON}))
    assert answer.status_code == 409
    assert "intussen gewijzigd" in says(answer)
    assert "Iets heel anders." in says(answer)
    assert not Activity.objects.exists()
    again = page_of(answer, address).form("Nu versturen")
    assert again.fill()["reason"] == [REASON]
    operator.post(address, again.fill())
    assert Activity.objects.get().reason == REASON


def test_draft_sent_by_a_colleague_meanwhile_cannot_be_changed(operator: Client) -> None:
    announcement = AnnouncementFactory()
    address = url(announcement, "change")
    form = page_of(operator.get(address), address).form("Opslaan")
    announcement.send(by=Actor(), seen=announcement.updated_at)
    assert operator.post(address, form.fill(**{"Tekst:": "Te laat."})).status_code == 403
    assert Announcement.objects.get().text == announcement.text


@pytest.mark.parametrize("where", ["change", "delete"])
def test_change_at_the_moment_of_sending_is_refused(
    operator: Client, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    announcement = sent()
    before = tables()
    for may in ("has_change_permission", "has_delete_permission"):  # asked while it was a draft
        monkeypatch.setattr(AnnouncementAdmin, may, lambda *args: True)
    data = {"post": "yes", "subject": "Te laat", "text": "Te laat."}
    answer = operator.post(url(announcement, where), data, follow=True)
    assert "Deze mededeling is al verstuurd." in says(answer)
    assert tables() == before


# ---- Invalid input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "text", "field"),
    [
        ("", TEXT, "subject"),
        ("x" * 101, TEXT, "subject"),
        ("Onderhoud\r\nBcc: buit@dief.example", TEXT, "subject"),
        ("Onder\u202ehoud", TEXT, "subject"),
        ("Onderhoud\x00", TEXT, "subject"),
        (SUBJECT, "", "text"),
        (SUBJECT, "x" * 10_001, "text"),
        (SUBJECT, "Zie http://onveilig.example", "text"),
        (SUBJECT, "Gebruik rts_" + "a1" * 41, "text"),
    ],
)
def test_invalid_text_is_refused_and_kept_in_the_form(operator: Client, subject: str, text: str, field: str) -> None:
    before = tables()
    answer = write(operator, subject, text)
    form = answer.context["adminform"].form
    assert [(name, len(errors)) for name, errors in form.errors.items()] == [(field, 1)]
    assert (form["subject"].value(), form["text"].value()) == (subject, text)
    assert tables() == before


def test_identical_announcement_is_refused(operator: Client) -> None:
    write(operator)
    before = tables()
    answer = write(operator, f" {SUBJECT}", TEXT.replace("\n\n", "\r\n\r\n"))
    form = answer.context["adminform"].form
    assert codes(form) == {"__all__": ["unique"]}
    assert form["subject"].value() == f" {SUBJECT}"
    assert "Er is al een mededeling met precies deze woorden." in says(answer)
    assert tables() == before


def test_identical_announcement_saved_at_the_same_moment_is_refused(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(operator)
    # As if the other was not there yet.
    monkeypatch.setattr(Announcement, "validate_constraints", lambda *args, **kwargs: None)
    answer = write(operator)
    assert "Er is al een mededeling met precies deze woorden." in says(answer)
    assert Announcement.objects.count() == 1


def test_valid_reason_is_required(operator: Client) -> None:
    announcement = AnnouncementFactory()
    before = tables()
    for reason in ("", "   ", "x" * 501, "twee\nregels"):
        data = {"reason": reason, "seen": announcement.updated_at.isoformat()}
        answer = operator.post(url(announcement, "versturen"), data)
        assert answer.status_code == 422
        assert answer.context["form"].errors["reason"]
    assert tables() == before


def test_tampered_form_sends_nothing(operator: Client) -> None:
    announcement = AnnouncementFactory()
    before = tables()
    for seen in ("", "x" * 65, "geen-moment", "2027-03-01T14:03:00"):
        answer = operator.post(url(announcement, "versturen"), {"reason": REASON, "seen": seen})
        assert answer.status_code in {409, 422}
    assert tables() == before
