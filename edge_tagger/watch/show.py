"""Answers for people who look on, for a log, and for other programs."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from edge_tagger.tagged import TaggedPhoto
from edge_tagger.terminal import Styled, echo, echo_json, printable
from edge_tagger.watch.loop import Answer

_REFRESH_S = 0.1


class Show(Protocol):
    """Where answers go. `tell` may be called from any thread."""

    def answer(self, answer: Answer) -> None:
        """Show what the frames show."""

    def photo(self, path: Path, tagged: TaggedPhoto) -> None:
        """Show the tags of a photo that has arrived."""

    def tell(self, line: str) -> None:
        """Say something beside the answers."""

    def close(self) -> None:
        """Nothing comes any more."""


class _Lines:
    """What a log and other programs have in common: a line when the answer changes, and every so often."""

    def __init__(self, out: TextIO, told: TextIO, *, every_s: float | None = None) -> None:
        self._out, self._told, self._every_s = out, told, every_s
        self._last_s = 0.0

    def _is_due(self, answer: Answer) -> bool:
        due = answer.changed or (self._every_s is not None and answer.at_s - self._last_s >= self._every_s)
        if due:
            self._last_s = answer.at_s
        return due

    def _print(self, *lines: str) -> None:
        echo(*lines, file=self._out)

    def tell(self, line: str) -> None:
        echo(line, file=self._told)

    def close(self) -> None:
        pass


class Log(_Lines):
    """A line each: when, the tags, the rate. `live` sources tell the time of day, a video how far it is."""

    def __init__(self, out: TextIO, told: TextIO, *, live: bool, every_s: float | None = None) -> None:
        super().__init__(out, told, every_s=every_s)
        self._live = live

    def answer(self, answer: Answer) -> None:
        if self._is_due(answer):
            when = f"{datetime.now():%H:%M:%S}" if self._live else position(answer.at_s)
            tags = " · ".join(" ".join(line.split()) for line in str(answer.tagged).splitlines())
            self._print(f"{when}  {tags}  ({rate(answer)})")

    def photo(self, path: Path, tagged: TaggedPhoto) -> None:
        self._print(str(path), *(f"  {line}" for line in str(tagged).splitlines()))


class JsonLines(_Lines):
    """A JSON object a line; docs/watch.md names the fields."""

    def __init__(self, out: TextIO, told: TextIO, *, source: str, live: bool, every_s: float | None = None) -> None:
        super().__init__(out, told, every_s=every_s)
        self._source, self._live = source, live

    def answer(self, answer: Answer) -> None:
        if self._is_due(answer):
            self._put(
                frame=answer.frame,
                at_s=round(answer.at_s, 3),
                changed=answer.changed,
                frames_per_s=round(answer.per_s, 2),
                latency_ms=round(answer.latency_ms, 2),
                dropped=answer.dropped,
                **answer.tagged.to_json(),
            )

    def photo(self, path: Path, tagged: TaggedPhoto) -> None:
        self._put(photo=str(path), **tagged.to_json())

    def _put(self, **values: Any) -> None:
        head = {"time": datetime.now().astimezone().isoformat(timespec="milliseconds")} if self._live else {}
        echo_json({"source": self._source, **head, **values}, file=self._out)


class Block:
    """On a terminal: the tags and the rate, drawn anew in their place up to ten times a second."""

    def __init__(self, out: TextIO, *, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._live, self._clock = out, live, clock
        self._lock = threading.Lock()
        self._drawn: list[str] = []
        self._newest: list[str] = []
        self._drawn_s = -_REFRESH_S

    def answer(self, answer: Answer) -> None:
        where = "" if self._live else f"   {position(answer.at_s)}"
        with self._lock:
            self._newest = [f"  {line}" for line in str(answer.tagged).splitlines()] + [f"  {rate(answer)}{where}"]
            if self._clock() - self._drawn_s >= _REFRESH_S:
                self._draw()

    def photo(self, path: Path, tagged: TaggedPhoto) -> None:
        self._say(str(path), *(f"  {line}" for line in str(tagged).splitlines()))

    def tell(self, line: str) -> None:
        self._say(line)

    def _say(self, *lines: str) -> None:
        with self._lock:
            self._wipe()
            echo(*lines, file=self._out)
            self._draw()

    def close(self) -> None:
        with self._lock:
            self._draw()

    def _draw(self) -> None:
        self._wipe()
        width = shutil.get_terminal_size().columns
        self._drawn = [printable(line)[: width - 1] for line in self._newest]  # one that wraps would be two to wipe
        if self._drawn:
            echo(*self._drawn, file=self._out)
        self._drawn_s = self._clock()

    def _wipe(self) -> None:
        if self._drawn:
            self._out.write(Styled(f"\x1b[{len(self._drawn)}A\r\x1b[J"))  # ECMA-48: cursor up, erase to the end
            self._drawn = []


def rate(answer: Answer) -> str:
    """Such as 12.3 frames/s, latency 8 ms, 3 dropped."""
    dropped = f", {answer.dropped} dropped" if answer.dropped else ""
    return f"{answer.per_s:.1f} frames/s, latency {answer.latency_ms:.0f} ms{dropped}"


def position(at_s: float) -> str:
    """Minutes and seconds, "1:02.4"."""
    tenths = round(at_s * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
