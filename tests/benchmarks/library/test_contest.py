"""The harness itself: turns, ratios, fresh processes. No figure is judged here."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge_tagger.benchmarks.library import process
from edge_tagger.benchmarks.library.in_turn import block_ms, in_turn
from edge_tagger.benchmarks.library.process import Process
from edge_tagger.benchmarks.library.result import Goal, Result
from edge_tagger.errors import DeviceError


def test_contenders_take_turns_and_the_order_turns_round() -> None:
    calls: list[str] = []

    def contender(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    samples = in_turn([lambda: contender("a"), lambda: contender("b")], rounds=3)
    assert "".join(calls) == "ba" "ab" "ba" "ab"  # fmt: skip
    assert samples == [[3, 6, 7], [4, 5, 8]]  # the first round is not counted


def test_a_block_is_the_median_of_its_calls_after_two() -> None:
    pauses_s = iter([0.05, 0.05, 0.001, 0.02, 0.001])
    sample_ms = block_ms(lambda: time.sleep(next(pauses_s)), calls=3)()
    assert 1 <= sample_ms < 20


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that slows down to a third halfway changes no ratio."""
    slower = Result("what", "other", Goal("at most", 1.1), "ms", (11, 33, 33), (10, 30, 30))
    assert slower.ratio == pytest.approx(1.1) and slower.ratio_quartiles == pytest.approx((1.1, 1.1))
    faster = Result("what", "other", Goal("at least", 1.9), "s", (1, 3, 1), (2, 6, 1.8))
    assert faster.ratio == 2 and faster.met and str(faster.goal) == "≥ 1.9 x"


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("at most", 2), True),
        (Goal("at most", 1.9), False),
        (Goal("at least", 0.5), True),
        (Goal("at least", 0.6), False),
    ],
)
def test_a_goal_is_met_at_its_limit(goal: Goal, met: bool) -> None:
    assert Result("what", "other", goal, "ms", (2.0,), (1.0,)).met is met


def test_a_result_has_samples_or_a_reason() -> None:
    goal = Goal("at most", 1)
    assert Result("what", "other", goal, "ms", missing="not installed").met is None
    for wrong in ({}, {"ours": (1.0,)}, {"ours": (1.0,), "others": (1.0,), "missing": "why"}):
        with pytest.raises(ValueError, match="what"):
            Result("what", "other", goal, "ms", **wrong)  # type: ignore[arg-type]


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(process, "SCRIPTS", tmp_path)
    return tmp_path


def test_a_process_is_timed_from_its_start_and_from_each_go(scripts: Path) -> None:
    (scripts / "steps.py").write_text(
        "import sys, time\nprint('first', sys.argv[1], flush=True)\ninput()\nhoard = bytearray(64 * 2**20)\n"
        "time.sleep(0.2)\nprint('second', flush=True)\ninput()\n"
    )
    with Process("steps", 7) as running:
        first_s, line = running.wait()
        before = running.peak_memory_bytes()
        assert first_s > 0 and line == "first 7"
        time.sleep(0.3)  # belongs to nobody
        running.go_on()
        second_s, line = running.wait()
        assert line == "second" and second_s >= 0.2
        assert running.peak_memory_bytes() - before >= 60 * 2**20
        pid = running.pid
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_breaks_down_is_one_line(scripts: Path) -> None:
    (scripts / "broken.py").write_text(
        "import sys\nprint('noise' * 100_000, file=sys.stderr)\nraise OSError('no luck')\n"
    )
    with (
        Process("broken") as running,
        pytest.raises(DeviceError, match=r"^broken\.py .*exit code 1.*OSError: no luck$"),
    ):
        running.wait()


def test_a_python_that_is_none() -> None:
    with pytest.raises(DeviceError, match=r"cannot start /nope/python.*No such file"):
        Process("import_time", python="/nope/python")
