"""The folder that one training writes.

::

    RUN/
      recipe.toml              the resolved recipe, every default spelled out
      provenance.json          what it was trained from: source, weights, versions, counts
      photos.csv               each readable photo with its split, group and place in the source
      targets.npy              int8 [photos, N] in the order of photos.csv
      manifest.json            tags, thresholds, metrics: what goes into a converted file
      metrics.jsonl            a line for each epoch
      representative.npy       uint8 [n, S, S, 3] from the training split, for calibration
      checkpoints/             the state of each phase, while it runs and when it is done
      weights.safetensors      the float model, folded
      float/, qat/             SavedModels, float32 [1, S, S, 3] -> scores [1, N]
      report/index.html        what the models do on the validation split, to look at
      comparison.json          the same as figures, and which int8 is the better one
      cache/                   what frozen layers put out, while the run is not done
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_tagger.catalogue.labels import Targets
from edge_tagger.errors import OutputError, RunError
from edge_tagger.files import whole_file, write_json, write_text
from edge_tagger.manifest import Manifest
from edge_tagger.shops.dialects import inert
from edge_tagger.train.checkpoint import save_array
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.recipe_file import load_recipe, save_recipe

_PHOTO_COLUMNS = ("path", "split", "group", "place")


@dataclass(frozen=True)
class RunFolder:
    """Paths and small files of a run."""

    path: Path

    @classmethod
    def open(cls, path: Path, recipe: Recipe, *, resume: bool) -> RunFolder:
        """Make the folder and write the recipe, or find the run that is to be resumed.

        Raises OutputError where the folder holds something else, RunError where the run has another recipe.
        """
        run = cls(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            if not run.recipe_path.exists():
                raise OutputError(f"{path} exists and is not a run; choose another --out")
            if not resume:
                raise OutputError(f"{path} holds another run; continue it with --resume or choose another --out")
            _check_same(load_recipe(str(run.recipe_path)), recipe, path)
            run.checkpoints.mkdir(exist_ok=True)
            _sweep(path)
            return run
        try:
            path.mkdir(parents=True, exist_ok=True)
            save_recipe(run.recipe_path, recipe)
            run.checkpoints.mkdir()
        except OSError as error:
            raise OutputError(f"cannot make the folder {path}: {error.strerror}; choose another --out") from error
        return run

    @property
    def recipe_path(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def float_model(self) -> Path:
        return self.path / "float"

    @property
    def quantized_model(self) -> Path:
        return self.path / "qat"

    @property
    def is_done(self) -> bool:
        """Whether the training is finished: the comparison is written last, and wholly."""
        return self.comparison_path.exists()

    @property
    def comparison_path(self) -> Path:
        return self.path / "comparison.json"

    @property
    def report(self) -> Path:
        return self.path / "report"

    @property
    def manifest_path(self) -> Path:
        return self.path / "manifest.json"

    @property
    def representative_path(self) -> Path:
        return self.path / "representative.npy"

    def checkpoint(self, phase: str) -> Path:
        return self.checkpoints / f"{phase}.safetensors"

    def write_manifest(self, manifest: Manifest) -> None:
        write_json(self.manifest_path, manifest.to_json())

    def read_manifest(self) -> Manifest:
        return Manifest.from_json(read_json(self.manifest_path))

    def read_provenance(self) -> dict[str, Any]:
        provenance: dict[str, Any] = read_json(self.path / "provenance.json")
        return provenance

    def write_photos(self, rows: Sequence[tuple[Path, str, int, str]], targets: Targets) -> None:
        """Rows of (path, split, group, place), and their targets."""
        save_array(self.path / "targets.npy", targets)
        with (
            whole_file(self.path / "photos.csv") as beside,
            beside.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(_PHOTO_COLUMNS)
            writer.writerows((path, split, group, inert(place)) for path, split, group, place in rows)

    def read_photos(self) -> tuple[list[Path], list[str], Targets] | None:
        """Paths, splits and targets, or None where they were not written yet. Raises RunError for broken files."""
        try:
            with (self.path / "photos.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
                rows = list(csv.DictReader(file))
            targets: Targets = np.load(self.path / "targets.npy")
            return [Path(row["path"]) for row in rows], [row["split"] for row in rows], targets
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"{self.path}: photos.csv or targets.npy is broken ({error}); begin a new run") from error

    def log(self, phase: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Add a line to metrics.jsonl, in place of one that a stopped training left for the same epoch."""
        path = self.path / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if (json.loads(line)["phase"], json.loads(line)["epoch"]) != (phase, epoch)]
        write_text(path, "\n".join([*kept, json.dumps({"phase": phase, "epoch": epoch, **figures})]) + "\n")


def read_json(path: Path) -> Any:
    """The JSON value in a file of a run. Raises RunError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}); this run is not finished or broken") from error


def _sweep(path: Path) -> None:
    """Remove what a killed training was writing; edge_tagger.files names it so."""
    for beside in [found for folder in ("", "*/", "cache/*/") for found in path.glob(f"{folder}.*.????????")]:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        else:
            beside.unlink(missing_ok=True)


def _check_same(old: Recipe, new: Recipe, path: Path) -> None:
    if old != new:
        differing = [name for name in Recipe.__dataclass_fields__ if getattr(old, name) != getattr(new, name)]
        raise RunError(
            f"{path} was begun with another recipe (different: {', '.join(differing)}); "
            f"resume it with --recipe {path / 'recipe.toml'} or choose another --out"
        )
