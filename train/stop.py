"""Ctrl-C and SIGTERM in a training: the step is finished and saved before they end it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SAME_S = 1.0  # `timeout` sends SIGTERM to the process and to its group: that is one request


@dataclass
class Stop:
    """Whether someone asked for it. :meth:`check` then does what the signal would have done: it raises
    KeyboardInterrupt, or what the program's own handler raises."""

    _late: Callable[[], object] | None = None

    @property
    def is_asked(self) -> bool:
        return self._late is not None

    def ask(self, late: Callable[[], object]) -> None:
        self._late = late

    def check(self) -> None:
        if self._late is not None:
            self._late()
            raise KeyboardInterrupt


@contextmanager
def stop_on_interrupt() -> Iterator[Stop]:
    """What the first signal asks; a second one interrupts at once. Only the main thread can listen, and only to signals
    that the program handles: one that is ignored, as Ctrl-C is in a shell's background job, stays so."""
    began_s = 0.0
    stop = Stop()
    kinds = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {kind: handler for kind in kinds if callable(handler := signal.getsignal(kind))}

    def on_signal(kind: int, frame: FrameType | None) -> None:
        nonlocal began_s
        handler = before[signal.Signals(kind)]
        if not stop.is_asked:
            began_s = time.monotonic()
            stop.ask(lambda: handler(kind, frame))
        elif kind == signal.SIGINT or time.monotonic() - began_s > _SAME_S:
            handler(kind, frame)

    for kind in before:
        signal.signal(kind, on_signal)
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
