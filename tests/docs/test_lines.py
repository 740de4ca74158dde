"""Code blocks of the documents: they work when pasted, and print the documented output."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.docs.documents import API, DOCUMENTS, README, Block, Document
from tests.factories import PASSWORD
from tests.journeys.pages import Page
from tests.served import COMMAND_SECONDS, Served


@dataclass
class Shell:
    """A terminal into which blocks are pasted one after the other; variables and functions are kept.

    The address of the demo is replaced by that of `portal`, and `…` by the values in `given`, as a reader would do.
    """

    folder: Path
    portal: str
    given: dict[str, str]
    state: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def paste(self, block: Block) -> str:
        """Run a block and return its output."""
        text = re.sub(r"(?m)^([A-Z_]+)=…$", self.fill_in, block.text).replace(DEMO, self.portal)
        kept = self.folder / "state"
        return self.run("/bin/bash", "-c", f"set -aeuo pipefail\n{text}\nenv -0 >{shlex.quote(str(kept))}", keep=kept)

    def fill_in(self, line: re.Match[str]) -> str:
        return f"{line[1]}={shlex.quote(self.given[line[1]])}"

    def python(self, block: Block) -> str:
        """Run a block of Python and return its output."""
        return self.run(sys.executable, "-c", block.text)

    def run(self, *command: str, keep: Path | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.state,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
        if keep:
            self.state = dict(entry.split("=", 1) for entry in keep.read_text().split("\0") if entry)
        return done.stdout


def assert_says(block: Block, printed: str) -> None:
    """Compare the output with the block that documents it."""
    if not {"text": says_text, "json": says_json, "http": says_http}[block.language](block.text, printed):
        pytest.fail(
            f"The document says, at line {block.line}:\n{block.text}\nThe portal says:\n{printed}", pytrace=False
        )


def says_text(documented: str, printed: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in documented.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def says_json(documented: str, printed: str) -> bool:
    return fits(json.loads(documented), json.loads(printed))


def says_http(documented: str, printed: str) -> bool:
    """Compare the status, each documented header, and the body where one is documented."""
    (wanted, _, wanted_body), (given, _, given_body) = (
        text.replace("\r\n", "\n").strip().partition("\n\n") for text in (documented, printed)
    )
    (status, *headers), (given_status, *given_headers) = wanted.splitlines(), given.splitlines()
    pairs = {name.lower(): value for name, value in (line.split(": ", 1) for line in given_headers)}
    return (
        status == given_status
        and all(says_text(value, pairs.get(name.lower(), "")) for name, value in (h.split(": ", 1) for h in headers))
        and (not wanted_body or says_json(wanted_body, given_body))
    )


def fits(documented: Any, given: Any) -> bool:
    """Compare JSON: "…" matches any text, at the end of a list further items; a timestamp matches any timestamp."""
    match documented, given:
        case dict(), dict():
            return documented.keys() == given.keys() and all(fits(documented[name], given[name]) for name in given)
        case [*items, "…"], list():
            return given[: len(items)] == items and len(given) > len(items)
        case list(), list():
            return len(documented) == len(given) and all(map(fits, documented, given))
        case str(), str():
            return says_text(documented, given)
        case int(), int() if documented > 10**9:
            return given > 10**9
    return bool(documented == given)


class Seller:
    """A seller with a browser, who consents to every request."""

    def __init__(self, portal: Served, browser: httpx.Client) -> None:
        email = f"{uuid4().hex}@docs.example"
        arguments = ["--name", "Winkel", "--email", email, "--password-stdin"]
        self.retailer_id = portal.manage_json("create_seller", *arguments, stdin=PASSWORD)["retailer_id"]
        self.browser = browser
        self.send("/inloggen/", "Inloggen", **{"E-mailadres": email, "Wachtwoord": PASSWORD})

    def send(self, address: str, button: str, **fields: str) -> httpx.Response:
        """Fill in a form and press its button."""
        page = self.browser.get(address)
        form = Page(page.text, str(page.url)).form(button)
        answer = self.browser.post(form.address, data=form.fill(**fields), headers={"Origin": origin(form.address)})
        assert answer.status_code == 302, Page(answer.text).words
        return answer

    def allow(self, address: str) -> str:
        """Consent to an authorization request, and return the code."""
        return parse_qs(urlsplit(self.send(address, "Toestaan").headers["Location"]).query)["code"][0]


def origin(address: str) -> str:
    return urljoin(address, "/").rstrip("/")


DEMO = "http://localhost:8000"
REDIRECT_URI = "http://127.0.0.1:9000/terug"


@pytest.fixture
def seller(served: Served) -> Iterator[Seller]:
    with httpx.Client(base_url=served.url) as browser:
        yield Seller(served, browser)


@pytest.fixture
def shell(served: Served, seller: Seller, tmp_path: Path) -> Shell:
    """A terminal with the credentials that the documents require."""
    credential = served.manage_json("create_credential", "--seller", seller.retailer_id, "--name", "Documenten")
    party = served.manage_json(
        "register_third_party", "--name", f"Partij {uuid4().hex}", "--redirect-uri", REDIRECT_URI
    )
    server = served.manage_json("register_resource_server", "--name", f"API {uuid4().hex}")
    return Shell(
        tmp_path,
        served.url,
        {
            "REDIRECT_URI": REDIRECT_URI,
            **named("CLIENT", credential),
            **named("PARTY", party),
            **named("SERVER", server),
        },
    )


def named(prefix: str, client: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}_ID": client["client_id"], f"{prefix}_SECRET": client["client_secret"]}


def with_answers(blocks: Iterable[Block]) -> Iterator[tuple[Block, Block | None]]:
    """Yield each block to run, with the block that documents its output, if there is one."""
    blocks = list(blocks)
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language in {"sh", "python"}:
            yield block, following if following and following.language in {"text", "json", "http"} else None


@pytest.mark.parametrize("document", [API, README], ids=str)
def test_blocks_work_when_pasted_in_order(document: Document, shell: Shell, seller: Seller) -> None:
    for block, answer in with_answers(document.blocks):
        printed = shell.python(block) if block.language == "python" else shell.paste(block)
        if answer:
            assert_says(answer, printed)
        if "/authorize?" in printed:
            shell.given["CODE"] = seller.allow(printed.strip())
        if '"access_token"' in printed:
            shell.given["TOKEN"] = json.loads(printed)["access_token"]


@cache
def curl_blocks() -> list[Block]:
    return [block for document in DOCUMENTS for block in document.blocks if "curl " in block.text]


def test_every_curl_line_is_in_a_tested_document() -> None:
    tried = [block for document in (API, README) for block, _ in with_answers(document.blocks)]
    assert [block for block in curl_blocks() if block not in tried] == []
