"""The device table of README.md: the packaged models on this machine and on the emulated one, and which is which.

make device-table DATA=products.csv
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import edge_tagger
from edge_tagger.cli import main

pytestmark = [pytest.mark.arm, pytest.mark.usefixtures("nothing_left")]
MODEL = Path(edge_tagger.__file__).parent / "models" / "product-tagger-int8.tflite"
# `make device-table` sets both.
DATA, TABLE = (os.environ.get(f"EDGE_TAGGER_DEVICE_{name}") for name in ("DATA", "TABLE"))


def test_one_command_makes_the_table_and_says_which_rows_are_emulated(devices_toml: Path, tmp_path: Path) -> None:
    table = Path(TABLE or tmp_path / "devices.md")
    words = ["bench", MODEL, "--devices", devices_toml, "--device=local", "--device=pi5", "--device=phone",
             f"--markdown={table}"]  # fmt: skip
    if DATA:
        words += ["--preset=quick", "--threads=2", f"--photos={DATA}", "--split=test", "--max-photos=10"]
    else:
        words += ["--num-runs=3", "--warmup-runs=0"]
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = [line.split(" | ") for line in table.read_text().splitlines() if line.startswith(f"| {MODEL.name}")]
    assert {row[1] for row in rows} == {"local", "pi5 (emulated)", "phone (emulated)"}
