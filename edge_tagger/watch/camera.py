"""Pictures from cameras and video files by OpenCV, with what goes wrong in one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Protocol, cast

import cv2

from edge_tagger.errors import SourceError
from edge_tagger.images import Pixels, quiet_opencv
from edge_tagger.watch.source import Source

_OPEN_MS, _READ_MS = 10_000, 10_000  # a network camera that says nothing for so long is gone
_QUIET = "-8"  # AV_LOG_QUIET


class Camera(Protocol):
    """What gives pictures, one after the other."""

    def read(self) -> Pixels:
        """The next picture, uint8 [H, W, 3] RGB. Raises SourceError when there is none any more."""

    def close(self) -> None:
        """Let go of the camera."""


class OpenCVCamera:
    """A V4L2 or network camera. Raises SourceError where it cannot be opened."""

    def __init__(self, source: Source) -> None:
        self._source = source
        if source.kind == "network":
            self._capture = Capture(source.where, cv2.CAP_FFMPEG, timeouts=True)
        elif sys.platform == "linux":
            _check_device(source)
            self._capture = Capture(source.where, cv2.CAP_V4L2)
        else:
            self._capture = Capture(int(source.where), cv2.CAP_ANY)
        if not self._capture.is_open:
            self._capture.close()
            raise SourceError(f"cannot open {source.name}: {_why_closed(source)}")

    def read(self) -> Pixels:
        picture = self._capture.read()
        if picture is not None:
            return picture
        if self._source.kind == "v4l2" and sys.platform == "linux" and not Path(self._source.where).exists():
            raise SourceError(f"{self._source.name} was unplugged")
        raise SourceError(f"{self._source.name} gives no more pictures; see whether it is still on and connected")

    def close(self) -> None:
        self._capture.close()


class Capture:
    """cv2.VideoCapture without what OpenCV and FFmpeg print, and in RGB. Use as a context manager, or close it.

    Raises SourceError for a name that is not UTF-8, on which OpenCV 5.0 crashes.
    """

    def __init__(self, where: str | int, backend: int, *, timeouts: bool = False) -> None:
        if isinstance(where, str) and any("\ud800" <= character <= "\udfff" for character in where):
            raise SourceError(f"{where} has a name that is not UTF-8, which OpenCV cannot open; rename the file")
        quiet_opencv()
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _QUIET)  # FFmpeg reads it when the first video is opened
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_MS]
        self._capture = cv2.VideoCapture(where, backend, limits if timeouts else [])

    @property
    def is_open(self) -> bool:
        return self._capture.isOpened()

    def read(self) -> Pixels | None:
        """The next picture; None where there is none."""
        try:
            found, picture = self._capture.read()
        except cv2.error:
            return None
        if not found or picture is None or picture.size == 0:
            return None
        if picture.ndim == 2:
            return cast(Pixels, cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB))
        return cast(Pixels, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))

    def number(self, wanted: int) -> float:
        """A property of the video, such as cv2.CAP_PROP_FPS; 0 where it is not known."""
        return self._capture.get(wanted)

    def close(self) -> None:
        self._capture.release()

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_camera(source: Source) -> Camera:
    """The camera of a source. Raises SourceError, and MissingExtraError for a CSI camera without picamera2."""
    if source.kind == "csi":
        from edge_tagger.watch.csi import CSICamera

        return CSICamera(int(source.where))
    return OpenCVCamera(source)


def _check_device(source: Source) -> None:
    path = Path(source.where)
    if not path.exists():
        there = sorted(map(str, Path("/dev").glob("video*")))
        raise SourceError(f"there is no {source.name}; there is {', '.join(there) if there else 'no camera at all'}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(
            f"cannot open {source.name}: permission denied; add yourself to its group "
            f"(sudo usermod -aG {_group(path)} $USER) and log in again"
        )


def _group(path: Path) -> str:
    try:
        return path.group()
    except KeyError:
        return "video"


def _why_closed(source: Source) -> str:
    if source.kind == "network":
        return "no answer, a wrong address, a wrong password, or no video there; try the address in VLC"
    return "another program uses it, or it is no camera for pictures; v4l2-ctl --list-devices tells"
