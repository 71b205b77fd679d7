"""What a benchmark asks of a device: one folder of its own there, programs run in it, files pushed and pulled.

Each transport (a subprocess here, ssh, adb, the fake one that ships for tests) is a `Device` that opens `Session`s.
Everything that a session writes lies in `folder`, and `close` removes it, whatever happened before.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol


@dataclass(frozen=True)
class Ended:
    """A program that ended by itself: its exit code and all that it printed."""

    code: int
    stdout: str
    stderr: str


class Session(Protocol):
    """A device in use. A context manager. Every method raises DeviceError where the device or the way to it fails.

    `folder` is an absolute path on the device. `python` is the command of its Python (3.9 or later), None where it has
    none. `env` is added to the environment of every program; what is put into it counts from the next `run` on.
    """

    folder: str
    python: str | None
    env: dict[str, str]

    def run(self, words: Sequence[str], *, timeout_s: float, on_line: Callable[[str], None] | None = None) -> Ended:
        """Run a program in `folder`; `on_line` gets each line of its standard output as it comes.

        A program that cannot be started or is not there ends with 126 or 127, as in a shell. After `timeout_s` it is
        ended there and DeviceError raised.
        """
        ...

    def push(self, source: Path, name: str) -> None:
        """Copy a file to `folder`/`name` and hold its SHA-256 against what arrived.

        One that is there already is not sent again. Only its owner may read, write and run it. Raises ValueError for
        a name that is not plain (see `plain_name`).
        """
        ...

    def pull(self, name: str, target: Path) -> None:
        """Copy `folder`/`name` to `target`, wholly or not at all; its SHA-256 is checked too."""
        ...

    def close(self) -> None:
        """Remove `folder` and let go of the device. Never raises: what could not be removed is a warning."""
        ...

    def __enter__(self) -> Session: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def plain_name(name: str) -> str:
    """`name`, where it is letters, digits, dots, dashes and underscores and starts with none of the latter three."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", name):
        raise ValueError(f"{name!r} is no plain file name; give letters, digits, '.', '_' and '-'")
    return name


def sha256_of(path: Path) -> str:
    """As hexadecimal digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


class Device(Protocol):
    """`name` is what the user wrote: local, ssh://host, adb:SERIAL, or a name in devices.toml.

    `emulated` marks devices whose times say nothing about real ones.
    """

    name: str
    emulated: bool

    def open(self) -> Session:
        """Connect and make the folder. Raises DeviceError with what to do about it."""
        ...
