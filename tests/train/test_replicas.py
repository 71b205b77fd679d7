from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from edge_tagger.train.replicas import shared, strategy_of


@pytest.fixture(scope="module")
def runs(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings, each on one device ("none") and on two with a stop and --resume ("mirrored")."""
    from edge_tagger.train.resnet import build, get_weights
    from edge_tagger.train.weights import save_weights

    out = tmp_path_factory.mktemp("shared")
    save_weights(out / "w.safetensors", get_weights(build("resnet10", folded=False, stages=1, image_size=16, tags=2)))
    script = Path(__file__).with_name("two_devices.py")
    done = subprocess.run(
        [sys.executable, script, drawn, out / "w.safetensors", out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.parametrize(("run", "phase"), [("whole", "whole"), ("parts", "head"), ("parts", "more")])
def test_devices_that_share_each_batch_come_to_the_weights_of_one(runs: Path, run: str, phase: str) -> None:
    one, two = (load_file(runs / kind / run / "checkpoints" / f"{phase}.safetensors") for kind in ("none", "mirrored"))
    assert one.keys() == two.keys()
    for name in one:
        # A fused batch norm keeps the unbiased variance, n / (n - 1) times that which devices keep in step.
        slack = 1e-3 if "moving_variance" in name else 0.0
        np.testing.assert_allclose(two[name], one[name], rtol=slack, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("run", ["whole", "parts"])
def test_the_log_of_a_shared_training_is_that_of_one_device(runs: Path, run: str) -> None:
    one, two = (_lines(runs / kind / run / "metrics.jsonl") for kind in ("none", "mirrored"))
    assert [line["phase"] for line in one] == [line["phase"] for line in two]
    assert [line["loss"] for line in two] == pytest.approx([line["loss"] for line in one], abs=1e-4)


def test_without_two_gpus_mirrored_says_that_it_trains_on_one_device(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge_tagger.train.replicas._gpus", lambda: ["GPU:0"])
    assert strategy_of("mirrored") is strategy_of("none")
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "needs two GPUs and TensorFlow sees 1" in told
    batch = (np.zeros(3),)
    assert shared(batch) is batch


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
