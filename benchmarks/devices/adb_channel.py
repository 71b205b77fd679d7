"""A phone's shell and files by adbutils, which speaks to the adb server of this machine."""

from __future__ import annotations

import codecs
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import adbutils

from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.benchmarks.devices.subprocesses import MOST_CHARACTERS, TooMuchOutputError
from edge_tagger.errors import DeviceError

SERVER_S = 20.0
# Shell protocol v2: a byte of these, four of length (little endian), the data.
# Source: shell_protocol.h of packages/modules/adb in Android
STDOUT, STDERR, EXIT = 1, 2, 3
MARK = "@edge-tagger-code "
BROKEN = (adbutils.AdbError, OSError, EOFError, AssertionError, ValueError, struct.error)  # what adbutils raises


def attached_phones(client: adbutils.AdbClient, name: str) -> list[tuple[str, str]]:
    """Serial and state of each. An adb server is started where none runs. Raises DeviceError."""
    try:
        try:
            socket.create_connection((client.host, client.port), timeout=3).close()
        except OSError:  # adbutils would start one itself, and let it print
            command = [adbutils.adb_path(), "-P", str(client.port), "start-server"]
            subprocess.run(command, capture_output=True, timeout=SERVER_S, check=False, stdin=subprocess.DEVNULL)
        return [(info.serial, info.state) for info in client.list()]
    except (*BROKEN, subprocess.SubprocessError) as error:
        raise DeviceError(
            f"{name}: no adb server answers on {client.host}:{client.port} ({error}); install adb (platform-tools) and "
            "see whether `adb devices` works"
        ) from error


class AdbChannel:
    def __init__(self, name: str, device: adbutils.AdbDevice) -> None:
        self.name, self._device = name, device
        try:
            self._v2 = "shell_v2" in device.get_features().split(",")
        except BROKEN as error:
            raise self._lost(error) from error

    def shell(self, command: str, *, timeout_s: float, on_line: Callable[[str], None] | None = None) -> Ended:
        lines = _Lines(on_line)
        errors: list[str] = []
        code: int | None = None
        ends_s = time.monotonic() + timeout_s
        try:
            for kind, data in (self._v2_packets if self._v2 else self._v1_packets)(command, ends_s):
                if kind == STDOUT:
                    lines.add(data)
                elif kind == STDERR:
                    errors.append(data.decode(errors="replace"))
                else:
                    code = data[0]
        except (TimeoutError, adbutils.AdbTimeout) as error:
            raise TimeoutError(f"it took longer than {timeout_s:g} s") from error
        except BROKEN as error:
            raise self._lost(error) from error
        if code is None:
            raise self._lost(None)
        return Ended(code, lines.end(), "".join(errors))

    def send(self, source: Path, target: str) -> None:
        try:
            self._device.sync.push(source, target, 0o700)
        except BROKEN as error:
            raise self._lost(error) from error

    def fetch(self, source: str, target: Path) -> None:
        try:
            self._device.sync.pull_file(source, target)
        except BROKEN as error:
            raise self._lost(error) from error

    def hang_up(self) -> None:
        """Each command has its own connection to the server."""

    def _v2_packets(self, command: str, ends_s: float) -> Iterator[tuple[int, bytes]]:
        with self._device.open_transport() as connection:
            connection.send_command(f"shell,v2,raw:{command}")
            connection.check_okay()
            while True:
                connection.conn.settimeout(max(ends_s - time.monotonic(), 1e-3))
                head = connection.read(5)
                if len(head) < 5:
                    return
                kind, size = struct.unpack("<BI", head)
                yield kind, connection.read_exact(size)
                if kind == EXIT:
                    return

    def _v1_packets(self, command: str, ends_s: float) -> Iterator[tuple[int, bytes]]:
        """Android 6 and older: one stream for both, with no exit code but the one that is printed at its end."""
        with self._device.open_shell(f"({command}) 2>&1; echo {MARK}$?") as connection:
            held = b""
            while True:
                connection.conn.settimeout(max(ends_s - time.monotonic(), 1e-3))
                chunk = connection.recv(65536)
                before, mark, after = (held + chunk).rpartition(MARK.encode())
                if mark and after.endswith(b"\n"):
                    yield STDOUT, before
                    yield EXIT, bytes([int(after)])
                    return
                if not chunk:
                    yield STDOUT, held
                    return
                *whole, held = (held + chunk).splitlines(keepends=True)
                yield STDOUT, b"".join(whole)

    def _lost(self, error: BaseException | None) -> DeviceError:
        try:
            state = self._device.get_state()
        except BROKEN:
            state = "gone"
        why = {"device": "adb broke the connection off", "gone": "it is not attached any more"}.get(state, state)
        return DeviceError(f"{self.name}: {why} ({error or 'no exit code came'}); check its cable and power, run again")


class _Lines:
    """What a program prints, told line by line."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._whole: list[str] = []
        self._rest = ""
        self._count = 0

    def add(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        for line in whole:
            self._tell(f"{line}\n")
        self._count += len(data)
        if self._count > MOST_CHARACTERS:
            raise TooMuchOutputError(f"it printed more than {MOST_CHARACTERS >> 20} MB")

    def end(self) -> str:
        if self._rest:
            self._tell(self._rest)
        return "".join(self._whole)

    def _tell(self, line: str) -> None:
        self._whole.append(line)
        if self._on_line is not None:
            self._on_line(line.rstrip("\r\n"))
