"""Third parties and resource servers in `/beheer/`: their forms and secrets."""

import re
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.urls import reverse

from apicredentials.models import OAuthClient
from tests.journeys.pages import Page
from tests.people import codes

if TYPE_CHECKING:
    from tests.people import Response

SECRET = re.compile(r"rts_[A-Za-z0-9]{82}")
PARTIES = "/beheer/apicredentials/thirdparty/"


def address(client: OAuthClient, page: str = "change") -> str:
    return reverse(f"admin:apicredentials_{client._meta.model_name}_{page}", args=[client.pk])


def send(operator: Client, where: str, **fields: Any) -> "Response":
    """Open the form at an address, fill in these fields and save it."""
    form = Page(operator.get(where).content.decode(), where).form("Opslaan")
    return operator.post(where, form.fill() | fields)


def errors(answer: "Response") -> dict[str, list[str]]:
    """Return the codes of the errors of a form."""
    assert answer.status_code == 200
    return codes(answer.context["adminform"].form)


def press(operator: Client, client: OAuthClient, page: str, **data: Any) -> str:
    """Press the button, and return the secret that is shown."""
    answer = operator.post(address(client, page), data)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    (secret,) = set(SECRET.findall(answer.content.decode()))
    return str(secret)
