"""Second factors as tests use them: an authenticator app, and the codes that a page shows."""

import re

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.utils import timezone

from tests.journeys.pages import Page

SECURITY = "/instellingen/beveiliging/"
APP = f"{SECURITY}authenticator/"
SECOND_STEP = "/inloggen/tweede-stap/"


def code_of(secret: str, *, steps: int = 0) -> str:
    """Return what the app shows now, or some steps of 30 seconds later."""
    return format_hotp_value(hotp_value(secret, int(timezone.now().timestamp()) // 30 + steps))


def recovery_codes_in(html: str) -> list[str]:
    return re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", html)


def set_up_app(client: Client) -> tuple[str, list[str]]:
    """Set up an authenticator app with the code of the step before this one; return secret and recovery codes."""
    page = client.get(APP).content.decode()
    found = re.search(r'<code id="sleutel"[^>]*>([A-Z2-7]{32})</code>', page)
    assert found
    form = Page(page, APP).form("Aanzetten")
    answer = client.post(APP, form.fill(Code=code_of(found[1], steps=-1)))
    return found[1], recovery_codes_in(answer.content.decode())
