"""How a command ends that is told to: SIGTERM (docker stop, systemd, kill) and a terminal that goes, like Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SAME_S = 1.0  # `timeout` and service managers send a signal to the process and to its group: that is one request


class Terminated(KeyboardInterrupt):
    """Raised where a signal came. All that tidies up after Ctrl-C does so after this."""

    def __init__(self, kind: int) -> None:
        super().__init__()
        self.exit_code = 128 + kind


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise Terminated for a SIGTERM or SIGHUP that comes inside; one that comes again ends the process at once.

    A signal that is ignored (nohup) or handled already is left as it is, as is all where this is not the main thread.
    """
    asked_s: list[float] = []

    def end(kind: int, _frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if not asked_s:
            asked_s.append(now_s)
            raise Terminated(kind)
        if now_s - asked_s[0] > _SAME_S:
            signal.signal(kind, signal.SIG_DFL)
            os.kill(os.getpid(), kind)

    kinds = [signal.SIGTERM, signal.SIGHUP] if threading.current_thread() is threading.main_thread() else []
    taken = [kind for kind in kinds if signal.getsignal(kind) is signal.SIG_DFL]
    for kind in taken:
        signal.signal(kind, end)
    try:
        yield
    finally:
        for kind in taken:
            signal.signal(kind, signal.SIG_DFL)
