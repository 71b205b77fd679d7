"""Three decoders, one answer: the library's here and the bundled tag.py's; Kotlin's in tests/android."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.convert.bundle import tag_on_pi
from edge_tagger.manifest import Manifest
from edge_tagger.tagger import decode

CASES = json.loads((Path(__file__).parents[1] / "data" / "golden_decoding.json").read_text(encoding="utf-8"))


def scores_of(photo: dict[str, Any]) -> Any:
    if "stored" not in photo:
        return np.array(photo["scores"], np.float32)
    stored = np.array(photo["stored"], np.uint8).astype(np.float32)
    return (stored - np.float32(photo["zero_point"])) * np.float32(photo["scale"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_library_gives_the_golden_tags(case: dict[str, Any]) -> None:
    manifest = Manifest.from_json(case["manifest"])
    for photo in case["photos"]:
        assert decode(scores_of(photo), manifest).to_json()["tags"] == photo["tags"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_script_for_the_pi_gives_the_golden_tags(case: dict[str, Any]) -> None:
    for photo in case["photos"]:
        assert tag_on_pi.decode(scores_of(photo), case["manifest"]) == photo["tags"]


def test_the_vectors_are_worth_something() -> None:
    """Answers differ, some are empty, some scores were lifted by a child, and the depths go to five."""
    answers = [photo["tags"] for case in CASES for photo in case["photos"]]
    assert [] in answers
    assert len({json.dumps(answer) for answer in answers}) > 15
    assert max(len(tag["parents"]) for answer in answers for tag in answer) == 4
    assert any("zero_point" in photo and photo["zero_point"] for case in CASES for photo in case["photos"])
    assert any(
        tag["score"] not in scores_of(photo)[[t["id"] == tag["tag"] for t in case["manifest"]["tags"]]]
        for case in CASES for photo in case["photos"] for tag in photo["tags"]
    )  # fmt: skip
