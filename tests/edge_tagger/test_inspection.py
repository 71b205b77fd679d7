from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from edge_tagger.errors import ModelError
from edge_tagger.inspection import inspect_model
from edge_tagger.manifest import MANIFEST_FILE


def test_a_model_of_ours(data: Path) -> None:
    found = inspect_model(data / "tiny-uint8.tflite")
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["inputs"][0]["dtype"] == "uint8" and plain["inputs"][0]["scale"] == 1.0
    assert plain["operators"]["QUANTIZE"] == 2
    assert plain["manifest"]["tags"] == 8 and plain["manifest"]["facets"][0]["tags"] == 6
    assert plain["intact"] is True and plain["files"][0]["name"] == MANIFEST_FILE
    text = str(found)
    assert "colour: 6 tags, exclusive, from group, colour" in text
    assert "script: tests/data/make_models.py" in text and "FULLY_CONNECTED x1" in text
    assert "rewritten" in str(replace(found, intact=False))


@pytest.mark.parametrize("name", ["bare-int8", "two-inputs"])
def test_a_model_of_others(name: str, data: Path) -> None:
    found = inspect_model(data / f"{name}.tflite")
    assert found.manifest is None and found.intact is None and found.files == ()
    assert "manifest      none" in str(found)


def test_a_broken_manifest_is_reported(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes((data / "bare-int8.tflite").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MANIFEST_FILE, '{"format": 7}')
    found = inspect_model(path)
    assert found.manifest is None and "the manifest has format 7" in str(found)
    assert found.to_json()["manifest"] is None


def test_a_cut_model_is_an_error(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes((data / "bare-int8.tflite").read_bytes()[:900])
    with pytest.raises(ModelError, match=r"cut\.tflite"):
        inspect_model(path)


@pytest.mark.shared
def test_third_party_models(shared: Path) -> None:
    models = sorted((shared / "models" / "third_party").glob("*.tflite"))
    assert len(models) == 3
    for path in models:
        text = str(inspect_model(path))
        assert "CONV_2D x" in text and path.name in text
