"""The two scripts of .ci/wheels, on the environment that runs the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from edge_tagger.runtimes import find_runtime

HERE = Path(__file__).resolve().parent


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, HERE / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_scores_are_the_same_each_time_and_a_step_is_told(tmp_path: Path) -> None:
    done = run("fixed_scores.py", tmp_path / "here.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "here.npz") as here:
        runtime, scores, tags = str(here["runtime"]), here["scores"], here["tags"]
    assert runtime == str(find_runtime())
    assert scores.shape[0] == 4 and len(np.unique(scores)) > 20  # the photos tell the model something
    older = "tflite-runtime 2.14.0"
    np.savez(tmp_path / "again.npz", runtime=runtime, scores=scores, tags=tags)
    np.savez(tmp_path / "step.npz", runtime=runtime, scores=scores + np.float32(1 / 256), tags=tags)
    np.savez(tmp_path / "other.npz", runtime=older, scores=scores + np.float32(0.1), tags=["none", *tags[1:]])
    np.savez(tmp_path / "far.npz", runtime=older, scores=scores + np.float32(0.2), tags=tags)
    fine = run("same_scores.py", *(tmp_path / f"{name}.npz" for name in ("here", "again", "other")))
    assert fine.returncode == 0, fine.stderr
    assert fine.stdout.splitlines() == [
        f"here: {runtime}",
        f"again: {runtime}: the same scores",
        "other: tflite-runtime 2.14.0: scores differ by up to 0.100, tags are the same of 3 of 4 photos",
    ]
    for wrong in ("step", "far"):
        assert run("same_scores.py", tmp_path / "here.npz", tmp_path / f"{wrong}.npz").returncode == 1
