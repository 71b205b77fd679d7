"""Watch a source until it ends, Ctrl-C, a time is over or an error."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

from edge_tagger.catalogue.photo_files import refused_link, shown
from edge_tagger.errors import PhotoError
from edge_tagger.tagger import Tagger
from edge_tagger.terminal import echo
from edge_tagger.watch.camera import Camera, open_camera
from edge_tagger.watch.folder import ArrivingPhotos
from edge_tagger.watch.frames import Frame, NewestFrames, Reconnecting, video_frames
from edge_tagger.watch.loop import answers
from edge_tagger.watch.show import Show
from edge_tagger.watch.source import Source


@dataclass
class Summary:
    """What was done so far: frames or photos tagged, frames dropped, answers told, photos that cannot be read as they
    are."""

    unit: str = "frame"
    tagged: int = 0
    dropped: int = 0
    changes: int = 0
    unreadable: set[Path] = field(default_factory=set)
    began_s: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        passed_s = max(time.monotonic() - self.began_s, 1e-9)
        text = f"{_counted(self.tagged, self.unit)} tagged in {passed_s:.1f} s"
        if self.unit == "frame":
            told = _counted(self.changes, "answer")
            return f"{text} ({self.tagged / passed_s:.1f}/s), {self.dropped} dropped; {told}"
        return f"{text}; {len(self.unreadable)} could not be read"


def watch_frames(
    tagger: Tagger, source: Source, show: Show, summary: Summary, *, smoothing_s: float, hold_s: float, reconnect: bool
) -> None:
    """Tag the frames of a camera or video. Raises SourceError when a camera stops or a video is cut off."""
    with _frames(source, show.tell, reconnect) as frames:
        for answer in answers(tagger, frames, smoothing_s=smoothing_s, hold_s=hold_s):
            summary.tagged += 1
            summary.dropped = answer.dropped
            summary.changes += answer.changed
            show.answer(answer)


def watch_folder(
    tagger: Tagger, source: Source, show: Show, summary: Summary, *, existing: bool, still_s: float
) -> None:
    """Tag the photos that arrive in a folder; one that cannot be read, or is a link out of the folder, is told, and
    comes again when it is mended. Raises SourceError where the folder is gone."""
    summary.unit = "photo"
    for path in ArrivingPhotos(Path(source.where), existing=existing, still_s=still_s):
        try:
            if reason := refused_link(os.fspath(path), source.where):
                raise PhotoError(reason)
            tagged = tagger.tag(path)
        except PhotoError as error:
            summary.unreadable.add(path)
            show.tell(f"Error: {error}")
        else:
            summary.unreadable.discard(path)
            summary.tagged += 1
            show.photo(Path(shown(os.fspath(path))), tagged)


@contextmanager
def until_stopped(duration_s: float | None = None) -> Iterator[None]:
    """Ends what stands inside quietly at Ctrl-C, at SIGTERM as service managers send it, and after a time."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {kind: signal.signal(kind, stop) for kind in (signal.SIGTERM, signal.SIGALRM)}
    if duration_s is not None:
        signal.setitimer(signal.ITIMER_REAL, duration_s)
    try:
        yield
    except KeyboardInterrupt:
        if sys.stderr.isatty():  # which shows ^C
            echo("", err=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


@contextmanager
def _frames(source: Source, tell: Callable[[str], None], reconnect: bool) -> Iterator[Iterator[Frame]]:
    if not source.is_camera:
        yield video_frames(source)
        return
    opened: Callable[[], Camera] = partial(open_camera, source)
    with NewestFrames(partial(Reconnecting, opened, tell) if reconnect else opened) as frames:
        yield iter(frames)
