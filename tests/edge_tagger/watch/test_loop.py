"""Answers for frames: smoothed, decoded, counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_tagger.tagger import Tagger
from edge_tagger.watch.frames import Frame
from edge_tagger.watch.loop import answers

YELLOW, BLUE = (255, 255, 0), (0, 0, 255)


@pytest.fixture
def tagger(data: Path) -> Iterator[Tagger]:
    with Tagger(data / "tiny-uint8.tflite") as tagger:
        yield tagger


def frames(*colours: tuple[int, int, int], per_s: float = 10) -> list[Frame]:
    return [
        Frame(np.full((12, 9, 3), colour, np.uint8), number, (number - 1) / per_s, time.monotonic())
        for number, colour in enumerate(colours, 1)
    ]


def test_without_smoothing_an_answer_is_that_of_tag(tagger: Tagger) -> None:
    found = [each.tagged for each in answers(tagger, frames(YELLOW, BLUE), smoothing_s=0, hold_s=0)]
    assert found == [tagger.tag(np.full((12, 9, 3), colour, np.uint8)) for colour in (YELLOW, BLUE)]
    assert found[0] != found[1]


def test_one_odd_frame_changes_nothing(tagger: Tagger) -> None:
    shown = frames(*[YELLOW] * 10, BLUE, *[YELLOW] * 10)
    found = list(answers(tagger, shown))
    assert [each.changed for each in found] == [True] + [False] * 20
    assert all("colour/Warm/Yellow" in each.tagged for each in found)
    flickering = [each.changed for each in answers(tagger, shown, smoothing_s=0, hold_s=0)]
    assert sum(flickering) == 3


def test_a_lasting_change_is_told_once(tagger: Tagger) -> None:
    found = list(answers(tagger, frames(*[YELLOW] * 20, *[BLUE] * 50)))
    assert "colour/Warm/Yellow" in found[0].tagged
    assert "colour/Cool/Blue" in found[-1].tagged
    assert "colour/Warm/Yellow" not in found[-1].tagged
    for each in found:
        assert len({tag.tag.split("/")[1] for tag in each.tagged.path("colour")}) <= 1


def test_rates_and_dropped_frames_are_counted(tagger: Tagger) -> None:
    now_s = 100.0

    def shown() -> Iterator[Frame]:
        nonlocal now_s
        for frame in frames(*[YELLOW] * 60):
            read_s, now_s = now_s, now_s + 0.1
            yield Frame(frame.pixels, frame.number, frame.at_s, read_s, dropped=2)

    found = list(answers(tagger, shown(), clock=lambda: now_s))
    assert found[-1].per_s == pytest.approx(10)
    assert found[-1].latency_ms == pytest.approx(100)
    assert [each.dropped for each in found] == [2 * number for number in range(1, 61)]
