from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.results import Report, Round
from edge_tagger.benchmarks.results import Result as Cell
from edge_tagger.benchmarks.results_file import write_report
from edge_tagger.cli import main


def bench(path: Path, p50_ms: float, **changed: Any) -> Path:
    """What `bench --json` would have written: two cells in three rounds."""
    rounds = tuple(
        Round(
            date="2026-01-01T00:00:00+00:00", init_ms=1.0, first_ms=2.0, warmup_ms=(), stable=True,
            samples_ms=tuple(p50_ms * (1 + 0.01 * ((7 * n + place) % 5)) for n in range(20)), every=1,
            overhead_us=0.5, baseline_bytes=10, peak_bytes=5_000_010,
        )
        for place in range(3)
    )  # fmt: skip
    fields: dict[str, Any] = {
        "path": "models/a|b.tflite", "sha256": "a" * 64, "size_bytes": 1_000_000, "device": "pi", "emulated": True,
        "plan": Plan(), "runtime": {"name": "r", "version": "1"}, "delegate": "none", "machine": {"cpu": "A76"},
        **changed,
    }  # fmt: skip
    write_report(path, Report(Plan(), results=[Cell(**fields, threads=threads, rounds=rounds) for threads in (1, 2)]))
    return path


def compare(*words: str | Path) -> Result:
    result = CliRunner().invoke(main, ["compare", *map(str, words)])
    assert "Traceback" not in result.output and isinstance(result.exception, (SystemExit, type(None)))
    return result


def test_a_row_for_each_cell_and_exit_code_0(tmp_path: Path) -> None:
    files = bench(tmp_path / "a.json", 10.0), bench(tmp_path / "b.json", 12.0)
    result = compare(*files)
    assert result.exit_code == 0 and result.stderr == ""
    head, *rows = (line.split() for line in result.stdout.splitlines())
    assert head[:6] == ["model", "device", "threads", "p50", "then", "ratio"]
    assert [row[:4] for row in rows] == [["a|b.tflite", "pi", "(emulated)", threads] for threads in "12"]
    assert rows[0][6] == "1.200" and rows[0][10:12] == ["20.0%", "slower"]


def test_a_regression_is_exit_code_1_and_stands_in_the_markdown(tmp_path: Path) -> None:
    files = bench(tmp_path / "a.json", 10.0), bench(tmp_path / "b.json", 12.0)
    written = ("--markdown", tmp_path / "c.md", "--json", tmp_path / "c.json")
    result = compare(*files, "--fail-on", "latency=5%,size=0%", *written)
    assert result.exit_code == 1
    assert [line.partition(" x ")[0] for line in result.stderr.splitlines()] == [
        f"Error: a|b.tflite on pi, threads {threads}: p50 is 1.200" for threads in (1, 2)
    ]
    text = (tmp_path / "c.md").read_text()
    assert text.startswith("**2 regressions**\n\n| model | device |") and text.count("- :x: ") == 2
    assert "a\\|b.tflite" in text and "pi (emulated)" in text
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["passed"] is False and len(content["regressions"]) == 2 and content["limits"]["latency"] == 0.05
    assert content["pairs"][0]["p50_ms"][1] == pytest.approx(1.2 * content["pairs"][0]["p50_ms"][0])
    assert compare(*files, "--fail-on", "latency=30%").exit_code == 0
    assert compare(*reversed(files), "--fail-on", "latency=0%").exit_code == 0


def test_another_model_is_compared_when_it_is_asked_for(tmp_path: Path) -> None:
    files = bench(tmp_path / "a.json", 10.0), bench(tmp_path / "b.json", 10.0, sha256="b" * 64, size_bytes=2_000_000)
    result = compare(*files)
    assert result.exit_code == 1 and "--across model compares them" in result.stderr and result.stdout == ""
    result = compare(*files, "--across", "model", "--markdown", tmp_path / "c.md")
    assert result.exit_code == 0 and "1.00 → 2.00" in result.stdout
    assert (tmp_path / "c.md").read_text().startswith("**2 compared: no change beyond noise**")


def test_what_is_unlike_and_what_is_not_judged_is_told(tmp_path: Path) -> None:
    before = bench(tmp_path / "a.json", 10.0)
    content = json.loads(bench(tmp_path / "b.json", 10.0).read_text())
    content["results"][1]["machine"] = {"cpu": "A55"}
    content["results"][0]["rounds"] = content["results"][0]["rounds"][:1]
    (tmp_path / "b.json").write_text(json.dumps(content))
    result = compare(before, tmp_path / "b.json", "--fail-on", "latency=5%", "--markdown", tmp_path / "c.md")
    assert result.exit_code == 1 and "latency could not be judged" in result.stderr
    for text in (result.stdout, (tmp_path / "c.md").read_text()):
        assert "Not compared" in text and "another machine: its cpu was A76, then A55" in text
        assert "Not judged" in text and "one round does not tell how processes differ" in text


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("a.json", "none.json"), 6, "cannot read none.json"),
        (("a.json", "bad.json"), 6, "bad.json is not what `edge-tagger bench --json` writes"),
        (("a.json", "a.json", "--fail-on", "latency=5"), 2, "give latency=5%"),
        (("a.json", "a.json", "--fail-on", "speed=5%"), 2, "is no limit; give latency=5%, memory=10%"),
        (("a.json", "a.json", "--across", "device"), 2, "'model', 'runtime'"),
        (("a.json", "a.json", "--markdown", "nope/c.md"), 6, "nope/c.md"),
        (("a.json",), 2, "AFTER.json"),
    ],
)
def test_bad_input_is_one_line_and_its_exit_code(
    words: tuple[str, ...], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bench(Path("a.json"), 10.0)
    Path("bad.json").write_text("{}")
    result = compare(*words)
    assert result.exit_code == code and message in result.stderr
