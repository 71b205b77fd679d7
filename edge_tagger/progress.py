"""Progress of long work: a bar with rate and time left on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from tqdm import tqdm

from edge_tagger.terminal import echo, printable

LOG_EVERY_S = 10.0


class Progress:
    """Counts `total` steps of `label` on standard error. Use as a context manager; `update` adds steps and notes.

    `total` may be None until :meth:`expect` tells it: there is no time left till then.
    """

    def __init__(self, total: int | None, label: str, *, unit: str = "it", initial: int = 0) -> None:
        self._label, self._total, self._done, self._unit = printable(label), total, initial, unit
        self._started, self._logged, self._initial = time.monotonic(), time.monotonic(), initial
        self._notes = ""
        self._bar: Any = None
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=total, initial=initial, desc=self._label, unit=unit, dynamic_ncols=True, file=sys.stderr
            )

    def update(self, steps: int = 1, **notes: float | str) -> None:
        """Add `steps`; `notes` (loss=0.31) stand beside the count, at once where no step is added."""
        self._done += steps
        if notes:
            told = (f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in notes.items())
            self._notes = printable(" ".join(told))
        if self._bar is not None:
            self._bar.set_postfix_str(self._notes, refresh=not steps)
            self._bar.update(steps)
        elif time.monotonic() - self._logged >= LOG_EVERY_S and self._done != self._total:
            self._log()

    def skip(self, steps: int = 1) -> None:
        """Count `steps` that took no time: the rate leaves them out."""
        self._done += steps
        self._initial += steps
        if self._bar is not None:
            self._bar.initial += steps
            self._bar.n += steps

    def expect(self, total: int) -> None:
        """So many steps there are in all."""
        self._total = total
        if self._bar is not None:
            self._bar.total = total
            self._bar.refresh()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._done > self._initial:
            self._log()

    def _log(self) -> None:
        self._logged = time.monotonic()
        elapsed_s = self._logged - self._started
        rate = (self._done - self._initial) / max(elapsed_s, 1e-9)
        of_all, left = "", ""
        if self._total is not None:
            of_all = f"/{self._total}"
            left = f", {(self._total - self._done) / rate:.0f} s left" if rate else ""
        echo(
            f"{self._label}: {self._done}{of_all} {self._unit}, {rate:.1f}/s, {elapsed_s:.0f} s gone{left} "
            f"{self._notes}".rstrip(),
            err=True,
        )
