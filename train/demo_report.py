"""The page that the demo ends with: figures of each model, photos with their tags, mistakes. One file, no network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tagger.files import write_text
from edge_tagger.train.page import render

_MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


@dataclass(frozen=True)
class Step:
    """One step of the demo and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Latency:
    """What a benchmark said of a model."""

    p50_ms: float
    p95_ms: float
    init_ms: float
    peak_memory_bytes: int | None


@dataclass(frozen=True)
class ModelRow:
    """One model: its scores in 0..1 by name (`type top-1`, `details F1`), and its latency where it was measured."""

    name: str
    size_bytes: int
    scores: Mapping[str, float]
    latency: Latency | None

    def __post_init__(self) -> None:
        wrong = [name for name, score in self.scores.items() if not 0 <= score <= 1]
        if wrong:
            raise ValueError(f"{self.name}: the score {wrong[0]!r} is {self.scores[wrong[0]]}; it must lie in 0..1")


@dataclass(frozen=True)
class Answer:
    """What a model said to one facet, and what is true (None where nobody knows)."""

    facet: str
    said: tuple[str, ...]
    truth: tuple[str, ...] | None

    @property
    def is_wrong(self) -> bool:
        return self.truth is not None and set(self.said) != set(self.truth)


@dataclass(frozen=True)
class ShownPhoto:
    """A photo of the gallery and the answers to it."""

    path: Path
    answers: tuple[Answer, ...]

    @property
    def mistakes(self) -> int:
        return sum(answer.is_wrong for answer in self.answers)

    @property
    def data_uri(self) -> str:
        """The photo itself, so that the page needs no file beside it."""
        data = base64.b64encode(self.path.read_bytes()).decode("ascii")
        return f"data:{_MEDIA_TYPES[self.path.suffix.lower()]};base64,{data}"


def named_scores(evaluated: Mapping[str, Any]) -> dict[str, float]:
    """The scores of one model of `edge-tagger evaluate --json`, by the names that the report shows.

    Exclusive facets have top-1 at each of their levels, any-of facets F1; then macro and micro mAP. A score that
    could not be measured is left out.
    """
    scores: dict[str, float | None] = {}
    for facet, measured in evaluated["facets"].items():
        if "levels" in measured:
            scores.update({f"{level} top-1": figures["top1"] for level, figures in measured["levels"].items()})
        else:
            scores[f"{facet} F1"] = measured["f1"]
    scores |= {"macro mAP": evaluated["map_macro"], "micro mAP": evaluated["map_micro"]}
    return {name: score for name, score in scores.items() if score is not None}


def write_report(
    path: Path,
    *,
    models: Sequence[ModelRow],
    gallery: Sequence[ShownPhoto],
    steps: Sequence[Step],
    facts: Mapping[str, str],
) -> None:
    """Write the page to `path`. `facts` (name -> value) say where and on what it was measured.

    Raises OutputError where `path` cannot be written, MissingExtraError without jinja2.
    """
    page = render(
        "demo_report.html.j2",
        models=models,
        scores=list(dict.fromkeys(name for model in models for name in model.scores)),
        slowest_ms=max((model.latency.p95_ms for model in models if model.latency), default=1.0),
        gallery=gallery,
        steps=steps,
        facts=facts,
    )
    write_text(path, page)
