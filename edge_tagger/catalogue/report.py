"""A catalogue's check as text for a person, and as JSON with nothing left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edge_tagger.catalogue.check import Check, Level
from edge_tagger.catalogue.source import Photo
from edge_tagger.catalogue.vocabulary import Contradiction
from edge_tagger.table import table
from edge_tagger.terminal import printable

FORMAT = 1
_SHOWN = 8
_WARNINGS_SHOWN = 40


def as_text(check: Check) -> str:
    """The report: aligned, long lists cut with "and 37 more"."""
    return "\n".join(
        map(
            printable,
            [
                f"{check.source}: {check.photos:,} photos, {len(check.split.photos):,} readable",
                *_section("Splits", _splits(check)),
                *_section("Facets", _facets(check)),
                *_section("Most frequent tags (photos)", (_frequent(level) for level in check.levels)),
                *_rare(check),
                *_section("Tags that go together (correlation, photos)", _capped(list(_pairs(check)))),
                *_section("Missing or undecodable", _capped([f"{p.place}: {why}" for p, why in check.unreadable])),
                *_section("Copies of one file", _capped([_places(group) for group in check.copies])),
                *_section("Look-alikes", _capped([_places(group) for group in check.lookalikes])),
                *_section("Contradictory parents (the first wins)", _capped(_contradictions(check.contradictions))),
                *_section("Left out, so that no look-alike stands on both sides", _capped(_leaks(check))),
                *_section("Warnings", _capped(check.warnings, _WARNINGS_SHOWN)),
                *_section("Problems", check.problems or ["none"]),
            ],
        )
    )


def as_json(check: Check) -> dict[str, Any]:
    """The report as plain JSON values.

    {"format", "source", "photos", "readable", "min_count", "splits": {NAME: photos},
    "levels": [{"facet", "column", "labelled", "blank", "tags": [{"tag", "photos": {SPLIT: photos}, "kept"}]}],
    "pairs": [{"tags": [a, b], "photos", "lift", "correlation"}], "unreadable": [{"place", "path", "reason"}],
    "copies": [[place]], "lookalikes": [[place]], "contradictions": [{"facet", "kept": path, "counts": [[path, n]]}],
    "leaks": [{"place", "split", "twin", "twin_split", "reason"}], "warnings": [text], "problems": [text]}
    """
    return {
        "format": FORMAT,
        "source": str(check.source),
        "photos": check.photos,
        "readable": len(check.split.photos),
        "min_count": check.min_count,
        "splits": check.split_sizes,
        "levels": [_level_json(level) for level in check.levels],
        "pairs": [
            {"tags": [p.first.id, p.second.id], "photos": p.photos, "lift": p.lift, "correlation": p.correlation}
            for p in check.pairs
        ],
        "unreadable": [{"place": p.place, "path": str(p.path), "reason": why} for p, why in check.unreadable],
        "copies": [[photo.place for photo in group] for group in check.copies],
        "lookalikes": [[photo.place for photo in group] for group in check.lookalikes],
        "contradictions": [
            {"facet": c.facet, "kept": list(c.kept), "counts": [[list(path), count] for path, count in c.counts]}
            for c in check.contradictions
        ],
        "leaks": [
            {
                "place": leak.photo.place,
                "split": leak.split,
                "twin": leak.other.place,
                "twin_split": leak.other_split,
                "reason": leak.reason,
            }
            for leak in check.leaks
        ],
        "warnings": list(check.warnings),
        "problems": list(check.problems),
    }


def _level_json(level: Level) -> dict[str, Any]:
    tags = [{"tag": count.tag.id, "photos": count.photos, "kept": count.kept} for count in level.tags]
    return {
        "facet": level.facet.name,
        "column": level.column,
        "labelled": level.labelled,
        "blank": level.blank,
        "tags": tags,
    }


def _section(title: str, lines: Sequence[str] | Iterator[str]) -> list[str]:
    """A title over indented lines; nothing where there are none."""
    found = [f"  {line}" for line in lines]
    return ["", title, *found] if found else []


def _capped(lines: Sequence[str], shown: int = _SHOWN) -> list[str]:
    return list(lines[:shown]) + ([f"and {len(lines) - shown:,} more"] if len(lines) > shown else [])


def _splits(check: Check) -> list[str]:
    total = max(len(check.split.photos), 1)
    return table([[name, f"{size:,}", f"{size / total:.1%}"] for name, size in check.split_sizes.items()])


def _facets(check: Check) -> list[str]:
    rows = [["facet", "column", "kind", "labelled", "blank", "tags", "too rare"]]
    for level in check.levels:
        kind = "exclusive" if level.facet.exclusive else "any of"
        counts = [level.labelled, level.blank, len(level.tags) - len(level.too_rare), len(level.too_rare)]
        rows.append([level.facet.name, level.column, kind, *(f"{count:,}" for count in counts)])
    return table(rows, left=3)


def _frequent(level: Level) -> str:
    told = [f"{count.tag.name} {count.total:,}" for count in level.tags[:_SHOWN]]
    more = len(level.tags) - _SHOWN
    return f"{level.column}: {', '.join(told)}" + (f", and {more} more" if more > 0 else "")


def _rare(check: Check) -> list[str]:
    title = f"Too rare, dropped (under {check.min_count} photos in train)"
    lines = []
    for level in check.levels:
        told = [f"{count.tag.name} {count.photos.get('train', 0)}" for count in level.too_rare]
        if told:
            more = f", and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
            lines.append(f"{level.column}: {', '.join(told[:_SHOWN])}{more}")
    return _section(title, lines)


def _pairs(check: Check) -> Iterator[str]:
    for pair in check.pairs:
        yield f"{pair.correlation:.2f}  {pair.photos:>6,}  {pair.first.id} + {pair.second.id}"


def _places(group: Sequence[Photo]) -> str:
    return " = ".join(photo.place for photo in group[:4]) + (f" and {len(group) - 4} more" if len(group) > 4 else "")


def _contradictions(found: Sequence[Contradiction]) -> list[str]:
    return [f"{c.facet}: " + ", ".join(f"{' > '.join(path)} ({count:,})" for path, count in c.counts) for c in found]


def _leaks(check: Check) -> list[str]:
    return [
        f"{leak.photo.place} ({leak.split}): {leak.reason} as {leak.other.place} ({leak.other_split})"
        for leak in check.leaks
    ]
