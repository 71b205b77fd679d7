"""Names of colours and how they look, from a TOML or CSV file that users can supply."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from edge_tagger.colours.difference import Lab, ciede2000, lab_of
from edge_tagger.errors import PaletteError
from edge_tagger.reading import parse_toml, read_text, reason

BUILT_IN = Path(__file__).with_name("palette.toml")
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_MAX_SHADES = 10_000  # a difference to each of them is computed for every colour of every photo


@dataclass(frozen=True)
class Shade:
    """One look of a name: `hex` as "#1f2a4c". Raises ValueError for a blank name or another form of `hex`."""

    name: str
    hex: str

    def __post_init__(self) -> None:
        if not self.name or self.name != " ".join(self.name.split()):
            raise ValueError(f"{self.name!r} is no name; write words with single blanks between them")
        if not isinstance(self.hex, str) or not _HEX.fullmatch(self.hex):
            raise ValueError(f"the colour of {self.name!r} is {self.hex!r}; write #rrggbb, as #1f2a4c")
        object.__setattr__(self, "hex", "#" + self.hex.lstrip("#").lower())

    @cached_property
    def lab(self) -> Lab:
        """float32 [3] CIELAB."""
        return lab_of(np.frombuffer(bytes.fromhex(self.hex[1:]), np.uint8))


@dataclass(frozen=True)
class Palette:
    """Shades, of which several may have one name, and the broader words, `groups`, that some names stand under.

    Raises ValueError for no shade, more than 10,000, a shade that two names have, and a group of no name.
    """

    shades: tuple[Shade, ...]
    groups: Mapping[str, str]

    def __post_init__(self) -> None:
        if not 1 <= len(self.shades) <= _MAX_SHADES:
            raise ValueError(f"it has {len(self.shades)} colours; give 1 to {_MAX_SHADES}")
        names: dict[str, str] = {}
        for shade in self.shades:
            if names.setdefault(shade.hex, shade.name) != shade.name:
                raise ValueError(
                    f"{shade.hex} is called {names[shade.hex]!r} and {shade.name!r}; leave one of them out"
                )
        for name, group in self.groups.items():
            if name not in names.values():
                raise ValueError(f"the group of {name!r} is given, and no colour has that name")
            if not isinstance(group, str) or not group.strip():
                raise ValueError(f"the group of {name!r} is {group!r}; write a word")

    @classmethod
    def read(cls, path: str | os.PathLike[str] | None = None) -> Palette:
        """The palette of a file, or the packaged one. Raises PaletteError, which says what is wrong where.

        TOML: a table `colours` of names, each with "#rrggbb" or a list of them, and a table `groups` of names, where
        wanted. CSV in UTF-8: columns `name`, `hex` and, where wanted, `group`; a name may have several lines.
        """
        source = BUILT_IN if path is None else Path(path)
        read = {".toml": _read_toml, ".csv": _read_csv}.get(source.suffix.lower())
        if read is None:
            raise PaletteError(f"the palette {source} is neither a .toml nor a .csv file")
        try:
            return read(read_text(source))
        except OSError as error:
            raise PaletteError(f"cannot read the palette {source}: {error.strerror}") from error
        except (ValueError, csv.Error) as error:
            raise PaletteError(
                f"the palette {source} cannot be used: {reason(error)}; "
                f"see edge_tagger/colours/{BUILT_IN.name} for an example"
            ) from error

    @property
    def names(self) -> tuple[str, ...]:
        """Each name once, in the order of the shades."""
        return tuple(dict.fromkeys(shade.name for shade in self.shades))

    def group(self, name: str) -> str:
        """The broader word that a name stands under, or the name itself."""
        return self.groups.get(name, name)

    def nearest(self, labs: Lab) -> list[Shade]:
        """For each CIELAB colour of float32 [K, 3] the shade that looks most like it by CIEDE2000."""
        differences = ciede2000(labs[:, np.newaxis], self._labs)
        return [self.shades[place] for place in differences.argmin(axis=1).tolist()]

    @cached_property
    def _labs(self) -> Lab:
        return np.stack([shade.lab for shade in self.shades])


@lru_cache(maxsize=1)
def built_in() -> Palette:
    """The packaged palette."""
    return Palette.read()


def _read_toml(text: str) -> Palette:
    table = parse_toml(text)
    if unknown := sorted(set(table) - {"colours", "groups"}):
        raise ValueError(f"unknown key {unknown[0]!r}; allowed: colours, groups")
    for key in table:
        if not isinstance(table[key], dict):
            raise ValueError(f"[{key}] must be a table, not {table[key]!r}")
    colours = table.get("colours", {})
    shades = [
        Shade(name, look) for name, looks in colours.items() for look in (looks if isinstance(looks, list) else [looks])
    ]
    return Palette(tuple(shades), table.get("groups", {}))


def _read_csv(text: str) -> Palette:
    reader = csv.DictReader(text.splitlines(), strict=True, skipinitialspace=True)
    reader.fieldnames = [column.strip() for column in reader.fieldnames or ()]
    if missing := [column for column in ("name", "hex") if column not in reader.fieldnames]:
        raise ValueError(f"it has no column {missing[0]!r}; its first line must be name,hex or name,hex,group")
    shades, groups = [], {}
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"line {reader.line_num} has not as many cells as the first")
        shade = Shade(row["name"].strip(), row["hex"].strip())
        shades.append(shade)
        if group := row.get("group", "").strip():
            groups[shade.name] = group
    return Palette(tuple(shades), groups)
