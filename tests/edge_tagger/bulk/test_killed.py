"""`edge-tagger tag --out` is killed at random, ten times in one run, and gives what an uninterrupted run gives."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

PHOTOS, KILLS = 160, 10


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos that take some milliseconds each to decode, one that is broken among them, and a CSV that
    names all, some twice and some that are missing."""
    folder = tmp_path_factory.mktemp("shop")
    noise = np.random.default_rng(0).integers(0, 256, (500, 500, 3), np.uint8)
    first = folder / "000.png"
    cv2.imwrite(str(first), noise)
    for number in range(1, PHOTOS):
        os.link(first, folder / f"{number:03}.png")
    (folder / "broken.png").write_bytes(first.read_bytes()[:5000])
    rows = [f"{number:03}.png,{number}" for number in range(PHOTOS + 8)] + ["broken.png,b", "007.png,again"]
    (folder / "shop.csv").write_text("\n".join(["image,id", *rows]) + "\n")
    return folder


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def tag(start: Start, shop: Path, data: Path) -> Start:
    """Starts `edge-tagger tag GIVEN --out OUT OPTIONS` in the shop."""

    def started(given: str, out: Path, *options: str) -> subprocess.Popen[bytes]:
        words = ["tag", given, "--out", out, "--model", data / "tiny-uint8.tflite", "--workers", "2", *options]
        code = "from edge_tagger.cli import main; main()"
        return start([sys.executable, "-c", code, *words], cwd=shop, stderr=subprocess.PIPE)

    return started


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_ten_kills_change_nothing(tag: Start, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "killed.csv"
    assert tag("shop.csv", whole, "--review").wait(300) == 4  # missing and broken ones
    journal, rng, killed = Path(f"{out}.journal"), random.Random(7), 0
    while killed < KILLS:
        before, wanted = lines(journal), rng.randrange(1, PHOTOS // KILLS - 2)
        with tag("shop.csv", out, "--review", "--resume") as process:
            while lines(journal) < before + wanted and process.poll() is None:
                time.sleep(0.002)
            time.sleep(rng.random() * 0.02)  # anywhere in the next photos
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL and not out.exists()
        killed += 1
    last = tag("shop.csv", out, "--review", "--resume")
    told = last.communicate(timeout=300)[1].decode()
    assert last.returncode == 4, told
    assert out.read_bytes() == whole.read_bytes()
    assert Path(f"{out}.failures.csv").read_bytes() == Path(f"{whole}.failures.csv").read_bytes()
    photos = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
    tagged = Counter(photo["photo"] for photo in photos if "error" not in photo)
    assert set(tagged.values()) == {1} and len(tagged) == PHOTOS  # nothing that was kept was tagged again
    assert len({photo["photo"] for photo in photos}) == PHOTOS + 9


def test_a_folder_goes_on_where_it_was_killed(tag: Start, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with tag(".", out) as process:
        while lines(Path(f"{out}.journal")) < 30:
            time.sleep(0.002)
        process.kill()
    kept = lines(Path(f"{out}.journal")) - 1
    told = tag(".", out, "--resume").communicate(timeout=300)[1].decode()
    assert f"tagged {PHOTOS - kept} photos, {kept} were in" in told
    names = [json.loads(line)["photo"] for line in out.read_text().splitlines()]
    assert names == sorted(names) and len(set(names)) == PHOTOS + 1


def test_ctrl_c_says_how_to_go_on(tag: Start, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with tag(".", out) as process:
        while lines(Path(f"{out}.journal")) < 10:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert process.returncode == 130 and "keeps what is done. Go on with the same command and --resume" in told
    assert "Traceback" not in told and not out.exists()
    assert tag(".", out, "--resume").wait(300) == 4
