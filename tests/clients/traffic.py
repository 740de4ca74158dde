"""Clients that keep sending requests to a production server until they are stopped."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import httpx

from tests.clients.visitor import REDIRECT_URI, Visitor
from tests.oauth.flow import VERIFIER, s256
from tests.served import Served


def get_token(http: httpx.Client, portal: Served, client: tuple[str, str], **form: str) -> dict[str, Any]:
    """Request a token and require success; `form` replaces the client credentials grant."""
    answer = http.post(f"{portal}/token", data=form or {"grant_type": "client_credentials"}, auth=client)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def assert_works(http: httpx.Client, portal: Served, token: str) -> None:
    answer = http.get(f"{portal}/verify", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204, answer.text


def refresh_until(over: Event, portal: Served, party: tuple[str, str], refresh_token: str) -> list[str]:
    """Refresh until `over`, and return all refresh tokens."""
    tokens = [refresh_token]
    with httpx.Client(timeout=30) as http:
        while not over.is_set():
            made = get_token(http, portal, party, grant_type="refresh_token", refresh_token=tokens[-1])
            assert_works(http, portal, made["access_token"])
            tokens.append(made["refresh_token"])
    return tokens


@contextmanager
def load(*acts: Callable[[Event], Any]) -> Iterator[list[Future[Any]]]:
    """Run these acts in threads until the block ends or one of them fails."""
    over = Event()
    with ThreadPoolExecutor(len(acts)) as pool:
        try:
            yield [pool.submit(act, over) for act in acts]
        finally:
            over.set()


def connect(portal: Served, shop: Visitor, party: tuple[str, str]) -> dict[str, Any]:
    """Run the code flow with the seller's consent, and return the tokens."""
    query = httpx.QueryParams(
        response_type="code",
        client_id=party[0],
        redirect_uri=REDIRECT_URI,
        scope="offline_access",
        code_challenge=s256(VERIFIER),
        code_challenge_method="S256",
    )
    back = httpx.URL(shop.decide(f"{portal}/authorize?{query}", "Toestaan"))
    exchange = {"grant_type": "authorization_code", "code": back.params["code"], "redirect_uri": REDIRECT_URI}
    with httpx.Client() as http:
        return get_token(http, portal, party, code_verifier=VERIFIER, **exchange)
