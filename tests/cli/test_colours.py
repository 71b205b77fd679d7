"""`edge-tagger colours`."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.full((90, 90, 3), 255, np.uint8)
    pixels[20:70, 20:70] = (205, 40, 45)
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), pixels[..., ::-1])
    return path


def call(*words: str | Path) -> Result:
    result = CliRunner().invoke(main, ["colours", *map(str, words)])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_colours_are_named_for_people_and_as_json(photo: Path) -> None:
    assert call(photo).stdout == f"{photo}\n        #cd282d  100%  Red\n"
    found = json.loads(call(photo, "--json").stdout)
    assert found == {"photo": str(photo), "colours": [{"hex": "#cd282d", "share": 1.0, "name": "Red"}]}


def test_a_palette_of_ones_own(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("name,hex\nPillar Box,#c81e2a\nSea,#203080\n")
    assert "Pillar Box" in call(photo, "--palette", tmp_path / "mine.csv").stdout
    done = call(photo, "--palette", photo)
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == f"Error: the palette {photo} is neither a .toml nor a .csv file\n"


def test_a_photo_without_a_product_and_one_that_cannot_be_read_do_not_stop_the_others(
    photo: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.png"
    cv2.imwrite(str(plain), np.full((40, 40, 3), 200, np.uint8))
    done = call(tmp_path / "none.jpg", plain, photo)
    assert done.exit_code == 4
    assert done.stderr == f"Error: {tmp_path / 'none.jpg'} does not exist\n"
    assert done.stdout.startswith(f"{plain}\n  no product stands out from the background\n{photo}\n")
    assert json.loads(call(plain, "--json").stdout)["colours"] == []
