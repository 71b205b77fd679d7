"""Files that are read back or that a user wrote: JSON, TOML, text and arrays, within bounds.

Whatever is wrong with a file, each function here raises OSError or ValueError and nothing else, so that its caller can
say in one line what cannot be used and what to do. Not for photos and models, which have readers of their own.
"""

from __future__ import annotations

import math
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tagger.json_fields import check_levels, parse_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TEXT_BYTES = 256 * 2**20


def read_bytes(path: Path, *, most: int = MAX_TEXT_BYTES) -> bytes:
    """The content of a regular file of at most `most` bytes."""
    check_regular(path)
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it has over {most} bytes")
    return data


def read_text(path: Path) -> str:
    """UTF-8, with or without a byte order mark."""
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start} is 0x{data[error.start]:02x})") from error


def read_json(path: Path) -> Any:
    """A value of finite numbers and at most 64 levels."""
    return checked_json(read_bytes(path))


def read_json_object(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def checked_json(text: bytes) -> Any:
    """The same of the text itself."""
    try:
        value = parse_json(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start} is 0x{text[error.start]:02x})") from error
    if any(isinstance(each, float) and not math.isfinite(each) for each in check_levels(value)):
        raise ValueError("a number in it is too large")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """A table of at most 64 levels."""
    return parse_toml(read_text(path))


def parse_toml(text: str) -> dict[str, Any]:
    """The same of the text itself."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("its values are nested too deeply") from error
    check_levels(table)
    return table


def read_array(
    path: Path, *, kind: type[np.generic], shape: tuple[int | None, ...], mapped: bool = False
) -> NDArray[Any]:
    """The array in an .npy file, of exactly the dtype `kind` and of `shape`, where None is any length; `mapped` leaves
    it on the disk. Its header is believed only as far as the file is long."""
    import numpy as np

    check_regular(path)
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy lets through what its parser of headers, zipfile and mmap raise
        raise ValueError("it is no .npy file, or cut off") from error
    if not isinstance(stored, np.ndarray):
        stored.close()
        raise ValueError("it is an archive, no .npy file")
    if (
        stored.dtype != kind
        or len(stored.shape) != len(shape)
        or any(wanted not in (None, length) for wanted, length in zip(shape, stored.shape, strict=True))
    ):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"it is {stored.dtype} {list(stored.shape)}, not {np.dtype(kind)} [{wanted}]")
    return stored if mapped else np.array(stored)


def reason(error: Exception) -> str:
    """What an OSError or ValueError of these functions says, on one line, without the path."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split())[:300]


def utf8_name(path: Path) -> str:
    """The file's name as JSON and manifests can hold it: bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def check_regular(path: Path) -> None:
    """Raises ValueError for anything but a file: a FIFO would block, and a device might never end."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise ValueError("it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file")
