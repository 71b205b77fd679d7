"""Phones over adb: which one is meant, what state it is in, and its session."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from edge_tagger.benchmarks.devices.remote import PYTHONS, RemoteSession, in_shell
from edge_tagger.errors import DeviceError, MissingExtraError

STALLED_S = 60.0  # a transfer that moves nothing for so long has ended
FOLDER = "/data/local/tmp"  # the one place where adb's user may write and run programs
TERMUX = "/data/data/com.termux/files/usr/bin/python3"  # only a root adbd may enter there
# State in adb's list -> what to do about it.
STATES = {
    "unauthorized": "it does not trust this machine: unlock it and accept the dialogue on its screen",
    "authorizing": "it is asking whether to trust this machine: unlock it and accept the dialogue",
    "offline": "it does not answer: plug it in anew, or restart it",
    "connecting": "it is not ready yet: wait a moment and run again",
    "no": "this user may not open its USB port: add yourself to the group plugdev and the udev rules for it",
    "recovery": "it is in recovery: restart it",
    "sideload": "it waits for an update: restart it",
    "bootloader": "it is in its bootloader: restart it",
}


def choose_phone(attached: Sequence[tuple[str, str]], serial: str | None) -> str:
    """The serial to use of those in adb's list (serial, state): the one named, or the only one.

    Raises DeviceError where it is not there, is not ready, or more than one is and none was named.
    """
    shown = ", ".join(f"{each} ({state})" for each, state in attached) or "none"
    if serial is None:
        if not attached:
            raise DeviceError("adb: no phone is attached; plug one in and switch on USB debugging, or `adb connect` it")
        if len(attached) > 1:
            raise DeviceError(f"adb: {len(attached)} are attached; name one: --device adb:SERIAL, of {shown}")
        serial = attached[0][0]
    state = dict(attached).get(serial)
    if state is None:
        raise DeviceError(f"adb:{serial} is not attached; there are: {shown}")
    if state != "device":
        raise DeviceError(f"adb:{serial}: {STATES.get(state, f'its state is {state!r}: restart it')}")
    return serial


class AdbDevice:
    """`address` is adb (the only one attached, or $ANDROID_SERIAL) or adb:SERIAL. `folder` is where the session's own
    folder is made, `python` the command of its Python, if it has one. Raises DeviceError."""

    def __init__(
        self,
        address: str = "adb",
        *,
        name: str | None = None,
        python: str | None = None,
        folder: str | None = None,
        emulated: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        scheme, _, serial = address.partition(":")
        if scheme != "adb" or (":" in address and not serial):
            raise DeviceError(f"{address!r} is no phone; give adb or adb:SERIAL")
        self.name, self.emulated = name or address, emulated
        self._serial = serial or None
        self._python, self._folder, self._env = python, folder, env

    def open(self) -> RemoteSession:
        """Raises MissingExtraError where adbutils is not installed."""
        adbutils = _adbutils()
        from edge_tagger.benchmarks.devices.adb_channel import AdbChannel, attached_phones

        client = adbutils.AdbClient(socket_timeout=STALLED_S)
        serial = choose_phone(
            attached_phones(client, self.name), self._serial or os.environ.get("ANDROID_SERIAL") or None
        )
        return RemoteSession(
            AdbChannel(self.name, client.device(serial)),
            parent=in_shell(self._folder or FOLDER),
            pythons=(self._python,) if self._python else (*PYTHONS, TERMUX),
            must=self._python is not None,
            env=self._env,
        )


def _adbutils() -> Any:
    try:
        import adbutils
    except ImportError as error:
        raise MissingExtraError("phones need adbutils; run pip install 'edge-tagger[adb]'") from error
    return adbutils
