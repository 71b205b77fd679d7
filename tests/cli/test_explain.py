from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main

PATCH = (230, 20, 20)


def explain(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, words)])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Blue, with a red patch on the left."""
    pixels = np.full((60, 80, 3), (60, 40, 200), np.uint8)
    pixels[15:45, 10:40] = PATCH
    path = tmp_path / "photo.png"
    assert cv2.imwrite(str(path), pixels[..., ::-1])
    return path


@pytest.fixture
def model(data: Path) -> Path:
    return data / "tiny-uint8.tflite"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_the_place_that_speaks_for_a_tag_is_coloured(photo: Path, model: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"heat{suffix}"
    done = explain(photo, "--model", model, "--tag", "red", "--tag", "colour/Cool/Blue", "--out", out)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines] == ["colour/Warm/Red", "colour/Cool/Blue"]
    picture = cv2.imread(str(out))
    assert picture is not None
    width = picture.shape[1] // 2
    for_red, for_blue = picture[170, 150].astype(int), picture[170, width + 150].astype(int)  # on the patch
    assert np.abs(for_blue - PATCH[::-1]).max() < 12  # nothing there speaks for blue
    assert np.abs(for_red - PATCH[::-1]).max() > 12


def test_without_tags_those_of_the_photo_are_explained(photo: Path, model: Path, tmp_path: Path) -> None:
    """Those that have none below them; of a photo without any, the best of each facet."""
    yellow = tmp_path / "yellow.png"
    assert cv2.imwrite(str(yellow), np.full((20, 20, 3), (0, 250, 250), np.uint8))
    done = explain(yellow, "--model", model, "--out", tmp_path / "heat.png")
    assert [line.split()[2] for line in done.stdout.splitlines()] == ["colour/Warm/Yellow", "light/bright"], done.output
    done = explain(photo, "--model", model, "--out", tmp_path / "heat.png")
    assert [line.split()[2].split("/")[0] for line in done.stdout.splitlines()] == ["colour", "light"], done.output


def test_a_model_of_others_takes_labels(photo: Path, data: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(["один", "b", "c", "d", "e", "f", "g", "h"]), encoding="utf-8")
    done = explain(
        photo, "--model", data / "bare-int8.tflite", "--labels", labels, "--tag", "один", "--out", tmp_path / "h.png"
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.split()[2] == "label/один"
    assert explain(photo, "--model", data / "bare-int8.tflite", "--out", tmp_path / "h.png").exit_code == 5


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["--tag", "Gren"], 5, "has no tag 'Gren'; did you mean colour/Cool/Green?"),
        (["--out", "heat"], 2, "heat ends in none of .png, .jpg, .jpeg"),
        (["--out", "heat.gif"], 2, "heat.gif ends in none of .png, .jpg, .jpeg"),
        (["--out", "none/heat.png"], 6, "cannot write none/heat.png: its folder does not exist"),
    ],
)
def test_what_cannot_be_is_told(
    photo: Path, model: Path, tmp_path: Path, words: list[str], exit_code: int, message: str
) -> None:
    out = tmp_path / "heat.png"
    done = explain(photo, "--model", model, "--out", out, *words)
    assert done.exit_code == exit_code
    assert message in done.stderr
    assert not out.exists()


def test_a_photo_that_is_none_leaves_nothing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("no photo")
    done = explain(tmp_path / "photo.jpg", "--model", model, "--out", tmp_path / "heat.png")
    assert done.exit_code == 4
    assert done.stderr.startswith("Error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_disk_that_fills_leaves_the_old_picture(photo: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "heat.png"
    out.write_text("old")
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000)); from edge_tagger.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "explain", photo, "--model", model, "--out", out, "--overwrite"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 6 and f"Error: cannot write {out}: File too large" in done.stderr
    assert out.read_text() == "old" and {path.name for path in tmp_path.iterdir()} == {"photo.png", "heat.png"}
