"""Devices by the name that a user gives: local, ssh://..., adb, adb:SERIAL, or a name in devices.toml.

[pi5]
address = "ssh://pi@raspberrypi.local"   # or local, adb, adb:SERIAL
python = "~/venv/bin/python"             # else python3 or python there
folder = "/mnt/ssd"                      # else $TMPDIR or the home there; /data/local/tmp on phones
emulated = false                         # true: its times say nothing about a real device, and are marked so
env = { OMP_NUM_THREADS = "4" }          # for every program there
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks.devices.adb import AdbDevice
from edge_tagger.benchmarks.devices.local import LocalDevice
from edge_tagger.benchmarks.devices.session import Device
from edge_tagger.benchmarks.devices.ssh import SshDevice
from edge_tagger.errors import DeviceError
from edge_tagger.reading import read_toml, reason
from edge_tagger.strict_toml import section, table_of

FORMS = "local, ssh://[user@]host[:port], adb, adb:SERIAL"


@dataclass(frozen=True)
class Entry:
    """One table of devices.toml."""

    address: str
    python: str | None = None
    folder: str | None = None
    emulated: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.env:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"env: {name!r} is no name of a variable; give letters, digits and underscores")


def find_device(name: str, devices_file: Path | None = None) -> Device:
    """The device of a name. `devices_file` stands in for devices.toml of the working folder, or else of
    ~/.config/edge-tagger.

    Raises DeviceError for a name that stands for none, and for a file that cannot be used.
    """
    if _kind(name):
        return _make(name, Entry(name))
    source = _find_file(devices_file)
    entries = read_devices(source) if source else {}
    if name in entries:
        try:
            return _make(name, entries[name])
        except DeviceError as error:
            raise DeviceError(f"{source}: [{name}]: {error}") from error
    near = difflib.get_close_matches(name, entries, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    known = f" ({', '.join(entries)})" if entries else ", which is not there" if source is None else ", which has none"
    raise DeviceError(f"there is no device {name!r}; {guess}give {FORMS}, or a name in devices.toml{known}")


def read_devices(path: Path) -> dict[str, Entry]:
    """The tables of a devices.toml. Raises DeviceError where it cannot be read or has an unknown key."""
    try:
        tables = read_toml(path)
        for name in tables:
            if _kind(name):
                raise ValueError(f"[{name}] is a name that every installation knows; choose another")
        return {name: section(Entry, table_of(table, name), name) for name, table in tables.items()}
    except OSError as error:
        raise DeviceError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # TOML's own error and that of its encoding are of this kind too
        raise DeviceError(f"{path}: {reason(error)}") from error


def _find_file(given: Path | None) -> Path | None:
    if given is not None:
        return given
    places = (Path("devices.toml"), Path("~/.config/edge-tagger/devices.toml").expanduser())
    return next((place for place in places if place.is_file()), None)


def _kind(address: str) -> str | None:
    found = re.match(r"(local|adb)(?::|$)|(ssh)://", address)
    return (found[1] or found[2]) if found else None


def _make(name: str, entry: Entry) -> Device:
    kind = _kind(entry.address)
    options: dict[str, Any] = {"name": name, "python": entry.python, "emulated": entry.emulated, "env": entry.env}
    if kind == "local" and entry.address == "local" and entry.folder is None:
        return LocalDevice(**options)
    if kind == "ssh":
        return SshDevice(entry.address, folder=entry.folder, **options)
    if kind == "adb":
        return AdbDevice(entry.address, folder=entry.folder, **options)
    what = "takes no folder: set TMPDIR" if kind == "local" and entry.address == "local" else f"is none; give {FORMS}"
    raise DeviceError(f"the address {entry.address!r} {what}")
