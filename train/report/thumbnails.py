"""Small copies of photos, inline in a page that must stay small enough to be mailed."""

from __future__ import annotations

import base64

import cv2

from edge_tagger.catalogue.source import Photo
from edge_tagger.errors import PhotoError
from edge_tagger.images import load_photo

SIDE_PX = 112
_QUALITY = 75
_MAX_BYTES = 4_500_000  # of base64 in one page


class Thumbnails:
    """Makes data URIs of photos until they fill their share of the page; then, or for a photo that is gone, None."""

    def __init__(self) -> None:
        self._made: dict[str, str | None] = {}
        self._left_bytes = _MAX_BYTES

    def __call__(self, photo: Photo) -> str | None:
        """`data:image/jpeg;base64,...` of the photo, its longer side 112 px."""
        key = str(photo.path)
        if key not in self._made:
            self._made[key] = _data_uri(photo)
        made = self._made[key]
        if made is None or len(made) > self._left_bytes:
            return None
        self._left_bytes -= len(made)
        return made


def _data_uri(photo: Photo) -> str | None:
    try:
        pixels = load_photo(photo.path)
    except PhotoError:
        return None
    height, width = pixels.shape[:2]
    scale = SIDE_PX / max(height, width)
    small = cv2.resize(
        pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii") if done else None
