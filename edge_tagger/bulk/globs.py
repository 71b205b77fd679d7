"""The photos that a glob names, by the rules of folders: hidden files, links out and loops."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterator

from edge_tagger.catalogue.photo_files import Found, is_hidden, linked, refused_link, unreadable, walk


def matches(pattern: str) -> Iterator[Found]:
    """The files that a pattern names, in no order. Folders and links are taken as :func:`walk` takes them, below the
    part of the pattern that has no wildcard; hidden names only where the pattern spells them.

    Not by Python's glob, which follows links to folders, so that two that lead back make 2^40 names, and is silent
    about folders that it cannot read.
    """
    parts = pattern.split("/")
    fixed = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    above = "".join(f"{part}/" for part in parts[:fixed])
    return _expand(above, parts[fixed:], above or ".")


def _expand(above: str, parts: list[str], root: str) -> Iterator[Found]:
    """The files below `above`, which ends in a slash or is blank, that fit the parts of a pattern."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _below(above, parts, root)
    elif not glob.has_magic(part):
        yield from _step(above + part, rest, root)
    else:
        try:
            with os.scandir(above or ".") as entries:
                names = [entry.name for entry in entries if _is_meant(entry.name, part)]
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            yield unreadable(above, error)
            return
        for name in names:
            yield from _step(above + name, rest, root)


def _step(path: str, rest: list[str], root: str) -> Iterator[Found]:
    """One name that fits: a file where nothing comes behind it, else a folder."""
    is_folder = os.path.isdir(path)  # noqa: PTH112
    if rest and is_folder:
        yield from linked(path, root) if os.path.islink(path) else _expand(f"{path}/", rest, root)  # noqa: PTH114
    elif not rest and not is_folder and os.path.lexists(path):
        yield Found(path, refused_link(path, root))


def _below(above: str, parts: list[str], root: str) -> Iterator[Found]:
    """The rest of a pattern from the first `**` on."""
    for found in walk(above.rstrip("/") or ("/" if above else "."), within=root, also=parts):
        name = found.path.removeprefix("./") if not above else found.path
        if found.is_folder or _fits(name.removeprefix(above).split("/"), parts):
            yield Found(name, found.refused, found.is_folder)


def _is_meant(name: str, part: str) -> bool:
    return fnmatch.fnmatchcase(name, part) and (not is_hidden(name) or (name[:1] == part[:1] == "."))


def _fits(names: list[str], parts: list[str]) -> bool:
    """Whether folders and name fit a pattern's parts; `**` stands for any number of them."""
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_fits(names[place:], parts[1:]) for place in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])
