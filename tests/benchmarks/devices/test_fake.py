"""Each fault ends in one clear line, and leaves nothing behind, here or there."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_tagger.benchmarks.devices.fake import FakeDevice, Fault
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.errors import DeviceError

MESSAGES = {
    Fault.DROPS_IN_PUSH: r"fake: the connection was lost.* \(while model\.tflite was pushed\)",
    Fault.DISK_FULL: r"fake: its disk is full: model\.tflite takes 0\.1 MB, and 0\.0 MB were left",
    Fault.DATA_FULL: r"fake: cannot make a folder in .*No space left on device; its disk is full: make room",
    Fault.CHANGES_FILES: r"fake: model\.tflite arrived changed \(another SHA-256\)",
    Fault.SLOW: r"fake: .*python.* took longer than 20 s",
    Fault.REBOOTS: r"fake: the connection was lost",
    Fault.TWO_PHONES: r"2 are attached; name one: --device adb:SERIAL, of FAKE1 \(device\), FAKE2 \(device\)",
    Fault.UNAUTHORIZED: r"adb:FAKE1: it does not trust this machine: unlock it and accept",
}


def bench(device: FakeDevice, folder: Path) -> list[object]:
    """Two models pushed, measured and read, as a bench does."""
    found = []
    model = folder / "model"
    model.write_bytes(bytes(100_000))
    with device.open() as session:
        for name in ("model.tflite", "other.tflite"):
            session.push(model, name)
            code = "import json, sys; json.dump({'model': sys.argv[1]}, open('out.json', 'w')); print('done')"
            session.run([session.python or "python", "-c", code, name], timeout_s=20)
            session.pull("out.json", folder / "out.json")
            found.append(json.loads((folder / "out.json").read_text()))
    return found


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "theirs").write_text("not ours")
    return tmp_path / "disk"


def test_without_a_fault_programs_run(disk: Path, tmp_path: Path) -> None:
    assert bench(FakeDevice(root=disk), tmp_path) == [{"model": "model.tflite"}, {"model": "other.tflite"}]


@pytest.mark.parametrize("fault", MESSAGES)
def test_a_fault_is_one_line_and_leaves_nothing(fault: Fault, disk: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DeviceError, match=MESSAGES[fault]) as caught:
            bench(FakeDevice(root=disk, fault=fault), tmp_path)
    assert "\n" not in str(caught.value)
    assert [path.name for path in disk.iterdir()] == ["theirs"]
    assert {path.name for path in tmp_path.iterdir()} <= {"disk", "model", "out.json"}


def test_a_truncated_json_arrives_as_it_lies_there(disk: Path, tmp_path: Path) -> None:
    with pytest.raises(json.JSONDecodeError):
        bench(FakeDevice(root=disk, fault=Fault.TRUNCATED_JSON), tmp_path)
    assert [path.name for path in disk.iterdir()] == ["theirs"]


def test_garbage_comes_back_as_it_is_and_no_file_with_it(disk: Path, tmp_path: Path) -> None:
    with FakeDevice(root=disk, fault=Fault.GARBAGE).open() as session:
        ended = session.run(["anything"], timeout_s=20)
        assert ended.code == 0 and "\x00" in ended.stdout
        with pytest.raises(DeviceError, match=r"no out\.json"):
            session.pull("out.json", tmp_path / "out.json")
    assert [path.name for path in disk.iterdir()] == ["theirs"]


def test_every_fault_is_tried() -> None:
    assert set(MESSAGES) | {Fault.TRUNCATED_JSON, Fault.GARBAGE} == set(Fault)


def test_an_answer_stands_in_for_the_program(disk: Path) -> None:
    def answer(words: Sequence[str], folder: Path) -> Ended:
        (folder / "out.json").write_text("{}")
        return Ended(0, f"{words}\nmore\n", "")

    lines: list[str] = []
    with FakeDevice(root=disk, answer=answer, python=None).open() as session:
        assert session.python is None
        words = ["./benchmark_model", "--graph=it's"]
        assert session.run(words, timeout_s=1, on_line=lines.append).stdout == f"{words}\nmore\n"
        assert lines == [str(words), "more"]
        assert Path(session.folder, "out.json").read_text() == "{}"


def test_what_cannot_be_removed_is_a_warning(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = FakeDevice(root=disk).open()
    monkeypatch.setattr(session, "_removed", lambda: False)
    with pytest.warns(UserWarning, match=r"fake: .*edge-tagger-\w+ could not be removed; remove it by hand"):
        session.close()
