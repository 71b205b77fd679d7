"""An emulated arm64 device: a Debian userland under qemu's user mode, which is no Raspberry Pi but runs its programs.

Needs root and: apt-get install mmdebstrap qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross
and to serve it over ssh and adb: apt-get install binfmt-support openssh-server openssh-client adb
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from edge_tagger.convert.bundle.pi import REQUIREMENTS

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Device:
    """`home` is what /root inside is outside."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "root"

    def python(self, *words: str) -> str:
        """The stdout of a Python inside, which has our wheel and the packages of the bundle's requirements.txt."""
        command = ["unshare", "-m", "--propagation", "private", HERE / "run_in_device.sh", self.folder, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def need(*programs: str) -> None:
    missing = [name for name in programs if not shutil.which(name)]
    assert not missing, f"no {', '.join(missing)}; install the packages that tests/arm/conftest.py names"


@pytest.fixture(scope="session")
def device(tmp_path_factory: pytest.TempPathFactory, wheel_file: Path) -> Device:
    need("mmdebstrap", "qemu-aarch64-static", "aarch64-linux-gnu-gcc", "unshare")
    assert os.geteuid() == 0, "the device needs root: it mounts its own /proc and changes its root folder"
    folder = tmp_path_factory.mktemp("arm")
    same_litert = f"ai-edge-litert=={version('ai-edge-litert')}"
    (folder / "requirements.txt").write_text(f"{REQUIREMENTS}{same_litert}\n{wheel_file}\n")
    command = [HERE / "build_device.sh", folder / "device", folder / "requirements.txt"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHON": sys.executable}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Device(folder / "device")
