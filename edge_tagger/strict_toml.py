"""A TOML table as a frozen dataclass: every key and type checked, nothing cast. Raises ValueError, naming the key."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from reprlib import repr as shortened
from typing import Any


def section(kind: Any, table: dict[str, Any], where: str) -> Any:
    """An instance of the dataclass `kind` from a TOML table, every key and type checked."""
    hints = typing.get_type_hints(kind)
    for key in table:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1)
            guess = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"unknown key {_dotted(where, key)!r}; {guess}allowed: {', '.join(hints)}")
    missing = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in table
    ]
    if missing:
        raise ValueError(f"{_dotted(where, missing[0])!r} is missing")
    return kind(**{key: _value(hints[key], value, _dotted(where, key)) for key, value in table.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type `hint` says; nothing is cast but whole numbers to float and lists to tuples."""
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else section(hint, table_of(value, where), where)  # type: ignore[arg-type]
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"{where!r} must be a list, not {shortened(value)}")
        return tuple(_value(typing.get_args(hint)[0], item, where) for item in value)
    if typing.get_origin(hint) is Mapping:
        inner = typing.get_args(hint)[1]
        return {key: _value(inner, item, _dotted(where, key)) for key, item in table_of(value, where).items()}
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    inner = next((option for option in options if dataclasses.is_dataclass(option)), None)
    if inner is not None and isinstance(value, dict):
        return section(inner, value, where)
    return value if hint is Any else _simple(options, value, where)


def _simple(options: tuple[Any, ...], value: Any, where: str) -> Any:
    if float in options and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, tuple(options)) or (isinstance(value, bool) and bool not in options):
        wanted = " or ".join(option.__name__ for option in options if option is not type(None))
        raise ValueError(f"{where!r} must be {wanted}, not {shortened(value)}")
    return value


def table_of(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"[{where}] must be a table, not {shortened(value)}")
    return value


def _dotted(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def plain(value: Any) -> Any:
    """Without None, which TOML does not have; tuples as lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
