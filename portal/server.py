"""Granian, whose workers end on a signal while they start: `python -m portal.server portal.wsgi:application …`."""

import os
import signal

from granian.cli import entrypoint

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def end_on_signals() -> None:
    """Let the signals end a worker until it installs handlers of its own, after it has loaded the application.

    It is forked with the handlers of the main process, which set a flag that a worker never reads, and Python forgets
    a signal that arrives during a fork. The main process would wait for the worker until --workers-kill-timeout.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    release()


if __name__ == "__main__":
    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=end_on_signals)
    entrypoint()
