"""A backup of PostgreSQL under load, a restore with the documented commands, and what happens after it."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email import message_from_string
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.conf import settings

from apicredentials.keys.hash_keys import digest
from tests.clients.traffic import assert_works, connect, get_token, load, refresh_until
from tests.clients.visitor import Visitor, new_party, new_visitor
from tests.conftest import on_sqlite
from tests.deploy.backup_commands import documented, paste, wait_until
from tests.oauth.flow import GRANT
from tests.served import START_SECONDS, Served, mails_in, run_portal

SETTINGS = "/instellingen/api/"
REASON = ("--reason", "Back-up teruggezet")
HELD = "/var/tmp/held-mail"  # noqa: S108
NO_ID = "00000000-0000-0000-0000-000000000000"
SECRET = re.compile(r"rts_[A-Za-z0-9]{82}")

pytestmark = [
    pytest.mark.skipif(
        settings.DATABASE_POOLER, reason="pg_dump may not go through a pooler: it changes settings of the connection"
    ),
    pytest.mark.skipif(on_sqlite(), reason="PostgreSQL; DATABASE_URL may name one"),
]

type Client = tuple[str, str]


@dataclass
class Shop:
    """A seller with a browser, two credentials, and two third parties with their first refresh tokens."""

    visitor: Visitor
    software: Client
    deleted: Client
    fixed: Client
    rotating: Client
    fixed_token: str
    first_token: str


def open_shop(portal: Served) -> Shop:
    visitor = new_visitor(portal)
    fixed, rotating = new_party(portal, "--refresh-tokens", "fixed", name="Vast"), new_party(portal)
    tokens = [connect(portal, visitor, party)["refresh_token"] for party in (fixed, rotating)]
    return Shop(visitor, create(visitor, "Software"), create(visitor, "Oud"), fixed, rotating, *tokens)


def create(visitor: Visitor, name: str) -> Client:
    """Create a credential, reveal its secret, and return both."""
    visitor.open(f"{visitor.portal}{SETTINGS}")
    visitor.press("Aanmaken")
    visitor.press("Aanmaken", Naam=name)
    address = visitor.page.form("Toon secret", of=name).address
    visitor.press("Toon secret", of=name)
    return address.split("/")[-3], SECRET.findall(visitor.page.words)[0]


def remove(visitor: Visitor, name: str) -> None:
    """Remove a credential or a third party."""
    visitor.open(f"{visitor.portal}{SETTINGS}")
    visitor.press("Verwijderen", of=name)
    visitor.press("Verwijderen")


def ask_until(over: Event, portal: Served, credential: Client) -> None:
    with httpx.Client(timeout=30) as http:
        while not over.is_set():
            assert_works(http, portal, get_token(http, portal, credential)["access_token"])


def act_until(over: Event, visitor: Visitor, done: list[str]) -> None:
    """Create, reveal and remove credentials."""
    while not over.is_set():
        name = uuid4().hex
        create(visitor, name)
        remove(visitor, name)
        done.append(name)


def back_up_under_load(portal: Served, shop: Shop, dump: Path) -> tuple[list[str], str, int]:
    """Dump the database while the portal works.

    Return all refresh tokens of the load, when the dump began, and the length of the log then.
    """
    url = urlsplit(portal.environment["DATABASE_URL"])
    done: list[str] = []
    with load(
        partial(ask_until, portal=portal, credential=shop.software),
        partial(refresh_until, portal=portal, party=shop.rotating, refresh_token=shop.first_token),
        partial(act_until, visitor=shop.visitor, done=done),
    ) as (asking, refreshing, acting):
        wait_until(lambda: len(done) > 1)
        since, position = dt.datetime.now(dt.UTC).isoformat(), len(portal.log)
        command = documented("pg_dump", ("portal.dump portal", f"{dump} {url.path.strip('/')}"))
        assert paste(command, server(url)) == ""
        before = len(done)
        wait_until(lambda: len(done) > before)
    asking.result(START_SECONDS)
    acting.result(START_SECONDS)
    return refreshing.result(START_SECONDS), since, position


def server(url: Any) -> dict[str, str]:
    """Return the environment in which PostgreSQL's programs find that server."""
    given = {"PGHOST": url.hostname, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    return {name: str(value) for name, value in given.items() if value}


@dataclass
class Accident:
    """The portal whose database was lost, and the portal on the restored database."""

    lost: Served
    shop: Shop
    refresh_tokens: list[str]
    since: str
    log_since: str
    token: str
    new_secret: str
    restored: Served
    held: Path

    def ask(self, credential: Client) -> int:
        return httpx.post(f"{self.restored}/token", data=GRANT, auth=credential).status_code

    def refresh(self, party: Client, refresh_token: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return httpx.post(f"{self.restored}/token", data=form, auth=party)

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.restored.environment["DATABASE_URL"]) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def run(self, command: str) -> str:
        """Run a documented command with the settings of the restored portal."""
        given = self.restored.environment
        return paste(command, {name: given[name] for name in ("DATABASE_URL", "ISSUER_URL")})


def act_later(portal: Served, shop: Shop) -> tuple[str, str]:
    """Do what the backup does not contain, and send all mail; return an access token and a secret from then."""
    with httpx.Client() as http:
        token = get_token(http, portal, shop.deleted)["access_token"]
    remove(shop.visitor, "Oud")
    remove(shop.visitor, "Vast")
    secret = portal.manage_json("rotate_secret", shop.software[0], "--overlap", "0", *REASON)["client_secret"]
    portal.manage("send_notices")
    return token, secret


def restore(made: ExitStack, lost: Served, dump: Path) -> str:
    """Restore into a new database with the documented commands, and return its URL."""
    url = urlsplit(lost.environment["DATABASE_URL"])
    name = f"test_{uuid4().hex}"
    assert paste(documented("createdb", ("--owner=portal portal_restored", name)), server(url)) == ""
    made.callback(paste, f"dropdb --force {name}", server(url))
    changes = ("portal_restored", name), ("portal.dump", str(dump))
    assert paste(documented("pg_restore", *changes), server(url)) == ""
    return url._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="module")
def accident(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accident]:
    folder = tmp_path_factory.mktemp
    dump = folder("backup") / "portal.dump"
    with ExitStack() as running:
        with run_portal(folder("lost"), DATABASE_URL=new_database(), LOG_FORMAT="json") as lost:
            shop = open_shop(lost)
            running.callback(shop.visitor.http.close)
            refresh_tokens, since, position = back_up_under_load(lost, shop, dump)
            later = act_later(lost, shop)
        keys = dict(line.split("=", 1) for line in paste(documented("generate_keys")).splitlines())
        assert keys.keys() == {"SECRET_KEY", "TOKEN_SIGNING_KEYS"}
        url = restore(running, lost, dump)
        restored = running.enter_context(run_portal(folder("restored"), DATABASE_URL=url, ISSUER_URL=lost.url, **keys))
        yield Accident(lost, shop, refresh_tokens, since, lost.log[position:], *later, restored, folder("held"))


# The tests follow the documented steps: they run in this order, and each continues where the previous one ended.

HALVES = {
    "act without mail": """
        SELECT id FROM apicredentials_activity a
         WHERE kind IN ('credential_created', 'secret_revealed', 'credential_deleted') AND seller_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM apicredentials_outgoingmail m WHERE m.key = 'activity:' || a.id)
    """,
    "deleted credential without an act": """
        SELECT id FROM apicredentials_oauthclient c
         WHERE deleted_at IS NOT NULL AND NOT EXISTS (
           SELECT FROM apicredentials_activity a WHERE kind = 'credential_deleted' AND target::text = c.client_id)
    """,
    "refresh token replaced by none, or by two": """
        SELECT grant_id FROM apicredentials_refreshtoken
         GROUP BY grant_id HAVING count(*) FILTER (WHERE revoked IS NULL) <> 1
    """,
}


def test_backup_under_load_contains_no_half_of_a_change(accident: Accident) -> None:
    found = {what: accident.query(statement) for what, statement in HALVES.items()}
    assert not any(found.values()), found
    ((deleted,),) = accident.query("SELECT count(*) FROM apicredentials_oauthclient WHERE deleted_at IS NOT NULL")
    ((replaced,),) = accident.query("SELECT count(*) FROM apicredentials_refreshtoken WHERE revoked IS NOT NULL")
    assert deleted > 1
    assert replaced > 1


def test_new_keys_end_access_tokens_and_sessions(accident: Accident) -> None:
    bearer = {"Authorization": f"Bearer {accident.token}"}
    assert httpx.get(f"{accident.restored}/verify", headers=bearer).status_code == 401
    page = accident.shop.visitor.http.get(f"{accident.restored}{SETTINGS}")
    assert page.headers["Location"].startswith("/inloggen/")


def test_mail_that_left_after_the_backup_is_held_back(accident: Accident) -> None:
    sent, *rest = accident.run(documented("send_notices", (HELD, str(accident.held)))).splitlines()
    held = ids(mails_in(accident.held))
    assert held
    assert held < ids(accident.lost.mails)
    assert [sent, *rest] == [f"sent: {len(held)}", "failed: 0", "due: 0"]


def ids(mails: list[str]) -> set[str]:
    return {str(message_from_string(mail)["Message-ID"]) for mail in mails}


def test_damaged_database_lists_what_to_repeat(accident: Accident) -> None:
    shop, damaged = accident.shop, urlsplit(accident.lost.environment["DATABASE_URL"])
    changes = ("=portal ", f"={damaged.path.strip('/')} "), ("2027-03-07 03:00+01", accident.since)
    acts = paste(documented("psql", *changes), server(damaged)).splitlines()
    for kind, client in (("credential_deleted", shop.deleted), ("party_revoked", shop.fixed)):
        assert [line for line in acts if kind in line and client[0] in line and shop.visitor.retailer_id in line]


def test_what_was_stopped_works_again_until_it_is_repeated(accident: Accident) -> None:
    shop = accident.shop
    assert accident.ask(shop.deleted) == 200
    assert accident.refresh(shop.fixed, shop.fixed_token).status_code == 200
    accident.restored.manage("revoke_credential", shop.deleted[0], *REASON)
    assert accident.ask(shop.deleted) == 401


def test_secret_from_after_the_backup_is_unknown_and_the_one_before_works(accident: Accident) -> None:
    assert accident.ask((accident.shop.software[0], accident.new_secret)) == 401
    assert accident.ask(accident.shop.software) == 200


def test_replaced_refresh_token_is_no_replay_and_ends_with_the_documented_commands(
    accident: Accident, tmp_path: Path
) -> None:
    party = accident.shop.rotating
    newest = accident.refresh(party, accident.refresh_tokens[-1])
    assert (newest.status_code, newest.json()["error"]) == (400, "invalid_grant")
    assert "authn_token_reuse" not in accident.restored.log
    assert cause_of(accident, party) == ""
    successor = accident.refresh(party, current_in_backup(accident)).json()["refresh_token"]
    assert successor in accident.refresh_tokens

    (tmp_path / "since.log").write_text(accident.log_since)
    (line,) = paste(documented("grep refresh_token"), folder=tmp_path).splitlines()
    assert line[-36:] == party[0]
    accident.run(documented("--all-sellers --reason", (NO_ID, line[-36:])))
    assert accident.refresh(party, successor).status_code == 400
    assert cause_of(accident, party) == "removed_by_operator"


def current_in_backup(accident: Accident) -> str:
    """Return the refresh token that was the newest when the backup was made."""
    rows = accident.query("SELECT token_checksum FROM apicredentials_refreshtoken WHERE revoked IS NULL")
    (current,) = [token for token in accident.refresh_tokens if (digest(token),) in rows]
    return current


def cause_of(accident: Accident, party: Client) -> str:
    """Return why the authorisation of this party has ended; '' if it has not."""
    ((cause,),) = accident.query(
        "SELECT a.end_cause FROM apicredentials_thirdpartyauthorization a"
        " JOIN apicredentials_oauthclient c ON c.id = a.third_party_id WHERE c.client_id = %s",
        party[0],
    )
    return str(cause)


def test_only_mail_about_the_repeated_acts_leaves(accident: Accident) -> None:
    assert accident.restored.manage_json("send_notices")["sent"] > 0
    assert ids(accident.restored.mails).isdisjoint(ids(accident.lost.mails))
