"""The side of the parent: a worker that is started again when it is gone, and what it was gone from."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker import NO_CASE, STATE_HEADER_BYTES

HERE = Path(__file__).resolve().parent
_LOG_LINES = 12


@dataclass(frozen=True)
class Options:
    seed: int
    time_limit_s: float
    data: Path | None
    out: Path


class Process:
    """A worker of one target. Use as a context manager."""

    def __init__(self, target: str, number: int, options: Options) -> None:
        self.target, self.options = target, options
        self.state = options.out / f"worker-{number}.state"
        self.log = options.out / f"worker-{number}.log"
        self._process: subprocess.Popen[str] | None = None

    def block(self, first: int, count: int) -> list[dict[str, Any]]:
        """The worker's answer for each of these cases; the bytes of those that failed stand in the folder `out`."""
        answers: list[dict[str, Any]] = []
        while len(answers) < count:
            self._ask({"first": first + len(answers), "count": count - len(answers)})
            while len(answers) < count:
                answers.append(self._answer())
                if self._process is None:
                    break  # and ask a new one for the rest
        return answers

    def file(self, path: Path) -> dict[str, Any]:
        """The worker's answer for the bytes of a file."""
        self._ask({"file": str(path)})
        return self._answer()

    def _ask(self, block: dict[str, Any]) -> None:
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps(block) + "\n")
        process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        """Of the next case; where it ended the worker, ours."""
        assert self._process is not None and self._process.stdout is not None
        if line := self._process.stdout.readline():
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = self._process.wait()
        self._process = None
        held = self.state.read_bytes()
        number = int.from_bytes(held[:STATE_HEADER_BYTES], "little", signed=True)
        if number == NO_CASE:
            raise RuntimeError(f"the worker of {self.target} ended outside a case: {self._said()}")
        (self.options.out / f"{self.target}-{number}.case").write_bytes(held[STATE_HEADER_BYTES:])
        return {
            "case": number, "outcome": "failed", "problem": self._how_it_ended(code), "spent_s": 0.0, "grown_bytes": 0,
        }  # fmt: skip

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "worker.py"), self.target, "--seed", str(self.options.seed)]
        command += ["--time-limit", str(self.options.time_limit_s), "--state", str(self.state)]
        if self.options.data is not None:
            command += ["--data", str(self.options.data)]
        self.state.write_bytes(NO_CASE.to_bytes(STATE_HEADER_BYTES, "little", signed=True))
        with self.log.open("ab") as log:  # appending: the worker empties it before each case
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=HERE
            )
        return self._process

    def _how_it_ended(self, code: int) -> str:
        said = self._said()
        if re.search(r"^Timeout \(", said, re.MULTILINE):
            return f"no end after {self.options.time_limit_s:g} s: {said}"
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process ended with {name}: {said}"

    def _said(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " | ".join(line.strip() for line in lines[-_LOG_LINES:])

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()  # it ends after its block
            self._process.wait()
            self._process = None
