"""The fuzz run in small: some cases of each target, and faults that are planted for it to see."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).with_name("run.py")


def fuzz(out: Path, *words: str | int | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, RUN, "--out", out, *words]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)


def blocks(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()[1:]]


@pytest.mark.parametrize(
    ("target", "cases"), [("photos", 200), ("models", 200), ("graphs", 60), ("manifests", 100), ("labels", 200)]
)
def test_damaged_input_is_accepted_or_told(target: str, cases: int, tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--target", target, "--cases", cases, "--workers", 1, "--seed", 1, "--time-limit", 60)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = [outcome for block in blocks(tmp_path) for outcome in block["outcomes"]]
    assert sum(block["count"] for block in blocks(tmp_path)) == cases
    assert "accepted" in outcomes and any(outcome.endswith("Error") for outcome in outcomes)


def test_every_planted_fault_is_seen_and_comes_again(tmp_path: Path) -> None:
    # Seed 200 plants each of them among the first 34 cases.
    done = fuzz(tmp_path, "--target", "planted", "--cases", 40, "--seed", 200, "--time-limit", 3, "--workers", 1)
    assert done.returncode == 1, done.stderr
    told = {case: problem for block in blocks(tmp_path) for case, problem in block["failures"].items()}
    kept = {case: (tmp_path / f"planted-{case}.case").read_bytes() for case in told}
    for planted, expected in {
        b"crash": "the process ended with SIGSEGV",
        b"hang": "no end after 3 s",
        b"memory": " MiB, over 100",
        b"address space": "MemoryError",
        b"exception": "KeyError where only PhotoError",
        b"other error": "ModelError where only PhotoError",
        b"two lines": "line ends",
        b"long": "a message of 100000 characters",
        b"warning": "RuntimeWarning",
        b"promise": "a broken promise: scores over 1",
    }.items():
        cases = [case for case in told if kept[case] == planted]
        assert cases and all(expected in told[case] for case in cases), (planted, told)
    assert not {b"fine", b"refused"} & set(kept.values())
    one = next(case for case in told if kept[case] == b"exception")
    again = fuzz(tmp_path / "again", "--target", "planted", "--seed", 200, "--case", one)
    assert again.returncode == 1 and "KeyError" in again.stdout
    replayed = fuzz(tmp_path / "again", "--target", "planted", "--replay", tmp_path / f"planted-{one}.case")
    assert replayed.returncode == 1 and "KeyError" in replayed.stdout


def test_memory_that_is_not_given_back_is_seen(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--target", "leaking", "--cases", 150, "--workers", 1)
    assert done.returncode == 1 and "MiB were not given back" in done.stdout


def test_a_run_goes_on_where_it_was_and_another_is_refused(tmp_path: Path) -> None:
    assert fuzz(tmp_path, "--target", "labels", "--cases", 200, "--workers", 1).returncode == 0
    first = blocks(tmp_path)
    assert fuzz(tmp_path, "--target", "labels", "--cases", 400, "--workers", 1).returncode == 0
    assert blocks(tmp_path)[: len(first)] == first and [block["first"] for block in blocks(tmp_path)] == [0, 200]
    other = fuzz(tmp_path, "--target", "labels", "--cases", 200, "--seed", 5)
    assert other.returncode == 1 and "another seed" in other.stderr
