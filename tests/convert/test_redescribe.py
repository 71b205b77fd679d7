from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_tagger.archive import associated_files, split_model
from edge_tagger.cli import main
from edge_tagger.convert.check.targets import check
from edge_tagger.convert.redescribe import redescribe
from edge_tagger.errors import ManifestError, ModelError, OutputError
from edge_tagger.manifest import read_manifest


@pytest.fixture()
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("".join(f"label {number}\n" for number in range(8)))
    return tmp_path / "labels.txt"


def test_a_file_gets_metadata_and_keeps_what_is_not_ours(data: Path, labels: Path, tmp_path: Path) -> None:
    source = tmp_path / "theirs.tflite"
    source.write_bytes((data / "tiny-uint8.tflite").read_bytes())
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("notes.txt", "theirs")
    (tmp_path / "out").mkdir()
    arguments = ["convert", source, "--labels", labels, "--name", "mine", "--out", tmp_path / "out"]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    target = tmp_path / "out/theirs.tflite"
    files, manifest = associated_files(target.read_bytes()), read_manifest(target)
    assert files["notes.txt"] == b"theirs" and files["labels.txt"].startswith(b"label/label 0\n")
    assert manifest.name == "mine" and [tag.name for tag in manifest.taxonomy.tags][:2] == ["label 0", "label 1"]
    assert check(target, ["mediapipe"]).fine


def test_the_manifest_that_it_has_serves_too(data: Path, tmp_path: Path) -> None:
    before = read_manifest(data / "tiny-uint8.tflite")
    after = read_manifest(redescribe(data / "tiny-uint8.tflite", tmp_path))
    assert after.taxonomy == before.taxonomy and after.thresholds == before.thresholds


def test_what_cannot_be_described_is_refused(data: Path, labels: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="over itself"):
        redescribe(data / "tiny-uint8.tflite", data)
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(split_model((data / "tiny-uint8.tflite").read_bytes())[0])
    (tmp_path / "out").mkdir()
    with pytest.raises(ManifestError, match="name its labels with --labels"):
        redescribe(bare, tmp_path / "out")
    labels.write_text("one\n")
    with pytest.raises(ModelError, match="has 1 labels"):
        redescribe(bare, tmp_path / "out", labels=labels)
    (tmp_path / "m.json").write_text(json.dumps([]))
    with pytest.raises(ManifestError, match=r"m\.json"):
        redescribe(bare, tmp_path / "out", manifest=tmp_path / "m.json")
    assert not list((tmp_path / "out").iterdir())
    result = CliRunner().invoke(main, ["convert", str(bare), "--int8"])
    assert result.exit_code == 2 and "is converted already" in result.stderr
