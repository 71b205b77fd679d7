from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from edge_tagger.errors import ModelError
from edge_tagger.interpreter import Model
from edge_tagger.standard_metadata import StandardMetadata, read_standard_metadata


def test_what_is_read(data: Path) -> None:
    found = read_standard_metadata((data / "two-heads-uint8.tflite").read_bytes())
    assert [output.label_files for output in found.outputs] == [("light.txt",), ("channels.txt",)]
    normalization = found.inputs[0].normalization
    assert normalization is not None and normalization.std == pytest.approx((58.395, 57.12, 57.375))
    assert read_standard_metadata((data / "bare-int8.tflite").read_bytes()) == StandardMetadata()


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\xff" * 64, struct.pack("<I4s", 2**31, b"TFL3")])
def test_no_flatbuffer(content: bytes) -> None:
    with pytest.raises(ModelError, match="damaged TFLite Metadata"):
        read_standard_metadata(content)


def test_a_damaged_one_is_told_or_read(data: Path) -> None:
    whole = (data / "logits-float32.tflite").read_bytes()
    start = whole.index(b"M001") - 4
    refused = 0
    for place in range(start, start + 300):
        for value in (0, 1, 0x7F, 0xFF):
            changed = whole[:place] + bytes([value]) + whole[place + 1 :]
            try:
                read_standard_metadata(changed)
            except ModelError:
                refused += 1
    assert refused > 50


def test_a_float_model_with_another_mark_is_refused(data: Path) -> None:
    changed = (data / "logits-float32.tflite").read_bytes().replace(b"M001", b"M002")
    with pytest.raises(ModelError, match=r"^m\.tflite has damaged TFLite Metadata \(they carry the mark b'M002'"):
        Model(changed, name="m.tflite")


def test_cut_files_are_told(data: Path) -> None:
    whole = (data / "logits-float32.tflite").read_bytes()
    for length in range(8, len(whole), 37):
        with suppress(ModelError):
            assert np.isfinite(Model(whole[:length], threads=1).codes).all()
