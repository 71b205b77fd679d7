from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_tagger.benchmarks import bulk


@pytest.mark.parametrize(
    ("part", "rows"),
    [
        ("rate", ["tag_many, 6 photos", "into the journal", "CSV written"]),
        ("first", ["first result, folder of 7"]),
        ("journal", ["a photo's line", "fsync"]),
        ("memory", ["4 photos into a CSV", "8 photos into a CSV"]),
    ],
)
def test_every_part_prints_its_rows(monkeypatch: pytest.MonkeyPatch, data: Path, part: str, rows: list[str]) -> None:
    monkeypatch.setattr(bulk, "DRAWN", 3)
    words = ["--only", part, "--model", str(data / "tiny-uint8.tflite"), "--photos", "6", "--rounds", "1"]
    result = CliRunner().invoke(bulk.main, [*words, "--sizes", "4,8", "--folder", "7"])
    assert result.exit_code == 0, result.output
    table = [line for line in result.stdout.splitlines() if line.startswith("| ")][1:]
    assert len(table) == len(rows) and all(row in line for row, line in zip(rows, table, strict=True))


def test_a_model_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bulk, "DRAWN", 1)
    result = CliRunner().invoke(
        bulk.main, ["--only", "rate", "--photos", "1", "--model", str(tmp_path / "none.tflite")]
    )
    assert result.exit_code == 1 and "none.tflite" in result.stderr and "Traceback" not in result.output
