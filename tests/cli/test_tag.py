"""`edge-tagger tag` with its options, and output that cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main
from edge_tagger.cli.model_options import BACKENDS
from edge_tagger.runtimes import BACKENDS as KNOWN_BACKENDS

PROGRAM = (sys.executable, "-c", "from edge_tagger.cli import main; main()")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path in paths:
        cv2.imwrite(str(path), np.full((6, 9, 3), (0, 255, 255), np.uint8))
    return paths


@pytest.fixture
def model(data: Path) -> Path:
    return data / "tiny-uint8.tflite"


def call(*words: str | Path) -> Result:
    result = CliRunner().invoke(main, ["tag", *map(str, words)])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def tags(*words: str | Path) -> list[str]:
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return [tag["tag"] for tag in json.loads(result.stdout)["tags"]]


def test_backends_are_those_of_the_runtimes() -> None:
    assert ("auto", *KNOWN_BACKENDS) == BACKENDS


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--max-results", "1"], ["colour/Warm"]),
        (["--score-threshold", "0.97"], ["colour/Warm", "colour/Warm/Yellow"]),
        (["--allow", "light"], ["light/bright"]),
        (["--allow", "light", "--allow", "colour/Warm"], ["colour/Warm", "colour/Warm/Yellow", "light/bright"]),
        (["--deny", "colour"], ["light/bright"]),
        (["--threads", "2", "--backend", "ai-edge-litert"], ["colour/Warm", "colour/Warm/Yellow", "light/bright"]),
    ],
)
def test_options_choose_among_the_tags(
    options: list[str], expected: list[str], model: Path, photos: list[Path]
) -> None:
    assert tags(photos[0], "--model", model, *options) == expected


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--allow", "light", "--deny", "colour"], 2, "exclude each other"),
        (["--allow", "lihgt"], 5, "'lihgt'; did you mean light"),
        (["--locale", "de"], 5, "no display names for 'de'"),
        (["--score-threshold", "1.5"], 2, "1.5"),
        (["--max-results", "0"], 2, "0"),
        (["--max-pixels", "10"], 4, "megapixels"),
        (["--max-bytes", "10"], 4, "more than 10 bytes"),
        (["--delegate", "libnone.so"], 5, "libnone.so"),
        (["--delegate-option", "x"], 2, "'x' is not KEY=VALUE"),
        (["--delegate-option", "x=1"], 2, "for a delegate"),
        (["--mean", "1"], 2, "belong together"),
        (["--mean", "1,x", "--std", "1"], 2, "'1,x'"),
        (["--mean", "1,2", "--std", "1"], 2, "one value each"),
        (["--backend", "onnx"], 2, "onnx"),
    ],
)
def test_what_cannot_be_is_told(options: list[str], code: int, told: str, model: Path, photos: list[Path]) -> None:
    result = call(photos[0], "--model", model, *options)
    assert (result.exit_code, told in result.stderr, result.stdout) == (code, True, ""), result.output


def test_a_float_model_of_others_is_told_what_its_input_means(data: Path, photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\n".join("abcdefgh"))
    words = (photos[0], "--model", data / "logits-float32.tflite", "--labels", tmp_path / "labels.txt", "--json")
    plain = call(*words).stdout
    assert call(*words, "--mean", "123.675,116.28,103.53", "--std", "58.395,57.12,57.375").stdout == plain
    assert call(*words, "--mean", "0", "--std", "1").stdout != plain


def test_one_and_many_photos_get_the_same_lines(model: Path, photos: list[Path]) -> None:
    each = "".join(call(photo, "--model", model).stdout for photo in photos)
    assert call(*photos, "--model", model).stdout == call(*photos, "--model", model, "--workers", "1").stdout == each
    assert each.count("Warm > Yellow") == 3


def test_a_photo_that_is_alone_and_bad_is_one_line(model: Path, tmp_path: Path) -> None:
    result = call(tmp_path / "none.jpg", "--model", model)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (4, "", 1)


def test_a_name_that_is_no_text_is_printed(model: Path, photos: list[Path], tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff.png"
    Path(os.fsdecode(odd)).write_bytes(photos[0].read_bytes())
    for words in ([odd], [odd, os.fsencode(photos[0])]):
        done = subprocess.run(
            [*PROGRAM, "tag", *words, "--model", model, "--json"],
            capture_output=True, check=False, env={**os.environ, "PYTHONUTF8": "1"},
        )  # fmt: skip
        assert done.returncode == 0 and "�.png" in done.stdout.decode()


def test_photos_that_vanish_while_others_are_tagged_are_told(
    model: Path, photos: list[Path], tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    many = [tmp_path / f"{number}.png" for number in range(2_000)]
    for path in many:
        os.link(photos[0], path)
    words = [*PROGRAM, "tag", *many, "--model", model, "--json"]
    with (tmp_path / "errors").open("w+") as errors, start(
        words, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline()
        for path in reversed(many):
            path.unlink()
        tagged = process.stdout.readlines()
    ours = [line for line in (tmp_path / "errors").read_text().splitlines() if not line.startswith("INFO:")]
    assert process.returncode == 4 and ours and 1 + len(tagged) + len(ours) == len(many)
    assert all(line.startswith("Error: ") and line.endswith(" does not exist") for line in ours)


def run(command: str, *words: str | Path, buffered: bool) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, "bash", *PROGRAM, *map(str, words)],
        capture_output=True, check=False, env=environment, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    ("command", "told"), [('"$@" > /dev/full', b"No space left"), ('"$@" | head -n 1', b"Broken pipe")]
)
@pytest.mark.parametrize("many", [1, 60])
def test_output_that_cannot_be_written_is_one_line(
    command: str, told: bytes, many: int, buffered: bool, model: Path, photos: list[Path]
) -> None:
    done = run(command, "tag", *photos[:1] * many, "--model", model, buffered=buffered)
    ours = [line for line in done.stderr.splitlines() if not line.startswith(b"INFO:")]  # LiteRT's own
    if b"head" in command.encode() and many == 1:
        assert ours in ([], [b"Error: cannot write the output: Broken pipe"])  # head may have been too slow to close
    else:
        assert ours == [b"Error: cannot write the output: " + ours[0].split(b": ")[-1]] and told in ours[0]
        assert done.returncode == 6


@pytest.mark.parametrize("words", [["--help"], ["tag", "--help"], ["--version"]])
def test_help_that_cannot_be_written_is_one_line(words: list[str]) -> None:
    done = run('"$@" > /dev/full', *words, buffered=True)
    assert (done.returncode, done.stderr) == (6, b"Error: cannot write the output: No space left on device\n")


def test_another_error_of_the_system_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch, photos: list[Path]) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "denied", "some/file")

    monkeypatch.setattr("edge_tagger.tagger.Tagger.__init__", broken)
    result = CliRunner().invoke(main, ["tag", str(photos[0])])
    assert isinstance(result.exception, PermissionError)
