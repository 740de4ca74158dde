"""`manage.py demo`, as a new user runs it: in a fresh checkout, with a terminal and a browser."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.journeys.pages import Page
from tests.served import ROOT, START_SECONDS, STOP_SECONDS, stop

SETTINGS = "/instellingen/api/"
CONNECT = "Koppelen met Verkopersportaal"


@dataclass
class Demo:
    """A running demo and its output."""

    process: subprocess.Popen[bytes]
    output: str

    def value(self, label: str) -> str:
        """Return the word after a label, in the first line that contains the label."""
        found = re.search(rf"^{label}\s+(\S+)$", self.output, re.MULTILINE)
        assert found, self.output
        return found[1]

    @property
    def portal(self) -> str:
        return self.value("Verkopersportaal").rstrip("/")

    @property
    def party(self) -> str:
        return self.value("Derde partij")


class Browser(requests.Session):
    """A visitor who reads pages and presses buttons."""

    def go(self, address: str) -> Page:
        return self.read(self.get(address))

    def press(self, page: Page, button: str, **fields: str) -> Page:
        form = page.form(button)
        sent = form.fill(**fields)
        return self.read(self.get(form.address, params=sent) if form.method == "get" else self.post(form.address, sent))

    def read(self, response: requests.Response) -> Page:
        assert response.ok, f"{response.status_code} {response.url}"
        return Page(response.text, response.url)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh checkout of the project, in which no demo has run."""
    return new_checkout(tmp_path_factory)


def new_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("accounts", "apicredentials", "portal", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", folder)
    return folder


@pytest.fixture(scope="module")
def demo(checkout: Path) -> Iterator[Demo]:
    with started(checkout, free_pair()) as demo:
        yield demo


@pytest.fixture
def sanne() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


def free_pair() -> int:
    """Return a free port whose successor is free too, below the range of ephemeral ports."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            socket.create_server(("127.0.0.1", port + 1)).close()
            return port


def environment(port: int) -> dict[str, str]:
    """Return an environment with settings of another project, as a developer's may have."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/never",
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def started(checkout: Path, port: int) -> Iterator[Demo]:
    with (checkout / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo"], cwd=checkout, env=environment(port), stdout=output, stderr=output
        )
    try:
        yield Demo(process, output_when_ready(checkout / "output", process))
    finally:
        stop(process)


def output_when_ready(output: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 3 * START_SECONDS
    while "Stoppen:" not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)
    return output.read_text()


def sign_in(browser: Browser, demo: Demo, page: Page) -> Page:
    fields = {"E-mailadres": demo.value("e-mailadres"), "Wachtwoord": demo.value("wachtwoord")}
    return browser.press(page, "Inloggen", **fields)


def connect(browser: Browser, demo: Demo, decision: str) -> Page:
    """Go from the party's home page through the portal and back."""
    page = browser.press(browser.go(demo.party), CONNECT)
    assert "Doorgaan naar Orderwijs" in page.words
    return browser.press(sign_in(browser, demo, page), decision)


def is_answered(address: str) -> bool:
    try:
        requests.get(address, timeout=5).close()
    except requests.ConnectionError:
        return False
    return True


# ---- The tests --------------------------------------------------------------------------------------------


def test_first_output_is_the_addresses_and_how_to_sign_in(demo: Demo) -> None:
    assert [line.split()[0] for line in demo.output.splitlines()[:3]] == ["Verkopersportaal", "Derde", "e-mailadres"]
    port = int(demo.portal.rpartition(":")[2])
    assert demo.portal == f"http://localhost:{port}"
    assert demo.party == f"http://127.0.0.1:{port + 1}/"


def test_first_seller_sees_only_the_technical_contact_at_first(demo: Demo, sanne: Browser) -> None:
    page = sign_in(sanne, demo, sanne.go(f"{demo.portal}{SETTINGS}"))
    assert page.address == f"{demo.portal}{SETTINGS}"
    assert "Technisch contact" in page.headings
    assert "Client credentials voor de Retailer API" not in page.headings


def test_party_gets_access_calls_the_api_and_refreshes(demo: Demo, sanne: Browser) -> None:
    page = connect(sanne, demo, "Toestaan")
    assert page.address == demo.party
    assert "Orderwijs is gekoppeld" in page.words
    assert '"scope": "offline_access"' in page.words
    first_tokens = page.words
    page = sanne.press(page, "API aanroepen")
    assert '"displayName": "Boekhandel De Zwaan"' in page.words
    page = sanne.press(page, "Tokens verversen")
    assert "nieuwe tokens" in page.words
    assert re.search(r'"refresh_token": "[^"]*"', page.words)[0] not in first_tokens  # type: ignore[index]


def test_removed_party_is_refused_at_once(demo: Demo, sanne: Browser) -> None:
    connect(sanne, demo, "Toestaan")
    contact = {"Naam": "Sanne de Vries", "E-mailadres": "techniek@dezwaan.example"}
    page = sanne.press(sanne.go(f"{demo.portal}{SETTINGS}"), "Opslaan", **contact)
    sanne.press(sanne.press(page, "Verwijderen"), "Verwijderen")
    page = sanne.press(sanne.go(demo.party), "API aanroepen")
    assert "HTTP 401" in page.words
    page = sanne.press(page, "Tokens verversen")
    assert "geeft geen tokens (invalid_grant)" in page.words


def test_mail_is_written_to_the_folder_within_seconds(demo: Demo, checkout: Path, sanne: Browser) -> None:
    connect(sanne, demo, "Toestaan")
    folder, deadline = checkout / ".demo" / "mail", time.monotonic() + START_SECONDS
    while not any("Orderwijs" in file.read_text() for file in folder.glob("*")):
        assert time.monotonic() < deadline, "No mail has arrived."
        time.sleep(0.2)


def test_party_shows_a_notice_after_weigeren(demo: Demo, sanne: Browser) -> None:
    page = connect(sanne, demo, "Weigeren")
    assert page.address == demo.party
    assert "Je hebt geen toestemming gegeven." in page.words


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=", "?code=x&state=y&iss=z"])
def test_party_rejects_a_response_that_it_did_not_request(demo: Demo, sanne: Browser, query: str) -> None:
    page = sanne.go(f"{demo.party}terug{query}")
    assert "hoort niet bij een aanvraag uit deze browser" in page.words


def refused(checkout: Path, port: int, *arguments: str) -> str:
    """Return the one line that a demo prints when it does not start."""
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=checkout,
        env=environment(port),
        capture_output=True,
        text=True,
        timeout=3 * START_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr.removeprefix("CommandError: ")


def test_port_in_use_is_reported_in_one_line(demo: Demo, checkout: Path) -> None:
    port = int(demo.portal.rpartition(":")[2])
    for taken in (port, port + 1):
        complaint = refused(checkout, taken)
        assert complaint == f"Poort {taken} is al in gebruik. Kies een andere met PORT of --port.\n"


def test_invalid_port_is_reported_in_one_line(checkout: Path) -> None:
    assert refused(checkout, 0) == "manage.py: PORT must be a port number from 1 to 65535.\n"
    assert refused(checkout, 65535) == "65536 is geen poort: kies een getal van 1 tot en met 65535.\n"


def test_portal_and_party_need_different_ports(checkout: Path) -> None:
    assert refused(checkout, 8000, "--party-port", "8000") == (
        "Het portaal en de derde partij kunnen niet allebei op poort 8000.\n"
    )


def test_second_demo_cannot_use_the_data_of_a_running_one(demo: Demo, checkout: Path) -> None:
    assert refused(checkout, free_pair()) == "De demo draait al. Stop die eerst, met Ctrl-C.\n"


def test_ctrl_c_stops_both_servers_and_the_next_run_continues(tmp_path_factory: pytest.TempPathFactory) -> None:
    checkout, port = new_checkout(tmp_path_factory), free_pair()
    with started(checkout, port) as first, Browser() as browser:
        connect(browser, first, "Toestaan")
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(STOP_SECONDS) == 0
        assert not is_answered(first.portal)
        assert not is_answered(first.party)
        output = (checkout / "output").read_text()
        assert output.startswith(first.output)
        assert "Traceback" not in output

    with started(checkout, port) as second, Browser() as browser:
        assert second.output == first.output
        assert "Orderwijs is gekoppeld" in connect(browser, second, "Toestaan").words


def test_writes_only_in_the_documented_folder(demo: Demo, checkout: Path) -> None:
    assert {path.name for path in checkout.iterdir() if path.name.startswith(".")} == {".demo", ".static"}
    assert not list(checkout.glob("*.sqlite3"))
    assert (checkout / ".demo" / "keys").stat().st_mode & 0o077 == 0
