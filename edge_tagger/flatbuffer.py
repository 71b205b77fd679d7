"""Tables of a flatbuffer, read in place: the few of a `.tflite` that its interpreters do not show.

The package `flatbuffers` would read them too; tflite-runtime does not bring it. Fields are named by their number, their
order in the schema. Format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 2**16  # of lists; contents are as long as the data lets them


@dataclass(frozen=True)
class Table:
    """A table at the byte `start`. Raises ValueError where it leads out of the data."""

    data: bytes
    start: int

    @classmethod
    def root(cls, data: bytes) -> Table:
        return cls(data, _read(data, "<I", 0))

    def check(self) -> None:
        """Whether the table itself lies within the data, and its fields within the table."""
        vtable = self.start - _read(self.data, "<i", self.start)
        vtable_bytes, table_bytes = _read(self.data, "<H", vtable), _read(self.data, "<H", vtable + 2)
        if max(vtable + vtable_bytes, self.start + table_bytes) > len(self.data) or vtable_bytes % 2:
            raise ValueError(f"its table at byte {self.start} ends beyond {len(self.data)}")
        if any(_read(self.data, "<H", slot) >= table_bytes for slot in range(vtable + 4, vtable + vtable_bytes, 2)):
            raise ValueError(f"its table at byte {self.start} has a field beyond its end")

    def table(self, field: int) -> Table | None:
        place = self._place(field)
        return None if place is None else self._at(place)

    def tables(self, field: int) -> list[Table]:
        """Empty where there is no such list."""
        first, length = self._vector(field)
        return [self._at(first + 4 * place) for place in range(length)]

    def integer(self, field: int, kind: str, default: int = 0) -> int:
        """`kind` is a letter of the module struct."""
        place = self._place(field)
        return default if place is None else int(_read(self.data, "<" + kind, place))

    def floats(self, field: int) -> tuple[float, ...]:
        first, length = self._vector(field)
        return tuple(_read(self.data, "<f", first + 4 * place) for place in range(length))

    def content(self, field: int) -> bytes:
        """Also of a text, which is UTF-8."""
        return self.data[self.items(field, 1)]

    def items(self, field: int, width: int) -> slice:
        """Where a list stands whose items take `width` bytes."""
        first, length = self._vector(field, most=len(self.data))
        if first + width * length > len(self.data):
            raise ValueError(f"its list of {length} items at byte {first} ends beyond {len(self.data)}")
        return slice(first, first + width * length)

    def _place(self, field: int) -> int | None:
        vtable = self.start - _read(self.data, "<i", self.start)
        slot = 4 + 2 * field
        if slot + 2 > _read(self.data, "<H", vtable):
            return None
        offset = _read(self.data, "<H", vtable + slot)
        return self.start + offset if offset else None

    def _at(self, place: int) -> Table:
        return Table(self.data, place + _read(self.data, "<I", place))

    def _vector(self, field: int, most: int = MAX_LENGTH) -> tuple[int, int]:
        """(byte of the first item, number of items)"""
        place = self._place(field)
        if place is None:
            return 0, 0
        place += _read(self.data, "<I", place)
        length = _read(self.data, "<I", place)
        if length > most:
            raise ValueError(f"it has a list of {length} items")
        return place + 4, length


def _read(data: bytes, kind: str, place: int) -> Any:
    if place < 0:  # which struct counts from the end
        raise ValueError(f"it points to byte {place}")
    try:
        return struct.unpack_from(kind, data, place)[0]
    except struct.error as error:
        raise ValueError(f"it points to byte {place} of {len(data)}") from error
