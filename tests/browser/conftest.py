"""Chromium for the tests in this folder, which get pytest-playwright's `page` on the live server.

Addresses are relative: `page.goto("/inloggen/")`.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from apicredentials.models import ClientCredential
from tests.browser.inspection import WAYS, Inspected, Scheme, inspect
from tests.browser.party import Party, run_party
from tests.browser.seller import SETTINGS
from tests.conftest import CHROMIUM
from tests.factories import ClientCredentialFactory, TechnicalContactFactory
from tests.people import signed_in

WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Test machines are shared.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the system's Chromium, with the options that a container needs and without calling home."""
    quiet = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    # A container may give too little shared memory for a page, which then crashes.
    args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *quiet]
    return browser_type_launch_args | {"executable_path": CHROMIUM, "args": args}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return browser_context_args | {"locale": "nl-NL", "timezone_id": "Europe/Amsterdam"}


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    return str(live_server.url)


@pytest.fixture(autouse=True)
def problems(context: BrowserContext) -> Iterator[list[str]]:
    """Errors in Chromium: failing scripts, parts that do not load, violations of the policy (CSP).

    The list must be empty at the end. A test that causes an error removes it.
    """
    problems: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        # Tests check the status of pages and of fetches themselves; on_response checks the parts of a page.
        is_status = message.text.startswith("Failed to load resource: the server responded with a status of")
        if "Content Security Policy" in message.text or (message.type == "error" and not is_status):
            problems.append(message.text)

    def on_response(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type not in {"document", "fetch", "xhr"}:
            problems.append(f"{response.url}: {response.status}")

    def on_error(error: WebError) -> None:
        problems.append(str(error.error))

    context.on("console", on_console)
    context.on("response", on_response)
    context.on("weberror", on_error)
    yield problems
    assert not problems, "\n".join(problems)


@pytest.fixture
def come_in(context: BrowserContext, base_url: str) -> Callable[[User], None]:
    """Sign the browser in without its pages: `come_in(user)`."""

    def come_in(user: User) -> None:
        session = signed_in(user).cookies["sessionid"]
        context.add_cookies([{"name": session.key, "value": session.value, "url": base_url, "sameSite": "Lax"}])

    return come_in


@pytest.fixture
def credential() -> ClientCredential:
    """A credential whose secret nobody has asked for."""
    return ClientCredentialFactory(seller=TechnicalContactFactory().seller, name="Magazijn")


@pytest.fixture
def settings_page(page: Page, credential: ClientCredential, come_in: Callable[[User], None]) -> Page:
    """API Instellingen, as the credential's owner sees it."""
    assert credential.seller
    come_in(credential.seller.members.get())
    page.goto(SETTINGS)
    return page


@pytest.fixture
def party(base_url: str) -> Iterator[Party]:
    """A third party with a site of its own."""
    with run_party(base_url) as party:
        yield party


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], None]:
    """Check the present state of a page against WCAG 2.2 AA: `axe(page)`. The page must allow scripts, which axe is."""
    options = json.dumps({"runOnly": WCAG_22_AA, "resultTypes": ["violations"]})

    def check(page: Page) -> None:
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(AXE_SCRIPT)
        results = AxeResults(page.evaluate(f"axe.run({options}).then(({{ violations }}) => ({{ violations }}))"))
        assert not results.violations_count, f"{page.url}\n{results.generate_report()}"

    return check


@pytest.fixture
def inspected(
    page: Page, base_url: str, axe: Callable[[Page], None], problems: list[str], subtests: pytest.Subtests
) -> Iterator[Inspected]:
    def on_request(request: Request) -> None:
        if not request.url.startswith((f"{base_url}/", "data:")):
            problems.append(f"A request to {request.url}")

    @contextmanager
    def inspected(state: str, ways: list[tuple[int, Scheme]] = WAYS[:2]) -> Iterator[None]:
        with subtests.test(state):
            yield
            inspect(page, axe, ways)
            found = problems.copy()
            problems.clear()
            assert not found, f"{page.url}: {found}"

    page.on("request", on_request)
    yield inspected
    page.remove_listener("request", on_request)
