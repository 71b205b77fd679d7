"""Labels that a person takes for one and a computer for several: `Red` and `red`, `Crème` in two Unicode forms, `1.0`
and `1`, or one with a blank that nobody sees; and words that say that there is no label, such as `N/A`."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_tagger.catalogue.source import Photo
from edge_tagger.taxonomy import Facet

# Lower-case Cyrillic and Greek letters, and the Latin ones that they look like.
_LETTERS = str.maketrans("авекмнорстухіјѕѵԁԛԝαεικνορτυχ", "abekmhopctyxijsvdqwaeikvoptux")
_QUOTES = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd\u02c8\u00b4`", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb", '"')
)
_DASHES = "\u2212\u2043\u02d7_"  # beside those of the category Pd
_UNSEEN = "\u034f\u115f\u1160\u3164\uffa0\u2800"  # beside control and format characters
_ESCAPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me"}
_NUMBER = re.compile(r"([+-]?)([0-9]+)(?:([.,])([0-9]*))?")
_LOOSE_DASHES = re.compile("(?<![0-9])-+|-+(?![0-9])")  # 36-38 is not 3638
_NO_LABEL = frozenset(
    r"""
    - -- --- . .. ... ? ?? ??? / // '' "" n/a #n/a n.a. n.a n\a na <na> nan -nan none null nil nul \n void empty blank
    (blank) (empty) (none) (null) [none] [null] <none> <null> unknown undefined unspecified notspecified notavailable
    notapplicable notset notgiven unassigned missing tbd tba #null! #value! #ref! #name? #div/0! k.a. keineangabe
    unbekannt inconnu desconocido
    """.split()  # noqa: SIM905
)
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Spelling:
    """One label as it is written in a column: on how many photos, and the place of the first."""

    label: str
    photos: int
    first: str


@dataclass(frozen=True)
class Alike:
    """Labels of one column that look alike, the most frequent first; or all that say that there is `no_label`."""

    facet: str
    column: str
    spellings: tuple[Spelling, ...]
    no_label: bool = False

    def __str__(self) -> str:
        """A sentence with the labels in quotes; what cannot be seen or told apart in them is written as escapes."""
        some_ascii = any(each.label.isascii() for each in self.spellings)
        told = ", ".join(
            f"'{visible(each.label, letters=some_ascii)}' ({each.photos} photos, first at {each.first})"
            for each in self.spellings
        )
        if self.no_label:
            return (
                f"{self.column}: {told}: a word for no label is learnt as a label; leave such cells blank, or name the "
                f"word as `none` of facet {self.facet!r} in the recipe where it says that there is none"
            )
        return f"{self.column}: {told}: these look alike and are different labels; write them the same way"


def find_alike(facets: Sequence[Facet], photos: Iterable[Photo]) -> tuple[Alike, ...]:
    """What looks alike in each column of the facets. A facet's own `none` is no label, but a label may look like it."""
    photos, found = tuple(photos), []
    for facet in facets:
        for column in facet.columns:
            written = spellings(facet, column, photos)
            groups: dict[str, list[Spelling]] = {}
            for spelling in written:
                groups.setdefault(look_alike_key(spelling.label), []).append(spelling)
            found += [
                Alike(facet.name, column, tuple(sorted(group, key=lambda each: -each.photos)))
                for group in groups.values()
                if len(group) > 1
            ]
            none = tuple(each for each in written if each.label != facet.none and is_no_label(each.label))
            if none:
                found.append(Alike(facet.name, column, none, no_label=True))
    return tuple(found)


def spellings(facet: Facet, column: str, photos: Iterable[Photo]) -> list[Spelling]:
    """The labels in one of the facet's columns, in the order of their first photos. Its `none` is one of them."""
    counts: dict[str, tuple[int, str]] = {}
    for photo in photos:
        for label in _labels_in(facet, photo.values.get(column, "")):
            count, first = counts.get(label, (0, photo.place))
            counts[label] = (count + 1, first)
    return [Spelling(label, count, first) for label, (count, first) in counts.items()]


def look_alike_key(label: str) -> str:
    """What `label` has in common with all that look like it: no case, no Unicode form, nothing invisible, one kind of
    quote, no blanks and dashes except between digits, one way to write a number."""
    text = _folded(html.unescape(label)).replace("i\u0307", "i").replace("\u0131", "i").translate(_LETTERS)
    if number := _NUMBER.fullmatch(text):
        sign, whole, point, part = number.groups()
        if point == "," and len(part) == 3:  # thousands
            whole, part = whole + part, ""
        part = (part or "").rstrip("0")
        return f"{sign.strip('+')}{whole.lstrip('0') or '0'}{'.' if part else ''}{part}"
    return _LOOSE_DASHES.sub("", text) or text


def is_no_label(label: str) -> bool:
    """Whether it is a word or sign for "nothing is known here", or cannot be seen at all."""
    return _folded(label, blank="") in {"", *_NO_LABEL}


def visible(label: str, *, letters: bool = False) -> str:
    """`label` on one line, with what cannot be seen as escapes; with `letters` also those of other alphabets that look
    like Latin ones."""
    short = label if len(label) <= _SHOWN_CHARACTERS else f"{label[:_SHOWN_CHARACTERS]}..."
    return "".join(
        character.encode("unicode_escape").decode() if _is_odd(character, letters) else character for character in short
    )


def _is_odd(character: str, letters: bool) -> bool:
    if character.isascii():
        return not character.isprintable()
    lower = character.casefold()
    unseen = character.isspace() or character in _UNSEEN or unicodedata.category(character) in _ESCAPED
    return unseen or (letters and lower.translate(_LETTERS) != lower)


def _folded(label: str, blank: str = "-") -> str:
    text = unicodedata.normalize("NFKC", label.translate(_QUOTES)).casefold()
    text = "".join(_plain(character, blank) for character in text)
    return unicodedata.normalize("NFKC", text)  # what an invisible character kept apart


def _plain(character: str, blank: str) -> str:
    """Nothing for what cannot be seen, and one dash for all; `blank` for blanks."""
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp"} or character in "\t\n\r":
        return blank
    if category == "Pd" or character in _DASHES:
        return "-"
    unseen = category in {"Cc", "Cf"} or character in _UNSEEN or "\ufe00" <= character <= "\ufe0f"
    return "" if unseen else character


def _labels_in(facet: Facet, cell: str) -> list[str]:
    if facet.separator is None or cell == facet.none:
        return [cell] if cell else []
    return [label for label in dict.fromkeys(part.strip() for part in cell.split(facet.separator)) if label]
