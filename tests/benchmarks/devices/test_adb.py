"""adb with adbutils as it is, and a server of its own whose phones are this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.benchmarks.devices.adb import AdbDevice, choose_phone
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.errors import DeviceError, MissingExtraError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data local").mkdir()
    return tmp_path / "data local"


def open_phone(data: Path, address: str = "adb") -> AdbDevice:
    return AdbDevice(address, folder=str(data))


def test_a_session(server: Any, data: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(bytes(range(256)) * 1000)
    lines: list[str] = []
    with open_phone(data, "adb:PHONE1").open() as session:
        assert session.folder.startswith(f"{data}/edge-tagger-") and session.python
        session.env["GREETING"] = "it's $HOME"
        session.push(model, "model.tflite")
        session.push(model, "model.tflite")
        assert len(server.pushed) == 1
        code = "import os; print('one'); print(os.environ['GREETING'], os.stat('model.tflite').st_size); os._exit(5)"
        ended = session.run([session.python, "-u", "-c", code], timeout_s=30, on_line=lines.append)
        assert ended.code == 5
        assert ended.stdout.split() == ["one", "it's", "$HOME", "256000"] and lines == ["one", "it's $HOME 256000"]
        assert session.run(["no-such-program"], timeout_s=30).code == 127
        session.pull("model.tflite", tmp_path / "back")
        with pytest.raises(DeviceError, match=r"sleep took longer than 0\.5 s"):
            session.run(["sleep", "60"], timeout_s=0.5)
    assert (tmp_path / "back").read_bytes() == model.read_bytes()
    assert list(data.iterdir()) == []


def test_errors_stand_apart_where_the_phone_can(server: Any, data: Path) -> None:
    with open_phone(data).open() as session:
        words = ["sh", "-c", "echo out; echo err >&2; exit 3"]
        ended = session.run(words, timeout_s=30)
    both = Ended(3, "out\r\nerr\r\n", "")
    assert ended == (Ended(3, "out\n", "err\n") if server.v2 else both)


def test_a_connection_that_drops_in_mid_push(server: Any, data: Path, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(bytes(3_000_000))
    server.drop_after_bytes = 100_000
    with (
        pytest.raises(DeviceError, match=r"adb: .*check its cable and power.*while model\.tflite was pushed"),
        open_phone(data).open() as session,
    ):
        session.push(tmp_path / "model", "model.tflite")
    assert list(data.iterdir()) == []


def test_a_phone_that_refuses_a_file(server: Any, data: Path, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(bytes(1000))
    server.full = True
    with pytest.raises(DeviceError, match=r"FAIL.*pushed"), open_phone(data).open() as session:
        session.push(tmp_path / "model", "model.tflite")
    assert list(data.iterdir()) == []


def test_a_phone_that_is_unplugged(server: Any, data: Path) -> None:
    with (
        pytest.warns(UserWarning, match="could not be removed; remove it by hand"),
        pytest.raises(DeviceError, match=r"adb: it is not attached any more"),
        open_phone(data).open() as session,
    ):
        server.phones.clear()
        session.run(["true"], timeout_s=30)


def test_a_full_data(server: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.phones
    tools = data.parent / "tools"
    tools.mkdir()
    (tools / "mkdir").write_text("#!/bin/sh\necho \"mkdir: '$2': No space left on device\" >&2\nexit 1\n")
    (tools / "mkdir").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    with pytest.raises(DeviceError, match=r"cannot make a folder in .*No space left on device; its disk is full"):
        open_phone(data).open()


@pytest.mark.parametrize(
    ("attached", "serial", "message"),
    [
        ([], None, "no phone is attached; plug one in and switch on USB debugging"),
        ([("A", "device"), ("B", "offline")], None, r"2 are attached; name one.*of A \(device\), B \(offline\)"),
        ([("A", "device")], "B", r"adb:B is not attached; there are: A \(device\)"),
        ([], "B", "there are: none"),
        ([("A", "unauthorized")], None, "adb:A: it does not trust this machine: unlock it and accept the dialogue"),
        ([("A", "offline")], "A", "it does not answer"),
        ([("A", "no")], None, "udev rules"),
        ([("A", "strange")], None, "its state is 'strange'"),
    ],
)
def test_phones_that_cannot_be_used(attached: list[tuple[str, str]], serial: str | None, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        choose_phone(attached, serial)


def test_the_serial_is_honoured(server: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.phones[:] = ["PHONE1\tdevice", "PHONE2\tdevice"]
    with pytest.raises(DeviceError, match="2 are attached"):
        open_phone(data).open()
    monkeypatch.setenv("ANDROID_SERIAL", "PHONE2")
    open_phone(data).open().close()
    server.phones[:] = ["PHONE1\tdevice", "PHONE2\tno permissions (missing udev rules? user is in the plugdev group)"]
    with pytest.raises(DeviceError, match="adb:PHONE2: this user may not open its USB port"):
        open_phone(data).open()
    open_phone(data, "adb:PHONE1").open().close()


def test_without_a_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "1")
    (tmp_path / "adb").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "adb").chmod(0o755)
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(tmp_path / "adb"))
    with pytest.raises(DeviceError, match=r"adb: no adb server answers on 127\.0\.0\.1:1.*install adb"):
        AdbDevice().open()


def test_without_adbutils(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbutils", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edge-tagger\[adb\]'"):
        AdbDevice().open()
