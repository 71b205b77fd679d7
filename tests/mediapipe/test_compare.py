"""The comparison with MediaPipe finds what differs. Here a stand-in takes its place; .ci/mediapipe runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# Takes the scores of the model tiny-uint8 for any photo from a file; wrong in what the name of the model says.
STAND_IN = """
import json, os, pathlib
from types import SimpleNamespace as N

class ImageFormat:
    SRGB = 1

class Image:
    def __init__(self, image_format, data):
        self.data = data

class Classifier:
    def __init__(self, options):
        self.name = pathlib.Path(options.base_options.model_asset_path).stem
        if self.name == "refused":
            raise ValueError("no metadata")
        self.entry = next(e for e in json.loads(pathlib.Path(os.environ["PLAN"]).read_text())
                          if pathlib.Path(e["model"]).stem == self.name)
        self.names = self.entry["display_names"][options.display_names_locale]
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def classify(self, image):
        from edge_tagger.tagger import Tagger
        with Tagger(self.entry["model"]) as tagger:
            scores = tagger.scores(image.data).tolist()
        labels = list(self.entry["labels"])
        if self.name == "labels":
            labels[0] = "other"
        if self.name == "scores":
            scores[1] += 2 / 256
        if self.name == "raw" and image.data.shape[0] != 8:
            scores = scores[::-1]
        made = [N(index=n, score=s, category_name=labels[n], display_name=self.names[n]) for n, s in enumerate(scores)]
        return N(classifications=[N(categories=sorted(made, key=lambda c: -c.score))])

options = lambda **kw: N(**kw)
tasks = N(BaseOptions=options,
          vision=N(ImageClassifierOptions=options, ImageClassifier=N(create_from_options=Classifier)))
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("right", None),
        ("refused", "no metadata"),
        ("labels", "labels of the locale en differ"),
        ("scores", "differ by up to 0.0078"),
        ("raw", "top tags agree on"),
    ],
)
def test_what_differs_is_found(data: Path, tmp_path: Path, name: str, told: str | None) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(data / "tiny-uint8.tflite", tmp_path / "models" / f"{name}.tflite")
    (tmp_path / "lib" / "mediapipe-9.dist-info").mkdir(parents=True)
    (tmp_path / "lib" / "mediapipe-9.dist-info" / "METADATA").write_text("Name: mediapipe\nVersion: 9\n")
    (tmp_path / "lib" / "mediapipe.py").write_text(STAND_IN)
    out = tmp_path / "out"
    command = [sys.executable, HERE / "write_scores.py", tmp_path / "models", out, "--photos", "20"]
    subprocess.run(command, check=True, capture_output=True)
    plan = json.loads((out / "plan.json").read_text())
    assert not plan[0]["at_home"]
    assert plan[0]["paths"] == {"colour": [[0, 1], [0, 2], [3, 4], [3, 5]], "light": [[6], [7]]}
    (out / "plan.json").write_text(json.dumps([{**plan[0], "at_home": True}]))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "lib"), "PLAN": str(out / "plan.json")}
    done = subprocess.run(
        [sys.executable, HERE / "compare.py", out], env=environment, capture_output=True, text=True, check=False
    )
    (result,) = json.loads((out / "result.json").read_text())
    assert done.returncode == (told is not None), done.stdout + done.stderr
    if told is None:
        assert result["failures"] == []
    else:
        assert told in result["failures"][0]
