"""What is kept of one photo: its tags, or why it has none, and which content of its file they belong to; its line."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from typing import Any

from edge_tagger.colours.dominant import Colour
from edge_tagger.json_fields import Fields, parse_json
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Tag


@dataclass(frozen=True)
class Stamp:
    """A file's size and time of last change: where both are as they were, so is its content."""

    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str) -> Stamp | None:
        """None where there is no such file, or it cannot be looked at."""
        try:
            status = os.stat(path)  # noqa: PTH116  a Path for each of a million photos takes as long again
        except (OSError, ValueError):  # ValueError: a NUL byte
            return None
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class Record:
    """Either `tagged`, or `error`, one line that says why not. `stamp` is None where the file could not be looked at.

    `colours` are the dominant ones, the largest share first; None where nobody asked for them.
    """

    stamp: Stamp | None
    tagged: TaggedPhoto | None = None
    error: str = ""
    colours: tuple[Colour, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_json` gives back an equal record, but for shares to three decimals."""
        stamp = None if self.stamp is None else [self.stamp.size_bytes, self.stamp.mtime_ns]
        if self.tagged is None:
            return {"stamp": stamp, "error": self.error}
        colours = {} if self.colours is None else {"colours": [colour.to_json() for colour in self.colours]}
        return {"stamp": stamp, **self.tagged.to_json(), **colours}

    @classmethod
    def from_json(cls, value: Any, *, trusted: bool = False) -> Record:
        """Raises ValueError, KeyError or TypeError for what :meth:`to_json` did not give. What is `trusted`, by its
        checksum, is not looked at field by field."""
        if not trusted:
            _check(Fields(value))
        stamp = None if value["stamp"] is None else Stamp(*value["stamp"])
        if "error" in value:
            return cls(stamp, error=value["error"])
        colours = tuple(Colour(**colour) for colour in value["colours"]) if "colours" in value else None
        return cls(stamp, TaggedPhoto.from_json(value), colours=colours)


def with_checksum(line: bytes) -> bytes:
    """A JSON object as a line of a journal."""
    return b'%s,"crc32":"%08x"}\n' % (line[:-1], zlib.crc32(line))


def parse_line(line: bytes) -> tuple[Any, bool]:
    """(value, whether a checksum says that it is ours). Raises ValueError for a line that is damaged."""
    body, mark, checksum = line.rstrip(b"\r\n").rpartition(b',"crc32":"')
    if not mark:
        return parse_json(line), False
    if checksum != b'%08x"}' % zlib.crc32(body + b"}"):
        raise ValueError("its checksum is wrong")
    return parse_json(body + b"}"), True


def _check(fields: Fields) -> None:
    """Raises ValueError where a field is of another type than :meth:`Record.to_json` gives."""
    stamp = fields.value["stamp"]
    if stamp is not None and [type(number) for number in stamp] != [int, int]:
        raise ValueError(f"{stamp!r} is no size and time")
    if "error" in fields.value:
        fields.text("error")
        return
    for tag in fields.each("tags"):
        for identity in (tag.text("tag"), *tag.texts("parents")):
            Tag.from_id(identity)
        tag.text("facet"), tag.text("name"), tag.number("score")
        if tag.value["threshold"] is not None:
            tag.number("threshold")
    fields.inside("paths")
    for colour in fields.each("colours") if "colours" in fields.value else ():
        colour.text("hex"), colour.text("name"), colour.number("share")
