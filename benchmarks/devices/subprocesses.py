"""Programs on this machine, in a process group of their own, with their lines as they come and a time they may take."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from edge_tagger.benchmarks.devices.session import Ended

MOST_CHARACTERS = 16 * 2**20  # of output; a program that prints more is broken


class TooMuchOutputError(Exception):
    """It printed more than MOST_CHARACTERS and was ended."""


def run_here(
    words: Sequence[str],
    *,
    timeout_s: float,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    on_line: Callable[[str], None] | None = None,
) -> Ended:
    """Run a program to its end; `env` is added to this process's environment.

    A group of its own keeps Ctrl-C in a terminal from ending what is still needed to tidy up. Whatever ends the wait
    (TimeoutError, TooMuchOutputError, what `on_line` raises, KeyboardInterrupt) ends the group first. Raises OSError
    where the program cannot be started.
    """
    process = subprocess.Popen(
        list(words),
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    assert process.stderr is not None
    late = threading.Event()

    def end_late() -> None:
        late.set()
        end_group(process)

    errors: list[str] = []
    timer = threading.Timer(timeout_s, end_late)
    reader = threading.Thread(target=_read_some, args=(process.stderr, errors), daemon=True)
    timer.start()
    reader.start()
    try:
        lines = _lines(process, stdin, on_line)
        code = process.wait()
        reader.join(timeout=5)
    except BaseException:
        end_group(process)
        raise
    finally:
        timer.cancel()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
    if late.is_set():
        raise TimeoutError(f"{words[0]} took longer than {timeout_s:g} s")
    return Ended(code, "".join(lines), "".join(errors))


def end_group(process: subprocess.Popen[str]) -> None:
    """End a process that leads its group, and the group with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone already
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _lines(process: subprocess.Popen[str], stdin: str, on_line: Callable[[str], None] | None) -> list[str]:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(stdin)
        process.stdin.close()
    except BrokenPipeError:  # it ended without reading
        pass
    lines: list[str] = []
    left = MOST_CHARACTERS
    while line := process.stdout.readline(left):
        lines.append(line)
        left -= len(line)
        if left <= 0:
            raise TooMuchOutputError(f"it printed more than {MOST_CHARACTERS >> 20} MB")
        if on_line is not None:
            on_line(line.rstrip("\r\n"))
    return lines


def _read_some(stream: IO[str], into: list[str]) -> None:
    """All of a stream is read, so that its writer never waits; only so much is kept."""
    left = MOST_CHARACTERS
    with stream:
        while chunk := stream.read(4096):
            into.append(chunk[: max(left, 0)])
            left -= len(chunk)
