"""The report: one self-contained page about models that were measured on the same photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path, PurePath

from edge_tagger.charts import require_matplotlib
from edge_tagger.errors import OutputError
from edge_tagger.evaluate import figures
from edge_tagger.files import write_text
from edge_tagger.measure import Measured
from edge_tagger.train.page import render, require_jinja2
from edge_tagger.train.report.charts import curves, reliability
from edge_tagger.train.report.mistakes import confusions, galleries
from edge_tagger.train.report.run_facts import read_run
from edge_tagger.train.report.tables import by_facet, headline
from edge_tagger.train.report.tags import MIN_POSITIVES, Delta, delta, tag_rows
from edge_tagger.train.report.thumbnails import Thumbnails

PAIRS_SHOWN, EXAMPLES = 20, 3


@dataclass(frozen=True)
class Latency:
    """What a bench said of the same models: a chart as SVG ("" for none), a table whose first row is its head, and
    lines about the devices."""

    chart: str
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def make_folder(folder: Path) -> None:
    """Make the folder of a report, before the models are run. Raises OutputError, or MissingExtraError where a
    package that the report needs is not installed."""
    require_jinja2()
    require_matplotlib()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}; name another one") from error


def write_report(
    folder: Path, measured: Sequence[Measured], *, run: Path | None = None, latency: Latency | None = None, title: str
) -> Path:
    """Write `folder`/index.html about models of the same photos, and return its path.

    Differences are to the first model; tags, confusions and galleries are the last one's. `run` adds the curves,
    recipe, provenance and metrics of a training, `latency` what the models cost on devices. Raises ValueError without a
    model, OutputError where the page cannot be written, RunError for a broken run, MissingExtraError without jinja2 or
    matplotlib.
    """
    if not measured:
        raise ValueError("a report needs at least one measured model")
    make_folder(folder)
    models = [replace(each, name=name) for each, name in zip(measured, _short_names(measured), strict=True)]
    facts = None if run is None else read_run(run)
    rows = figures(models)["models"]
    shown = models[-1]
    path = folder / "index.html"
    page = render(
        "report/report.html.j2",
        title=title,
        names=[model.name for model in models],
        photos=len(shown.photos),
        headline=headline(rows),
        facets=by_facet(rows),
        tags=tag_rows(shown),
        min_positives=MIN_POSITIVES,
        deltas=_deltas(models),
        latency=latency,
        reliability=reliability(models),
        confusions=confusions(shown),
        pairs_shown=PAIRS_SHOWN,
        examples=EXAMPLES,
        galleries=galleries(shown),
        thumbnail=Thumbnails(),
        facts=facts,
        curves=[] if facts is None else curves(facts.epochs),
    )
    write_text(path, page)
    return path


def _short_names(measured: Sequence[Measured]) -> list[str]:
    """File names without folder, suffix and the words that all begin with, where those still tell the models apart."""
    names = [PurePath(each.name).name.removesuffix(".tflite") for each in measured]
    if len(set(names)) < len(names):
        return [each.name for each in measured]
    words = [name.split("-") for name in names]
    shared = len(list(takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))))
    start = min(shared, *(len(own) - 1 for own in words)) if len(names) > 1 else 0
    return ["-".join(own[start:]) for own in words]


def _deltas(models: Sequence[Measured]) -> list[Delta]:
    """Each model against the first; and the last against the one before it, say QAT against post-training int8."""
    pairs = [(models[0], model) for model in models[1:]]
    if len(models) > 2:
        pairs.append((models[-2], models[-1]))
    return [delta(first, second) for first, second in pairs]
