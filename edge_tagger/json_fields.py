"""JSON of unknown origin: parsed within bounds, and read field by field, each of the type that it must have."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
_MAX_DIGITS = 20  # Python before 3.10.7 takes hours for a number of a million digits
MAX_LEVELS = 64
_MISSING: Any = object()


def parse_json(text: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises ValueError for anything else, NaN and Infinity, a whole number of more
    than 20 digits, and values nested too deeply."""
    try:
        return json.loads(text.decode("utf-8-sig"), parse_int=_whole, parse_constant=_not_finite)
    except RecursionError as error:
        raise ValueError("its values are nested too deeply") from error


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _not_finite(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def check_levels(value: Any) -> list[Any]:
    """The value and all in it. Raises ValueError where lists and objects stand in each other over 64 times: what walks
    through them would run out of stack."""
    found, level = [], [value]
    for _ in range(MAX_LEVELS):
        found += level
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list))]
        level = [item for items in inner for item in items]
        if not level:
            return found
    raise ValueError("its values are nested too deeply")


class Fields:
    """The fields of a JSON object. Each method raises ValueError where the field is missing and has no default, or is
    of another type; `place` says in messages where the object stands."""

    def __init__(self, value: Any, place: str = "") -> None:
        self.place = place
        self.value: dict[str, Any] = self._checked("", value, dict, "an object")

    def text(self, key: str, default: str = _MISSING) -> str:
        return self._text(key, self._get(key, default))

    def text_or_none(self, key: str) -> str | None:
        value = self._get(key)
        return None if value is None else self._text(key, value)

    def flag(self, key: str) -> bool:
        return self._checked(key, self._get(key), bool, "true or false")

    def whole(self, key: str) -> int:
        return self._checked(key, self._get(key), int, "a whole number")

    def whole_or_none(self, key: str) -> int | None:
        return None if self._get(key) is None else self.whole(key)

    def number(self, key: str) -> float:
        value: float = self._checked(key, self._get(key), (int, float), "a number")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(self._text(key, item) for item in self._list(key))

    def numbers(self, key: str) -> tuple[float, ...]:
        return tuple(float(self._checked(key, item, (int, float), "a list of numbers")) for item in self._list(key))

    def each(self, key: str) -> list[Fields]:
        """A list of objects."""
        return [Fields(item, f"{self._path(key)}[{place}]") for place, item in enumerate(self._list(key))]

    def inside(self, key: str, default: Any = _MISSING) -> Fields:
        """An object."""
        return Fields(self._get(key, default), self._path(key))

    def plain(self, key: str) -> dict[str, Any]:
        """An object of whatever JSON can say."""
        value = self.inside(key).value
        try:
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
            check_levels(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{self._path(key)} holds what is no JSON: {error}") from error
        return value

    def _get(self, key: str, default: Any = _MISSING) -> Any:
        value = self.value.get(key, default)
        if value is _MISSING:
            raise ValueError(f"{self.place or 'it'} has no {key!r}")
        return value

    def _list(self, key: str) -> list[Any]:
        value: list[Any] = self._checked(key, self._get(key), list, "a list")
        return value

    def _text(self, key: str, value: Any) -> str:
        text = self._checked(key, value, str, "text")
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise self._wrong(key, text, "text without surrogates, which UTF-8 cannot hold")
        return text

    def _checked(self, key: str, value: Any, kind: type[T] | tuple[type[T], ...], rule: str) -> T:
        # In Python, true is a whole number; JSON has infinity as 1e999; no field counts so far as 2^64.
        odd = isinstance(value, bool) if kind is not bool else False
        odd |= isinstance(value, int | float) and not abs(value) < 2**64
        if odd or not isinstance(value, kind):
            raise self._wrong(key, value, rule)
        return value

    def _wrong(self, key: str, value: Any, rule: str) -> ValueError:
        from reprlib import repr as shortened

        return ValueError(f"{self._path(key) or 'it'} is {shortened(value)}; it must be {rule}")

    def _path(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place and key else self.place or key
