"""Heat on photos, and several of them side by side as one picture."""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Sequence

import cv2
import numpy as np

from edge_tagger.errors import OutputError
from edge_tagger.explain.graph import Values
from edge_tagger.files import WRITTEN_BY
from edge_tagger.images import Pixels
from edge_tagger.taxonomy import Tag

_OPACITY = 0.75  # of the hottest place; the photo stays in sight
_PANEL_PX = 448  # longest side
_MARGIN_PX = 12
_COLUMNS = 4
_LINE_PX = 26
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.62
_INK = (40, 40, 40)


def lay_over(photo: Pixels, heat: Values) -> Pixels:
    """uint8 [H, W, 3]: heat [h, w] stretched over an RGB photo, from clear over green and yellow to red, its maximum.

    Heat below zero stays clear.
    """
    height, width = photo.shape[:2]
    positive = np.maximum(heat, 0)  # before it is stretched: cubic curves swing up beside a fall
    spread = np.maximum(cv2.resize(positive, (width, height), interpolation=cv2.INTER_CUBIC), 0)
    strength = spread / max(float(spread.max()), np.finfo(np.float32).tiny)
    colours = cv2.applyColorMap(np.rint(strength * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    opacity = (_OPACITY * strength)[..., np.newaxis]
    return np.asarray(np.rint(photo * (1 - opacity) + colours * opacity), np.uint8)


def fit(photo: Pixels) -> Pixels:
    """The photo at the size of a panel."""
    height, width = photo.shape[:2]
    scale = _PANEL_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)


def side_by_side(panels: Sequence[tuple[Pixels, Sequence[str]]]) -> Pixels:
    """uint8 [H, W, 3]: RGB pictures of one size on white, at most four in a row, each with its lines of text below.

    Text is ASCII, as :func:`caption` gives it; a line that is too long is drawn smaller.
    """
    height, width = panels[0][0].shape[:2]
    lines = max(len(text) for _, text in panels)
    cell = np.array([height + lines * _LINE_PX + 2 * _MARGIN_PX, max(width, _PANEL_PX // 2) + 2 * _MARGIN_PX])
    columns = min(_COLUMNS, len(panels))
    sheet = np.full((*(cell * (-(-len(panels) // columns), columns)), 3), 255, np.uint8)
    for number, (picture, text) in enumerate(panels):
        top, left = cell * divmod(number, columns) + _MARGIN_PX
        sheet[top : top + height, left : left + width] = picture
        for row, line in enumerate(text, 1):
            _write(sheet, line, left, top + height + row * _LINE_PX - 6, cell[1] - 2 * _MARGIN_PX)
    return sheet


def caption(tag: str, score: float, number: int) -> tuple[str, str]:
    """What to write below a tag's picture: its name, then facet and score. OpenCV draws only ASCII: accents are left
    out, and a name in another script becomes "tag 3", its number among the pictures."""
    facet, name = Tag.from_id(tag).facet, Tag.from_id(tag).name
    return _ascii(name) or f"tag {number}", f"{_ascii(facet)} {score:.2f}".strip()


def encode(picture: Pixels, suffix: str) -> bytes:
    """An RGB picture as a file of the kind that ".png" or ".jpg" says, which says what wrote it."""
    done, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise OutputError(f"OpenCV cannot write {suffix}")
    return _signed(bytes(data), suffix)


def _signed(data: bytes, suffix: str) -> bytes:
    """With a comment of JPEG behind JFIF's own segment, or a text chunk of PNG behind its header."""
    if suffix == ".png":
        chunk = b"tEXtSoftware\0" + WRITTEN_BY.encode()
        packed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        place = 8 + 25  # the mark, and IHDR
    else:
        packed = b"\xff\xfe" + struct.pack(">H", 2 + len(WRITTEN_BY)) + WRITTEN_BY.encode()
        place = 4 + struct.unpack(">H", data[4:6])[0]
    return data[:place] + packed + data[place:]


def _ascii(text: str) -> str:
    """Empty where letters would be lost."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return kept if kept.isascii() and kept.isprintable() else ""


def _write(sheet: Pixels, line: str, left: int, baseline: int, width: int) -> None:
    (needed, _), _ = cv2.getTextSize(line, _FONT, _FONT_SCALE, 1)
    scale = _FONT_SCALE * min(1.0, width / max(needed, 1))
    cv2.putText(sheet, line, (int(left), int(baseline)), _FONT, scale, _INK, 1, cv2.LINE_AA)
