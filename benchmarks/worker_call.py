"""The worker on a device: a request goes there, a document comes back."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks import worker
from edge_tagger.benchmarks.devices.benchmark_binary import WHERE
from edge_tagger.benchmarks.devices.session import Session
from edge_tagger.benchmarks.model_file import ModelFile
from edge_tagger.errors import DeviceError, ModelError
from edge_tagger.reading import read_json
from edge_tagger.runtimes import compiled_for

# A worker that hangs is ended after this; the slowest of plans takes minutes, on an emulated device less than an hour.
TIMEOUT_S = 3600.0
WORKER = Path(worker.__file__)
_REQUEST = "request.json"
_PROGRESS = re.compile(r"\d{1,9} (runs|of \d{1,9} photos)")  # what the worker prints every second


class WorkerFailedError(DeviceError):
    """The worker ended without a document for one model; the device itself still answers."""


class UnavailableError(DeviceError):
    """The device lacks what this one question needs."""


class WorkerCall:
    """Calls workers in a session of the device called `device`; files on the way lie in `folder`, on this machine.

    `request` has what every request has in common: "backend" and "delegate". `on_line` is told how far a worker is.
    """

    def __init__(
        self,
        device: str,
        session: Session,
        folder: Path,
        request: dict[str, Any],
        *,
        on_line: Callable[[str], object] | None = None,
    ) -> None:
        if session.python is None:
            raise DeviceError(
                f"{device} has no Python 3.9 or later; give LiteRT's benchmark_model for it with --benchmark-binary: "
                f"{WHERE}"
            )
        self.device, self._session, self._folder, self._common = device, session, folder, request
        self._on_line = on_line
        self._python, self._calls = session.python, 0

    def push(self, source: Path, name: str | None = None) -> str:
        """Its name on the device."""
        self._session.push(source, name or source.name)
        return name or source.name

    def pull(self, name: str) -> Path:
        """Its place on this machine."""
        self._session.pull(name, self._folder / name)
        return self._folder / name

    def ask(
        self,
        model: ModelFile,
        mode: str,
        threads: int,
        *,
        script: Path = WORKER,
        **fields: Any,
    ) -> dict[str, Any]:
        """The document. Raises ModelError where the model cannot run there, WorkerFailedError where the worker broke
        down, UnavailableError for what the device lacks, DeviceError for the device or the way to it."""
        request = {**self._common, "mode": mode, "model": model.remote_name, "threads": threads, **fields}
        path = self._folder / _REQUEST
        path.write_text(json.dumps(request), encoding="utf-8")
        for source in {WORKER, script}:
            self._session.push(source, source.name)
        self._session.push(model.path, model.remote_name)
        self._session.push(path, _REQUEST)
        self._calls += 1
        name = f"document-{self._calls}.json"  # of its own, so that an older one is never read
        words = [self._python, script.name, _REQUEST, name]
        ended = self._session.run(words, timeout_s=TIMEOUT_S, on_line=self._progress)
        if ended.code not in (0, 1) or (ended.code and "Traceback" in ended.stderr):
            last = ended.stderr.strip().rpartition("\n")[2] or "it said nothing"
            raise WorkerFailedError(
                f"{model.path} on {self.device}: the worker gave no result ({_ending(ended.code)}): {last}"
            )
        return self._document(model, self.pull(name))

    def _progress(self, line: str) -> None:
        if self._on_line is not None and _PROGRESS.fullmatch(line):
            self._on_line(line)

    def _document(self, model: ModelFile, path: Path) -> dict[str, Any]:
        try:
            document = read_json(path)
            if not isinstance(document, dict):
                raise ValueError("it is no object")
            error = document.get("error")
            kind, message = ("", "") if error is None else (error["kind"], error["message"])
        except (OSError, ValueError, TypeError, KeyError) as broken:
            raise DeviceError(
                f"{self.device} gave a document that cannot be read ({broken}); run again, with --resume to keep the "
                "rest"
            ) from broken
        if kind == "model" and (needs := compiled_for(message)):
            raise ModelError(f"{model.path} {needs}")
        if kind == "model":
            raise ModelError(
                f"{model.path} cannot be measured on {self.device} ({message}); it is cut off, damaged, or needs "
                "operators that the runtime lacks; copy or convert it again"
            )
        if kind == "runtime":
            raise DeviceError(
                f"{self.device}: {message}; --provision installs ai-edge-litert into the bench's own folder there"
            )
        if kind == "unavailable":
            raise UnavailableError(message)
        if kind:
            raise DeviceError(f"{self.device}: {message}")
        return document


@contextmanager
def reading(device: str) -> Iterator[None]:
    """Around what takes a document apart: DeviceError where the worker of another version wrote it."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"{device} gave a document that cannot be read ({error!r}); run again") from error


def _ending(code: int) -> str:
    """An exit code in words; a shell gives 128 plus the number of the signal."""
    number = -code if code < 0 else code - 128
    if number <= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"exit code {code}"
    return f"ended by {name}, out of memory?" if name == "SIGKILL" else f"ended by {name}"
