"""Wheels for another machine, from a pip that looks at a folder of this one."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.benchmarks.devices.fake import FakeDevice
from edge_tagger.benchmarks.devices.provision import MARK, download, pip_words, provision, read_target
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.errors import DeviceError

PI5: dict[str, Any] = {
    "python": [3, 13], "implementation": "cpython", "abiflags": "", "libc": "glibc 2.41", "system": "Linux",
    "machine": "aarch64", "bits": 64, "path": "", "numpy": None, "runtime": None,
}  # fmt: skip


def make_wheel(folder: Path, name: str, tag: str, files: dict[str, str], requires: Sequence[str] = ()) -> None:
    distribution, version = name.split("-")
    info = f"{distribution}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
    meta = "\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires)])
    with zipfile.ZipFile(folder / f"{distribution}-{version}-{tag}.whl", "w") as wheel:
        for path, text in {
            **files, f"{info}/METADATA": meta + "\n", f"{info}/RECORD": "",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
        }.items():  # fmt: skip
            wheel.writestr(path, text)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that pip finds."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def test_the_newest_wheels_that_its_glibc_can_load(index: Path, tmp_path: Path) -> None:
    for tag in ("manylinux_2_28_aarch64", "manylinux_2_99_aarch64", "manylinux_2_28_x86_64"):
        make_wheel(index, "numpy-2.4.0", f"cp313-cp313-{tag}", {})
    make_wheel(index, "ai_edge_litert-2.2.0", "cp313-cp313-manylinux2014_aarch64", {}, ["numpy"])
    make_wheel(index, "ai_edge_litert-2.3.0", "cp312-cp312-manylinux2014_aarch64", {}, ["numpy"])
    wheels = download(read_target(PI5, "pi"), tmp_path, "pi")
    assert [wheel.name for wheel in wheels] == [
        "ai_edge_litert-2.2.0-cp313-cp313-manylinux2014_aarch64.whl",
        "numpy-2.4.0-cp313-cp313-manylinux_2_28_aarch64.whl",
    ]


def test_no_wheels_is_told_with_what_to_do_by_hand(index: Path, tmp_path: Path) -> None:
    assert not list(index.iterdir())
    with pytest.raises(
        DeviceError,
        match=r"pi: no wheels for Python 3\.13 on aarch64 with glibc 2\.41 could be fetched here \(ERROR: No match"
        r".*by hand, there: python3 -m pip install 'ai-edge-litert>=1\.2' 'numpy>=1\.24'",
    ) as caught:
        download(read_target(PI5, "pi"), tmp_path, "pi")
    assert "\n" not in str(caught.value)


def test_tflite_runtime_is_for_32_bits_and_old_pythons() -> None:
    pi = {**PI5, "python": [3, 11], "machine": "armv7l", "bits": 32, "libc": "glibc 2.36"}
    assert read_target(pi, "pi").requirements == ("tflite-runtime>=2.11", "numpy<2")
    assert read_target({**pi, "numpy": "1.24.2"}, "pi").requirements == ("tflite-runtime>=2.11",)
    assert read_target({**pi, "numpy": "2.1.0"}, "pi").requirements == ("tflite-runtime>=2.11", "numpy<2")
    assert read_target({**PI5, "bits": 32}, "pi").machine == "armv7l", "a 64-bit kernel under 32-bit programs"
    old = read_target({**PI5, "python": [3, 9]}, "pi")
    assert old.requirements == ("tflite-runtime>=2.11", "numpy<2") and "--no-deps" in pip_words(old)
    assert read_target({**PI5, "runtime": "tflite_runtime", "numpy": "1.24.2"}, "pi").requirements == ()
    assert old.platforms[0] == "manylinux_2_41_aarch64" and "manylinux_2_17_aarch64" in old.platforms


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"libc": None}, "no LiteRT wheels for cpython on Linux aarch64 with no glibc"),
        ({"implementation": "pypy"}, "pypy"),
        ({"abiflags": "t"}, "cpythont"),
        ({"system": "Darwin"}, "CPython on Linux"),
        ({"machine": "riscv64"}, "riscv64, but for aarch64, x86_64 and armv7l"),
    ],
)
def test_systems_without_wheels(said: dict[str, Any], message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        read_target({**PI5, **said}, "pi")


def test_it_is_unpacked_in_the_folder_and_imported_there(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device is this machine, whose Python has both: the probe says that it has neither."""
    fakes = {"numpy-9.9": {"numpy/__init__.py": "fake = True"}, "ai_edge_litert-9.9": {
        "ai_edge_litert/__init__.py": "", "ai_edge_litert/interpreter.py": "fake = True",
        "ai_edge_litert/libLiteRtWebGpuAccelerator.so": "",
    }}  # fmt: skip
    for name, files in fakes.items():
        make_wheel(index, name, "py3-none-any", files)
    monkeypatch.setattr("edge_tagger.benchmarks.devices.provision.PROBE", f"print({MARK + json.dumps(PI5)!r})")
    disk = tmp_path / "disk"
    disk.mkdir()
    with FakeDevice(root=disk).open() as session:
        assert provision(session, "pi") == ["ai_edge_litert-9.9-py3-none-any.whl", "numpy-9.9-py3-none-any.whl"]
        code = "import numpy, ai_edge_litert.interpreter as i; print(numpy.fake, i.fake, numpy.__file__)"
        ended = session.run([session.python or "", "-c", code], timeout_s=60)
        assert ended.stdout == f"True True {session.folder}/site/numpy/__init__.py\n"
        left = sorted(path.name for path in Path(session.folder).iterdir())
        assert left == [".pid", "site"]
        assert not Path(session.folder, "site/ai_edge_litert/libLiteRtWebGpuAccelerator.so").exists()
    assert list(disk.iterdir()) == []


def test_wheels_that_do_not_work_are_told(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(index, "numpy-9.9", "py3-none-any", {"numpy/__init__.py": "raise ImportError('libatlas is missing')"})
    make_wheel(index, "ai_edge_litert-9.9", "py3-none-any", {})
    monkeypatch.setattr("edge_tagger.benchmarks.devices.provision.PROBE", f"print({MARK + json.dumps(PI5)!r})")
    with (
        FakeDevice().open() as session,
        pytest.raises(DeviceError, match="what was installed does not work: ImportError: libatlas is missing"),
    ):
        provision(session, "pi")


def test_a_device_that_has_both_gets_nothing(index: Path) -> None:
    assert not list(index.iterdir())
    with FakeDevice(python=sys.executable).open() as session:
        assert provision(session, "this machine") == []
        assert session.env == {}


def test_no_python_and_garbage_are_told() -> None:
    with FakeDevice(python=None).open() as session, pytest.raises(DeviceError, match=r"no Python 3\.9 or later to"):
        provision(session, "phone")
    with (
        FakeDevice(answer=lambda *_: Ended(0, "\x00[[", "")).open() as session,
        pytest.raises(DeviceError, match=r"cannot be read: '\\x00\[\["),
    ):
        provision(session, "pi")
