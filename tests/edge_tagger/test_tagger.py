from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_tagger import Tagger, read_manifest
from edge_tagger.archive import split_model
from edge_tagger.errors import ManifestError, ModelError, PhotoError
from edge_tagger.manifest import Manifest, pack
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

YELLOW = np.full((20, 30, 3), (255, 255, 0), np.uint8)


def test_a_photo_gets_its_tags(data: Path) -> None:
    with Tagger(data / "tiny-uint8.tflite", threads=1) as tagger:
        tagged = tagger.tag(YELLOW)
    assert [tag.tag for tag in tagged.tags] == ["colour/Warm", "colour/Warm/Yellow", "light/bright"]
    warm, yellow = tagged.path("colour")
    assert yellow.name == "Yellow" and yellow.parents == ("colour/Warm",) and yellow.threshold == 0.5
    assert warm.score >= yellow.score > 0.9
    assert str(tagged) == "colour  Warm > Yellow  0.98\nlight   bright  0.95"
    assert json.loads(json.dumps(tagged.to_json()))["tags"][1] == {
        "tag": "colour/Warm/Yellow",
        "facet": "colour",
        "name": "Yellow",
        "score": yellow.score,
        "threshold": 0.5,
        "parents": ["colour/Warm"],
    }


def test_scores_are_raw(data: Path) -> None:
    tagger = Tagger(data / "tiny-float32.tflite", threads=1)
    scores = tagger.scores(np.full((8, 8, 3), (255, 0, 0), np.uint8))
    assert scores.dtype == np.float32 and scores.shape == (8,)
    assert scores[4] > scores[3]  # Red above Warm: nothing lifted the parent


def test_the_manifest_is_the_golden_one(data: Path) -> None:
    manifest = read_manifest(data / "tiny-float32.tflite")
    assert manifest.to_json() == json.loads((data / "tiny-manifest.json").read_text())
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_labels_stand_in_for_a_manifest(data: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(["cool", "blue", "green", "warm", "red", "a/b, yellow", "bright", "dark"]) + "\n\n")
    tagged = Tagger(data / "bare-int8.tflite", labels=labels).tag(YELLOW)
    assert len(tagged.tags) == 5
    assert {tag.name for tag in tagged.tags[:2]} == {"warm", "a/b, yellow"}
    assert tagged.tags[0].threshold is None and tagged.tags[0].facet == "label"
    assert [tag.score for tag in tagged.tags] == sorted((tag.score for tag in tagged.tags), reverse=True)
    assert "a/b, yellow" in str(tagged)


@pytest.mark.parametrize(("content", "reason"), [(b"a\nb\n", "2 labels"), (b"\xff\n" * 8, "not UTF-8")])
def test_bad_labels(content: bytes, reason: str, data: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        Tagger(data / "bare-int8.tflite", labels=tmp_path / "labels.txt")
    with pytest.raises(ModelError, match="cannot read the labels"):
        Tagger(data / "bare-int8.tflite", labels=tmp_path / "none.txt")


def test_a_model_without_manifest_is_named(data: Path) -> None:
    with pytest.raises(ManifestError, match=r"bare-int8\.tflite has no edge_tagger\.json.*--labels"):
        Tagger(data / "bare-int8.tflite")


def test_a_manifest_that_does_not_fit(data: Path) -> None:
    flatbuffer = split_model((data / "tiny-uint8.tflite").read_bytes())[0]
    manifest = read_manifest(data / "tiny-uint8.tflite")
    with pytest.raises(ModelError, match="takes 8 px and its manifest says 16 px"):
        Tagger(pack(flatbuffer, replace(manifest, image_size=16)))
    two = Taxonomy((Facet("type", ("class",)),), (Tag("type", ("a",)), Tag("type", ("b",))))
    with pytest.raises(ModelError, match="8 scores and its manifest names 2 tags"):
        Tagger(pack(flatbuffer, Manifest("two", 8, two, (0.5, 0.5))))


def test_a_rewritten_model_warns(data: Path, tmp_path: Path) -> None:
    whole = (data / "tiny-float32.tflite").read_bytes()
    place = whole.index(np.float32(-12).tobytes())
    path = tmp_path / "rewritten.tflite"
    path.write_bytes(whole[:place] + np.float32(-11).tobytes() + whole[place + 4 :])
    with pytest.warns(UserWarning, match=r"rewritten\.tflite was changed after"):
        Tagger(path)


def test_bad_photos_and_a_closed_tagger(data: Path, tmp_path: Path) -> None:
    tagger = Tagger(data / "tiny-uint8.tflite")
    with pytest.raises(PhotoError, match="does not exist"):
        tagger.tag(tmp_path / "none.jpg")
    tagger.close()
    with pytest.raises(ModelError, match="closed"):
        tagger.tag(YELLOW)


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, edge_tagger; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"numpy", "cv2", "ai_edge_litert", "tflite_runtime", "tensorflow", "imagesize", "click"}


def test_tagging_never_loads_tensorflow(data: Path) -> None:
    code = (
        "import sys, numpy; from edge_tagger import Tagger\n"
        f"Tagger({str(data / 'tiny-uint8.tflite')!r}).tag(numpy.zeros((4, 4, 3), numpy.uint8))\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('tensorflow', 'tf_keras')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
