"""An adb server with phones that are this machine: the host protocol, shell v1 and v2, sync.

Sources: OVERVIEW.TXT, SERVICES.TXT, SYNC.TXT and shell_protocol.h of packages/modules/adb in Android.
"""

from __future__ import annotations

import socketserver
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class AdbServer(socketserver.ThreadingTCPServer):
    """`phones` are lines of adb's list. `drop_after_bytes`: the connection of a push breaks then; `full`: it is refused
    at its end, as for a full /data. `v2`: whether phones have shell_v2."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, phones: list[str], *, v2: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.phones, self.v2 = phones, v2
        self.drop_after_bytes: int | None = None
        self.full = False
        self.pushed: list[str] = []

    def __enter__(self) -> AdbServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    server: AdbServer

    def handle(self) -> None:
        while size := self.rfile.read(4):
            service = self.rfile.read(int(size, 16)).decode()
            if service == "host:version":
                self.answer("0029")
            elif service == "host:devices":
                self.answer("".join(f"{phone}\n" for phone in self.server.phones))
            elif service.startswith("host-serial:"):
                self.of_a_phone(service)
            elif service.startswith("host:tport:serial:"):
                if not self.found(service.partition("serial:")[2]):
                    return
                self.wfile.write(b"OKAY" + bytes(8))
                continue
            elif service.startswith("shell"):
                self.wfile.write(b"OKAY")
                return self.shell(service)
            elif service == "sync:":
                self.wfile.write(b"OKAY")
                return self.sync()
            else:
                self.fail(f"unknown host service '{service}'")
            return

    def of_a_phone(self, service: str) -> None:
        serial, _, question = service.removeprefix("host-serial:").rpartition(":")
        if self.found(serial):
            self.answer(("shell_v2,cmd" if self.server.v2 else "cmd") if question == "features" else "device")

    def found(self, serial: str) -> bool:
        there = any(phone.split("\t")[0] == serial for phone in self.server.phones)
        if not there:
            self.fail(f"device '{serial}' not found")
        return there

    def shell(self, service: str) -> None:
        kind, _, command = service.partition(":")
        v2 = kind == "shell,v2,raw"
        process = subprocess.Popen(
            ["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if v2 else subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            while chunk := process.stdout.read1(1000):  # type: ignore[attr-defined]
                # Android 6 has a terminal between.
                self.packet(1, chunk) if v2 else self.wfile.write(chunk.replace(b"\n", b"\r\n"))
            if v2:
                assert process.stderr is not None
                self.packet(2, process.stderr.read())
                self.packet(3, bytes([process.wait() & 255]))
        except OSError:  # the client is gone
            pass
        process.wait()

    def packet(self, kind: int, data: bytes) -> None:
        self.wfile.write(struct.pack("<BI", kind, len(data)) + data)

    def sync(self) -> None:
        received = 0
        target: Any = None
        while head := self.rfile.read(8):
            kind, size = head[:4], struct.unpack("<I", head[4:])[0]
            if kind == b"DONE":
                target.close()
                self.wfile.write(b"FAIL" + struct.pack("<I", 4) + b"full" if self.server.full else b"OKAY" + bytes(4))
                return
            name = self.rfile.read(size)
            if kind == b"STAT":
                path = Path(name.decode())
                mode, length = (path.stat().st_mode, path.stat().st_size) if path.exists() else (0, 0)
                self.wfile.write(b"STAT" + struct.pack("<III", mode, length, 0))
            elif kind == b"SEND":
                path_text, mode_text = name.decode().rsplit(",", 1)
                assert stat.S_ISREG(int(mode_text))
                self.server.pushed.append(path_text)
                target = Path(path_text).open("wb")  # noqa: SIM115  closed at DONE, or by the drop
            elif kind == b"DATA":
                received += size
                target.write(name)
                if self.server.drop_after_bytes is not None and received > self.server.drop_after_bytes:
                    target.close()
                    self.server.drop_after_bytes = None
                    return
            elif kind == b"RECV":
                data = Path(name.decode()).read_bytes()
                for at in range(0, len(data), 65536):
                    chunk = data[at : at + 65536]
                    self.wfile.write(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
                self.wfile.write(b"DONE" + bytes(4))
                return

    def answer(self, text: str) -> None:
        self.wfile.write(b"OKAY" + f"{len(text):04x}{text}".encode())

    def fail(self, text: str) -> None:
        self.wfile.write(b"FAIL" + f"{len(text):04x}{text}".encode())


@pytest.fixture(params=[True, False], ids=["shell_v2", "Android 6"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdbServer]:
    """A running server, with one phone, which adb's clients find."""
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    with AdbServer(["PHONE1\tdevice"], v2=request.param) as running:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(running.server_address[1]))
        yield running
