"""`…/credentials/<id>/gebruik/`: whether the newest secret is used yet, which the page that shows it keeps asking."""

import datetime as dt
import json
import re
import shlex
import shutil
import subprocess
from base64 import b64encode
from urllib.request import urlopen

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Actor
from apicredentials.models import ClientCredential
from tests.apicredentials.test_credential_rotate import works
from tests.journeys.pages import Element, Page
from tests.people import signed_in

SETTINGS = "/instellingen/api/"
NOON = dt.datetime(2026, 6, 1, 10, 3, tzinfo=dt.UTC)


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/gebruik/"


def check(client: Client, credential: ClientCredential) -> Element:
    """Press Controleer, and return what it says."""
    page = Page(client.get(address(credential)).content.decode(), address(credential)).part("main")
    return next(element for element in page.root.all("p") if "data-poll-answer" in element.attributes)


def show(client: Client, credential: ClientCredential) -> Page:
    """Make the first secret, and return the page that shows it."""
    url = f"{SETTINGS}credentials/{credential.client_id}/secret/"
    return Page(client.post(url).content.decode(), url).part("main")


def content(data_url: str) -> str:
    """Return what a download holds: it comes from the page itself."""
    assert data_url.startswith("data:")
    return str(urlopen(data_url).read().decode())


def curl_line(page: Page) -> str:
    return next(code.words for code in page.root.all("code") if code["id"] == "toon-curl")


def test_check_reports_the_first_call(owner: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    before = check(owner, credential)
    assert "Nog niet gebruikt" in before.words
    assert "data-done" not in before.attributes
    with time_machine.travel(NOON, tick=False):
        assert works(credential, secret)
        after = check(signed_in(credential.seller.members.get()), credential)  # type: ignore[union-attr]
    assert "Eerste aanroep ontvangen om 12:03." in after.words
    assert "data-done" in after.attributes


def test_on_a_later_day_it_says_which_day(owner: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    with time_machine.travel(NOON, tick=False):
        assert works(credential, secret)
    with time_machine.travel(NOON + dt.timedelta(days=1), tick=False):
        answer = check(signed_in(credential.seller.members.get()), credential)  # type: ignore[union-attr]
    assert "Eerste aanroep ontvangen op 1 juni 2026 om 12:03." in answer.words


def test_wrong_secret_is_no_use(owner: Client, credential: ClientCredential) -> None:
    secret = credential.reveal(by=Actor())
    assert not works(credential, secret[::-1])
    assert "Nog niet gebruikt" in check(owner, credential).words


def test_check_is_about_the_newest_secret(owner: Client, credential: ClientCredential) -> None:
    first = credential.reveal(by=Actor())
    assert works(credential, first)
    second = credential.rotate(overlap=dt.timedelta(days=1), by=Actor())
    assert works(credential, first)
    assert "Nog niet gebruikt" in check(owner, credential).words
    assert works(credential, second)
    assert "Eerste aanroep" in check(owner, credential).words


def test_without_a_secret_it_says_so(owner: Client, credential: ClientCredential) -> None:
    assert "Toon eerst het secret." in check(owner, credential).words


def test_button_asks_the_same_page_again(owner: Client, credential: ClientCredential) -> None:
    credential.reveal(by=Actor())
    page = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main")
    form = page.form("Controleer")
    assert (form.method, form.address, form.element["target"]) == ("get", address(credential), "")


def test_stranger_learns_nothing(stranger: Client, credential: ClientCredential) -> None:
    credential.reveal(by=Actor())
    assert stranger.get(address(credential)).status_code == 404


def test_check_refuses_a_post(owner: Client, credential: ClientCredential) -> None:
    assert owner.post(address(credential)).status_code == 405


# ---- On the page with the secret ----------------------------------------------------------------------------


def test_check_without_script_opens_another_page(owner: Client, credential: ClientCredential) -> None:
    form = show(owner, credential).form("Controleer")
    assert (form.method, form.address) == ("get", address(credential))
    assert form.element["target"] == "_blank"
    assert "data-poll" in form.element.attributes


def test_files_hold_what_software_needs(owner: Client, credential: ClientCredential) -> None:
    page = show(owner, credential)
    secret = next(code.words for code in page.root.all("code") if code["id"] == "toon-secret")
    files = {link["download"]: link["href"] for link in page.root.all("a") if "download" in link.attributes}
    assert set(files) == {"magazijn.env", "magazijn.json"}
    assert content(files["magazijn.env"]).splitlines() == [
        f"CLIENT_ID={credential.client_id}",
        f"CLIENT_SECRET={secret}",
        "TOKEN_URL=http://testserver/token",
    ]
    assert json.loads(content(files["magazijn.json"])) == {
        "client_id": credential.client_id,
        "client_secret": secret,
        "token_url": "http://testserver/token",
    }


@pytest.mark.parametrize("name", ["../../etc/passwd", "名前", '"; rm -rf ~', ".env"])
def test_files_have_harmless_names(owner: Client, credential: ClientCredential, name: str) -> None:
    ClientCredential.objects.filter(pk=credential.pk).update(name=name)
    names = [link["download"] for link in show(owner, credential).root.all("a") if "download" in link.attributes]
    assert all(re.fullmatch(r"[a-z0-9-]+\.(env|json)", name) for name in names)
    assert len(names) == 2


def test_curl_line_says_what_basic_authentication_needs(owner: Client, credential: ClientCredential) -> None:
    command, *arguments = shlex.split(curl_line(show(owner, credential)))
    assert command == "curl"
    user = arguments[arguments.index("--user") + 1]
    answer = Client().post(
        "/token",
        arguments[arguments.index("--data") + 1],
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": "Basic " + b64encode(user.encode()).decode()},
    )
    assert answer.status_code == 200
    assert arguments[-1] == "http://testserver/token"


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
@pytest.mark.django_db(transaction=True)
def test_curl_line_works_when_pasted(
    live_server: LiveServer, settings: Settings, owner: Client, credential: ClientCredential
) -> None:
    settings.ISSUER_URL = live_server.url
    line = curl_line(show(owner, credential))
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)  # noqa: S607
    assert json.loads(done.stdout)["token_type"].lower() == "bearer"
    assert "Eerste aanroep ontvangen om" in check(owner, credential).words
    page = owner.get(f"{SETTINGS}credentials/{credential.client_id}/")
    assert ", vanaf 127.0.0.1, met curl/" in Page(page.content.decode()).words
