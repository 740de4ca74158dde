"""A mail server on loopback that can refuse, wait and disconnect, and stores the accepted mails."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any


@dataclass
class Behaviour:
    """The configuration of the server, and the mails it received."""

    refused: set[str] = field(default_factory=set)  # addresses
    seconds_before_answer: float = 0  # to a message
    hated: set[str] = field(default_factory=set)  # addresses at which it disconnects
    breaks_off: set[str] = field(default_factory=set)  # at these commands; "." is after accepting the message
    accepted: list[tuple[str, EmailMessage]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def recipients(self) -> list[str]:
        """The recipients of the accepted mails, in order."""
        return [recipient for recipient, _ in self.accepted]

    @property
    def message_ids(self) -> list[str]:
        """The ids of the accepted mails, in order."""
        return [message["Message-ID"] for _, message in self.accepted]


class Handler(StreamRequestHandler):
    """One connection (RFC 5321)."""

    server: Any

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        behaviour: Behaviour = self.server.behaviour
        behaviour.connections += 1
        self.say("220 klaar")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            command = line.split(":")[0].split()[0].upper()
            if command in behaviour.breaks_off:
                return
            if command == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                if recipient in behaviour.hated:
                    return
                is_refused = recipient in behaviour.refused
                self.say(f"550 5.1.1 <{recipient}> onbekend" if is_refused else "250 goed")
            elif command == "DATA":
                self.say("354 kom maar")
                behaviour.accepted.append((recipient, self.message()))
                time.sleep(behaviour.seconds_before_answer)
                if "." in behaviour.breaks_off:
                    return
                self.say("250 aangenomen")
            elif command == "QUIT":
                self.say("221 dag")
                return
            else:
                self.say("250 goed")

    def message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return message_from_bytes(b"".join(lines), policy=policy.SMTP)


class Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect first; some tests do."""


@contextmanager
def smtp_server() -> Iterator[Behaviour]:
    """Run a server until the block ends. Its behaviour can be changed at any time."""
    behaviour = Behaviour()
    with Server(behaviour) as server:
        behaviour.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield behaviour
        finally:
            server.shutdown()
            thread.join()
