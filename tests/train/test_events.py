from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.errors import OutputError
from edge_tagger.train import finetune, fit
from edge_tagger.train.events import write_scalars
from edge_tagger.train.keras import tf
from edge_tagger.train.recipe_file import load_recipe


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    """(tag, step, value) of all events in a folder, read file after file as TensorBoard does."""
    found = []
    for path in sorted(folder.glob("*tfevents*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found.append((value.tag, event.step, float(tf.make_ndarray(value.tensor))))
    return found


def test_an_epoch_written_twice_is_there_once(tmp_path: Path) -> None:
    write_scalars(tmp_path / "head", 0, {"loss": 3.0})
    write_scalars(tmp_path / "head", 1, {"loss": 9.0})
    write_scalars(tmp_path / "head", 1, {"loss": 2.0, "map_macro": 0.5})
    assert scalars(tmp_path / "head") == [("loss", 0, 3.0), ("loss", 1, 2.0), ("map_macro", 1, 0.5)]
    assert not list(tmp_path.rglob(".*"))


def test_a_folder_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"logs-\xe9")
    write_scalars(folder, 0, {"loss": 3.0})
    shutil.copytree(folder, tmp_path / "copy")
    assert scalars(tmp_path / "copy") == [("loss", 0, 3.0)]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another --tensorboard"):
        write_scalars(tmp_path / "file" / "head", 0, {"loss": 3.0})


def test_a_stopped_and_resumed_training_logs_each_epoch_once(
    drawn: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C hits after an epoch is logged and before its checkpoint is there, so that it is logged again."""
    for later in ("finish_float", "finish_quantized", "compare"):
        monkeypatch.setattr(finetune, later, lambda *_: None)
    recipe, run = load_recipe(str(data / "tiny.toml")), tmp_path / "run"
    options: dict[str, Any] = {"tensorboard": tmp_path / "logs"}
    with monkeypatch.context() as patched:
        patched.setattr(fit, "save_checkpoint", _stop)
        with pytest.raises(KeyboardInterrupt):
            finetune.train(drawn, recipe, run, **options)
    assert [step for tag, step, _ in scalars(tmp_path / "logs/train") if tag == "loss"] == [0]
    finetune.train(drawn, recipe, run, resume=True, **options)

    found = scalars(tmp_path / "logs/train")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for tag in ("loss", "map_macro", "map_micro"):
        logged = [(step, value) for name, step, value in found if name == tag]
        assert logged == [(line["epoch"], pytest.approx(line[tag])) for line in lines]
    rates = [value for name, _, value in found if name == "learning_rate"]
    assert len(rates) == 2 and 3e-3 > rates[0] > rates[1] > 0


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt
