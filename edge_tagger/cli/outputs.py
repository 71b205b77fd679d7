"""What a command will write, looked at before it begins: nothing is lost, and nothing is told too late."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from edge_tagger.destination import is_regular
from edge_tagger.errors import OutputError
from edge_tagger.writable import check_writable

IsOurs = Callable[[Path], bool]
Command = Callable[..., Any]


_PHOTO_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"GIF8", b"II*\0", b"MM\0*")


@dataclass(frozen=True)
class Output:
    """A file that an option asks for, or a folder that it fills. `is_ours` says of a file that is there already whether
    edge-tagger wrote it; None leaves that to the command."""

    option: str
    path: Path | None
    is_ours: IsOurs | None = None
    is_folder: bool = False


def overwrite_option(command: Command) -> Command:
    """Adds --overwrite."""
    return click.option("--overwrite", is_flag=True, help="Write over files that edge-tagger did not write.")(command)


def check_outputs(
    outputs: Sequence[Output],
    *,
    inputs: Mapping[str, Iterable[str | os.PathLike[str] | None]],
    photos: Iterable[str | os.PathLike[str]] = (),
    overwrite: bool = False,
) -> None:
    """Before a command begins. `inputs` are the files and folders that it reads, by what they are called in messages;
    its `photos` are gone through only where a photo stands in the place of an output.

    Raises UsageError where two outputs, or an output and an input, are one file, by whatever names, links and hard
    links; OutputError where one could not be written, or is there and not ours and `overwrite` was not given.
    """
    asked = [(each, each.path) for each in outputs if each.path is not None]
    taken = {
        identity: name
        for name, paths in inputs.items()
        for path in paths
        if path is not None and os.path.exists(path) and (identity := _identity(Path(path))) is not None  # noqa: PTH110
    }
    for output, path in asked:
        identity = _identity(path)
        if identity is not None and identity in taken:
            raise click.UsageError(
                f"{path} is {taken[identity]} as well as {output.option}; choose another file for one of them"
            )
        if identity is not None:
            taken[identity] = output.option
    _check_photos(asked, photos)
    for output, path in asked:
        try:
            check_writable(path, is_folder=output.is_folder)
        except OutputError as error:
            raise OutputError(f"{error}; choose another {output.option}") from error
        if not overwrite and output.is_ours is not None and not _may_replace(path, output.is_ours):
            raise OutputError(
                f"{path} is there, and edge-tagger did not write it; choose another {output.option}, or write over it "
                "with --overwrite"
            )


def photos_of(source: Path | None, image_column: str) -> Iterator[Path]:
    """The photos of a CSV or folder, which is read once the first of them is asked for."""
    from edge_tagger.catalogue.source import read_catalogue

    if source is not None:
        yield from (photo.path for photo in read_catalogue(source, image_column=image_column).photos)


def _check_photos(asked: Sequence[tuple[Output, Path]], photos: Iterable[str | os.PathLike[str]]) -> None:
    replaced = {_identity(path): (output, path) for output, path in asked if _is_photo(path)}
    if replaced:
        for photo in photos:
            if (identity := _identity(Path(photo))) in replaced:
                output, path = replaced[identity]
                raise click.UsageError(f"{path} is one of the photos; choose another {output.option}")


def _is_photo(path: Path) -> bool:
    """By its name, or by how it begins. (OpenCV's own look at a file crashes on a name that is not UTF-8.)"""
    from edge_tagger.catalogue.source import PHOTO_SUFFIXES

    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(12)
    except (OSError, ValueError):
        return False
    known = start.startswith(_PHOTO_STARTS) or start[4:8] == b"ftyp" or (start[:4], start[8:]) == (b"RIFF", b"WEBP")
    return path.suffix.lower() in PHOTO_SUFFIXES or known


def _identity(path: Path) -> tuple[object, ...] | None:
    """Equal for two names of one file, also where it is not there yet; None for devices, which any number may share."""
    try:
        if not is_regular(path):
            return None
        status = path.stat()
        return status.st_dev, status.st_ino
    except (OSError, ValueError):
        real = os.path.normcase(os.path.realpath(path))
        return (real.casefold() if sys.platform == "darwin" else real,)  # whose file system takes A for a


def _may_replace(path: Path, is_ours: IsOurs) -> bool:
    try:
        return not is_regular(path) or not path.exists() or path.stat().st_size == 0 or is_ours(path)
    except OSError:
        return False
