"""From a cell of a CSV to the file of its photo: paths, Windows paths, web addresses, and several of them in one."""

from __future__ import annotations

import os
import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from edge_tagger.catalogue.photo_files import Found, shown

_MAX_CELL = 20_000  # characters of a cell that are looked at for several addresses
_MOST_FOLDERS = 10_000  # whose names are kept
_LONGEST_NAME, _LONGEST_PATH, _LONGEST_TOLD = 300, 4096, 60  # characters
_SUFFIX = r"\.(?:jpe?g|jfif|png|webp|bmp|avif|hei[cf]|hif|gif|tiff?|svg)"
_ENDS = re.compile(rf"{_SUFFIX}(?:[?#][^\s,;|]*)?[\"']?$", re.IGNORECASE)
_NAMES_A_PHOTO = re.compile(_SUFFIX, re.IGNORECASE)
_STARTS = re.compile(r"[\"']?(?:[a-z][a-z0-9+.-]+:[\\/]|//|\\\\)", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[,;|]\s*|\s+")
# //cdn.shop/x.jpg, HTTPS://..., http:\..., www.shop/x.jpg, \\server\x.jpg: (host), (path), without what follows ? or #.
_WEB = re.compile(
    r"(?:[a-z][a-z0-9+.-]+:[\\/]{1,2}|[\\/]{2}|(?=www\.))([^\\/?#]+)([\\/][^?#]*)?.*", re.IGNORECASE | re.DOTALL
)
_FROM_ROOT = re.compile(r"(?:[a-z]:)?[\\/]", re.IGNORECASE)  # of another machine, or of a web site
_WITHOUT_QUERY = re.compile(r"[?#].*", re.DOTALL)
_FILE = re.compile(r"file:[\\/]*(.*)", re.IGNORECASE | re.DOTALL)


class PhotoCells:
    """Finds the files of cells below one folder. Nothing is downloaded: of a web address the file is looked for by its
    path, the longest part of it first (`101/main.jpg`, then `main.jpg`).

    What lies on the disk under the very words of a cell is that photo. Else the first of several addresses counts, and
    a name may differ from the file's in percent-encoding, Unicode form, and the case of its suffix. `outside` is what
    is told of a file that lies elsewhere ({name}, {folder}), `blank` of a cell without text.
    """

    def __init__(
        self,
        folder: Path,
        *,
        outside: str = "{name} lies outside {folder}; put the photo there, or name its folder in --photos",
        blank: str = "the image cell is blank",
    ) -> None:
        self._folder, self._real = os.fspath(folder), Path(os.path.realpath(folder))
        self._outside, self._blank = outside, blank
        self._shared: frozenset[int] = frozenset()
        self._folders: dict[str, bool] = {}

    def note(self, cells: Iterable[str]) -> None:
        """Look at all cells beforehand: of addresses that differ, but not in the file's name, none is given that file.
        Keeps 16 bytes of each, and only here."""
        names, addresses = array("q"), array("q")
        for cell in cells:
            host, parts = _address(first_address(cell))
            if parts:
                names.append(_name_key(parts))
                addresses.append(hash((host, unquote("/".join(parts)))))
        if names:
            self._shared = _shared(names, addresses)

    def find(self, cell: str) -> Found:
        """The photo of a cell. Where no such file is there, the path at which it should be."""
        text = cell.strip()
        if not text:
            return Found(self._folder, self._blank)
        if "\0" in cell:
            return Found(self._folder, "the image cell holds a NUL byte")
        if _is_there(self._path(text)):
            return self._held(text)
        address = first_address(text)
        host, parts = _address(address)
        if len(address) > _LONGEST_PATH or not (parts or address) or (not parts and _STARTS.match(address)):
            told = shown(text[:_LONGEST_TOLD]) + ("..." if len(text) > _LONGEST_TOLD else "")
            return Found(self._folder, f"{told} names no photo")
        if parts:
            return self._by_tail(address, host, parts)
        plain = _WITHOUT_QUERY.sub("", address)
        there = self._there(address)
        return self._held((there if there or plain == address else self._there(plain)) or address)

    def _by_tail(self, address: str, host: str, parts: tuple[str, ...]) -> Found:
        """The longest end of a path that is there."""
        whole = (host, *parts) if host else parts
        for tail in (whole[start:] for start in range(len(whole))):
            there = self._there("/".join(tail)) if len(tail) == 1 or self._has_folder(tail[0]) else None
            if there is not None and len(tail) == 1 and _name_key(parts) in self._shared:
                return Found(
                    self._path(there),
                    f"two addresses have the same name {tail[0]}, and {shown(self._folder)} has one photo of it: put "
                    f"each at its own path there ({'/'.join(parts[-2:])}), or write the photos' paths",
                )
            if there is not None:
                return self._held(there)
        if not host and not _FILE.match(address):
            kind = "has backslashes, as Windows has them" if "\\" in address else "is a path of elsewhere"
            reason = (
                f"{address} {kind}: neither {'/'.join(parts)} nor {parts[-1]} is in {shown(self._folder)}; put the "
                "photo there, or name its folder in --photos"
            )
            return Found(self._path(parts[-1]), reason)
        return self._held(unquote(parts[-1]).replace("/", "_").replace("\0", "_"))

    def _there(self, name: str) -> str | None:
        """The spelling of a path that is there; in another case of its suffix where only one such file is."""
        if _is_there(self._path(name)):
            return name
        head, slash, last = name.rpartition("/")
        folder = self._folder_there(head) if head else head
        if folder is None:
            return None
        spelt = [f"{folder}{slash}{form}" for form in _forms(last)]
        there = next((form for form in spelt if _is_there(self._path(form))), None)
        if there is not None:
            return there
        others = {other: None for form in spelt for other in _cases(form) if _is_there(self._path(other))}
        return next(iter(others)) if len(others) == 1 else None

    def _folder_there(self, name: str) -> str | None:
        """The spelling of a folder that is there, each part for itself."""
        if os.path.isdir(self._path(name)):  # noqa: PTH112
            return name
        here: list[str] = []
        for part in name.split("/"):
            spelt = ("/".join([*here, form]) for form in _forms(part))
            there = next((form for form in spelt if os.path.isdir(self._path(form))), None)  # noqa: PTH112
            if there is None:
                return None
            here = there.split("/")
        return "/".join(here)

    def _has_folder(self, name: str) -> bool:
        """Whether a longer path can be there at all: addresses share the names of their first folders."""
        if name not in self._folders:
            if len(self._folders) == _MOST_FOLDERS:
                self._folders.clear()
            self._folders[name] = self._folder_there(name) is not None
        return self._folders[name]

    def _held(self, name: str) -> Found:
        """A name, held to the folder, also through links."""
        path = self._path(name)
        if Path(os.path.realpath(path)).is_relative_to(self._real):
            return Found(path)
        return Found(path, self._outside.format(name=shown(name), folder=shown(self._folder)))

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)  # noqa: PTH118  a Path takes ten times as long


def first_address(cell: str) -> str:
    """The first of the addresses in a cell, separated by commas, semicolons, bars, line ends or blanks.

    These stand in names too: they separate where an address ends before them and another one follows.
    """
    text = cell.strip()[:_MAX_CELL]
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    text = text.strip(" \t\r\n,;|")
    for found in _BETWEEN.finditer(text):
        start, end = found.span()
        ends = _ENDS.search(text[max(0, start - _LONGEST_NAME) : start])
        is_web = found[0].isspace() and _STARTS.match(text)  # which has no blanks inside
        if _STARTS.match(text, end) or (ends and (is_web or _NAMES_A_PHOTO.search(text, end))):
            text = text[:start]
            break
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _address(address: str) -> tuple[str, tuple[str, ...]]:
    """(host, parts of the path) of what is found by the end of its path; no parts for a plain path. The host is blank
    for Windows paths, paths from a root that is not there, and file: addresses."""
    if local := _FILE.match(address):
        return "", _parts(_WITHOUT_QUERY.sub("", unquote(local[1])))
    if web := _WEB.match(address):
        return web[1].casefold().removeprefix("www."), tuple(part for part in _parts(web[2] or "") if part != "..")
    if "\\" not in address and not _FROM_ROOT.match(address):
        return "", ()
    return "", _parts(_WITHOUT_QUERY.sub("", address.removeprefix(address[:2]) if address[1:2] == ":" else address))


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\\/]+", path) if part not in ("", "."))


def _forms(name: str) -> Iterator[str]:
    """The spellings of one name, itself first: decoded and encoded, in both Unicode forms, in Windows-1252."""
    yield name
    decoded = unquote(name, errors="surrogateescape")
    spelt = [name, decoded, unquote(decoded, errors="surrogateescape")]
    if any("\udc80" <= letter <= "\udcff" for letter in decoded):
        spelt.append(unquote(name, encoding="latin-1"))
    normal = [unicodedata.normalize(form, each) for each in spelt for form in ("NFC", "NFD")]
    encoded = [quote(each, errors="surrogateescape") for each in normal]
    # Of systems before UTF-8, whose names are bytes of one letter each.
    older = [os.fsdecode(each.encode("cp1252", "replace")) for each in normal if not each.isascii()]
    every = dict.fromkeys([*spelt, *normal, *encoded, *older])
    yield from (form for form in every if form != name and "\0" not in form)


def _cases(name: str) -> Iterator[str]:
    stem, dot, suffix = name.rpartition(".")
    if dot:
        yield from (f"{stem}.{other}" for other in (suffix.lower(), suffix.upper(), suffix.title()) if other != suffix)


def _name_key(parts: tuple[str, ...]) -> int:
    stem, dot, suffix = unicodedata.normalize("NFC", unquote(parts[-1])).rpartition(".")
    return hash((stem, dot, suffix.casefold()))


def _shared(names: array[int], addresses: array[int]) -> frozenset[int]:
    """The names that several addresses have."""
    import numpy as np  # reading a CSV that has none of these does without

    order = np.lexsort((addresses, names))
    name, address = np.asarray(names)[order], np.asarray(addresses)[order]
    twice = (name[1:] == name[:-1]) & (address[1:] != address[:-1])
    return frozenset(name[1:][twice].tolist())


def _is_there(path: str) -> bool:
    return os.path.lexists(path) and not os.path.isdir(path)  # noqa: PTH112
