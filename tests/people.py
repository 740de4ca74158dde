"""Browsers of people: signing in, and reading pages."""

import re
from html import unescape
from typing import TYPE_CHECKING, Any

from django.forms import BaseForm
from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD
from tests.journeys.pages import Page

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

    type Response = _MonkeyPatchedWSGIResponse

SIGN_IN = "/inloggen/"
PROVE = "/inloggen/bevestigen/"
NEW_PASSWORD = "een-heel-ander-wachtwoord"


def sign_in(client: Client, user: User | str, password: str = PASSWORD, **fields: str) -> "Response":
    """Submit the sign-in form."""
    email = user.email if isinstance(user, User) else user
    if client.handler.enforce_csrf_checks:
        client.get(SIGN_IN)
        fields["csrfmiddlewaretoken"] = client.cookies["csrftoken"].value
    return client.post(SIGN_IN, {"login": email, "password": password, **fields})


def signed_in(user: User | None, **options: Any) -> Client:
    """Return the browser of `user`, who has just signed in; `options` are those of `Client`."""
    assert user is not None
    client = Client(**options)
    assert sign_in(client, user).status_code == 302
    return client


def choose_password(client: Client, address: str, password: str = NEW_PASSWORD) -> Page:
    """Follow the link of a mail, fill in a new password, and return the content of the page that answers."""
    page = client.get(address, follow=True)
    form = Page(page.content.decode(), page.redirect_chain[-1][0]).form("Wachtwoord opslaan")
    answer = client.post(form.address, form.fill(**dict.fromkeys(form.fields, password)), follow=True)
    return Page(answer.content.decode()).part("main")


def is_signed_in(client: Client) -> bool:
    """Return True if this browser has a valid session."""
    return client.get("/instellingen/").status_code == 200


def says(response: "Response") -> str:
    """Return the visible text of a page, on one line."""
    body = re.sub(r"(?s)<(script|style).*?</\1>|<!--.*?-->|<[^>]*>", " ", response.content.decode())
    return " ".join(unescape(body).split())


def directives(response: "Response") -> dict[str, str]:
    policy = response["Content-Security-Policy"]
    return {name: value for name, _, value in (part.strip().partition(" ") for part in policy.split(";"))}


def codes(form: BaseForm) -> dict[str, list[str]]:
    """Return the codes of a form's errors: `{"name": ["unique"]}`."""
    return {name: [str(error.code) for error in errors.as_data()] for name, errors in form.errors.items()}


def without_token(response: "Response") -> str:
    """Return the body of a page without its CSRF tokens, which differ in each response."""
    return re.sub(r'(name="csrfmiddlewaretoken" value=)"[^"]*"', r"\1", response.content.decode())
