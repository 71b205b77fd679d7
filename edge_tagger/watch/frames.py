"""Frames with their times: all of a video file, the newest of a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType

import cv2

from edge_tagger.errors import SourceError
from edge_tagger.images import Pixels
from edge_tagger.watch.camera import Camera, Capture
from edge_tagger.watch.source import Source

_FRAMES_PER_S = 25.0  # where a video does not tell
_LAST_FRAMES = 0.02  # of a video's frames that its header may count too many


@dataclass(frozen=True)
class Frame:
    """uint8 [H, W, 3] RGB; its number, from 1 on; `at_s`, seconds from the first frame; `read_s`, when it was there, by
    time.monotonic; and how many before it were not taken because newer ones had come."""

    pixels: Pixels
    number: int
    at_s: float
    read_s: float
    dropped: int = 0


def video_frames(source: Source) -> Iterator[Frame]:
    """Every frame of a video file, at its own time in the video. Raises SourceError for what is no video, and at the
    end of one that has fewer frames than it says."""
    with Capture(source.where, cv2.CAP_ANY) as capture:
        if not capture.is_open:
            raise SourceError(
                f"cannot read {source.name} as a video; it is damaged or cut off, or of a kind that OpenCV lacks here"
            )
        a_second, said = capture.number(cv2.CAP_PROP_FPS), capture.number(cv2.CAP_PROP_FRAME_COUNT)
        a_second = a_second if 0 < a_second < 1000 else _FRAMES_PER_S
        number = 0
        while (pixels := capture.read()) is not None:
            number += 1
            yield Frame(pixels, number, (number - 1) / a_second, time.monotonic())
    if number + 1 < said * (1 - _LAST_FRAMES):
        raise SourceError(
            f"{source.name} ends after {number} of {said:.0f} frames: it is cut off or damaged; copy it again"
        )
    if number == 0:
        raise SourceError(f"{source.name} has no frame that can be read; copy it again")


class NewestFrames:
    """Iterates over the frames of a camera, each time the newest one, and waits where there is no new one.

    A thread of its own reads the camera all the time, so that no frame waits in a queue; it also opens and closes it.
    Raises what `opened` and the camera raise. Use as a context manager, or call :meth:`close`.
    """

    def __init__(self, opened: Callable[[], Camera]) -> None:
        self._opened = opened
        self._changed = threading.Condition()
        self._newest: tuple[Pixels, int, float] | None = None
        self._error: Exception | None = None
        self._taken = self._read = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="edge-tagger camera", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        began_s: float | None = None
        while True:
            with self._changed:
                while self._newest is None and self._error is None and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                if self._newest is None:
                    assert self._error is not None
                    raise self._error
                (pixels, number, read_s), self._newest = self._newest, None
                dropped, self._taken = number - self._taken - 1, number
            began_s = read_s if began_s is None else began_s
            yield Frame(pixels, number, read_s - began_s, read_s, dropped)

    def _run(self) -> None:
        camera: Camera | None = None
        try:
            camera = self._opened()
            while not self._closing:
                pixels = camera.read()
                with self._changed:
                    self._read += 1
                    self._newest = pixels, self._read, time.monotonic()
                    self._changed.notify()
        except Exception as error:  # told where the frames are taken
            with self._changed:
                self._error = error
                self._changed.notify()
        finally:
            if camera is not None:
                camera.close()

    def close(self, timeout_s: float = 2.0) -> None:
        """Ends the iteration and lets go of the camera; of one that hangs, when the program ends."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def __enter__(self) -> NewestFrames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Reconnecting:
    """A camera that is opened again when it stops, after 1, 2, 4 and so on up to 30 seconds.

    `tell` gets a line for each loss and return. Raises what the first opening raises, and what is no SourceError.
    """

    def __init__(
        self,
        opened: Callable[[], Camera],
        tell: Callable[[str], None],
        *,
        wait: Callable[[float], None] = time.sleep,
        most_s: float = 30.0,
    ) -> None:
        self._opened, self._tell, self._wait, self._most_s = opened, tell, wait, most_s
        self._camera: Camera | None = opened()

    def read(self) -> Pixels:
        pause_s = 1.0
        lost = False
        while True:
            try:
                if self._camera is None:
                    self._camera = self._opened()
                pixels = self._camera.read()
            except SourceError as error:
                self.close()
                self._tell(f"{error}; trying again in {pause_s:.0f} s")
                self._wait(pause_s)
                lost, pause_s = True, min(2 * pause_s, self._most_s)
            else:
                if lost:
                    self._tell("the camera is back")
                return pixels

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None
