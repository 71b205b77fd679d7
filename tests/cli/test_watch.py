"""`edge-tagger watch` on videos, folders and a network camera, and how it ends."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main

PROGRAM = (sys.executable, "-c", "from edge_tagger.cli import main; main()")
YELLOW, BLUE = (255, 255, 0), (0, 0, 255)


@pytest.fixture
def model(data: Path) -> Path:
    return data / "tiny-uint8.tflite"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three seconds of yellow, three of blue."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for colour in [YELLOW] * 30 + [BLUE] * 30:
        writer.write(np.full((48, 64, 3), colour[::-1], np.uint8))
    writer.release()
    return path


def call(*words: str | Path) -> Result:
    result = CliRunner().invoke(main, ["watch", *map(str, words)])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def started(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.Popen[str]]:
    def watch(*words: str | Path) -> subprocess.Popen[str]:
        return start([*PROGRAM, "watch", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return watch


def of_litert(line: str) -> bool:
    return line.startswith("INFO: Created TensorFlow Lite XNNPACK")


def test_a_video_is_logged_where_its_answer_changes(clip: Path, model: Path) -> None:
    done = call(clip, "--model", model)
    assert done.exit_code == 0
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("0:00.0  colour Warm > Yellow ")
    assert "colour Cool > Blue" in last
    assert 3 < float(last.split()[0].split(":")[1]) < 6
    assert len(done.stdout.splitlines()) < 8
    assert done.stderr.splitlines()[-1].startswith("60 frames tagged in ")


def test_json_lines_of_a_video(clip: Path, model: Path) -> None:
    done = call(clip, "--model", model, "--json", "--every", "1", "--smoothing", "0", "--hold", "0")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["at_s"] for each in found] == [0, 1, 2, 3, 4, 5]
    assert [each["changed"] for each in found] == [True, False, False, True, False, False]
    assert found[0]["paths"]["colour"] == ["Warm", "Yellow"]
    assert found[3]["paths"]["colour"] == ["Cool", "Blue"]
    assert {each["dropped"] for each in found} == {0}


def test_a_video_that_is_cut_off_is_tagged_up_to_there_and_told_in_one_line(
    started: Callable[..., subprocess.Popen[str]], clip: Path, model: Path
) -> None:
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    process = started(clip, "--model", model)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 10
    assert out.startswith("0:00.0  colour Warm > Yellow ")
    told = [line for line in err.splitlines() if not of_litert(line)]
    assert len(told) == 2, err  # nothing of OpenCV's and FFmpeg's
    assert " frames tagged in " in told[0]
    assert told[1].startswith(f"Error: {clip} ends after ")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("http://me:secret@127.0.0.1:9/v", "Error: cannot open http://127.0.0.1:9/v: no answer, "),
        ("/dev/video99", "Error: there is no /dev/video99; there is "),
        ("nothing.mp4", "Error: cannot watch nothing.mp4: No such file or directory; "),
    ],
)
def test_a_source_that_cannot_be_opened_is_one_line(
    started: Callable[..., subprocess.Popen[str]], word: str, said: str, model: Path
) -> None:
    process = started(word, "--model", model)
    out, err = process.communicate(timeout=60)
    told = [line for line in err.splitlines() if not of_litert(line)]
    assert (process.returncode, out, len(told)) == (10, "", 1), err
    assert told[0].startswith(said)


def test_a_csi_camera_without_picamera2_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    done = call("csi", "--model", model)
    assert done.exit_code == 8
    assert "picamera2, which is not installed" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["FOLDER", "--smoothing", "0"], "--smoothing does nothing for a folder"),
        (["FOLDER", "--reconnect"], "--reconnect does nothing for a folder"),
        (["CLIP", "--reconnect"], "--reconnect does nothing for a video"),
        (["0", "--existing"], "--existing does nothing for a camera"),
        (["CLIP", "--still", "2"], "--still does nothing for a video"),
        (["CLIP", "--hold", "-1"], "-1"),
        (["CLIP", "--smoothing", "inf"], "inf"),
        (["CLIP", "--every", "nan"], "nan is not a number of seconds from 0 on"),
        (["FOLDER", "--duration", "0"], "--duration"),
        (["CLIP", "--allow", "colour", "--deny", "light"], "allow and deny exclude each other"),
    ],
)
def test_options_that_do_not_belong_are_refused(words: list[str], said: str, clip: Path, model: Path) -> None:
    places = {"FOLDER": str(clip.parent), "CLIP": str(clip)}
    done = call(*(places.get(word, word) for word in words), "--model", model)
    assert done.exit_code == 2
    assert said in done.stderr


def test_photos_that_arrive_in_a_folder_are_tagged_each_once(
    started: Callable[..., subprocess.Popen[str]], tmp_path: Path, model: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    yellow = cv2.imencode(".png", np.full((20, 20, 3), YELLOW[::-1], np.uint8))[1].tobytes()
    (inbox / "old.png").write_bytes(yellow)
    process = started(inbox, "--model", model, "--json", "--existing", "--still", "0.4")
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline())]
    with (inbox / "a.png").open("wb") as file:  # written in two halves, with a pause between them
        file.write(yellow[:40])
        file.flush()
        time.sleep(0.3)
        file.write(yellow[40:])
    lines.append(json.loads(process.stdout.readline()))
    (inbox / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    assert process.stderr is not None
    told = next(line for line in process.stderr if not of_litert(line))
    (inbox / "late.png").write_bytes(yellow[:40])
    assert "late.png" in next(iter(process.stderr))
    (inbox / "late.png").write_bytes(yellow)
    lines.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert [Path(line["photo"]).name for line in lines] == ["old.png", "a.png", "late.png"]
    assert {line["paths"]["colour"][-1] for line in lines} == {"Yellow"}
    assert told.startswith(f"Error: {inbox / 'broken.jpg'} ")
    assert (process.returncode, out) == (4, "")
    assert err.startswith("3 photos tagged in ")
    assert err.endswith("; 1 could not be read\n")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_summary(
    started: Callable[..., subprocess.Popen[str]], kind: signal.Signals, tmp_path: Path, model: Path
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((9, 9, 3), 200, np.uint8))
    process = started(tmp_path, "--model", model, "--existing", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["photo"] == str(tmp_path / "a.png")
    process.send_signal(kind)
    out, err = process.communicate(timeout=30)
    told = [line for line in err.splitlines() if not of_litert(line)]
    assert (process.returncode, out, len(told)) == (0, "", 1), err
    assert told[0].startswith("1 photo tagged in ")


def test_it_ends_after_its_duration(tmp_path: Path, model: Path) -> None:
    began_s = time.monotonic()
    assert call(tmp_path, "--model", model, "--duration", "0.6").exit_code == 0
    assert time.monotonic() - began_s >= 0.6
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_a_reader_that_goes_away_is_told_in_one_line(clip: Path, model: Path) -> None:
    words = shlex.join([*PROGRAM, "watch", str(clip), "--model", str(model), "--every", "0"])
    script = f"{words} | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "6"
    assert "Error: cannot write the output: Broken pipe" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_camera_that_ends_is_told_after_its_frames(model: Path, fake_yellow_camera: Callable[[int], None]) -> None:
    fake_yellow_camera(25)
    done = call("http://cam/1", "--model", model, "--json")
    assert done.exit_code == 10
    found = json.loads(done.stdout.splitlines()[0])
    assert found["source"] == "http://cam/1"
    assert found["paths"]["colour"] == ["Warm", "Yellow"]
    assert done.stderr.splitlines()[-1] == "Error: the camera was unplugged"


@pytest.fixture
def fake_yellow_camera(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that puts a camera in place of OpenCV's, which is unplugged after so many pictures."""
    from edge_tagger.errors import SourceError
    from edge_tagger.watch import run

    def put(number: int) -> None:
        left = [np.full((48, 64, 3), YELLOW, np.uint8)] * number

        class Yellow:
            def read(self) -> np.ndarray:
                if not left:
                    raise SourceError("the camera was unplugged")
                time.sleep(0.005)
                return left.pop()

            def close(self) -> None:
                pass

        monkeypatch.setattr(run, "open_camera", lambda _source: Yellow())

    return put
