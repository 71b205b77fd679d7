"""What the table of steadiness counts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.tagger import Tagger
from edge_tagger.watch.measure import PER_S, SHOWN_S, changes_s, figures, hand_held, main


def test_frames_of_a_hand_held_camera_differ_and_show_the_photo() -> None:
    photo = np.full((60, 40, 3), 120, np.uint8)
    photo[20:40, 10:30] = (200, 30, 30)
    frames = list(hand_held(photo, np.random.default_rng(0)))
    assert len(frames) == SHOWN_S * PER_S
    assert all((one != other).any() for one, other in pairwise(frames))
    np.testing.assert_allclose(np.mean(frames, axis=0)[30, 20], (200, 30, 30), atol=6)


def test_changes_are_those_that_are_told(data: Path) -> None:
    with Tagger(data / "tiny-uint8.tflite") as tagger:
        yellow, blue = (tagger.scores(np.full((9, 9, 3), colour, np.uint8)) for colour in ((255, 255, 0), (0, 0, 255)))
        flicker = [yellow, blue] * 15
        assert len(changes_s(tagger, flicker, 0, 0)) == 29
        assert changes_s(tagger, flicker, 0, 0.5) == []
        assert changes_s(tagger, [yellow] * 30 + [blue] * 30, 0, 0) == [2.0]


def test_late_changes_are_flicker_and_early_ones_follow() -> None:
    told_s = [0.5, 6.2, 6.9, 10.0, 13.1, 17.0]
    assert figures(told_s, 3) == (pytest.approx(60 * 2 / 9), pytest.approx(1.0))
    assert figures([], 3) == (0, 0)


def test_a_source_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(tmp_path / "none.csv")])
    assert done.exit_code == 1
    assert "does not exist" in done.output
