"""The folder that one training writes.

::

    RUN/
      recipe.toml              the resolved recipe, every default spelled out
      provenance.json          what it was trained from: source, weights, versions, counts
      photos.csv               each readable photo with its split, group, place in the source and labels
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
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import POSITIVE, UNKNOWN, Targets
from edge_tagger.catalogue.run_split import run_rows
from edge_tagger.convert.sources import POST_TRAINING, QAT
from edge_tagger.errors import ManifestError, OutputError, RecipeError, RunError
from edge_tagger.files import whole_file, write_json, write_text
from edge_tagger.json_fields import Fields
from edge_tagger.manifest import Manifest
from edge_tagger.reading import checked_json, read_array, read_json_object, read_text, reason
from edge_tagger.shops.dialects import inert
from edge_tagger.train.checkpoint import save_array
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.recipe_file import load_recipe, save_recipe

_LINE_START = '{"phase": '  # of metrics.jsonl
LABEL = "label:"  # before the name of a column of the source, in photos.csv
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
            _check_same(run.read_recipe(), recipe, path)
            try:
                run.checkpoints.mkdir(exist_ok=True)
                _sweep(path)
            except OSError as error:
                raise RunError(f"cannot resume {path}: {error.filename}: {error.strerror}; remove it") from error
            run.mend_metrics()
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
        """Whether the training is finished: the comparison is written last, and wholly. A removed model is made
        again. Raises RunError where the comparison is damaged."""
        models = (self.float_model, self.quantized_model)
        if not self.comparison_path.exists() or not all((model / "saved_model.pb").exists() for model in models):
            return False
        self.read_comparison()
        return True

    @property
    def comparison_path(self) -> Path:
        return self.path / "comparison.json"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

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

    def read_recipe(self) -> Recipe:
        """Raises RunError."""
        try:
            return load_recipe(str(self.recipe_path))
        except RecipeError as error:
            raise RunError(f"{self.path}: the run's recipe is damaged ({error}); choose another --out") from error

    def read_comparison(self) -> dict[str, Any]:
        """Raises RunError where it is missing or damaged."""
        try:
            found = read_json_object(self.comparison_path)
            if (better := Fields(found).text("int8")) not in (QAT, POST_TRAINING):
                raise ValueError(f"its int8 is {better!r}")
        except (OSError, ValueError) as error:
            raise _damaged(
                self.comparison_path, error, "delete it and resume the training, to compare again"
            ) from error
        return found

    def write_manifest(self, manifest: Manifest) -> None:
        write_json(self.manifest_path, manifest.to_json())

    def read_manifest(self) -> Manifest:
        """Raises RunError."""
        try:
            return Manifest.from_json(read_json_object(self.manifest_path))
        except (OSError, ValueError, ManifestError) as error:
            raise _damaged(self.manifest_path, error) from error

    def read_provenance(self) -> dict[str, Any]:
        """Raises RunError."""
        path = self.path / "provenance.json"
        try:
            provenance = read_json_object(path)
            Fields(provenance).text_or_none("weights_sha256")
        except (OSError, ValueError) as error:
            raise _damaged(path, error) from error
        return provenance

    def read_representative(self, size: int) -> NDArray[np.uint8]:
        """uint8 [n, S, S, 3]. Raises RunError."""
        try:
            photos = read_array(self.representative_path, kind=np.uint8, shape=(None, size, size, 3))
            if not len(photos):
                raise ValueError("it has no photo")
        except (OSError, ValueError) as error:
            raise _damaged(self.representative_path, error) from error
        return photos

    def write_photos(
        self, rows: Sequence[tuple[Path, str, int, str]], targets: Targets, labels: Mapping[str, Sequence[str]]
    ) -> None:
        """Rows of (path, split, group, place), their targets, and the cells of each column that has labels."""
        save_array(self.path / "targets.npy", targets)
        with (
            whole_file(self.path / "photos.csv") as beside,
            beside.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
        ):
            writer = csv.writer(file)
            writer.writerow([*_PHOTO_COLUMNS, *(LABEL + column for column in labels)])
            for (path, split, group, place), *cells in zip(rows, *labels.values(), strict=True):
                writer.writerow((path, split, group, inert(place), *cells))

    def read_photos(self) -> tuple[list[Path], list[str], Targets] | None:
        """Paths, splits and targets, or None where they were not written yet. Raises RunError where they are broken, or
        missing though the training has begun."""
        try:
            rows = run_rows(self.path)
            targets = read_array(self.path / "targets.npy", kind=np.int8, shape=(len(rows), None))
            if not targets.size or targets.min() < UNKNOWN or targets.max() > POSITIVE:
                raise ValueError("targets.npy has none or others than 1, 0 and -1")
        except (OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError) and not any(self.checkpoints.glob("*.safetensors")):
                return None
            raise RunError(
                f"{self.path}: photos.csv or targets.npy is broken ({reason(error)}); begin a new run"
            ) from error
        return [Path(row["path"]) for row in rows], [row["split"] for row in rows], targets

    def log(self, phase: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Add a line to metrics.jsonl, in place of one that a stopped training left for the same epoch. Raises
        RunError where the file is damaged."""
        kept = [line for line, own in self._metrics() if own != (phase, epoch)]
        self._write_metrics([*kept, json.dumps({"phase": phase, "epoch": epoch, **figures})])

    def mend_metrics(self) -> None:
        """Take a last line that was cut off out of metrics.jsonl. Raises RunError where another is damaged."""
        whole = [line for line, _ in self._metrics()]
        if self.metrics_path.exists() and _lines(whole) != read_text(self.metrics_path):
            self._write_metrics(whole)

    def _metrics(self) -> list[tuple[str, tuple[str, int]]]:
        """The lines of metrics.jsonl, each with its phase and epoch; without a last one that was cut off."""
        found: list[tuple[str, tuple[str, int]]] = []
        try:
            *lines, rest = read_text(self.metrics_path).split("\n")
            if not (rest.startswith(_LINE_START) or _LINE_START.startswith(rest)):
                lines.append(rest)
            for line in lines:
                fields = Fields(checked_json(line.encode()))
                found.append((line, (fields.text("phase"), fields.whole("epoch"))))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            where = ValueError(f"line {len(found) + 1}: {reason(error)}") if isinstance(error, ValueError) else error
            raise _damaged(self.metrics_path, where, "delete it; only the curves of the report need it") from error
        return found

    def _write_metrics(self, lines: Sequence[str]) -> None:
        write_text(self.metrics_path, _lines(lines))


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _damaged(path: Path, error: Exception, advice: str = "choose another --out and train again") -> RunError:
    return RunError(f"cannot read {path}: {reason(error)}; {advice}")


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
