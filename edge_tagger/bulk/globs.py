"""The photos that a glob names, by the rules of folders: hidden files, links out and loops."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterator

from edge_tagger.catalogue.photo_files import Found, is_hidden, linked, refused_link, walk


def matches(pattern: str) -> Iterator[Found]:
    """The files that a pattern names, in no order. Folders and links are taken as :func:`walk` takes them, below the
    part of the pattern that has no wildcard; hidden names only where the pattern spells them."""
    parts = pattern.split("/")
    fixed = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    root = "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else ".")
    if "**" in parts:
        yield from _below(root, parts[fixed:])
        return
    for name in glob.iglob(pattern):  # noqa: PTH207  a name stays as it was given
        if not _is_passed_over(name, parts):
            yield from _hit(name, root, len(parts) - fixed)


def _below(root: str, parts: list[str]) -> Iterator[Found]:
    """Not by Python's glob, which follows links to folders: two that lead back would make 2^40 names."""
    start = "" if root == "." else root.rstrip("/") + "/"
    for found in walk(root, also=parts):
        name = found.path.removeprefix("./") if root == "." else found.path
        if found.is_folder or _fits(name.removeprefix(start).split("/"), parts):
            yield Found(name, found.refused, found.is_folder)


def _fits(names: list[str], parts: list[str]) -> bool:
    """Whether folders and name fit a pattern's parts; `**` stands for any number of them."""
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_fits(names[place:], parts[1:]) for place in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])


def _hit(name: str, root: str, depth: int) -> Iterator[Found]:
    """One name; where one of the folders that lead there is a link, that one is refused."""
    folders, here = [], os.path.dirname(name)  # noqa: PTH120
    for _ in range(depth - 1):
        folders.append(here)
        here = os.path.dirname(here)  # noqa: PTH120
    links = [folder for folder in reversed(folders) if os.path.islink(folder)]  # noqa: PTH114
    if links:
        yield from linked(links[0], root)
    elif not os.path.isdir(name):  # noqa: PTH112
        yield Found(name, refused_link(name, root))


def _is_passed_over(name: str, parts: list[str]) -> bool:
    dots = any(part.startswith(".") and part.strip(".") for part in parts)
    return any(
        is_hidden(part) and part not in parts and not (dots and part.startswith("."))
        for part in name.split("/")
        if part.strip(".")
    )
