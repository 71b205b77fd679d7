from __future__ import annotations

from pathlib import Path

import pytest

from edge_tagger.errors import ModelError
from edge_tagger.interpreter import read_contents
from edge_tagger.structure import check_structure


def test_sound_models_pass(data: Path) -> None:
    models = sorted(data.glob("*.tflite"))
    assert models
    for model in models:
        check_structure(model.read_bytes())


@pytest.mark.shared
def test_those_of_others_pass(shared: Path) -> None:
    for model in sorted((shared / "models" / "third_party").glob("*.tflite")):
        check_structure(model.read_bytes())


def test_every_cut_is_seen(data: Path) -> None:
    whole = (data / "bare-int8.tflite").read_bytes()
    for length in range(0, len(whole) - 16, 5):
        with pytest.raises(ValueError, match="it"):
            check_structure(whole[:length])


def test_whatever_litert_refuses_for_its_structure_is_refused(data: Path) -> None:
    """LiteRT's verifier also knows the fields of all operators' options and what must be there."""
    pytest.importorskip("ai_edge_litert")  # tflite-runtime does not verify
    whole = (data / "bare-int8.tflite").read_bytes()
    unseen, refused = [], 0
    for place in range(len(whole)):
        flipped = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        try:
            read_contents(flipped, backend="ai-edge-litert")
        except ModelError as error:
            if "The model is not a valid Flatbuffer" not in str(error):
                continue
            refused += 1
            try:
                check_structure(flipped)
            except ValueError:
                continue
            unseen.append(place)
    assert refused > 100
    assert len(unseen) < refused / 5, unseen
