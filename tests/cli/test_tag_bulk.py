"""`edge-tagger tag --out` from the outside: files that others read, resuming, refusals, one line for each error."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from edge_tagger import Tagger
from edge_tagger.cli import main

EXPECTED = ["Warm > Red", "Cool > Green", "Cool > Blue"] * 2


@pytest.fixture
def model(data: Path) -> Path:
    return data / "tiny-uint8.tflite"


def call(*words: str | Path) -> Result:
    result = CliRunner().invoke(main, ["tag", *map(str, words)])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def read(path: Path) -> pandas.DataFrame:
    if path.suffix == ".parquet":
        return pandas.read_parquet(path)
    return pandas.read_csv(path, keep_default_na=False, dtype=str)


def test_a_csv_comes_back_with_tags_behind_its_own_columns(products: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.csv"
    result = call(products, "--out", out, "--model", model, "--review")
    assert (result.exit_code, result.stdout) == (0, "") and f"wrote {out}" in result.stderr
    text = out.read_bytes().decode()
    assert csv.Sniffer().has_header(text) and csv.Sniffer().sniff(text).delimiter == ","
    before, after = read(products), read(out)
    assert (after[before.columns] == before).all().all()
    assert list(after.columns[len(before.columns) :]) == [
        "tag_colour", "score_colour", "review_colour", "tag_light", "score_light", "review_light", "error"
    ]  # fmt: skip
    assert after["tag_colour"].tolist() == EXPECTED and set(after["review_colour"]) == {"sure"}
    assert not Path(f"{out}.failures.csv").exists()


def test_parquet_is_read_by_pyarrow_and_pandas(products: Path, model: Path, tmp_path: Path) -> None:
    products.write_text(products.read_text() + "none.jpg,,,,\n")
    out = tmp_path / "tags.parquet"
    assert call(products, "--out", out, "--model", model).exit_code == 4
    table = pyarrow.parquet.read_table(out)
    assert table.num_rows == 7 and str(table.schema.field("score_colour").type) == "float"
    rows = table.to_pylist()
    assert [row["tag_colour"] for row in rows] == [*EXPECTED, None]
    assert rows[0]["error"] is None and "none.jpg does not exist" in rows[6]["error"] and rows[6]["colour"] == ""
    assert read(out)["score_colour"].isna().tolist() == [False] * 6 + [True]


def test_json_lines_say_what_tag_says(products: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.jsonl"
    assert call(products.parent, "--out", out, "--model", model, "--review", "--workers", "1").exit_code == 0
    lines = list(map(json.loads, out.read_text().splitlines()))
    with Tagger(model) as tagger:
        for number, line in enumerate(lines):
            photo = products.parent / f"{number}.jpg"
            review = {"colour": "sure", "light": "none"}
            assert line == {"photo": str(photo), **tagger.tag(photo).to_json(), "review": line["review"]}
            assert set(line["review"]) == set(review)


def test_dominant_colours_are_those_of_the_photo(products: Path, model: Path, tmp_path: Path) -> None:
    photo = np.full((80, 80, 3), 255, np.uint8)
    photo[20:60, 20:60] = (76, 42, 31)  # BGR: navy blue on white
    cv2.imwrite(str(products.parent / "0.png"), photo)
    (tmp_path / "mine.csv").write_text("name,hex\nMidnight,#1f2a4c\nSnow,#ffffff\n")
    words = (products.parent / "0.png", "--model", model, "--colours", "--palette", tmp_path / "mine.csv")
    assert call(*words, "--out", tmp_path / "t.jsonl").exit_code == 0
    (colour,) = json.loads((tmp_path / "t.jsonl").read_text())["colours"]
    assert colour == {"hex": "#1f2a4c", "share": 1.0, "name": "Midnight"}
    assert call(*words, "--out", tmp_path / "t.csv").exit_code == 0
    assert set(read(tmp_path / "t.csv")["colours"][0].split()) == {"#1f2a4c", "100%", "Midnight"}
    again = call(*words[:-2], "--out", tmp_path / "t.csv", "--resume")
    assert again.exit_code == 7 and "colours was" in again.stderr
    plain = call(*words[:3], "--out", tmp_path / "plain.jsonl")
    tags = json.loads((tmp_path / "plain.jsonl").read_text())["tags"]
    assert plain.exit_code == 0 and json.loads((tmp_path / "t.jsonl").read_text())["tags"] == tags


def test_failures_are_listed_and_not_fatal(products: Path, model: Path, tmp_path: Path) -> None:
    (products.parent / "3.jpg").write_bytes(b"\xff\xd8\xff broken")
    (products.parent / "4.jpg").unlink()
    products.write_text(products.read_text() + "../up.jpg,,,,\n,,Red,,\n,,,,\n")
    out = tmp_path / "tags.csv"
    result = call(products, "--out", out, "--model", model)
    assert result.exit_code == 4 and f"4 photos could not be tagged: see {out}.failures.csv" in result.stderr
    failures = read(Path(f"{out}.failures.csv"))
    assert failures["photo"].tolist() == ["3.jpg", "4.jpg", "../up.jpg", ""]
    assert failures["reason"].tolist() == [row for row in read(out)["error"] if row]
    shutil.copy(products.parent / "0.jpg", products.parent / "3.jpg")  # mended
    shutil.copy(products.parent / "0.jpg", products.parent / "4.jpg")
    result = call(products, "--out", out, "--model", model, "--resume")
    assert "tagged 2 photos, 4 were in" in result.stderr and len(read(Path(f"{out}.failures.csv"))) == 2


def test_what_fails_every_night_is_kept_once(products: Path, model: Path, tmp_path: Path) -> None:
    (products.parent / "3.jpg").unlink()
    out = tmp_path / "tags.csv"
    assert call(products, "--out", out, "--model", model).exit_code == 4
    before = Path(f"{out}.journal").read_bytes()
    assert call(products, "--out", out, "--model", model, "--resume").exit_code == 4
    assert Path(f"{out}.journal").read_bytes() == before


def test_resume_takes_what_is_new_or_changed_and_says_so(products: Path, model: Path, tmp_path: Path) -> None:
    out, folder = tmp_path / "tags.csv", products.parent
    assert call(folder, "--out", out, "--model", model).exit_code == 0
    shutil.copy(folder / "0.jpg", folder / "1.jpg")
    shutil.copy(folder / "0.jpg", folder / "new.jpg")
    (folder / "5.jpg").unlink()
    result = call(folder, "--out", out, "--model", model, "--resume")
    assert "tagged 2 photos (1 files were changed since they were tagged), 4 were in" in result.stderr
    assert [Path(name).name for name in read(out)["photo"]] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "new.jpg"]
    assert read(out)["tag_colour"][1] == "Warm > Red"
    result = call(folder, "--out", out, "--model", model, "--resume", "--score-threshold", "0.4")
    assert result.exit_code == 7 and "score_threshold was None and is 0.4" in result.stderr
    assert call(folder, "--out", out, "--model", model, "--overwrite", "--score-threshold", "0.4").exit_code == 0


def test_one_journal_serves_several_formats(products: Path, model: Path, tmp_path: Path) -> None:
    journal = tmp_path / "photos.journal"
    assert call(products, "--out", tmp_path / "a.csv", "--model", model, "--journal", journal).exit_code == 0
    result = call(products, "--out", tmp_path / "b.jsonl", "--model", model, "--journal", journal, "--resume")
    assert result.exit_code == 0 and "tagged 0 photos, 6 were in" in result.stderr
    assert [path.name for path in tmp_path.glob("*.journal")] == ["photos.journal"]


@pytest.mark.parametrize("policy", ["append", "colour=replace"])
def test_a_shop_s_csv_is_merged_and_a_dry_run_says_the_same(products: Path, tmp_path: Path, policy: str) -> None:
    shop, out = products.parent / "shop.csv", tmp_path / "new.csv"
    cell = 'sale, "x", Red, Blue, Green'
    rows = [["Handle", "Title", "Product Category", "Tags", "Image Src"]]
    rows += [[f"p{number}", f'No "{number}", ü', "", cell, f"https://cdn.x/{number}.jpg?v=1"] for number in range(6)]
    with shop.open("w", newline="", encoding="utf-16") as file:
        csv.writer(file).writerows(rows)
    words = (shop, "--format", "shopify", "--policy", policy, "--out", out)
    dry = call(*words, "--dry-run")
    assert dry.exit_code == 0 and not out.exists() and "no file was written" in dry.stderr, dry.output
    assert "--resume" in call(*words).stderr
    done = call(*words, "--resume", "--review")
    assert done.exit_code == 0 and "tagged 0 photos, 6 were in" in done.stderr
    after = read(out)
    assert after["Handle"].tolist() == [f"p{number}" for number in range(6)] and after["Title"][0] == 'No "0", ü'
    changed = {f"p{number}" for number in range(6) if after["Tags"][number] != cell}
    assert changed == {line.split()[0] for line in dry.stdout.splitlines() if "Tags:" in line} != set()
    assert all(tags.startswith('sale, "x"') for tags in after["Tags"])
    assert read(Path(f"{out}.review.csv"))["product"].tolist() == after["Handle"].tolist()


def test_a_mapping_of_another_model_is_refused(products: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[shopify]\nversion = "1"\n[shopify.categories]\n[google]\nversion = "1"\n')
    words = ("--format", "shopify", "--dry-run", "--mapping", tmp_path / "mine.toml")
    assert call(products.parent, *words, "--model", model).exit_code == 3


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--out", "t.txt"], 2, "which format?"),
        (["--out", "none/t.csv"], 2, "folder does not exist"),
        (["--out", "t.csv", "--policy", "append"], 2, "--policy is about shops"),
        (["--out", "t.csv", "--dry-run"], 2, "--dry-run is about shops"),
        (["--out", "t.csv", "--bands", "0.9,0.7"], 2, "give that too"),
        (["--out", "t.csv", "--review", "--bands", "0.5,0.7"], 2, "CHECK <= SURE"),
        (["--out", "t.csv", "--review", "--bands", "x"], 2, "not two numbers"),
        (["--out", "t.csv", "--resume", "--overwrite"], 2, "exclude each other"),
        (["--out", "t.csv", "--palette", "p.toml"], 2, "give that too"),
        (["--out", "t.csv", "--colours", "--palette", "p.toml"], 3, "cannot read the palette"),
        (["--out", "t.csv", "--json"], 2, "--format jsonl"),
        (["--out", "t.csv", "--encoding", "utf-8"], 2, "about a CSV"),
        (["--resume"], 2, "--resume belongs to --out"),
        ([], 2, "is not one photo; give --out FILE"),
        (["--out", "t.csv", "--format", "shopify", "--policy", "color=replace"], 2, "did you mean 'colour'"),
        (["--out", "t.csv", "--format", "google", "--mapping", "none.toml"], 3, "cannot read the mapping"),
        (["--out", "t.csv", "--allow", "lihgt"], 5, "did you mean light"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    products: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(products.parent, "--model", model, *words)
    assert (result.exit_code, told in result.stderr, result.stdout) == (code, True, ""), result.output
    assert not list(tmp_path.glob("t.*"))


def test_a_model_of_others_gets_tables_and_no_shop(products: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\n".join("abcdefgh"))
    words = (products.parent, "--model", data / "logits-float32.tflite", "--labels", tmp_path / "labels.txt")
    assert call(*words, "--out", tmp_path / "t.csv").exit_code == 0
    assert read(tmp_path / "t.csv")["tag_label"][0].count(" | ") == 4
    result = call(*words, "--out", tmp_path / "s.csv", "--format", "shopify")
    assert result.exit_code == 5 and "has labels alone" in result.stderr


def test_what_is_there_is_not_written_over(products: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.csv"
    out.write_text("mine")
    assert call(products, "--out", out, "--model", model).exit_code == 6
    result = call(products, "--out", out, "--model", model, "--resume")
    assert result.exit_code == 6 and "start anew with --overwrite" in result.stderr and out.read_text() == "mine"
    result = call(products, "--out", products, "--model", model, "--overwrite")
    assert result.exit_code == 2 and "is the input" in result.stderr
    journal = call(products, "--out", tmp_path / "o.csv", "--model", model, "--journal", products, "--overwrite")
    assert journal.exit_code == 2 and "--journal" in journal.stderr and "image,group" in products.read_text()
    assert call(products, "--out", out, "--model", model, "--overwrite").exit_code == 0
    again = call(out, "--out", tmp_path / "again.csv", "--model", model, "--photos", products.parent)
    assert again.exit_code == 4 and "has a column 'tag_colour' already" in again.stderr


def test_an_empty_folder_is_told_and_leaves_nothing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = call(tmp_path / "empty", "--out", tmp_path / "t.csv", "--model", model)
    assert result.exit_code == 4 and "no photos there" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_parquet_without_pyarrow_says_what_to_install(
    products: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = call(products, "--out", tmp_path / "t.parquet", "--model", model)
    assert result.exit_code == 8 and "pip install 'edge-tagger[parquet]'" in result.stderr


SMALL_DISK = """
import resource, sys
from edge_tagger.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("room", [1500, 4200])  # too small for the journal; for the journal, not for the output
def test_a_disk_that_fills_is_one_line_and_nothing_is_lost(
    products: Path, model: Path, tmp_path: Path, suffix: str, room: int
) -> None:
    header, *lines = products.read_text().splitlines()
    products.write_text(
        "\n".join([f"{header},body", *(f"{line},{'xyz' * 900}{n}" for n, line in enumerate(lines))]) + "\n"
    )
    out = tmp_path / f"tags.{suffix}"
    words = ["tag", str(products), "--out", str(out), "--model", str(model), "--workers", "1"]
    done = subprocess.run([sys.executable, "-c", SMALL_DISK, str(room), *words], capture_output=True, check=False)
    told = [line for line in done.stderr.decode().splitlines() if "rror" in line]
    assert done.returncode == 6 and len(told) == 1 and "run again with --resume" in told[0], done.stderr
    assert "Traceback" not in done.stderr.decode() and not out.exists()
    kept = [json.loads(line) for line in Path(f"{out}.journal").read_text().splitlines()]
    assert len(kept) > 1
    result = call(*words[1:], "--resume")
    assert result.exit_code == 0 and f"tagged {7 - len(kept)} photos" in result.stderr, result.output
    assert out.exists() and {path.name for path in tmp_path.glob("tags*")} == {out.name, f"{out.name}.journal"}
