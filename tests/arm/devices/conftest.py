"""The emulated device behind real ssh (`pi5`) and real adb (`phone`), both on loopback alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ARM = Path(__file__).resolve().parents[1]
# As /proc/net/tcp and tcp6 write 127.0.0.1 and ::ffff:127.0.0.1.
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
LISTENS = "0A"


@dataclass(frozen=True)
class Served:
    """`toml` names the devices pi5 and phone, with options for their tables; `sshd` is a process."""

    sshd: int
    adb_port: int
    adb_server_port: int
    bin: Path

    def toml(self, options: str = "") -> str:
        adb = f"adb:127.0.0.1:{self.adb_port}"
        tables = [
            f'[{name}]\naddress = "{a}"\nemulated = true\n{options}'
            for name, a in (("pi5", "ssh://pi5"), ("phone", adb))
        ]
        return "\n".join(tables)


@pytest.fixture(scope="session")
def served(device: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Besides, a disk of 1 MB is mounted at /small in the device."""
    subprocess.run([ARM / "binfmt.sh"], check=True)
    for name in ("sshd", "sftp", "adb"):
        assert shutil.which(name), f"no {name}; install the packages that tests/arm/conftest.py names"
    state, home = tmp_path_factory.mktemp("ssh"), tmp_path_factory.mktemp("adb")
    sshd_port, adb_port, server_port = free_ports(3)
    (device.folder / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", device.folder / "small"], check=True)
    environment = {**os.environ, "HOME": str(home), "ANDROID_ADB_SERVER_PORT": str(server_port)}
    try:
        with (
            serve([ARM / "serve_sshd.sh", device.folder, str(sshd_port), state], sshd_port) as sshd,
            serve([ARM / "serve_adbd.sh", device.folder, str(adb_port)], adb_port),
            serve(["adb", "nodaemon", "server"], server_port, environment),
        ):
            connect = ["adb", "connect", f"127.0.0.1:{adb_port}"]
            done = subprocess.run(connect, env=environment, capture_output=True, text=True, timeout=60, check=True)
            assert "connected to" in done.stdout, done.stdout
            (state / "bin").mkdir()
            for name in ("ssh", "sftp"):  # they read no other config: $HOME does not count
                program = state / "bin" / name
                program.write_text(f'#!/bin/sh\nexec {shutil.which(name)} -F {state}/config "$@"\n')
                program.chmod(0o755)
            yield Served(sshd, adb_port, server_port, state / "bin")
    finally:
        subprocess.run(["umount", device.folder / "small"], check=False)


@pytest.fixture
def devices_toml(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A devices.toml with pi5 and phone, and the environment in which they can be reached."""
    monkeypatch.setenv("PATH", f"{served.bin}:{os.environ['PATH']}")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(served.adb_server_port))
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    path = tmp_path / "devices.toml"
    path.write_text(served.toml())
    return path


@pytest.fixture
def nothing_left(device: Any) -> Iterator[None]:
    """What a session may have left on the device, once the test is over."""
    places = [device.home, device.folder / "data" / "local" / "tmp", device.folder / "small", device.folder / "tmp"]
    before = [sorted(place.iterdir()) for place in places if place.is_dir()]
    yield
    ends = time.monotonic() + 30  # what the device tidies up by itself takes its time
    while (after := [sorted(place.iterdir()) for place in places if place.is_dir()]) != before:
        assert time.monotonic() < ends, f"left there: {after}"
        time.sleep(0.2)


@contextmanager
def serve(command: Sequence[Any], port: int, environment: dict[str, str] | None = None) -> Iterator[int]:
    """Run a server until the block ends, and refuse it if it listens on more than loopback. Gives its process."""
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ends = time.monotonic() + 60
        while not (addresses := listening(port)):
            assert process.poll() is None and time.monotonic() < ends, f"{command[0]} does not listen on {port}"
            time.sleep(0.1)
        assert addresses <= LOOPBACK, f"{command[0]} listens on {addresses}"
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def listening(port: int) -> set[str]:
    """The addresses on which something listens on `port`."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            if state == LISTENS and int(address.rpartition(":")[2], 16) == port:
                found.add(address.rpartition(":")[0])
    return found


def free_ports(count: int) -> list[int]:
    """Far from 5555-5585, where adb servers look for emulators: systems give numbers above 32767."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
