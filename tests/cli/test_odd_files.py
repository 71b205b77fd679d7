"""One bad name, row or entry ends nothing: names of any bytes, links, pipes and formulas, in every command."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas
import pytest
from click.testing import CliRunner, Result

from edge_tagger import Tagger
from edge_tagger.cli import main
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.train.prepare import prepare
from edge_tagger.train.recipe_file import load_recipe
from edge_tagger.train.run import RunFolder
from edge_tagger.watch.loop import Answer
from edge_tagger.watch.run import Summary, watch_folder
from edge_tagger.watch.show import JsonLines, Log, Show
from edge_tagger.watch.source import parse

ODD = os.fsdecode(b"h\xe9")


@pytest.fixture
def model(data: Path) -> Path:
    return data / "tiny-uint8.tflite"


@pytest.fixture
def shop(products: Path, tmp_path: Path) -> Path:
    """A good photo among all that can go wrong."""
    folder = tmp_path / "shop"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.jpg", f"{ODD}.jpg", "two\nlines.jpg", "=1+1.jpg", "deep/z.jpg"):
        shutil.copy(products.parent / "0.jpg", folder / name)
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / f"out{ODD}.jpg").symlink_to(products.parent / "1.jpg")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._a.jpg").write_bytes(b"x")
    return folder


def call(*words: str | Path) -> Result:
    result = CliRunner().invoke(main, list(map(str, words)))
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


GOOD = ["=1+1.jpg", "a.jpg", "deep/z.jpg", "h\ufffd.jpg", "two\nlines.jpg"]
BAD = ["loop.jpg", "outh\ufffd.jpg", "pipe.jpg", "round"]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("pattern", ["", "/**/*.jpg"])
def test_every_photo_that_can_be_read_is_tagged(
    shop: Path, model: Path, tmp_path: Path, suffix: str, pattern: str
) -> None:
    out = tmp_path / f"t.{suffix}"
    result = call("tag", f"{shop}{pattern}", "--out", out, "--model", model)
    assert result.exit_code == 4 and "tagged 5 photos, 4 failed" in result.stderr, result.output
    if suffix == "jsonl":
        lines = list(map(json.loads, out.read_text().splitlines()))
        told = {line["photo"].removeprefix(f"{shop}/"): "error" in line for line in lines}
    else:
        table = (
            pandas.read_csv(out, keep_default_na=False)
            if suffix == "csv"
            else pandas.read_parquet(out).fillna({"error": ""})
        )
        told = {
            name.removeprefix(f"{shop}/"): bool(error)
            for name, error in zip(table["photo"], table["error"], strict=True)
        }
    assert told == {**dict.fromkeys(GOOD, False), **dict.fromkeys(BAD, True)}
    reasons = {Path(name).name: reason for name, _, reason in read(Path(f"{out}.failures.csv"))[1:]}
    for name, reason in {
        "loop.jpg": "symbolic links",
        "outh\ufffd.jpg": "outside",
        "pipe.jpg": "not a regular file",
        "round": "not followed",
    }.items():
        assert reason in reasons[name]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_folders_csvs_and_outputs_may_have_such_names_too(
    products: Path, model: Path, tmp_path: Path, suffix: str
) -> None:
    folder = products.parent.rename(tmp_path / f"{ODD} of photos")
    out = tmp_path / f"{ODD}.{suffix}"
    table = (folder / products.name).rename(tmp_path / f"{ODD}.csv") if suffix != "csv" else folder / products.name
    result = call("tag", table, "--photos", folder, "--out", out, "--model", model)
    assert result.exit_code == 0 and out.exists(), result.output
    assert call("tag", folder, "--out", out, "--model", model, "--overwrite").exit_code == 0


@pytest.mark.parametrize("shop_name", ["shopify", "google"])
def test_shops_get_them_too(shop: Path, tmp_path: Path, shop_name: str) -> None:
    out = tmp_path / "new.csv"
    result = call("tag", shop, "--format", shop_name, "--out", out, "--review")
    assert result.exit_code == 4 and "tagged 5 photos" in result.stderr, result.output
    assert len(read(out)) == 6 and len(read(Path(f"{out}.review.csv"))) == 10


def test_no_spreadsheet_runs_a_file_of_ours(
    products: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("=1.jpg", "@2.jpg", "-3.jpg"):
        shutil.copy(products.parent / "0.jpg", name)
    Path("+4.jpg").write_bytes(b"no photo")
    call("tag", "=1.jpg", "@2.jpg", "+4.jpg", "./-3.jpg", "--out", "t.csv", "--model", model)
    assert [row[0] for row in read(Path("t.csv"))[1:]] == ["'+4.jpg", "'-3.jpg", "'=1.jpg", "'@2.jpg"]
    (failure,) = read(Path("t.csv.failures.csv"))[1:]
    assert failure[0] == "'+4.jpg" and failure[2].startswith("'+4.jpg is not a photo")
    call("tag", "=1.jpg", "--out", "t.jsonl", "--model", model)
    assert json.loads(Path("t.jsonl").read_text())["photo"] == "=1.jpg"
    Path("mine.csv").write_text("image,=a\n=1.jpg,=b\n")
    assert call("tag", "mine.csv", "--out", "own.csv", "--model", model).exit_code == 0
    assert [row[:2] for row in read(Path("own.csv"))] == [["image", "=a"], ["=1.jpg", "=b"]]


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Twenty photos in two classes; the name of one class, and of each tenth photo, is no text."""
    for number in range(20):
        folder = tmp_path / "classes" / (f"{ODD}s" if number % 2 else "plain")
        folder.mkdir(parents=True, exist_ok=True)
        small = np.random.default_rng(number).integers(20, 220, (16, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "photo.png"), cv2.resize(small, (64, 64), interpolation=cv2.INTER_NEAREST))
        (tmp_path / "photo.png").rename(folder / (f"{ODD}{number}.png" if number % 10 < 2 else f"{number}.png"))
    return tmp_path / "classes"


STRICT = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from edge_tagger.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=STRICT, check=False)


def test_data_check_names_them(classes: Path) -> None:
    (classes / "plain" / f"broken{ODD}.jpg").write_bytes(b"x")
    (classes / "plain" / "loop.jpg").symlink_to("loop.jpg")
    (classes / "plain" / "round").symlink_to(classes)
    done = run("data", "check", classes)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "22 photos, 20 readable" in done.stdout and "plain/brokenh\ufffd.jpg: " in done.stdout
    assert (
        "plain/round is a link to a folder" in done.stdout
        and "too many levels of symbolic links" in done.stdout.lower()
    )


def test_training_prepares_and_resumes_with_them(classes: Path, tmp_path: Path) -> None:
    recipe = load_recipe("classes")
    recipe = type(recipe)(**{**vars(recipe), "data": type(recipe.data)(min_count=1, fractions=(0.5, 0.5, 0.0))})
    folder = RunFolder.open(tmp_path / "run", recipe, resume=False)
    prepared = prepare(classes, recipe, folder, None)
    stored = folder.read_photos()
    assert stored is not None and [os.fspath(path) for path in stored[0]] == list(map(os.fspath, prepared.paths))
    assert len(stored[0]) == 20 and all(path.exists() for path in stored[0])
    assert prepare(classes, recipe, RunFolder.open(folder.path, recipe, resume=True), None).paths == prepared.paths


def test_evaluate_tells_of_rows_that_cannot_be_read(products: Path, model: Path, tmp_path: Path) -> None:
    lines = products.read_text().splitlines()
    for row in ("loop.jpg", "../up.jpg", "", "https://x/gone.jpg"):
        lines.append(f"{row},Warm,Red,dark,test")
    (products.parent / "loop.jpg").symlink_to("loop.jpg")
    table = products.parent / "all.csv"
    table.write_bytes(b"sep=;\r\n" + "\r\n".join(lines).replace(",", ";").encode("utf-8"))
    done = call("evaluate", model, "--data", table, "--split", "test", "--json", tmp_path / "e.json")
    assert done.exit_code == 0 and "read as utf-8 with semicolons" in done.stderr, done.output
    result = json.loads((tmp_path / "e.json").read_text())
    assert result["failed"] == 4 and result["models"][0]["photos"] == 4
    assert "all.csv:9: " in done.stderr and "the image cell is blank" in done.stderr
    refused = call("evaluate", model, "--data", table, "--split", "test", "--encoding", "klingon")
    assert refused.exit_code == 2 and "such as utf-8" in refused.stderr


def test_colours_and_tag_of_single_photos(shop: Path, model: Path) -> None:
    photos = [shop / f"{ODD}.jpg", shop / "loop.jpg", shop / "a.jpg"]
    for words in (
        ["colours", *photos],
        ["tag", *photos, "--model", model],
        ["tag", *photos, "--model", model, "--json"],
    ):
        done = run(*words)
        assert done.returncode == 4 and "Traceback" not in done.stderr and "a.jpg" in done.stdout, done.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_the_watch_goes_on(products: Path, model: Path, tmp_path: Path, as_json: bool) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/in\xe9"))
    folder.mkdir()
    source, summary = parse(os.fspath(folder)), Summary()
    with (tmp_path / "out").open("w", encoding="utf-8", errors="strict") as out, (tmp_path / "told").open("w") as told:
        show: Show = JsonLines(out, told, source=source.name, live=True) if as_json else Log(out, told, live=True)
        put_all(products.parent, folder)
        with Tagger(model) as tagger, pytest.raises(_DoneError):
            watch_folder(tagger, source, _Until(show, 7), summary, existing=True, still_s=0)
    assert summary.tagged == 3 and len(summary.unreadable) == 4
    text = (tmp_path / "out").read_text(encoding="utf-8")
    assert all(name in text for name in ("late.jpg", "again.jpg", "h\ufffd.jpg"))
    assert "outside" in (tmp_path / "told").read_text() and "pipe.jpg" in (tmp_path / "told").read_text()


class _DoneError(Exception):
    pass


class _Until:
    """A Show that ends the watch after so many answers and complaints."""

    def __init__(self, show: Show, count: int) -> None:
        self._show, self._left = show, count

    def photo(self, path: Path, tagged: TaggedPhoto) -> None:
        self._show.photo(path, tagged)
        self._count()

    def tell(self, line: str) -> None:
        self._show.tell(line)
        self._count()

    def answer(self, answer: Answer) -> None:
        raise AssertionError(answer)

    def close(self) -> None:
        self._show.close()

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise _DoneError


def put_all(photos: Path, folder: Path) -> None:
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "out.jpg").symlink_to(photos / "0.jpg")
    (folder / "nowhere.jpg").symlink_to("gone.jpg")
    (folder / "again.jpg").symlink_to("late.jpg")
    (folder / "broken.jpg").write_bytes(b"x")
    (folder / "@eaDir").mkdir()
    (folder / "._a.jpg").write_bytes(b"x")
    os.mkfifo(folder / "pipe.jpg")
    shutil.copy(photos / "0.jpg", folder / f"{ODD}.jpg")
    shutil.copy(photos / "0.jpg", folder / "late.jpg")


def test_names_that_are_not_utf8_never_reach_opencv(model: Path, shop: Path, tmp_path: Path) -> None:
    """It crashes on them: outputs that are there already, and videos."""
    out = tmp_path / f"{ODD}.csv"
    for more in ([], ["--resume"]):
        done = CliRunner().invoke(main, ["tag", str(shop / "a.jpg"), "--model", str(model), "--out", str(out), *more])
        assert done.exit_code == 0 and out.exists(), done.output
    video = tmp_path / f"{ODD}.mp4"
    video.write_bytes(b"no video")
    done = CliRunner().invoke(main, ["watch", str(video), "--model", str(model)])
    assert done.exit_code == 10 and "not UTF-8" in done.stderr, done.output
