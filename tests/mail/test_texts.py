"""The texts of mails: Dutch, the same in text and HTML, safe against injection."""

import datetime as dt
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from pytest_django import Settings

from apicredentials.mail import MESSAGES
from apicredentials.mail.calendar_files import escape, fold
from apicredentials.mail.party_texts import STOPS
from apicredentials.mail.previews import sample
from apicredentials.mail.rendering import render
from apicredentials.models import Activity, OutgoingMail
from apicredentials.models.kinds import Recipients

EVERY_MAIL = pytest.mark.parametrize("kind", MESSAGES)
ENDS = OutgoingMail.Kind.AUTHORIZATION_ENDS


def made(kind: str, recipient: str = "lezer@winkel.example", **context: str) -> EmailMultiAlternatives:
    """Render the sample of this kind with these facts."""
    mail = sample(kind)
    mail.recipient = recipient
    mail.context |= context
    return render(mail)


def on_the_wire(email: EmailMultiAlternatives) -> EmailMessage:
    """Return the mail as sent to a mail server, parsed."""
    return message_from_bytes(email.message(policy=policy.SMTP).as_bytes(), policy=policy.SMTP)


def html_of(email: EmailMultiAlternatives) -> str:
    return str(email.alternatives[0][0])


def words(email: EmailMultiAlternatives) -> list[str]:
    """Return the text of the HTML part, with the address of the button after its label."""
    body = html_of(email).partition("<body>")[2]
    body = re.sub(r'class="button" href="([^"]*)">([^<]*)<', r">\2 \1 <", body)
    return unescape(re.sub(r"<[^>]*>", " ", body)).split()


def test_every_kind_of_mail_has_a_text_with_the_same_name() -> None:
    assert Activity.Kind.mailed() | {Activity.Kind.CONTACT_SAVED} | set(OutgoingMail.Kind) <= MESSAGES.keys()


@pytest.mark.parametrize("cause", STOPS)
def test_mail_about_a_stop_has_cause_and_advice(cause: str) -> None:
    email = made("party_stopped", cause=cause)
    assert email.subject == "Boekhouding Online is gestopt"
    assert len({made("party_stopped", cause=each).body for each in STOPS}) == len(STOPS)
    assert "{" not in email.body
    assert ("Overnemen" in email.body) == (cause in {"member_left", "user_off"})
    assert ("Pieter van Dijk" in email.body) == (cause in {"member_left", "user_off"})


@EVERY_MAIL
def test_text_is_well_formed_and_the_html_has_the_same_content(kind: str, settings: Settings) -> None:
    email = made(kind)
    assert email.body.startswith(f"Verkopersportaal\n\n{email.subject}\n\nHallo,\n\n")
    assert email.body.endswith(".\n")
    assert "\n\n\n" not in email.body
    assert "  " not in email.body
    assert not re.search(r"[<>]|&\w+;|\bNone\b|\{|\}", str(email.body))
    assert 10 < len(email.subject) < 110
    settings.SUPPORT_EMAIL = "hulp@markt.example"
    email = made(kind)
    assert email.body.replace("\n--\n", "\n").split() == words(email)
    assert "Vragen? hulp@markt.example" in email.body


def test_mail_to_owners_says_that_the_person_concerned_gets_it_too() -> None:
    for kind in Activity.Kind:
        if kind.recipients == Recipients.OWNERS:
            assert "omdat het over jou gaat" in made(kind).body


def test_mail_is_dutch_regardless_of_the_active_language() -> None:
    for kind in MESSAGES:
        dutch = made(kind)
        with translation.override("en"):
            english = made(kind)
        assert re.sub(r"token=\S+", "", str(english.body)) == re.sub(r"token=\S+", "", str(dutch.body))


def test_mail_is_marked_as_automatic_and_keeps_its_message_id() -> None:
    mail = sample(Activity.Kind.CREDENTIAL_PAUSED)
    message = on_the_wire(render(mail))
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == mail.message_id
    assert mail.message_id.endswith("@testserver>")
    assert message["From"] == "Verkopersportaal <noreply@testserver>"


def test_times_are_dutch_and_in_amsterdam() -> None:
    winter, summer = "2026-11-23T13:03:00+00:00", "2026-07-23T13:03:00+00:00"
    body = made(Activity.Kind.SECRET_ROTATED, at=summer, previous_ends_at=winter).body
    assert "Wanneer: 23 juli 2026 om 15:03" in body
    assert "werkt nog tot 23 november 2026 om 14:03" in body


def test_rotation_without_overlap_says_that_the_old_secret_has_ended() -> None:
    now = "2026-07-23T13:03:00.000001+00:00"
    body = made(Activity.Kind.SECRET_ROTATED, at=now, previous_ends_at="2026-07-23T13:03:00+00:00").body
    assert "Het oude secret werkt niet meer." in body


def test_rights_of_a_party_are_listed() -> None:
    body = made(Activity.Kind.PARTY_AUTHORIZED, scope="orders:read orders:manage invoices:read").body
    assert "Rechten: Bestellingen: Lezen en beheren\n Facturen: Lezen\n" in body


@pytest.mark.parametrize(
    ("days", "soon"), [(60, "over 60 dagen"), (2, "over 2 dagen"), (1, "morgen"), (0, "vandaag"), (-1, "vandaag")]
)
def test_days_until_the_end_are_counted_when_the_mail_is_sent(days: int, soon: str) -> None:
    ends_at = dt.datetime(2026, 11, 23, 14, 3, tzinfo=dt.UTC)
    with time_machine.travel(ends_at - dt.timedelta(days=days), tick=False):
        email = made(ENDS, expires_at=ends_at.isoformat())
    assert email.subject == f"Toegang van Boekhouding Online verloopt {soon}"
    assert f"verloopt {soon}, op 23 november 2026 om 15:03" in email.body


# ---- Injection --------------------------------------------------------------------------------------------

NASTY = [
    "Magazijn\r\nBcc: buit@dief.example",
    "Magazijn\nBcc: buit@dief.example\n\nLees dit",
    "Magazijn\u2028Bcc: buit@dief.example",
    "Magazijn\x0bBcc: buit@dief.example\x00",
    "Magazijn\x85Bcc: buit@dief.example",
]


@EVERY_MAIL
def test_name_cannot_add_a_header(kind: str) -> None:
    expected = on_the_wire(made(kind)).keys()
    for name in NASTY:
        everywhere = dict.fromkeys(("subject", "seller", "who", "name", "reason", "changed", "retailer_id"), name)
        message = on_the_wire(made(kind, **everywhere))
        assert message["Bcc"] is None
        assert message.keys() == expected
        assert message["To"] == "lezer@winkel.example"
        body = message.get_body(("plain",))
        assert body is not None
        assert "\nBcc:" not in body.get_content().replace("\r", "\n")


@EVERY_MAIL
def test_name_is_not_html_or_template(kind: str) -> None:
    email = made(kind, **dict.fromkeys(("subject", "seller", "who", "text", "name", "email"), "<b>{{ settings }}</b>"))
    html = html_of(email)
    assert "<b>" not in html
    assert "&lt;b&gt;{{ settings }}&lt;/b&gt;" in html
    assert "<b>{{ settings }}</b>" in email.body


def test_bidi_and_invisible_characters_are_removed_from_the_subject() -> None:
    email = made(Activity.Kind.CREDENTIAL_CREATED, subject="a\u202eb\u200bc")
    assert email.subject == "Client credentials 'abc' aangemaakt"


def test_long_names_in_any_script_are_not_changed() -> None:
    name = "Łódź 北京 Ünïcode 🚲 " + "x" * 80
    message = on_the_wire(made(Activity.Kind.CREDENTIAL_CREATED, subject=name))
    assert message["Subject"] == f"Client credentials '{name}' aangemaakt"


@pytest.mark.parametrize(
    ("address", "arrives_at"),
    [
        ("voor+api@winkel.example", "voor+api@winkel.example"),
        ("techniek@brücke.example", "techniek@xn--brcke-lva.example"),
        (f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 59}.example", None),
    ],
)
def test_unusual_addresses_are_encoded_correctly(address: str, arrives_at: str | None) -> None:
    assert len(address) <= 254
    raw = made(Activity.Kind.CREDENTIAL_CREATED, recipient=address).message(policy=policy.SMTP).as_bytes()
    message = message_from_bytes(raw, policy=policy.SMTP)
    assert [each.addr_spec for each in message["To"].addresses] == [arrives_at or address]
    assert max(len(line) for line in raw.split(b"\r\n")) < 998


# ---- The calendar file ------------------------------------------------------------------------------------


def calendar_of(email: EmailMultiAlternatives) -> list[str]:
    """Return the unfolded lines of the attached calendar file as received."""
    [attachment] = on_the_wire(email).iter_attachments()
    assert attachment.get_content_type() == "text/calendar"
    assert attachment.get_filename() == "verloopt.ics"
    return str(attachment.get_content()).replace("\r\n ", "").replace("\n ", "").splitlines()


def test_calendar_file_has_the_last_day_in_amsterdam() -> None:
    lines = calendar_of(made(ENDS, expires_at="2026-11-23T23:30:00+00:00", calendar="een-uid", subject="A, B; C"))
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-1] == "END:VCALENDAR"
    assert "DTSTART;VALUE=DATE:20261124" in lines  # 00:30 in Amsterdam
    assert "DTEND;VALUE=DATE:20261125" in lines
    assert "UID:een-uid-20261124@testserver" in lines
    assert r"SUMMARY:Toegang van A\, B\; C tot de Retailer API verloopt" in lines


@pytest.mark.parametrize("name", ["Orderwijs", "Склад Онлайн", "=?" * 40])
def test_calendar_file_keeps_its_line_ends(name: str) -> None:
    """RFC 5545 requires CRLF, which a mail server may change in parts that are not encoded."""
    kept_in_a_file = made(ENDS, calendar="een-uid", subject=name).message().as_bytes()
    [attachment] = message_from_bytes(kept_in_a_file, policy=policy.default).iter_attachments()
    content = attachment.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") > 10
    assert name in content.replace(b"\r\n ", b"").decode()
    assert attachment["Content-Type"].params == {"charset": "utf-8", "method": "PUBLISH"}


def test_calendar_lines_are_folded_and_escaped() -> None:
    folded = fold("SUMMARY:" + "é" * 200)
    assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))
    assert folded.replace("\r\n ", "") == "SUMMARY:" + "é" * 200
    assert escape("a\\b;c,d\ne") == r"a\\b\;c\,d\ne"
