"""A device for tests: a folder of this machine behind the very session that ssh and adb have, and scripted faults.

    with FakeDevice(fault=Fault.DROPS_IN_PUSH).open() as session: ...

A user's own tests pass it to the bench; `answer` stands in for the worker, so that nothing is measured.
"""

from __future__ import annotations

import enum
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_tagger.benchmarks.devices.adb import choose_phone
from edge_tagger.benchmarks.devices.remote import PROGRAM, RemoteSession
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.benchmarks.devices.subprocesses import run_here
from edge_tagger.errors import DeviceError


class Fault(enum.Enum):
    """What goes wrong, and when. The device is itself again after it, as far as a real one would be."""

    DROPS_IN_PUSH = "the connection breaks halfway through the first file"
    DISK_FULL = "the first file does not fit"
    DATA_FULL = "not even a folder can be made"
    CHANGES_FILES = "a byte of each pushed file arrives changed"
    GARBAGE = "programs print binary noise and write nothing"
    SLOW = "programs never end: their time is up at once"
    REBOOTS = "it restarts after the first program: the next finds no connection and, later, no folder"
    TRUNCATED_JSON = "the second half of each .json that a program writes is missing"
    TWO_PHONES = "two are attached and none is named"
    UNAUTHORIZED = "the phone has not been told to trust this machine"


class FakeDevice:
    """`root` is the device's disk, a folder that stays; else a temporary one that the session removes in the end.

    `python` is its Python: this one, or None. `answer` is given the words of each program and its folder, and stands in
    for running it.
    """

    def __init__(
        self,
        *,
        name: str = "fake",
        fault: Fault | None = None,
        root: Path | None = None,
        python: str | None = sys.executable,
        emulated: bool = False,
        answer: Callable[[Sequence[str], Path], Ended] | None = None,
    ) -> None:
        self.name, self.emulated = name, emulated
        self._fault, self._root, self._python, self._answer = fault, root, python, answer

    def open(self) -> RemoteSession:
        if self._fault is Fault.TWO_PHONES:
            choose_phone([("FAKE1", "device"), ("FAKE2", "device")], None)
        if self._fault is Fault.UNAUTHORIZED:
            choose_phone([("FAKE1", "unauthorized")], None)
        channel = FakeChannel(self.name, self._fault, self._root, self._answer)
        pythons = (self._python,) if self._python else ()
        return RemoteSession(channel, parent=shlex.quote(str(channel.root)), pythons=pythons)


class FakeChannel:
    """A shell of this machine."""

    def __init__(
        self,
        name: str,
        fault: Fault | None,
        root: Path | None,
        answer: Callable[[Sequence[str], Path], Ended] | None,
    ) -> None:
        self.name, self._fault, self._answer = name, fault, answer
        self._lends = root is None
        self.root = Path(tempfile.mkdtemp(prefix="edge-tagger-fake-")) if root is None else root
        self._programs = 0

    def shell(self, command: str, *, timeout_s: float, on_line: Callable[[str], None] | None = None) -> Ended:
        if PROGRAM in command:
            self._programs += 1
            return self._program(command, timeout_s, on_line)
        if self._fault is Fault.DATA_FULL and "mkdir" in command:
            return Ended(1, "", f"mkdir: '{self.root}/edge-tagger': No space left on device\n")
        if self._fault is Fault.DISK_FULL and "df -Pk" in command:
            return Ended(
                0, f"Filesystem 1024-blocks Used Available Capacity Mounted on\nfake 8 8 0 100% {self.root}\n", ""
            )
        return run_here(["/bin/sh", "-c", command], timeout_s=timeout_s, on_line=on_line)

    def send(self, source: Path, target: str) -> None:
        data = source.read_bytes()
        if self._fault in (Fault.DROPS_IN_PUSH, Fault.DISK_FULL):
            Path(target).write_bytes(data[: len(data) // 2])
            if self._fault is Fault.DROPS_IN_PUSH:
                self._fault = None
                raise DeviceError(f"{self.name}: the connection was lost; check its power and cable, and run again")
            raise DeviceError(f"{self.name}: the transfer failed: Failure")
        if self._fault is Fault.CHANGES_FILES and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        Path(target).write_bytes(data)

    def fetch(self, source: str, target: Path) -> None:
        shutil.copyfile(source, target)

    def hang_up(self) -> None:
        if self._lends:
            shutil.rmtree(self.root, ignore_errors=True)

    def _program(self, command: str, timeout_s: float, on_line: Callable[[str], None] | None) -> Ended:
        folder = Path(shlex.split(command)[1])  # cd FOLDER
        if self._fault is Fault.REBOOTS and self._programs > 1:
            shutil.rmtree(folder, ignore_errors=True)
            self._fault = None
            raise DeviceError(f"{self.name}: the connection was lost; check its power and cable, and run again")
        if self._fault is Fault.SLOW:
            raise TimeoutError
        if self._fault is Fault.GARBAGE:
            return Ended(0, "\x00\x7f\ufffd[[{{\n" * 3, "")
        before = {path: path.read_bytes() for path in folder.glob("*.json")}
        if self._answer is None:
            ended = run_here(["/bin/sh", "-c", command], timeout_s=timeout_s, on_line=on_line)
        else:
            ended = self._answer(shlex.split(command.rpartition("; exec ")[2]), folder)
            if on_line is not None:
                for line in ended.stdout.splitlines():
                    on_line(line)
        if self._fault is Fault.TRUNCATED_JSON:
            for path in folder.glob("*.json"):
                if before.get(path) != (data := path.read_bytes()):
                    path.write_bytes(data[: len(data) // 2])
        return ended
