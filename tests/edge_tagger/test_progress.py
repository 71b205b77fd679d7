from __future__ import annotations

import sys

import pytest

from edge_tagger import progress
from edge_tagger.progress import Progress


def test_a_log_gets_plain_lines_with_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with Progress(10, "train", unit="step") as bar:
        for _ in range(10):
            bar.update(1, loss=0.25)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("train: 10/10 step") and lines[-1].endswith("loss=0.25")
    assert len(lines) > 1 and all("/s" in line and "s left" in line and "\r" not in line for line in lines)


def test_before_the_first_step_no_time_left_is_guessed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with Progress(10, "bench", unit="step") as bar:
        bar.update(0, now="a.tflite")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bench: 0/10 step, 0.0/s") and line.endswith("s gone now=a.tflite")


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(10, "train", unit="step") as bar:
        bar.update(10, loss=0.25)
    shown = capsys.readouterr().err
    assert "train: 100%" in shown and "loss=0.25" in shown and "10/10" in shown


def test_a_total_may_come_later_and_what_is_skipped_does_not_count_for_the_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with Progress(None, "tag", unit="photos") as bar:
        bar.skip(90)
        for number in range(10):
            bar.update()
            if number == 4:
                bar.expect(100)
    lines = capsys.readouterr().err.splitlines()
    assert "left" not in lines[0] and lines[0].startswith("tag: 92 photos, 0.")
    assert lines[-1].startswith("tag: 100/100 photos, 0.") and "0 s left" in lines[-1]


def test_a_bar_gets_its_total_later(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(None, "tag", unit="photos") as bar:
        bar.update(1)
        bar.skip(9)
        bar.expect(20)
        bar.update(10)
    shown = capsys.readouterr().err
    assert "tag: 100%" in shown and "20/20" in shown


def test_a_note_without_a_step_is_shown_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(10, "bench", unit="step") as bar:
        bar.update(0, now="a.tflite")
        assert "now=a.tflite" in capsys.readouterr().err
