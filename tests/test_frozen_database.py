"""A frozen database: its kernel accepts data, and it never responds."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread

import pytest
from django.db import OperationalError, connection
from pytest_django.fixtures import Settings

pytestmark = [pytest.mark.race, pytest.mark.django_db]


@contextmanager
def between(host: str, port: int) -> Iterator[tuple[int, Event]]:
    """Proxy a database until the event is set, then forward nothing. Yield the proxy's port and the event."""
    frozen = Event()

    def pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while (data := one.recv(65536)) and not frozen.is_set():
                other.sendall(data)

    def serve() -> None:
        client, _ = server.accept()
        database = socket.create_connection((host, port), timeout=30)
        for end in (client, database):
            ends.enter_context(end)
            ends.callback(end.shutdown, socket.SHUT_RDWR)
        for pair in ((client, database), (database, client)):
            Thread(target=pass_on, args=pair, daemon=True).start()

    with ExitStack() as ends, socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], frozen


def test_statement_fails_after_the_client_side_timeout(settings: Settings) -> None:
    settings.DATABASE_WAIT_SECONDS = 1
    other = connection.copy()
    with between(other.settings_dict["HOST"], int(other.settings_dict["PORT"] or 5432)) as (port, frozen):
        other.settings_dict |= {"HOST": "127.0.0.1", "PORT": port}
        with other.cursor() as cursor:
            cursor.execute("SELECT 1")
            frozen.set()
            started = time.monotonic()
            with pytest.raises(OperationalError):
                cursor.execute("SELECT 1")
            assert time.monotonic() - started < 10
        # The connection is closed and not reused.
        other.close_if_unusable_or_obsolete()
        assert other.connection is None
