"""`edge-tagger check`: exit codes, and what stands where."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_tagger.cli import main
from edge_tagger.cli.check import TARGETS


def test_the_options_are_the_targets() -> None:
    from edge_tagger.convert.check import targets

    assert tuple(targets.TARGETS) == TARGETS


def test_exit_codes(data: Path, tmp_path: Path) -> None:
    run, uint8 = CliRunner().invoke, str(data / "tiny-uint8.tflite")
    fits = run(main, ["check", uint8, "--target", "mediapipe", "--target", "pi"])
    assert fits.exit_code == 0 and "mediapipe    fits\npi           fits" in fits.stdout
    everything = run(main, ["check", uint8])
    assert everything.exit_code == 0
    assert all(f"\n{name:13}fits" in everything.stdout for name in TARGETS)
    broken = run(main, ["check", str(data / "two-inputs.tflite")])
    assert broken.exit_code == 1 and "general.one-input: 2 inputs" in broken.stdout and "fix: " in broken.stdout
    unasked = run(main, ["check", str(data / "bare-int8.tflite")])
    asked = run(main, ["check", str(data / "bare-int8.tflite"), "--target", "mlkit"])
    assert (unasked.exit_code, asked.exit_code) == (0, 1)
    for path in (tmp_path / "none.tflite", data / "tiny.toml"):
        unreadable = run(main, ["check", str(path), "--json"])
        assert unreadable.exit_code == 5 and unreadable.stdout == ""
        assert unreadable.stderr.startswith("Error: ") and path.name in unreadable.stderr
    assert run(main, ["check", uint8, "--target", "ios"]).exit_code == 2


def test_without_its_packages(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "edge_tagger.convert.check.targets", None)
    done = CliRunner().invoke(main, ["check", str(data / "tiny-uint8.tflite")])
    assert done.exit_code == 8 and "needs ai-edge-litert" in done.stderr


def test_json(data: Path) -> None:
    done = CliRunner().invoke(main, ["check", str(data / "bare-int8.tflite"), "--target", "mediapipe", "--json"])
    found = json.loads(done.stdout)
    assert done.exit_code == 1 and found["fine"] is False
    assert [finding["rule"] for finding in found["findings"]] == ["mediapipe.input-type", "mediapipe.output-type"]
