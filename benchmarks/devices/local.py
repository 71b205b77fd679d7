"""This machine: the worker in a process of its own, so that memory and start are those of the model alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from edge_tagger.benchmarks.devices.session import Ended, plain_name, sha256_of
from edge_tagger.benchmarks.devices.subprocesses import TooMuchOutputError, run_here
from edge_tagger.errors import DeviceError
from edge_tagger.files import whole_file


class LocalSession:
    """A temporary folder and this Python."""

    def __init__(self, *, python: str, env: Mapping[str, str] | None = None) -> None:
        try:
            self.folder = tempfile.mkdtemp(prefix="edge-tagger-")
        except OSError as error:
            raise DeviceError(
                f"local: no temporary folder can be made ({error}); set TMPDIR to one with room"
            ) from error
        self.python: str | None = python
        self.env = dict(env or {})

    def run(self, words: Sequence[str], *, timeout_s: float, on_line: Callable[[str], None] | None = None) -> Ended:
        folder = Path(self.folder)
        if not folder.is_dir():
            raise DeviceError(f"local: the folder {folder} is gone; something removed it while it was in use")
        try:
            return run_here(words, timeout_s=timeout_s, folder=folder, env=self.env, on_line=on_line)
        except (TimeoutError, TooMuchOutputError) as error:
            raise DeviceError(f"local: {error}") from error
        except OSError as error:
            return Ended(127 if isinstance(error, FileNotFoundError) else 126, "", f"{words[0]}: {error.strerror}")

    def push(self, source: Path, name: str) -> None:
        target = Path(self.folder, plain_name(name))
        try:
            digest = sha256_of(source)
            if target.is_file() and sha256_of(target) == digest:
                return
            shutil.copyfile(source, target)
            target.chmod(0o700)
            if sha256_of(target) != digest:
                raise DeviceError(f"local: {source} changed while it was copied; let it rest and run again")
        except OSError as error:
            raise DeviceError(f"local: cannot copy {source} to {target} ({error.strerror}); make room there") from error

    def pull(self, name: str, target: Path) -> None:
        source = Path(self.folder, plain_name(name))
        if not source.is_file():
            raise DeviceError(f"local: there is no {name} in {self.folder}; what should have written it failed")
        with whole_file(target) as beside:
            shutil.copyfile(source, beside)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if Path(self.folder).exists():
            warnings.warn(f"local: {self.folder} could not be removed; remove it by hand", stacklevel=2)

    def __enter__(self) -> LocalSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LocalDevice:
    """`python` is the command of the Python that measures: this one, unless told otherwise."""

    def __init__(
        self,
        *,
        name: str = "local",
        python: str | None = None,
        emulated: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.emulated = name, emulated
        self._python, self._env = python or sys.executable, env

    def open(self) -> LocalSession:
        return LocalSession(python=self._python, env=self._env)
