"""What a run folder tells of a training, for the report: curves, recipe, provenance, metrics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tagger.errors import RunError
from edge_tagger.reading import checked_json, read_json_object, read_text, reason


@dataclass(frozen=True)
class Epoch:
    """A line of metrics.jsonl: its phase and the figures that it has."""

    phase: str
    figures: dict[str, float]


@dataclass(frozen=True)
class RunFacts:
    """What is there of a run; a file that is not there is empty here."""

    epochs: tuple[Epoch, ...]
    recipe: str
    provenance: dict[str, Any]
    metrics: dict[str, Any]


def read_run(run: Path) -> RunFacts:
    """Raises RunError where the folder is no run or a file of it is broken."""
    if not (run / "recipe.toml").is_file():
        raise RunError(f"{run} is not a run: it has no recipe.toml; give a training's --out")
    try:
        lines = _text(run / "metrics.jsonl").splitlines()
        return RunFacts(
            epochs=tuple(_epoch(checked_json(line.encode())) for line in lines if line.strip()),
            recipe=_text(run / "recipe.toml"),
            provenance=flat(_object(run / "provenance.json")),
            metrics=flat(_object(run / "manifest.json").get("metrics", {})),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{run}: a file of the run is broken ({reason(error)}); begin a new run") from error


def flat(value: dict[str, Any], above: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} as {"a · b": 1}."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        name = f"{above} · {key}" if above else str(key)
        found |= flat(inner, name) if isinstance(inner, dict) else {name: inner}
    return found


def _epoch(line: dict[str, Any]) -> Epoch:
    figures = {name: float(value) for name, value in line.items() if isinstance(value, (int, float))}
    figures.pop("epoch", None)
    return Epoch(str(line["phase"]), figures)


def _text(path: Path) -> str:
    return read_text(path) if path.exists() else ""


def _object(path: Path) -> dict[str, Any]:
    return read_json_object(path) if path.exists() else {}
