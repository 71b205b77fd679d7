from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from edge_tagger.cli import main


def test_both_bundles_in_one_call(data: Path, tmp_path: Path) -> None:
    out, archive = tmp_path / "module", tmp_path / "pi.tar.gz"
    done = CliRunner().invoke(
        main, ["bundle", str(data / "tiny-uint8.tflite"), "--android", str(out), "--pi", str(archive)]
    )
    assert (done.exit_code, done.stdout.splitlines()) == (0, [str(out), str(archive)]), done.output
    assert (out / "build.gradle").is_file()
    assert archive.stat().st_size > 1000


def test_it_wants_to_know_for_what(data: Path) -> None:
    done = CliRunner().invoke(main, ["bundle", str(data / "tiny-uint8.tflite")])
    assert done.exit_code == 2
    assert "--android OUT, --pi FILE.tar.gz, or both" in done.output


def test_a_model_without_manifest_is_one_line_and_its_exit_code(data: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["bundle", str(data / "bare-int8.tflite"), "--android", str(tmp_path / "out")])
    assert done.exit_code == 5
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
