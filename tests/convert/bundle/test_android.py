from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from edge_tagger.convert.bundle.android import bundle_android
from edge_tagger.errors import ManifestError, ModelError, OutputError
from edge_tagger.manifest import Manifest, read_manifest


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_module_is_the_template_and_the_model(data: Path, root: Path, tmp_path: Path) -> None:
    out = bundle_android(data / "tiny-uint8.tflite", tmp_path / "tagger")
    found = files(out)
    assets = {name: found.pop(f"src/main/assets/edge_tagger/{name}") for name in
              ("model.tflite", "labels.txt", "edge_tagger.json")}  # fmt: skip
    template = files(root / "android_assets")
    assert found == {name: content for name, content in template.items() if not name.endswith((".py", ".pyc"))}
    assert {"build.gradle", "README.md", "src/main/AndroidManifest.xml"} <= set(found)
    manifest = read_manifest(data / "tiny-uint8.tflite")
    assert assets["model.tflite"] == (data / "tiny-uint8.tflite").read_bytes()
    assert Manifest.from_json(json.loads(assets["edge_tagger.json"])) == manifest
    assert assets["labels.txt"].decode().splitlines() == [tag.id for tag in manifest.taxonomy.tags]
    assert list(tmp_path.iterdir()) == [out]


def test_a_hostile_archive_is_not_handed_on(data: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil.tflite"
    evil.write_bytes((data / "tiny-uint8.tflite").read_bytes())
    with zipfile.ZipFile(evil, "a") as archive:
        archive.writestr("../../evil.sh", "true")
    with pytest.raises(ModelError, match="that nobody should unpack"):
        bundle_android(evil, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_the_kotlin_code_opens_is_what_is_written(root: Path, data: Path, tmp_path: Path) -> None:
    out = bundle_android(data / "tiny-uint8.tflite", tmp_path / "tagger")
    source = (out / "src/main/java/edgetagger/android/ProductTagger.kt").read_text()
    assert 'assets: String = "edge_tagger"' in source
    for name in ("edge_tagger.json", "model.tflite"):
        assert f'"$assets/{name}"' in source
    assert 'noCompress += "tflite"' in (root / "android_assets" / "build.gradle").read_text()


def test_the_same_model_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    first, second = (bundle_android(data / "tiny-float32.tflite", tmp_path / name) for name in "ab")
    assert files(first) == files(second)


def test_an_empty_folder_is_used_and_anything_else_refused(data: Path, tmp_path: Path) -> None:
    model, out = data / "tiny-uint8.tflite", tmp_path / "out"
    out.mkdir()
    bundle_android(model, out)
    before = files(out)
    with pytest.raises(OutputError, match="holds files"):
        bundle_android(model, out)
    with pytest.raises(OutputError, match="is a file"):
        bundle_android(model, out / "build.gradle")
    with pytest.raises(OutputError, match="cannot write"):
        bundle_android(model, tmp_path / "no" / "such" / "folder")
    assert files(out) == before


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ("bare-int8.tflite", ManifestError, "has no edge_tagger.json"),
        ("two-inputs.tflite", ManifestError, "has no edge_tagger.json"),
        ("absent.tflite", ModelError, "cannot read"),
    ],
)
def test_a_model_that_the_code_cannot_run_is_refused(
    data: Path, tmp_path: Path, model: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bundle_android(data / model, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_int8_tensors_are_refused(repacked_int8: Callable[[], Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"int8 tensor .* --io uint8"):
        bundle_android(repacked_int8(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failure_midway_leaves_nothing(data: Path, tmp_path: Path) -> None:
    with (
        patch.object(Path, "mkdir", side_effect=OSError(28, os.strerror(28))),
        pytest.raises(OutputError, match="No space"),
    ):
        bundle_android(data / "tiny-uint8.tflite", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
