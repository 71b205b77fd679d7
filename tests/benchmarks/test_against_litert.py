from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import edge_tagger
from edge_tagger.benchmarks import against_litert

MODEL = Path(edge_tagger.__file__).parent / "models" / "product-tagger-int8.tflite"


@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="LiteRT's script is in ai-edge-litert")
def test_both_are_run_in_turn_and_the_ratio_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it is within 3 % is for a quiet machine to say."""
    words = ["--num-runs", "4", "--warmup-runs", "1", "--blocks", "2"]
    monkeypatch.setattr(sys, "argv", ["against_litert", str(MODEL), *words])
    assert against_litert.main() in (0, 1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(re.match(r"LiteRT's [\d.]+ ms, ours [\d.]+ ms: [\d.]+$", line) for line in lines[:2])
    assert lines[2].startswith("ours / LiteRT's, median of 2 blocks: ")
