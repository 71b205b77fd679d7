"""Sessions over real ssh and real adb, on an emulated Cortex-A72."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.benchmarks.devices.names import find_device
from edge_tagger.benchmarks.devices.provision import provision
from edge_tagger.errors import DeviceError
from edge_tagger.interpreter import Model

pytestmark = [pytest.mark.arm, pytest.mark.usefixtures("nothing_left")]
NAMES = ["pi5", "phone"]
SCORES = """
import json, platform, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=2)
interpreter.allocate_tensors()
scores = []
for photo in np.load("photos.npy"):
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photo[None])
    interpreter.invoke()
    scores.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].tolist())
print(json.dumps({"machine": platform.machine(), "scores": scores}))
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_session(name: str, devices_toml: Path, tmp_path: Path) -> None:
    device = find_device(name, devices_toml)
    assert device.emulated
    blob = tmp_path / "it's a blob"
    blob.write_bytes(os.urandom(3_000_000))
    lines: list[str] = []
    with device.open() as session:
        session.push(blob, "blob")
        session.pull("blob", tmp_path / "back")
        session.env["GREETING"] = "it's $HOME"
        code = "import os, platform, sys; print(platform.machine()); print(os.environ['GREETING']); sys.exit(7)"
        ended = session.run([session.python or "", "-c", code], timeout_s=120, on_line=lines.append)
        assert (ended.code, lines, ended.stderr) == (7, ["aarch64", "it's $HOME"], "")
        assert session.run(["no-such-program"], timeout_s=60).code == 127
        with pytest.raises(DeviceError, match=r"sleep took longer than 1 s and was ended"):
            session.run(["sleep", "86399"], timeout_s=1)
        assert "86399" not in running(), "it was ended there"
    assert (tmp_path / "back").read_bytes() == blob.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_int8_scores_are_the_same_bytes(name: str, devices_toml: Path, data: Path, tmp_path: Path) -> None:
    model = data / "tiny-uint8.tflite"
    size = Model(model).input_size
    photos = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), np.uint8)
    np.save(tmp_path / "photos.npy", photos)
    (tmp_path / "scores.py").write_text(SCORES)
    with find_device(name, devices_toml).open() as session:
        for path in (model, tmp_path / "photos.npy", tmp_path / "scores.py"):
            session.push(path, path.name)
        ended = session.run([session.python or "", "scores.py", model.name], timeout_s=300)
    assert ended.code == 0, ended.stderr
    there = json.loads(ended.stdout)
    assert there["machine"] == "aarch64"
    assert there["scores"] == scores_here(model, photos)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk(name: str, devices_toml: Path, served: Any, tmp_path: Path) -> None:
    devices_toml.write_text(served.toml('folder = "/small"'))
    (tmp_path / "model").write_bytes(os.urandom(2_000_000))
    with (
        pytest.raises(
            DeviceError, match=rf"{name}: its disk is full: model\.tflite takes 2\.0 MB, and [01]\.\d MB were"
        ),
        find_device(name, devices_toml).open() as session,
    ):
        session.push(tmp_path / "model", "model.tflite")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_may_not_be_written(name: str, devices_toml: Path, served: Any) -> None:
    devices_toml.write_text(served.toml('folder = "/proc"'))
    with pytest.raises(DeviceError, match=rf"{name}: cannot make a folder in /proc: .*name a folder"):
        find_device(name, devices_toml).open()


def test_a_connection_that_breaks_in_mid_push(devices_toml: Path, device: Any, served: Any, tmp_path: Path) -> None:
    """The server's part of the connection ends, as in a restart. The device then removes the folder by itself."""
    (tmp_path / "model").write_bytes(bytes(400_000_000))

    def break_it() -> None:
        while not list(device.home.glob("edge-tagger-*/model.tflite.part")):
            time.sleep(0.05)
        for pid in children(served.sshd):
            os.kill(pid, signal.SIGKILL)

    with find_device("pi5", devices_toml).open() as session:
        threading.Thread(target=break_it, daemon=True).start()
        with pytest.raises(DeviceError, match=r"pi5: the connection was lost.*while model\.tflite was pushed"):
            session.push(tmp_path / "model", "model.tflite")


def test_a_connection_that_breaks_between_two_commands(devices_toml: Path, served: Any, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"model")
    with find_device("pi5", devices_toml).open() as session:
        for pid in children(served.sshd):
            os.kill(pid, signal.SIGKILL)
        time.sleep(3)  # the device removes the folder meanwhile
        with pytest.raises(DeviceError, match=r"pi5: .* is gone; the device was restarted or tidied up; run again"):
            session.run(["true"], timeout_s=60)
        with pytest.raises(DeviceError, match=r"while model was pushed; .* is gone: did the device restart"):
            session.push(tmp_path / "model", "model")


@pytest.mark.parametrize("name", ["phone"])
def test_provisioning(name: str, devices_toml: Path, served: Any, data: Path) -> None:
    """Without the packages that the device has in /opt/py."""
    devices_toml.write_text(served.toml('env = { PYTHONPATH = "" }'))
    with find_device(name, devices_toml).open() as session:
        code = "import numpy, ai_edge_litert.interpreter as i; print(numpy.__file__); i.Interpreter('model.tflite')"
        session.push(data / "tiny-uint8.tflite", "model.tflite")
        assert "No module named 'numpy'" in session.run([session.python or "", "-c", code], timeout_s=120).stderr
        wheels = provision(session, name)
        assert any(wheel.startswith("ai_edge_litert-") and "aarch64" in wheel for wheel in wheels)
        ended = session.run([session.python or "", "-c", code], timeout_s=300)
        assert ended.stdout == f"{session.folder}/site/numpy/__init__.py\n", ended.stderr


def scores_here(model: Path, photos: Any) -> list[list[int]]:
    from edge_tagger.runtimes import find_runtime

    interpreter = find_runtime().module.Interpreter(str(model))
    interpreter.allocate_tensors()
    scores = []
    for photo in photos:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photo[None])
        interpreter.invoke()
        scores.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].tolist())
    return scores


def running() -> str:
    """The command lines of all processes of this machine, the device's among them."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(texts)


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found
