"""Client libraries that nobody here wrote, against the production server."""

from collections.abc import Iterator

import pytest

from tests.clients.visitor import Visitor, new_credential, new_party, new_visitor
from tests.served import Served


@pytest.fixture(autouse=True)
def _without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the libraries talk to a server on this machine; elsewhere they rightly insist on TLS."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(scope="module")
def shop(served: Served) -> Iterator[Visitor]:
    """A seller, whose owner has a browser."""
    visitor = new_visitor(served)
    with visitor.http:
        yield visitor


@pytest.fixture(scope="module")
def credential(served: Served, shop: Visitor) -> tuple[str, str]:
    """Id and secret of the shop's own client."""
    return new_credential(served, shop)


@pytest.fixture(scope="module")
def party(served: Served) -> tuple[str, str]:
    """Id and secret of a third party with rotating refresh tokens, which must use PKCE."""
    return new_party(served)


@pytest.fixture(scope="module")
def public_party(served: Served) -> str:
    """The id of a third party that has no secret."""
    return new_party(served, "--public")[0]


@pytest.fixture(scope="module")
def old_party(served: Served) -> tuple[str, str]:
    """Id and secret of a party from before PKCE, whose refresh token stays the same."""
    return new_party(served, "--pkce", "optional", "--refresh-tokens", "fixed")
