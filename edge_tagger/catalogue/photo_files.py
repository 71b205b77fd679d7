"""Which files of a folder are photos and which ways lead out of it: one rule for all that reads folders."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".avif", ".heic", ".heif", ".hif"})
# What systems put beside photos without a dot: macOS archives, Synology's thumbnails, Windows, file systems.
_SYSTEM_NAMES = frozenset(
    {
        "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "thumbs.db", "desktop.ini",
        "lost+found", "@recycle", "#snapshot", "@tmp",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A photo, or why it is not read, where it is `refused`. `is_folder`: what is refused is a folder and all in it."""

    path: str
    refused: str = ""
    is_folder: bool = False


def is_photo(name: str) -> bool:
    """Whether a file's name ends as photos' names do."""
    return os.path.splitext(name)[1].lower() in PHOTO_SUFFIXES  # noqa: PTH122  a Path takes ten times as long


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden (`.git`, `._shirt.jpg`, `.ipynb_checkpoints`) or a system's own
    (`__MACOSX`, `@eaDir`)."""
    return name.startswith(".") or name.casefold() in _SYSTEM_NAMES


def shown(name: str) -> str:
    """A file's name as text; bytes that are none are marked."""
    return os.fsencode(name).decode("utf-8", "replace")


def walk(root: str, *, within: str | None = None, also: Collection[str] = ()) -> Iterator[Found]:
    """The photos of a folder with all below it, as they are found: nothing is held back to be sorted.

    What is hidden is passed over, but for the names in `also`. A link to a photo below `root`, or `within` another
    folder, is followed; one that leads out is refused, and so are links to folders and folders that cannot be read. The
    others go on.
    """
    todo = [root]
    while todo:
        here = todo.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if is_hidden(entry.name) and entry.name not in also:
                        continue
                    if _is_plain_folder(entry):
                        todo.append(entry.path)
                    elif entry.is_symlink():
                        yield from linked(entry.path, within or root)
                    elif is_photo(entry.name):
                        yield Found(entry.path)
        except OSError as error:
            yield unreadable(here, error)


def unreadable(folder: str, error: OSError) -> Found:
    """A folder that gives an error."""
    return Found(folder, f"cannot read the folder {shown(folder)}: {error.strerror}", is_folder=True)


def linked(path: str, root: str) -> Iterator[Found]:
    """What a link below `root` is: a photo, a refusal, or nothing where it leads to neither photo nor folder."""
    if is_photo(path):
        yield Found(path, refused_link(path, root))
    elif os.path.isdir(path):  # noqa: PTH112
        target = shown(os.path.realpath(path))
        reason = f"{shown(path)} is a link to a folder, which is not followed; name {target}"
        yield Found(path, reason, is_folder=True)


def refused_link(path: str, root: str) -> str:
    """Why a link is not followed: it leads out of `root`. Blank where it is none, or stays inside."""
    if not os.path.islink(path):  # noqa: PTH114
        return ""
    target = os.path.realpath(path)
    if Path(target).is_relative_to(os.path.realpath(root)):
        return ""
    return f"{shown(path)} is a link to {shown(target)}, outside {shown(root)}; put the photo itself there"


def _is_plain_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # it went meanwhile, say: whoever opens it will be told
        return False
