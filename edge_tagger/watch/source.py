"""What the word on the command line means: a camera, a video file or a folder."""

from __future__ import annotations

import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_tagger.catalogue.photo_files import is_photo, shown
from edge_tagger.errors import SourceError

Kind = Literal["csi", "v4l2", "network", "video", "folder"]
SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "udp", "tcp")
_CSI = re.compile(r"(?:csi|picamera)(?::([0-9]+))?")
_KNOWN = "give a camera (0 or /dev/video0, csi, rtsp://..., http://...), a video file, or a folder that receives photos"


@dataclass(frozen=True)
class Source:
    """`where` is a path, an address, or the number of a CSI camera; `name` says so in messages, without a password."""

    kind: Kind
    where: str
    name: str

    @property
    def is_camera(self) -> bool:
        return self.kind in ("csi", "v4l2", "network")


def parse(text: str) -> Source:
    """The source that a word names. Raises SourceError for a word that names none."""
    if csi := _CSI.fullmatch(text):
        return Source("csi", csi[1] or "0", f"CSI camera {csi[1] or '0'}")
    if text.isascii() and text.isdigit():
        device = f"/dev/video{int(text)}" if sys.platform == "linux" else text
        return Source("v4l2", device, device if sys.platform == "linux" else f"camera {text}")
    scheme, mark, _ = text.partition("://")
    if mark:
        if scheme.lower() not in SCHEMES:
            raise SourceError(f"{without_password(text)} is no address of a camera; known are {', '.join(SCHEMES)}")
        return Source("network", text, without_password(text))
    return _of_path(text)


def without_password(address: str) -> str:
    """rtsp://user:secret@host/ as rtsp://host/: user and password are nobody's business in a log."""
    return re.sub(r"(?<=://)[^/?#]*@", "", address)


def _of_path(text: str) -> Source:
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        if text.startswith("/dev/video"):
            return Source("v4l2", text, text)  # opening says which cameras there are
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"cannot watch {text}: {reason}; {_KNOWN}") from error
    if stat.S_ISDIR(mode):
        return Source("folder", text, shown(text))
    if stat.S_ISCHR(mode):
        return Source("v4l2", text, text)
    if not stat.S_ISREG(mode):
        raise SourceError(f"cannot watch {text}: it is neither a file nor a folder; {_KNOWN}")
    if is_photo(text):
        raise SourceError(f"cannot watch {text}: it is a photo; use edge-tagger tag")
    return Source("video", text, text)
