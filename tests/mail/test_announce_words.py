"""The text of an announcement: mail, links, and input that `manage.py announce` refuses."""

import io
import re
import sys
from email import policy

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.management import CommandError
from django.utils.html import escape

from accounts.models import Seller
from apicredentials.mail.previews import sample, sample_of
from apicredentials.mail.rendering import render
from apicredentials.models import Activity, Announcement, OutgoingMail
from apicredentials.templatetags.announcement_tags import with_links
from tests.factories import AnnouncementFactory
from tests.inventory import tables
from tests.mail.conftest import SUBJECT, TEXT, announce

SECRET = "rts_" + "a1" * 41


# ---- The mail ---------------------------------------------------------------------------------------------


def test_mail_has_text_reason_and_no_unsubscribe(seller: Seller, words: tuple[str]) -> None:
    announce(*words)
    [message] = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    assert message.subject == SUBJECT
    assert "Zondag 7 maart is er onderhoud.\n\nPlan je aanroepen erna." in message.body
    html = str(message.alternatives[0][0])
    for text in (str(message.body), html):
        assert f"omdat je het technisch contact bent van Appels (verkoper {seller.retailer_id})" in text
        assert "dienstbericht over de Retailer API: je kunt je er niet voor afmelden" in text
    headers = message.message(policy=policy.SMTP)
    assert not [name for name in headers if name.lower().startswith("list-")]
    assert headers["Auto-Submitted"] == "auto-generated"
    assert '<a href="https://status.example/onderhoud">https://status.example/onderhoud</a>.' in html


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("zie (https://a.example/b?c=1&d=2).", 'zie (<a href="https://a.example/b?c=1&amp;d=2">https://a.example/b?c=1&amp;d=2</a>).'),
        ("https://a.example", '<a href="https://a.example">https://a.example</a>'),
        ("https://a.example/, b", '<a href="https://a.example/">https://a.example/</a>, b'),
        ("https://a.example:8443/x!", '<a href="https://a.example:8443/x">https://a.example:8443/x</a>!'),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("http://a.example/x", "http://a.example/x"),
        ("https://bank.example@dief.example/", "https://bank.example@dief.example/"),
        ('https://a.example/"onclick=x', '<a href="https://a.example/">https://a.example/</a>&quot;onclick=x'),
        ("<b>https://a.example</b>", '&lt;b&gt;<a href="https://a.example">https://a.example</a>&lt;/b&gt;'),
        ("data:text/html,x www.dief.example", "data:text/html,x www.dief.example"),
    ],
)  # fmt: skip
def test_only_plain_https_addresses_become_links(text: str, drawn: str) -> None:
    assert with_links(text) == drawn


def test_finding_links_takes_linear_time() -> None:
    """A pattern with backtracking would exceed the time limit of a test."""
    for text in ("https://a/" * 1000 + '"@', "https://" + "a." * 5000 + "@", "https://a/" + ")" * 9000 + "@"):
        assert with_links(text) == escape(text)


def test_only_the_operators_text_gets_links() -> None:
    shop = sample(Activity.Kind.CREDENTIAL_CREATED)
    shop.context |= {"subject": "https://dief.example", "seller": "https://dief.example"}
    assert 'href="https://dief.example' not in str(render(shop).alternatives[0][0])
    announcement = sample(OutgoingMail.Kind.ANNOUNCEMENT)
    announcement.context |= {"seller": "https://dief.example"}
    assert 'href="https://dief.example' not in str(render(announcement).alternatives[0][0])


def test_text_is_not_html_or_template(seller: Seller) -> None:
    nasty = "<b>{{ settings }}</b> <script>x</script>"
    email = render(sample_of(AnnouncementFactory(subject=nasty, text=nasty)))
    html = str(email.alternatives[0][0])
    assert not re.search(r"<(b|script)>", html)
    assert "&lt;b&gt;{{ settings }}&lt;/b&gt;" in html
    assert nasty in str(email.body)


# ---- Invalid input ----------------------------------------------------------------------------------------

BAD_SUBJECTS = {
    "": "Vul een onderwerp in.",
    "   ": "Vul een onderwerp in.",
    "x" * 101: "hoogstens 100 tekens",
    "Onderhoud\r\nBcc: buit@dief.example": "regeleinde",
    "Onderhoud\nBcc: buit@dief.example": "regeleinde",
    "Onderhoud\u2028Bcc: buit@dief.example": "regeleinde",
    "Onderhoud\x85Bcc: buit@dief.example": "regeleinde",
    "Onderhoud\x00": "onzichtbaar",
    "Onder\u202ehoud": "onzichtbaar",
    f"Nieuw: {SECRET}": "client secret",
}
BAD_TEXTS = {
    " \n\n ": "Vul een tekst in.",
    "x" * 10_001: "hoogstens 10000 tekens",
    "een\x00nul": "onzichtbaar",
    "rechts\u202enaar links": "onzichtbaar",
    "Zie HTTP://onveilig.example": "https://",
    f"Gebruik\n{SECRET}": "client secret",
}


@pytest.mark.parametrize("subject", BAD_SUBJECTS)
def test_invalid_subject_is_refused(seller: Seller, words: tuple[str, ...], subject: str) -> None:
    before = tables()
    with pytest.raises(CommandError, match=BAD_SUBJECTS[subject]) as refused:
        announce("--subject", subject, *words[2:])
    assert "\n" not in str(refused.value)
    assert tables() == before


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_invalid_text_is_refused(seller: Seller, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    before = tables()
    with pytest.raises(CommandError, match=BAD_TEXTS[text]):
        announce("--subject", SUBJECT, "--text-file", "-")
    assert tables() == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Give either"),
        (("1", "--subject", SUBJECT), "Give either"),
        (("--subject", SUBJECT), "Give either"),
        (("--text-file", "-"), "Give either"),
        (("4711",), "There is no announcement 4711."),
        (("4711", "--party", "x"), "Give either"),
        (("--subject", SUBJECT, "--text-file", "-", "--party", "x"), "There is no third party 'x'."),
        ((str(2**70),), "There is no announcement"),
        (("zeven",), "invalid int value"),
        (("--subject", SUBJECT, "--text-file", "/bestaat/niet"), "No such file or directory: '/bestaat/niet'"),
        (("--subject", SUBJECT, "--text-file", "/"), "Is a directory"),
        (("--subject", SUBJECT, "--text-file", "een\x00nul"), "--text-file"),
        (("--subject", SUBJECT, "--text-file", "/bin/true"), "not valid UTF-8"),
        (("1", "--reason", "x" * 501), "--reason must be one line"),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(seller: Seller, arguments: tuple[str, ...], complaint: str) -> None:
    before = tables()
    with pytest.raises(CommandError, match=re.escape(complaint)):
        announce(*arguments)
    assert tables() == before


def test_text_from_standard_input_may_have_any_line_ends(
    seller: Seller, monkeypatch: pytest.MonkeyPatch, words: tuple[str]
) -> None:
    announce(*words)
    monkeypatch.setattr(sys, "stdin", io.StringIO(TEXT.replace("\n\n", "  \r\n \r\n\r\n") + "\r\n"))
    assert announce("--subject", f" {SUBJECT} ", "--text-file", "-")["sent"] == 0  # the same announcement
    assert Announcement.objects.count() == 1
