"""`edge-tagger evaluate --report`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, rgb in (("a.png", (255, 0, 0)), ("b.png", (0, 0, 255))):
        cv2.imwrite(str(tmp_path / name), np.full((6, 9, 3), rgb[::-1], np.uint8))
    path = tmp_path / "photos.csv"
    path.write_text("image,split,group,colour,light\na.png,test,Warm,Red,none\nb.png,test,Cool,Green,none\n")
    return path


def evaluate(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *(str(word) for word in words)])


def test_a_report_beside_the_table(data: Path, source: Path, tmp_path: Path) -> None:
    models = (data / "tiny-float32.tflite", data / "tiny-uint8.tflite")
    words = (*models, "--data", source, "--split", "test")
    result = evaluate(*words, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert result.stdout == evaluate(*words).stdout
    assert str(tmp_path / "report" / "index.html") in result.stderr
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "<h1>photos.csv, split test</h1>" in page
    assert '<span>Green → <span class="said">Blue</span></span><b>1</b>' in page


def test_what_a_bench_measured_stands_in_the_report(data: Path, source: Path, tmp_path: Path) -> None:
    models = (data / "tiny-float32.tflite", data / "tiny-uint8.tflite")
    bench = ("bench", *models, data / "two-inputs.tflite", "--num-runs", "2", "--json", tmp_path / "bench.json")
    assert CliRunner().invoke(main, [str(word) for word in bench]).exit_code == 0
    words = ("--data", source, "--split", "test", "--bench", tmp_path / "bench.json")
    result = evaluate(*models, *words, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    section = page[page.index('<h2 id="latency">') : page.index('<h2 id="tags">')]
    assert "tiny-uint8.tflite</td>" in section and "two-inputs" not in section
    assert "<svg" in section and ">tiny-float32<" in section and "Times in ms" in section
    result = evaluate(*models, *words)
    assert result.exit_code == 2 and "--report DIR" in result.stderr
    result = evaluate(data / "two-heads-uint8.tflite", *words, "--report", tmp_path / "other")
    assert result.exit_code == 6 and "has measured none of these models" in result.stderr


def test_a_report_that_cannot_be_made_is_told_before_anything_is_measured(
    data: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (data / "tiny-uint8.tflite", "--data", source, "--split", "all", "--report")
    (tmp_path / "file").write_text("")
    result = evaluate(*words, tmp_path / "file")
    assert result.exit_code == 6 and result.stdout == "" and "cannot make the folder" in result.stderr
    monkeypatch.setattr("edge_tagger.charts.find_spec", lambda _: None)
    result = evaluate(*words, tmp_path / "report")
    assert result.exit_code == 8 and result.stdout == "" and "edge-tagger[train]" in result.stderr
    assert not (tmp_path / "report").exists()


def test_labels_and_columns_that_do_not_fit_are_named_on_every_way_out(
    data: Path, source: Path, tmp_path: Path
) -> None:
    text = source.read_text().replace("light", "lamp").replace("Red", "red").replace("Green", "blue\u200b")
    source.write_text(text)
    words = (data / "tiny-uint8.tflite", "--data", source, "--split", "test")
    result = evaluate(*words, "--json", tmp_path / "e.json", "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    red, light = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert "'red' (1 photos, first at photos.csv:2; the model has 'Red'), 'blue\\u200b' (1" in red
    assert light.endswith("light is not measured by light: there is no such column")
    levels = result.stdout.partition("top-1 by level")[2].splitlines()[1].split()
    assert levels[1:] == ["100.0", "-"]
    assert '"not_measured": "there is no such column"' in (tmp_path / "e.json").read_text(encoding="utf-8")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("not measured: there is no such column") == 2 and "not measured: none of its labels" in page
    source.write_text(text.replace("Warm", "warm").replace("Cool", ""))
    result = evaluate(*words, "--json", tmp_path / "other.json")
    assert result.exit_code == 4 and result.stdout == "" and not (tmp_path / "other.json").exists()
    assert (
        len([line for line in result.stderr.splitlines() if line]) == 1 and "has no label to measure" in result.stderr
    )
