from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from edge_tagger.benchmarks import noise

MODEL = Path(__file__).resolve().parents[1] / "data" / "tiny-uint8.tflite"


def test_every_bench_is_compared_with_every_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["noise", str(MODEL), "--benches", "3", "--preset", "quick"])
    assert noise.main() == 0
    *ratios, last = capsys.readouterr().out.splitlines()
    assert len(ratios) == 3 and all(re.fullmatch(r"[\d.]+ \([\d.]+ to [\d.]+\)", line) for line in ratios)
    assert last.startswith("3 comparisons of 3 benches: ") and "--fail-on latency of " in last
