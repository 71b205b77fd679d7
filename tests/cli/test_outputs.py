"""What a command writes is looked at before it begins: outputs that meet, files of others, places that take none."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.cli import main

Words = list[str]
RECIPE = 'name = "c"\n[data]\nmin_count = 1\nsplit = "split"\n[facets.c]\ncolumn = "colour"\n'
MINE = '{"precious": 1}\n'


def call(words: Words) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


@pytest.fixture
def place(tmp_path: Path, data: Path, products: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with all that commands read."""
    shutil.copy(data / "tiny-uint8.tflite", tmp_path / "m.tflite")
    shutil.copytree(products.parent, tmp_path / "ph")
    table = (tmp_path / "ph" / "products.csv").read_text()
    (tmp_path / "ph" / "products.csv").write_text(table[::-1].replace("niart", "lav", 1)[::-1])
    shutil.copy(tmp_path / "ph" / "0.jpg", tmp_path / "p.jpg")
    (tmp_path / "r.toml").write_text(RECIPE)
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "l.txt").write_text("a\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


TAG = ["tag", "ph", "--model", "m.tflite"]
CHECK = ["data", "check", "ph/products.csv", "--recipe", "r.toml"]
EVALUATE = ["evaluate", "m.tflite", "--data", "ph/products.csv", "--split", "test"]
BENCH = ["bench", "m.tflite", "--num-runs", "1", "--warmup-runs", "0", "--rounds", "1"]
COMPARE = ["compare", "a.json", "b.json"]
EXPLAIN = ["explain", "p.jpg", "--model", "m.tflite"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*TAG, "--out", "x.csv", "--journal", "x.csv"], ("--out", "--journal")),
        ([*TAG, "--out", "x.csv", "--journal", "./ph/../x.csv"], ("--out", "--journal")),
        ([*TAG, "--out", "x.csv", "--journal", "to-x.csv"], ("--out", "--journal")),
        ([*TAG, "--out", "x.csv", "--journal", "x.csv.failures.csv"], ("failures", "--journal")),
        ([*TAG, "--out", "x.csv", "--journal", "m.tflite"], ("--model", "--journal")),
        ([*TAG, "--out", "hard.csv", "--overwrite"], ("--model", "--out")),
        ([*TAG, "--out", "ph/1.jpg", "--format", "csv", "--overwrite"], ("one of the photos", "--out")),
        ([*TAG, "--out", "x.csv", "--journal", "ph/1.jpg", "--overwrite"], ("one of the photos", "--journal")),
        ([*TAG, "--out", "x.csv", "--journal", "photo.csv", "--overwrite"], ("one of the photos", "--journal")),
        (["tag", "ph/products.csv", "--out", "ph/1.jpg", "--format", "csv", "--overwrite"], ("one of the photos",)),
        (["tag", "ph/products.csv", "--out", "ph/products.csv", "--overwrite"], ("the input", "--out")),
        (["tag", "ph/products.csv", "--out", "x.csv", "--journal", "ph/products.csv"], ("the input", "--journal")),
        ([*TAG, "--out", "x.csv", "--colours", "--palette", "x.csv.journal"], ("--palette", "--journal")),
        ([*TAG, "--out", "x.csv", "--format", "shopify", "--review", "--journal", "x.csv.review.csv"], ("review",)),
        ([*CHECK, "--json", "ph/products.csv", "--overwrite"], ("the source", "--json")),
        ([*CHECK, "--json", "ph/3.jpg"], ("one of the photos", "--json")),
        ([*EVALUATE, "--json", "ph/1.jpg", "--overwrite"], ("one of the photos", "--json")),
        ([*BENCH, "--photos", "ph/products.csv", "--chart", "photo.csv", "--overwrite"], ("one of the photos",)),
        ([*CHECK, "--json", "r.toml", "--overwrite"], ("--recipe", "--json")),
        ([*EVALUATE, "--json", "m.tflite", "--overwrite"], ("a model", "--json")),
        ([*EVALUATE, "--json", "rep/index.html", "--report", "rep"], ("--json", "--report")),
        ([*EVALUATE, "--json", "rep", "--report", "rep"], ("--json", "--report")),
        ([*BENCH, "--json", "x", "--csv", "x"], ("--json", "--csv")),
        ([*BENCH, "--csv", "x", "--markdown", "to-x"], ("--csv", "--markdown")),
        ([*BENCH, "--markdown", "m.tflite"], ("a model", "--markdown")),
        ([*BENCH, "--photos", "ph/products.csv", "--chart", "c.png", "--json", "c.png"], ("--chart", "--json")),
        ([*BENCH, "--photos", "ph/products.csv", "--json", "ph/products.csv"], ("--photos", "--json")),
        ([*COMPARE, "--json", "a.json"], ("BEFORE.json", "--json")),
        ([*COMPARE, "--json", "x", "--markdown", "x"], ("--json", "--markdown")),
        ([*COMPARE, "--markdown", "b.json", "--overwrite"], ("AFTER.json", "--markdown")),
        ([*EXPLAIN, "--out", "p.jpg"], ("the photo", "--out")),
        ([*EXPLAIN, "--out", "to-p.jpg", "--overwrite"], ("the photo", "--out")),
        (["bundle", "m.tflite", "--android", "x.tar.gz", "--pi", "x.tar.gz"], ("--android", "--pi")),
        (["bundle", "m.tar.gz", "--pi", "m.tar.gz", "--overwrite"], ("the model", "--pi")),
        (["train", "ph/products.csv", "--recipe", "r.toml", "--out", "x", "--cache", "x"], ("--out", "--cache")),
        (["train", "ph", "--out", "ph"], ("the source", "--out")),
        (["train", "ph", "--out", "x", "--tensorboard", "y", "--cache", "y"], ("--cache", "--tensorboard")),
        (["convert", "m.tflite", "--labels", "out/m.tflite", "--out", "out"], ("--labels", "--out")),
    ],
)
def test_outputs_that_meet_are_refused(place: Path, words: Words, told: tuple[str, ...]) -> None:
    (place / "to-x.csv").symlink_to("x.csv")
    (place / "to-x").symlink_to("x")
    (place / "to-p.jpg").symlink_to("p.jpg")
    (place / "hard.csv").hardlink_to(place / "m.tflite")
    (place / "photo.csv").hardlink_to(place / "ph" / "2.jpg")
    shutil.copy(place / "m.tflite", place / "m.tar.gz")
    (place / "out").mkdir()
    (place / "out" / "m.tflite").write_text("a\n")
    if "x.csv.journal" in words:
        (place / "x.csv.journal").write_text("name,hex\nRed,#ff0000\n")
    if "rep/index.html" in words:
        (place / "rep").mkdir()
        (place / "rep" / "index.html").write_text("mine")
    before = files(place)
    code, text = call(words)
    assert code == 2 and all(each in text for each in told), text
    assert files(place) == before


FOREIGN = [
    ([*TAG, "--out", "x.csv", "--journal", "X"], "x"),
    ([*TAG, "--out", "x.csv"], "x.csv.journal"),
    ([*TAG, "--out", "x.csv", "--resume"], "x.csv.journal"),
    ([*TAG, "--out", "x.csv"], "x.csv.failures.csv"),
    ([*TAG, "--out", "X"], "x.csv"),
    ([*TAG, "--out", "x.csv", "--format", "shopify", "--review"], "x.csv.review.csv"),
    ([*TAG, "--dry-run", "--format", "shopify", "--journal", "X"], "x"),
    ([*CHECK, "--json", "X"], "x.json"),
    ([*EVALUATE, "--json", "X"], "x.json"),
    ([*EVALUATE, "--report", "rep"], "rep/index.html"),
    ([*BENCH, "--json", "X"], "x.json"),
    ([*BENCH, "--csv", "X"], "x.csv"),
    ([*BENCH, "--markdown", "X"], "README.md"),
    ([*BENCH, "--photos", "ph/products.csv", "--chart", "X"], "x.png"),
    ([*COMPARE, "--json", "X"], "x.json"),
    ([*COMPARE, "--markdown", "X"], "README.md"),
    ([*EXPLAIN, "--out", "X"], "x.png"),
    ([*EXPLAIN, "--out", "X"], "x.jpg"),
    (["bundle", "m.tflite", "--pi", "X"], "x.tar.gz"),
    (["convert", "m.tflite", "--out", "out"], "out/m.tflite"),
]


@pytest.mark.parametrize("content", [MINE, MINE.strip(), "a,b\n1,2\n"])
@pytest.mark.parametrize(("words", "there"), FOREIGN)
def test_a_file_of_others_is_refused(place: Path, words: Words, there: str, content: str) -> None:
    path = place / there
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    before = files(place)
    code, text = call([str(path) if word == "X" else word for word in words])
    assert code == 6 and there in text and "--overwrite" in text, text
    assert files(place) == before


OURS = [
    ([*CHECK, "--json", "x.json"], "x.json"),
    ([*EVALUATE, "--json", "x.json", "--report", "rep"], "x.json"),
    ([*EXPLAIN, "--out", "x.png"], "x.png"),
    ([*EXPLAIN, "--out", "x.jpeg"], "x.jpeg"),
    (["bundle", "m.tflite", "--pi", "x.tar.gz"], "x.tar.gz"),
    (["convert", "m.tflite", "--out", "out"], "out/m.tflite"),
    ([*BENCH, "--json", "x.json", "--csv", "x.csv", "--markdown", "x.md"], "x.json"),
]


@pytest.mark.parametrize(("words", "there"), OURS)
def test_what_edge_tagger_wrote_is_written_anew(place: Path, words: Words, there: str) -> None:
    (place / "out").mkdir()
    made = []
    for _ in range(2):
        assert call(words)[0] in (0, 1)
        made.append((place / there).stat().st_mtime_ns)
    assert made[0] < made[1]
    if there == "x.json" and words[0] == "bench":
        compare = ["compare", "x.json", "x.json", "--json", "y.json", "--markdown", "y.md"]
        assert [call(compare)[0] for _ in range(2)] == [0, 0]
    if there.startswith("x.") and words[0] == "explain":
        assert cv2.imread(str(place / there)) is not None


def test_a_chart_is_known_as_ours(place: Path) -> None:
    from edge_tagger.charts import make_figure, write_png
    from edge_tagger.cli.ours import marked

    write_png(make_figure(1, 1), place / "x.png")
    assert marked(place / "x.png") and not marked(place / "p.jpg")


@pytest.mark.parametrize(("words", "there"), [pair for pair in FOREIGN if pair[0][0] in ("tag", "explain", "data")])
def test_overwrite_writes_over_it(place: Path, words: Words, there: str) -> None:
    if "--resume" in words or "--dry-run" in words:
        words = [word for word in words if word not in ("--resume", "--dry-run")] + ["--out", "x.csv"]
    (place / there).write_text(MINE)
    assert call([*[str(place / there) if word == "X" else word for word in words], "--overwrite"])[0] in (0, 1)
    assert not (place / there).exists() or (place / there).read_bytes() != MINE.encode()


PLACES = {
    "too long": f"{'n' * 300}.SUFFIX",
    "a folder": "folder.SUFFIX",
    "no folder above": "none/x.SUFFIX",
    "a file above": "p.jpg/x.SUFFIX",
    "a circle": "circle.SUFFIX",
    "below a circle": "circle.SUFFIX/x.SUFFIX",
    "no permission": "/proc/x.SUFFIX",
}


NO_FOLDER = ("too long", "a file above", "a circle", "no permission")  # others are made with those above them
WRITING = [
    ([*TAG, "--out", "x.csv", "--journal", "X"], "journal"),
    ([*TAG, "--out", "X", "--overwrite"], "csv"),
    ([*CHECK, "--json", "X"], "json"),
    ([*EVALUATE, "--json", "X"], "json"),
    ([*BENCH, "--json", "X"], "json"),
    ([*BENCH, "--csv", "X"], "csv"),
    ([*BENCH, "--markdown", "X"], "md"),
    ([*COMPARE, "--markdown", "X"], "md"),
    ([*EXPLAIN, "--out", "X"], "png"),
    (["bundle", "m.tflite", "--pi", "X"], "tar.gz"),
]
FILLING = [
    [*EVALUATE, "--report", "X/y"],
    ["bundle", "m.tflite", "--android", "X/y"],
    ["train", "ph/products.csv", "--recipe", "r.toml", "--out", "X/y"],
    ["train", "ph/products.csv", "--recipe", "r.toml", "--out", "x", "--cache", "X/y"],
]


@pytest.mark.parametrize(
    ("words", "suffix", "where"),
    [
        *((words, suffix, where) for words, suffix in WRITING for where in PLACES),
        *((words, "d", where) for words in FILLING for where in NO_FOLDER),
    ],
)
def test_a_place_that_takes_no_file_is_told_before_any_work(place: Path, words: Words, suffix: str, where: str) -> None:
    path = PLACES[where].replace("SUFFIX", suffix)
    (place / f"folder.{suffix}").mkdir()
    (place / f"circle.{suffix}").symlink_to(f"circle.{suffix}")
    before = files(place)
    code, text = call([word.replace("X", path, 1) if word.startswith("X") else word for word in words])
    assert code in ((2, 6) if words[0] == "tag" else (6,)) and "tagged" not in text and "s gone" not in text, text
    assert "Error: " in text and len(text.splitlines()) <= 4 and files(place) == before


def test_names_that_just_fit(place: Path) -> None:
    """The temporary name beside the file is no longer than the file's own."""
    words = [*TAG, "--journal", "j", "--out"]
    assert call([*words, f"{'n' * 238}.csv"])[0] == 0
    code, text = call([*words, f"{'m' * 251}.csv"])
    assert code == 6 and "File name too long" in text and ".failures.csv" in text
    assert call([*CHECK, "--json", f"{'n' * 250}.json"])[0] in (0, 1)
    assert sorted(len(path.name) for path in place.iterdir())[-2:] == [242, 255]


@pytest.fixture
def linked(place: Path) -> Callable[[str], Path]:
    (place / "real").mkdir()

    def link(name: str) -> Path:
        (place / name).symlink_to(f"real/{name}")
        return place / "real" / name

    return link


def test_links_stay_and_what_they_lead_to_is_written(place: Path, linked: Callable[[str], Path]) -> None:
    real, journal = linked("t.csv"), linked("j")
    for options in ([], ["--resume"], ["--overwrite"]):
        assert call([*TAG, "--out", "t.csv", "--journal", "j", *options])[0] == 0
        assert (place / "t.csv").is_symlink() and real.read_text().startswith('"photo"')
        assert (place / "j").is_symlink() and journal.read_text().startswith('{"edge_tagger_journal"')
        assert sorted(path.name for path in (place / "real").iterdir()) == ["j", "t.csv"]
    real.chmod(0o600)
    assert call([*TAG, "--out", "t.csv", "--journal", "j", "--resume"])[0] == 0
    assert real.stat().st_mode & 0o777 == 0o600
    picture = linked("heat.png")
    assert call([*EXPLAIN, "--out", "heat.png"])[0] == 0 and cv2.imread(str(picture)) is not None
    assert (place / "heat.png").is_symlink()


def test_a_device_is_written_directly(place: Path) -> None:
    np.savetxt(place / "ph" / "broken.jpg", [1])
    outside = {path.name for path in Path("/dev").iterdir() if "journal" in path.name or "failures" in path.name}
    with (place / "log.csv").open("w+b") as log:
        log.write(b"before\n")
        log.flush()
        number = os.dup(log.fileno())
        try:
            code, text = call([*TAG, "--out", f"/dev/fd/{number}", "--format", "csv"])
        finally:
            os.close(number)
    assert code == 4 and "1 photos could not be tagged" in text, text
    lines = (place / "log.csv").read_text().splitlines()
    assert lines[0] == "before" and lines[1].startswith('"photo"') and len(lines) == 2 + 7
    assert call([*TAG, "--out", "/dev/null", "--format", "jsonl"])[0] == 4
    assert call([*CHECK, "--json", "/dev/null"])[0] in (0, 1)
    with (place / "bench.json").open("wb") as log:
        assert call([*BENCH, "--json", f"/dev/fd/{log.fileno()}", "--csv", "/dev/null"])[0] == 0
    assert json.loads((place / "bench.json").read_text())["results"]  # once, though files get it after each step
    assert call([*TAG, "--out", "/dev/full", "--format", "jsonl"])[0] == 6
    assert call([*TAG, "--out", "x.csv", "--journal", "/dev/null"])[0] == 2
    assert Path("/dev/null").is_char_device()
    now = {path.name for path in Path("/dev").iterdir() if "journal" in path.name or "failures" in path.name}
    assert now == outside
