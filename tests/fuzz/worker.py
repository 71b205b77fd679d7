"""Runs cases in a process of its own, which may crash, hang or run out of memory without harm to anything else.

Reads a line of JSON for each block of cases, {"first": 0, "count": 200} or {"file": "case"}, and answers with one for
each case. Before it, the case's number and bytes go to the file --state, for whoever finds this process gone. The bytes
of a case that fails are written beside that file, as TARGET-NUMBER.case.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from mutations import generator
from target import Target, load_target
from verdict import problem_of_error, problem_of_warnings

STATE_HEADER_BYTES = 8  # the number of the case, -1 between cases
NO_CASE = -1
_MIB = 2**20
_ADDRESS_SPACE_BYTES = 4 * 2**30  # above what is taken at the start: allocations beyond it fail at once
_LEAK_BYTES = 96 * _MIB  # what a process may grow by after these first cases, which fill caches, however many follow
_SETTLING_CASES = 20


class Worker:
    def __init__(self, name: str, *, seed: int, time_limit_s: float, data: Path | None, state: Path) -> None:
        self.name, self.seed, self.time_limit_s = name, seed, time_limit_s
        self.target: Target = load_target(name)
        self.seeds = self.target.seeds(data)
        self.out, self.state = state.parent, os.open(state, os.O_RDWR | os.O_CREAT)
        self.cases, self.settled_bytes = 0, 0

    def case(self, number: int) -> bytes:
        return self.target.mutate(generator(self.seed, self.name, number), self.seeds)

    def run(self, number: int, case: bytes) -> dict[str, Any]:
        os.ftruncate(self.state, 0)
        os.pwrite(self.state, number.to_bytes(STATE_HEADER_BYTES, "little", signed=True) + case, 0)
        os.ftruncate(sys.stderr.fileno(), 0)  # what a crash leaves there is of this case alone
        before_bytes = _resident_bytes("VmRSS")
        _reset_peak()
        # It ends the process without waiting for the interpreter's lock, which native code may hold.
        faulthandler.dump_traceback_later(self.time_limit_s, exit=True)
        started = time.perf_counter()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            outcome, problem = self.outcome(case)
        spent_s = time.perf_counter() - started
        faulthandler.cancel_dump_traceback_later()
        grown_bytes = _resident_bytes("VmHWM") - before_bytes
        os.pwrite(self.state, NO_CASE.to_bytes(STATE_HEADER_BYTES, "little", signed=True), 0)
        problem = problem or problem_of_warnings(told) or self.taken(grown_bytes, len(case))
        if problem is not None:
            (self.out / f"{self.name}-{number}.case").write_bytes(case)
        return {
            "case": number, "outcome": "failed" if problem else outcome, "problem": problem, "spent_s": spent_s,
            "grown_bytes": grown_bytes,
        }  # fmt: skip

    def outcome(self, case: bytes) -> tuple[str, str | None]:
        try:
            self.target.run(case)
        except Exception as error:
            problem = problem_of_error(error, self.target.error)
            if problem is not None:
                where = traceback.extract_tb(error.__traceback__)[-1]
                problem += f" ({Path(where.filename).name}:{where.lineno})"
            return type(error).__name__, problem
        return "accepted", None

    def taken(self, grown_bytes: int, case_bytes: int) -> str | None:
        """Whether a case took too much memory, or the process, which still holds it, has lost some over many cases."""
        if grown_bytes > self.target.memory_bytes:
            return f"it took {grown_bytes // _MIB} MiB, over {self.target.memory_bytes // _MIB}"
        self.cases += 1
        if self.cases <= _SETTLING_CASES:
            self.settled_bytes = max(self.settled_bytes, _resident_bytes("VmRSS"))
            return None
        lost_bytes = _resident_bytes("VmRSS") - case_bytes - self.settled_bytes
        if lost_bytes <= _LEAK_BYTES:
            return None
        self.settled_bytes += lost_bytes
        return f"{lost_bytes // _MIB} MiB were not given back in the last {self.cases} cases"


def _resident_bytes(field: str) -> int:
    """VmRSS, what the process holds, or VmHWM, the most that it held since _reset_peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets the peak resident set size


def _limit_address_space() -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + _ADDRESS_SPACE_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--time-limit", type=float, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--state", type=Path, required=True)
    asked = parser.parse_args()
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which lets the block end
    worker = Worker(asked.target, seed=asked.seed, time_limit_s=asked.time_limit, data=asked.data, state=asked.state)
    _limit_address_space()
    for line in sys.stdin:
        block = json.loads(line)
        if "file" in block:
            print(json.dumps(worker.run(0, Path(block["file"]).read_bytes())), flush=True)
            continue
        for number in range(block["first"], block["first"] + block["count"]):
            print(json.dumps(worker.run(number, worker.case(number))), flush=True)


if __name__ == "__main__":
    main()
