"""Each scenario once, with a tiny model and few rounds: that it measures, not how fast."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.benchmarks.library.__main__ import SCENARIOS, command
from edge_tagger.benchmarks.library.photos import draw_large, draw_photos
from edge_tagger.benchmarks.library.report import as_json, busy_cores, machine, markdown
from edge_tagger.benchmarks.library.result import Goal, Result, Section
from edge_tagger.benchmarks.library.setting import Often, Setting

DATA = Path(__file__).resolve().parents[2] / "data"
TINY = DATA / "tiny-uint8.tflite"


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(
        folder=tmp_path,
        model=TINY,
        photos=draw_photos(tmp_path, 3, size=32),
        threads=1,
        often=Often(rounds=2, photos=5, endless=9),
        runtime="ai_edge_litert.interpreter",
        large_size=(160, 120),
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_measures(setting: Setting, name: str) -> None:
    section = SCENARIOS[name](setting)
    measured = [result for result in section.results if not result.missing]
    assert measured
    for result in section.results:
        if "MediaPipe" in result.against:
            assert result.missing.startswith("no MediaPipe: `pip install mediapipe`")
        else:
            assert len(result.ours) == (1 if name == "memory" else 2)
            assert all(sample > 0 for sample in (*result.ours, *result.others))
    if name == "import":
        assert section.notes == ("`import edge_tagger` loads of numpy, OpenCV and LiteRT: none.",)


def test_the_command_prints_a_table_and_keeps_samples(tmp_path: Path) -> None:
    path = tmp_path / "library.json"
    arguments = [
        "--only",
        "array",
        "--only",
        "first",
        "--model",
        TINY,
        "--rounds",
        "2",
        "--photos",
        "2",
        "--json",
        path,
    ]
    done = CliRunner().invoke(command, [*map(str, arguments), "--mediapipe", sys.executable])
    assert done.exit_code == 0, done.output
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1 and len(rows) == 2 + 5
    document = json.loads(path.read_text())
    array, first = document["results"][:2]
    assert (array["goal"], array["unit"], len(array["ours"])) == ({"kind": "at most", "limit": 1.03}, "ms", 2)
    assert first["met"] in (True, False) and first["ratio"] > 0
    refused = [result["missing"] for result in document["results"] if result["against"] == "MediaPipe Tasks"]
    assert len(refused) == 2 and all("No module named 'mediapipe'" in reason for reason in refused)
    assert {"cpu", "cores", "opencv", "load_average", "busy_cores"} <= set(document["machine"])


def test_wrong_options_are_told_before_anything_is_measured() -> None:
    done = CliRunner().invoke(command, ["--photos", "5", "--endless", "5"])
    assert done.exit_code == 2 and "--endless: give more than --photos" in done.output
    with pytest.raises(ValueError, match="rounds is 0"):
        Often(rounds=0)


def test_the_table_tells_met_from_missed(setting: Setting) -> None:
    goal = Goal("at most", 1.03)
    results = (
        Result("tag", "bare", goal, "ms", (10.2, 10.4, 10.3), (10, 10, 10)),
        Result("tag", "slow", goal, "ms", (21.0,), (20.0,)),
        Result("tag", "absent", goal, "ms", missing="not there"),
    )
    sections = [Section(results, ("A note.",))]
    text = markdown(machine(), setting, sections)
    assert "| tag | bare | ≤ 1.03 x | 1.03 (1.02..1.04) | 10.3 ms | 10 ms | met |" in text
    assert "| tag | slow | ≤ 1.03 x | 1.05 | 21 ms | 20 ms | missed |" in text
    assert "| tag | absent | ≤ 1.03 x | not there | - | - | not measured |" in text
    assert text.endswith("\nA note.")
    assert [result["met"] for result in as_json(machine(), setting, sections)["results"]] == [True, False, None]


def test_what_keeps_a_core_busy_is_seen(start: Callable[..., object]) -> None:
    start([sys.executable, "-c", "while True: pass"])
    seen = busy_cores(over_s=0.5)
    assert seen is not None and seen > 0.3


def test_drawn_photos_are_what_they_are_called(tmp_path: Path) -> None:
    first, again = draw_photos(tmp_path, 2), [path.read_bytes() for path in draw_photos(tmp_path, 2)]
    assert [path.read_bytes() for path in first] == again and again[0] != again[1]
    baseline = draw_large(tmp_path / "baseline.jpg", progressive=False, size=(320, 240)).read_bytes()
    progressive = draw_large(tmp_path / "progressive.jpg", progressive=True, size=(320, 240)).read_bytes()
    assert b"\xff\xc0" in baseline and b"\xff\xc2" not in baseline.partition(b"\xff\xda")[0]  # SOF0, no SOF2
    assert b"\xff\xc2" in progressive.partition(b"\xff\xda")[0]
    decode: Callable[[bytes], np.ndarray] = lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)  # noqa: E731
    assert np.array_equal(decode(baseline), decode(progressive)) and decode(baseline).shape == (240, 320, 3)
