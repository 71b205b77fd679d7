"""tag, evaluate and inspect, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main


def call(*words: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def picture(path: Path, rgb: tuple[int, int, int]) -> Path:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full((6, 9, 3), rgb[::-1], np.uint8))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    picture(tmp_path / "a.png", (255, 0, 0))
    picture(tmp_path / "b.png", (0, 0, 255))
    path = tmp_path / "photos.csv"
    path.write_text("image,split,group,colour,light\na.png,test,Warm,Red,none\nb.png,val,Cool,Blue,none\n")
    return path


def test_tag(data: Path, tmp_path: Path) -> None:
    photo = picture(tmp_path / "yellow.png", (255, 255, 0))
    result = call("tag", photo, "--model", data / "tiny-uint8.tflite", "--threads", "1")
    assert result.exit_code == 0
    assert result.stdout == f"{photo}\n  colour  Warm > Yellow  0.98\n  light   bright  0.95\n"


def test_one_bad_photo_among_several(data: Path, tmp_path: Path) -> None:
    good = [picture(tmp_path / name, (255, 0, 0)) for name in ("a.png", "c.png")]
    bad = tmp_path / "b.jpg"
    bad.write_text("no photo")
    result = call("tag", good[0], bad, good[1], "--model", data / "tiny-uint8.tflite", "--json")
    assert result.exit_code == 4
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["photo"] for line in lines] == [str(path) for path in good]
    assert lines[0]["tags"][1]["tag"] == "colour/Warm/Red"
    assert str(bad) in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_bad_model_is_one_line(data: Path, tmp_path: Path) -> None:
    photo = picture(tmp_path / "a.png", (255, 0, 0))
    result = call("tag", photo, "--model", data / "bare-int8.tflite")
    assert result.exit_code == 5 and "--labels" in result.stderr and len(result.stderr.splitlines()) == 1
    cut = tmp_path / "cut.tflite"
    cut.write_bytes((data / "tiny-uint8.tflite").read_bytes()[:1000])
    for words in (("tag", photo, "--model", cut), ("inspect", cut)):
        result = call(*words)
        assert result.exit_code == 5 and "cut.tflite" in result.stderr and len(result.stderr.splitlines()) == 1


def test_evaluate(data: Path, source: Path, tmp_path: Path) -> None:
    models = (data / "tiny-float32.tflite", data / "tiny-uint8.tflite")
    result = call("evaluate", *models, "--data", source, "--split", "test", "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("tiny-float32.tflite") == 2 and "1 photos" in result.stdout
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["models"][1]["facets"]["colour"]["levels"]["colour"]["top1"] == 1.0
    assert "2 photos" in call("evaluate", models[0], "--data", source, "--split", "all").stdout
    assert (
        "1 photos" in call("evaluate", models[0], "--data", source, "--split", "Red", "--split-column", "colour").stdout
    )


def test_evaluate_says_what_is_wrong(data: Path, source: Path, tmp_path: Path) -> None:
    model = data / "tiny-uint8.tflite"
    for words, code, reason in (
        (("--data", source, "--split", "tset"), 4, "test"),
        (("--data", source, "--split", "test", "--image-column", "photo"), 4, "photo"),
        (("--data", source, "--split", "test", "--split-column", "part"), 4, "part"),
        (("--data", tmp_path / "none.csv", "--split", "test"), 4, "does not exist"),
        (("--data", source, "--split", "test", "--json", tmp_path / "none" / "x.json"), 6, "folder"),
    ):
        result = call("evaluate", model, *words)
        assert (result.exit_code, reason in result.stderr) == (code, True), result.output
        assert len(result.stderr.splitlines()) == 1 and not result.stdout


def test_evaluate_tells_of_photos_it_cannot_read(data: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"")
    result = call("evaluate", data / "tiny-uint8.tflite", "--data", source, "--split", "all")
    assert result.exit_code == 0
    assert "photos.csv:3" in result.stderr and "1 photos; 1 more could not be read" in result.stdout


def test_inspect(data: Path) -> None:
    result = call("inspect", data / "two-inputs.tflite", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["operators"] == {"ADD": 1}
    assert "manifest" in call("inspect", data / "tiny-uint8.tflite").stdout


@pytest.mark.shared
def test_third_party_models_tag_with_labels(shared: Path, tmp_path: Path) -> None:
    models = shared / "models" / "third_party"
    result = call(
        *("tag", models / "cat_720p.jpg", "--model", models / "mobilenet_v1_0.25_128_uint8.tflite"),
        *("--labels", models / "imagenet_labels.txt"),
    )
    assert result.exit_code == 0 and "cat" in result.stdout.splitlines()[1]
    assert len(result.stdout.splitlines()) == 6
    (tmp_path / "cifar.txt").write_text(
        "airplane automobile bird cat deer dog frog horse ship truck".replace(" ", "\n")
    )
    for name in ("mlperf_tiny_resnet8_cifar10_int8", "mlperf_tiny_resnet8_cifar10_float"):
        result = call(
            *("tag", models / "cat_720p.jpg", "--model", models / f"{name}.tflite", "--labels", tmp_path / "cifar.txt")
        )
        assert result.exit_code == 0 and "cat" in result.stdout
