"""Fixtures for third-party client libraries against the production server."""

from collections.abc import Iterator

import pytest

from tests.clients.visitor import Visitor, new_credential, new_party, new_visitor
from tests.served import Served


@pytest.fixture(autouse=True)
def _without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the libraries to use http for a server on this machine. By default they require TLS."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(scope="module")
def shop(served: Served) -> Iterator[Visitor]:
    """The owner of a seller, with a browser."""
    visitor = new_visitor(served)
    with visitor.http:
        yield visitor


@pytest.fixture(scope="module")
def credential(served: Served, shop: Visitor) -> tuple[str, str]:
    """Id and secret of a credential of the shop."""
    return new_credential(served, shop)


@pytest.fixture(scope="module")
def party(served: Served) -> tuple[str, str]:
    """Id and secret of a third party with rotating refresh tokens and mandatory PKCE."""
    return new_party(served)


@pytest.fixture(scope="module")
def public_party(served: Served) -> str:
    """The id of a public third party."""
    return new_party(served, "--public")[0]


@pytest.fixture(scope="module")
def old_party(served: Served) -> tuple[str, str]:
    """Id and secret of a third party without PKCE and with fixed refresh tokens."""
    return new_party(served, "--pkce", "optional", "--refresh-tokens", "fixed")
