"""`manage.py demo`, as a stranger meets it: a fresh checkout, a terminal and a browser."""

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
    """A demo that runs, and what it has printed."""

    process: subprocess.Popen[bytes]
    output: str

    def value(self, label: str) -> str:
        """Return the word behind a label, of the first line that has it."""
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
    """Somebody who reads pages and presses buttons."""

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
    """The project as git gives it, where no demo has run."""
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
    """Return a free port whose neighbour is free too, below those that the system gives to whoever connects."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            socket.create_server(("127.0.0.1", port + 1)).close()
            return port


def environment(port: int) -> dict[str, str]:
    """Return an environment that is about something else, as a developer's may be."""
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
    """Go from the party's home page to the portal and back."""
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


def test_prints_where_to_go_and_how_to_sign_in_and_nothing_else_first(demo: Demo) -> None:
    assert [line.split()[0] for line in demo.output.splitlines()[:3]] == ["Verkopersportaal", "Derde", "e-mailadres"]
    port = int(demo.portal.rpartition(":")[2])
    assert demo.portal == f"http://localhost:{port}"
    assert demo.party == f"http://127.0.0.1:{port + 1}/"


def test_the_first_seller_begins_with_the_technical_contact_alone(demo: Demo, sanne: Browser) -> None:
    page = sign_in(sanne, demo, sanne.go(f"{demo.portal}{SETTINGS}"))
    assert page.address == f"{demo.portal}{SETTINGS}"
    assert "Technisch contact" in page.headings
    assert "Client credentials voor de Retailer API" not in page.headings


def test_a_party_gets_access_calls_the_api_and_refreshes(demo: Demo, sanne: Browser) -> None:
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


def test_a_party_hears_at_once_that_its_access_was_removed(demo: Demo, sanne: Browser) -> None:
    connect(sanne, demo, "Toestaan")
    contact = {"Naam": "Sanne de Vries", "E-mailadres": "techniek@dezwaan.example"}
    page = sanne.press(sanne.go(f"{demo.portal}{SETTINGS}"), "Opslaan", **contact)
    sanne.press(sanne.press(page, "Verwijderen"), "Verwijderen")
    page = sanne.press(sanne.go(demo.party), "API aanroepen")
    assert "HTTP 401" in page.words
    page = sanne.press(page, "Tokens verversen")
    assert "geeft geen tokens (invalid_grant)" in page.words


def test_mail_arrives_in_the_folder_within_seconds(demo: Demo, checkout: Path, sanne: Browser) -> None:
    connect(sanne, demo, "Toestaan")
    folder, deadline = checkout / ".demo" / "mail", time.monotonic() + START_SECONDS
    while not any("Orderwijs" in file.read_text() for file in folder.glob("*")):
        assert time.monotonic() < deadline, "No mail has arrived."
        time.sleep(0.2)


def test_weigeren_is_answered_politely(demo: Demo, sanne: Browser) -> None:
    page = connect(sanne, demo, "Weigeren")
    assert page.address == demo.party
    assert "Je hebt geen toestemming gegeven." in page.words


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=", "?code=x&state=y&iss=z"])
def test_a_party_takes_no_answer_that_it_did_not_ask_for(demo: Demo, sanne: Browser, query: str) -> None:
    page = sanne.go(f"{demo.party}terug{query}")
    assert "hoort niet bij een aanvraag uit deze browser" in page.words


def refused(checkout: Path, port: int, *arguments: str) -> str:
    """Return the one line of a demo that does not start."""
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


def test_a_taken_port_is_said_in_one_line(demo: Demo, checkout: Path) -> None:
    port = int(demo.portal.rpartition(":")[2])
    for taken in (port, port + 1):
        complaint = refused(checkout, taken)
        assert complaint == f"Poort {taken} is al in gebruik. Kies een andere met PORT of --port.\n"


def test_a_port_that_is_none_is_said_in_one_line(checkout: Path) -> None:
    assert refused(checkout, 0) == "0 is geen poort: kies een getal van 1 tot en met 65535.\n"
    assert refused(checkout, 65535) == "65536 is geen poort: kies een getal van 1 tot en met 65535.\n"


def test_two_sites_do_not_fit_on_one_port(checkout: Path) -> None:
    assert refused(checkout, 8000, "--party-port", "8000") == (
        "Het portaal en de derde partij kunnen niet allebei op poort 8000.\n"
    )


def test_a_second_demo_leaves_the_data_of_the_first_alone(demo: Demo, checkout: Path) -> None:
    assert refused(checkout, free_pair()) == "De demo draait al. Stop die eerst, met Ctrl-C.\n"


def test_ctrl_c_ends_both_and_the_next_run_goes_on(tmp_path_factory: pytest.TempPathFactory) -> None:
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


def test_writes_where_it_says_only(demo: Demo, checkout: Path) -> None:
    assert {path.name for path in checkout.iterdir() if path.name.startswith(".")} == {".demo", ".static"}
    assert not list(checkout.glob("*.sqlite3"))
    assert (checkout / ".demo" / "keys").stat().st_mode & 0o077 == 0
