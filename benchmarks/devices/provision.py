"""A runtime for a device that has Python and none: wheels chosen and fetched here, unpacked in the session's folder.

Nothing else there is touched, and the device needs neither pip nor a way to the Internet.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks.devices.session import Ended, Session
from edge_tagger.errors import DeviceError
from edge_tagger.reading import checked_json

SITE = "site"
DOWNLOAD_S = 600.0
UNPACK_S = 600.0  # 50 MB on a slow card
MARK = "@edge-tagger "
PROBE = f"""
import importlib.util, json, os, platform, struct, sys
try:
    import numpy
    numpy = numpy.__version__
except Exception:
    numpy = None
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
except Exception:
    libc = None
runtimes = [name for name in ("ai_edge_litert", "tflite_runtime", "tensorflow") if importlib.util.find_spec(name)]
print({MARK!r} + json.dumps(dict(
    python=list(sys.version_info[:2]), implementation=sys.implementation.name, abiflags=sys.abiflags, libc=libc,
    system=platform.system(), machine=platform.machine(), bits=8 * struct.calcsize("P"),
    path=os.environ.get("PYTHONPATH", ""), numpy=numpy, runtime=runtimes[0] if runtimes else None)))
"""
# The WebGPU accelerator is made for ARMv8.1: loading it stops a Cortex-A72 (Raspberry Pi 4), and a benchmark of the CPU
# does without.
UNPACK = f"""
import os, sys, zipfile
for name in sys.argv[1:]:
    zipfile.ZipFile(name).extractall({SITE!r})
    os.remove(name)
extra = {SITE!r} + "/ai_edge_litert/libLiteRtWebGpuAccelerator.so"
if os.path.exists(extra):
    os.remove(extra)
"""


@dataclass(frozen=True)
class Target:
    """What a device's Python says of itself. `runtime` and `numpy` are what it can import already, `path` its
    PYTHONPATH."""

    python: tuple[int, int]
    machine: str
    glibc: tuple[int, int]
    runtime: str | None
    numpy: str | None
    path: str

    @property
    def distribution(self) -> str:
        """ai-edge-litert has wheels for Python 3.10 or later on 64-bit systems, tflite-runtime for the others."""
        return "ai-edge-litert" if self.python >= (3, 10) and self.machine != "armv7l" else "tflite-runtime"

    @property
    def requirements(self) -> tuple[str, ...]:
        """Empty where the device lacks nothing. With a numpy of its own, 32-bit ARM gets the runtime alone: PyPI has no
        numpy for it."""
        if self.runtime and self.numpy:
            return ()
        if self.distribution == "ai-edge-litert":
            return ("ai-edge-litert>=1.2", "numpy>=1.24")
        fits = self.numpy is not None and int(self.numpy.split(".")[0]) < 2
        return ("tflite-runtime>=2.11",) if fits else ("tflite-runtime>=2.11", "numpy<2")

    @property
    def platforms(self) -> tuple[str, ...]:
        """Tags of PEP 600, the newest first, then those that older wheels and piwheels have."""
        newest = self.glibc[1] if self.glibc[0] == 2 else 0
        tags = [f"manylinux_2_{minor}_{self.machine}" for minor in range(newest, 16, -1)]
        return (*tags, f"manylinux2014_{self.machine}", f"linux_{self.machine}")

    def __str__(self) -> str:
        return f"Python {self.python[0]}.{self.python[1]} on {self.machine} with glibc {self.glibc[0]}.{self.glibc[1]}"


def provision(session: Session, name: str) -> list[str]:
    """Put a TFLite runtime and numpy into the session's folder; `name` is the device's in errors.

    Returns the wheels that were put there: none where the device has both. Raises DeviceError where there are none for
    it, they cannot be fetched here, or they do not work there.
    """
    target = probe(session, name)
    if not target.requirements:
        return []
    python = session.python or ""
    with tempfile.TemporaryDirectory(prefix="edge-tagger-") as folder:
        wheels = download(target, Path(folder), name)
        for number, wheel in enumerate(wheels):
            session.push(wheel, f"wheel{number}.whl")
    there = [f"wheel{number}.whl" for number in range(len(wheels))]
    _must(session, [python, "-c", UNPACK, *there], f"{name}: the wheels could not be unpacked")
    session.env["PYTHONPATH"] = ":".join(filter(None, (f"{session.folder}/{SITE}", target.path)))
    module = target.distribution.replace("-", "_")
    compiled = "import sys; sys.dont_write_bytecode = False"  # once, in the session's folder
    check = f"{compiled}; import numpy, {module}.interpreter"
    _must(session, [python, "-c", check], f"{name}: what was installed does not work")
    return [wheel.name for wheel in wheels]


def probe(session: Session, name: str) -> Target:
    """What the session's Python is. Raises DeviceError where there is none, or no wheels are made for its system."""
    if session.python is None:
        raise DeviceError(f"{name} has no Python 3.9 or later to provision; install one, or name it in devices.toml")
    printed = _must(session, [session.python, "-c", PROBE], f"{name}: its Python cannot be asked").stdout
    found = re.search(rf"^{re.escape(MARK)}(.*)$", printed, re.MULTILINE)
    try:
        said = checked_json((found[1] if found else "").encode())
        return read_target(said, name)
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"{name}: its Python gave an answer that cannot be read: {printed[:80]!r}") from error


def read_target(said: Mapping[str, Any], name: str) -> Target:
    libc = re.fullmatch(r"glibc (\d+)\.(\d+)", str(said["libc"]))
    machine = str(said["machine"])
    if said["bits"] == 32 and machine in ("aarch64", "armv8l"):  # a 64-bit kernel under a 32-bit system
        machine = "armv7l"
    runs = f"{said['implementation']}{said['abiflags']} on {said['system']} {machine}"
    if said["implementation"] != "cpython" or said["abiflags"] or said["system"] != "Linux" or libc is None:
        raise DeviceError(
            f"{name}: there are no LiteRT wheels for {runs} with {said['libc'] or 'no glibc'}; they are made for "
            "CPython on Linux with glibc"
        )
    if machine not in ("aarch64", "x86_64", "armv7l"):
        raise DeviceError(f"{name}: there are no LiteRT wheels for {machine}, but for aarch64, x86_64 and armv7l")
    major, minor = said["python"]
    return Target(
        python=(major, minor),
        machine=machine,
        glibc=(int(libc[1]), int(libc[2])),
        runtime=said["runtime"],
        numpy=said["numpy"],
        path=str(said["path"]),
    )


def download(target: Target, folder: Path, name: str) -> list[Path]:
    """Fetch the wheels by this machine's pip, as it is set up. Raises DeviceError."""
    command = [sys.executable, "-m", "pip", "download", *pip_words(target), "--dest", str(folder)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=DOWNLOAD_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _no_wheels(target, name, f"pip took longer than {DOWNLOAD_S:g} s") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module named pip" in line]
        raise _no_wheels(target, name, said[-1] if said else f"pip ended with {done.returncode}")
    return sorted(folder.glob("*.whl"))


def pip_words(target: Target) -> list[str]:
    platforms = [word for tag in target.platforms for word in ("--platform", tag)]
    version = f"{target.python[0]}.{target.python[1]}"
    alone = ["--no-deps"] if target.distribution == "tflite-runtime" else []  # it names numpy, without the bound
    quiet = ["--quiet", "--disable-pip-version-check"]
    kind = ["--only-binary=:all:", "--implementation", "cp", "--python-version", version]
    return [*quiet, *kind, *platforms, *alone, *target.requirements]


def _no_wheels(target: Target, name: str, why: str) -> DeviceError:
    packages = " ".join(f"'{requirement}'" for requirement in target.requirements)
    return DeviceError(
        f"{name}: no wheels for {target} could be fetched here ({why.strip()}); by hand, there: "
        f"python3 -m pip install {packages}, and without --provision"
    )


def _must(session: Session, words: Sequence[str], wrong: str) -> Ended:
    ended = session.run(words, timeout_s=UNPACK_S)
    if ended.code:
        said = (ended.stderr.strip() or f"code {ended.code}").splitlines()[-1]
        raise DeviceError(f"{wrong}: {said}")
    return ended
