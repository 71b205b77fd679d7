"""A script of scripts/ in a fresh Python: what it prints, when it does, and how much memory it took."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from edge_tagger.errors import DeviceError

SCRIPTS = Path(__file__).resolve().parent / "scripts"


# pip compiles what it installs. In a checkout only Python does, and not where this variable forbids it: its own start
# would then be measured with the compiler, and that of numpy without.
_COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Process:
    """Runs `python scripts/NAME.py ARGUMENT...` until the `with` block ends.

    From the second time on with compiled modules, as pip leaves them: leave a first one out of a figure.
    """

    def __init__(self, name: str, *arguments: object, python: str = sys.executable) -> None:
        self._stderr = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed by __exit__
        command = [python, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
        self._name = name
        self._started_s = time.monotonic()
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, text=True, env=_COMPILED
            )
            self.pid = self._process.pid
        except OSError as error:
            self._stderr.close()
            raise DeviceError(f"cannot start {python}: {error.strerror}; name a Python that runs") from error

    def wait(self) -> tuple[float, str]:
        """Seconds since it started or was last told to go on, and the line that it then printed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        elapsed_s = time.monotonic() - self._started_s
        if not line:
            self._process.wait()
            self._stderr.seek(0)
            last = self._stderr.read().strip().rpartition("\n")[2]
            raise DeviceError(
                f"{self._name}.py ended with exit code {self._process.returncode}: {last or 'no message'}"
            )
        return elapsed_s, line.strip()

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._started_s = time.monotonic()
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def peak_memory_bytes(self) -> int:
        """The largest resident memory so far (VmHWM). Raises DeviceError where the system has no /proc."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
            return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
        except (OSError, StopIteration) as error:
            raise DeviceError("this system does not tell the peak memory of a process; measure on Linux") from error

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # it waits for a line; how it ends is not measured
        self._process.communicate()
        self._stderr.close()
