"""Browsers of people: signing in, and reading pages."""

import re
from html import unescape
from typing import TYPE_CHECKING, Any

from django.forms import BaseForm
from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

    type Response = _MonkeyPatchedWSGIResponse

SIGN_IN = "/inloggen/"
PROVE = "/inloggen/bevestigen/"


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
