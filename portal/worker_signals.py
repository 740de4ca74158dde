"""Signals to a Granian worker that is still starting."""

import multiprocessing
import signal
import sys


def end_on_signals_while_starting() -> None:
    """Let SIGTERM and SIGINT end a worker that has not installed its own handlers yet.

    A worker is forked with the handlers of the main process, which set a flag that the worker never reads, and replaces
    them after it has loaded the application. A signal in between would be lost, and the main process would wait for the
    worker until --workers-kill-timeout.
    """
    if multiprocessing.current_process().name != "granian-worker":
        return
    inherited = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    if getattr(getattr(inherited, "__self__", None), "interrupt_signal", False):
        sys.exit()
