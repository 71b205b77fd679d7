"""SIGTERM and SIGHUP end a command as Ctrl-C does: nothing is left, and --resume goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_tagger.cli.signals import Terminated, ended_by_signals
from edge_tagger.files import whole_file, whole_folder

PROGRAM = (sys.executable, "-c", "from edge_tagger.cli import main; main()")
Start = Callable[..., subprocess.Popen[Any]]


def wait_for(path: Path, text: bytes, process: subprocess.Popen[Any]) -> None:
    while not (path.exists() and text in path.read_bytes()):
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_tagging_ends_goes_on_and_leaves_nothing(
    start: Start, tmp_path: Path, data: Path, kind: signal.Signals, code: int
) -> None:
    photos, scratch, out = tmp_path / "photos", tmp_path / "scratch", tmp_path / "out.csv"
    photos.mkdir()
    scratch.mkdir()
    cv2.imwrite(str(photos / "000.png"), np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8))
    for number in range(1, 60):
        os.link(photos / "000.png", photos / f"{number:03}.png")
    words = [*PROGRAM, "tag", photos, "--out", out, "--model", data / "tiny-uint8.tflite", "--workers", "1"]
    process = start(words, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(scratch)})
    wait_for(Path(f"{out}.journal"), b"003.png", process)
    process.send_signal(kind)
    told = process.communicate(timeout=30)[1]
    assert process.returncode == code and told.endswith("Terminated.\n") and "--resume" in told, told
    assert "Traceback" not in told and not list(scratch.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "scratch", "out.csv.journal"}
    done = start([*words, "--resume"], stderr=subprocess.PIPE, text=True)
    told = done.communicate(timeout=60)[1]
    assert done.returncode == 0 and "were in" in told and out.exists(), told


def test_a_bench_ends_its_children(start: Start, tmp_path: Path, data: Path) -> None:
    with (tmp_path / "told").open("wb") as told:
        words = [*PROGRAM, "bench", data / "tiny-uint8.tflite", "--num-runs", "1000000000"]
        process = start(words, stdout=subprocess.DEVNULL, stderr=told, env={**os.environ, "TMPDIR": str(tmp_path)})
        while not (workers := children(process.pid)):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert [path.name for path in tmp_path.iterdir()] == ["told"]


def children(pid: int) -> list[int]:
    """Worker processes of a bench, by their parent."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"worker.py" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_what_was_being_written_is_removed(tmp_path: Path, whole: Any) -> None:
    with pytest.raises(Terminated) as ended, ended_by_signals(), whole(tmp_path / "out") as beside:
        assert beside.exists()
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # `timeout` sends it to the process and to its group
    assert ended.value.exit_code == 143 and not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_second_request_ends_it_at_once(start: Start) -> None:
    code = (
        "import time\nfrom edge_tagger.cli.signals import Terminated, ended_by_signals\n"
        "with ended_by_signals():\n    try:\n        print('on', flush=True)\n        time.sleep(60)\n"
        "    except Terminated:\n        print('tidying', flush=True)\n        time.sleep(60)"
    )
    process = start([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "on\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "tidying\n"
    time.sleep(1.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == -signal.SIGTERM


def test_what_is_ignored_stays_ignored() -> None:
    """nohup, and Ctrl-C in a background job of a shell."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_tests_that_send_ctrl_c_pass_where_it_is_ignored(start: Start) -> None:
    """`make test &` in a script: what is started from there ignores Ctrl-C until it says otherwise."""
    test = Path(__file__).parents[1] / "edge_tagger" / "test_tagger.py"
    code = (
        "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', {f'{test}::test_ctrl_c_ends_tag_many_at_once'!r}]))"
    )
    process = start([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.wait(60) == 0, process.communicate()[0]
