"""The steps of the demo, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tagger.cli.demo_folder import DemoSettings

if TYPE_CHECKING:
    from edge_tagger.benchmarks.results import Result
    from edge_tagger.catalogue.source import Catalogue, Photo
    from edge_tagger.tagger import TaggedPhoto
    from edge_tagger.taxonomy import Facet
    from edge_tagger.train.demo_report import Answer, Latency, ModelRow, ShownPhoto, Step

PHOTO_SIZE = 96
FORMATS = ("float32", "float16", "int8")
_MAX_SHOWN = 36
_BENCH_RUNS, _WARMUP_RUNS = 100, 10


@dataclass
class _Clock:
    """Says what is going on, and keeps how long each step took."""

    tell: Callable[..., object]
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        from edge_tagger.train.demo_report import Step

        self.tell(f"{name} ...")
        started = time.monotonic()
        yield
        self.steps.append(Step(name, time.monotonic() - started))
        self.tell(f"{name}: {self.steps[-1].seconds:.1f} s")


def run_demo(out: Path, settings: DemoSettings, *, tell: Callable[..., object]) -> Path:
    """Do every step in the folder `out` and give the path of the report. `tell` gets lines for each step.

    What a stopped demo left in `out` is used: the drawn catalogue, and the training as far as it went.
    """
    # All of it first: without the training extra this ends before anything is drawn.
    from edge_tagger.catalogue.source import read_catalogue
    from edge_tagger.convert.sources import read_run
    from edge_tagger.convert.writer import convert
    from edge_tagger.files import write_json
    from edge_tagger.train.finetune import train
    from edge_tagger.train.recipe_file import load_recipe

    recipe = load_recipe(settings.recipe)
    clock = _Clock(tell)
    source = out / "catalogue" / "products.csv"
    with clock.step(f"draw {settings.photos} photos"):
        if not source.exists():
            _draw(source.parent, settings)
    with clock.step("train"):
        run = out / "run"
        train(source, recipe, run, resume=run.exists())
    with clock.step("convert"):
        (out / "models").mkdir(exist_ok=True)
        # The report shows what each file is worth; a short demo's int8 may be worth little.
        models = [made.path for made in convert(read_run(run), FORMATS, out=out / "models", max_drop=100)]
    test = read_catalogue(source).where("split", "test")
    with clock.step(f"evaluate on {len(test)} test photos"):
        evaluated = _evaluate(models, test)
    with clock.step("tag"):
        gallery = _tag(models[-1], test)
    with clock.step("bench"):
        measured = _bench(models, out / "bench.json")
    write_json(out / "evaluation.json", evaluated)
    return _report(out, clock, _rows(evaluated, measured), gallery, machine=_machine(measured[0]))


def _draw(folder: Path, settings: DemoSettings) -> None:
    from edge_tagger.progress import Progress
    from edge_tagger.train.synthetic import draw_catalogue

    with Progress(settings.photos, "draw", unit="photo") as progress:
        draw_catalogue(folder, photos=settings.photos, size=PHOTO_SIZE, seed=settings.seed, on_progress=progress.update)


def _evaluate(models: Sequence[Path], test: Catalogue) -> dict[str, Any]:
    from edge_tagger.evaluate import evaluate
    from edge_tagger.progress import Progress

    with Progress(len(test), "evaluate", unit="photo") as progress:
        return evaluate(models, test, on_progress=progress.update)


def _tag(model: Path, test: Catalogue) -> list[ShownPhoto]:
    """The first test photos, with what the model says of them."""
    from edge_tagger.manifest import read_manifest
    from edge_tagger.tagger import Tagger
    from edge_tagger.train.demo_report import ShownPhoto

    facets = read_manifest(model).taxonomy.facets
    with Tagger(model) as tagger:
        return [
            ShownPhoto(photo.path, tuple(_answer(facet, photo, tagged) for facet in facets))
            for photo in test.photos[:_MAX_SHOWN]
            for tagged in (tagger.tag(photo.path),)
        ]


def _bench(models: Sequence[Path], json_path: Path) -> list[Result]:
    from edge_tagger.benchmarks.device_bench import Job
    from edge_tagger.benchmarks.plan import make_plan
    from edge_tagger.benchmarks.runner import run

    plan = make_plan(num_runs=_BENCH_RUNS, warmup_runs=_WARMUP_RUNS)
    report = run(models, Job(plan=plan), json_path=json_path)
    report.check()
    return report.results


def _answer(facet: Facet, photo: Photo, tagged: TaggedPhoto) -> Answer:
    """What was said and what is true; a path is compared as far down as it is labelled."""
    from edge_tagger.catalogue.labels import cell_paths
    from edge_tagger.train.demo_report import Answer

    paths = cell_paths(facet, photo.values)
    names = tuple(tag.name for tag in tagged.path(facet.name))
    if facet.exclusive:
        depth = len(paths[0]) if paths else len(names)
        names = (" > ".join(names[:depth]),) if names else ()
    return Answer(facet.name, names, None if paths is None else tuple(" > ".join(path) for path in paths))


def _rows(evaluated: dict[str, Any], measured: Sequence[Result]) -> list[ModelRow]:
    from edge_tagger.train.demo_report import ModelRow, named_scores

    return [
        ModelRow(
            kind,
            model["size_bytes"],
            named_scores(model),
            _latency(result),
        )
        for kind, model, result in zip(FORMATS, evaluated["models"], measured, strict=True)
    ]


def _latency(result: Result) -> Latency:
    from edge_tagger.train.demo_report import Latency

    summary = result.summary
    assert summary.p50_ms is not None and summary.p95_ms is not None  # this machine's worker gives its samples
    return Latency(summary.p50_ms, summary.p95_ms, result.init_ms, result.memory_bytes)


def _machine(result: Result) -> dict[str, str]:
    machine, runtime = result.machine, result.runtime
    return {
        "machine": f"{machine['cpu']}, {machine['cores']} cores, {machine['os']} {machine['arch']}",
        "software": f"Python {machine['python']}, {runtime['name']} {runtime['version']}",
        "bench": f"{result.plan}; threads: {result.threads}",
    }


def _report(
    out: Path, clock: _Clock, rows: list[ModelRow], gallery: list[ShownPhoto], *, machine: dict[str, str]
) -> Path:
    from edge_tagger.table import table
    from edge_tagger.train.demo_report import write_report

    report = out / "report.html"
    write_report(report, models=rows, gallery=gallery, steps=clock.steps, facts=machine)
    clock.tell(*table([
        ["model", "size kB", *rows[0].scores, "p50 ms"],
        *([row.name, f"{row.size_bytes / 1000:.0f}", *(f"{score:.3f}" for score in row.scores.values()),
           f"{row.latency.p50_ms:.2f}" if row.latency else "-"] for row in rows),
    ]))  # fmt: skip
    clock.tell(f"in all: {sum(step.seconds for step in clock.steps):.0f} s")
    return report
