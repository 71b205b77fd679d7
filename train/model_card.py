"""The card of a released model, in Markdown: what it is, what it was made from, what it is for, how well it does.

Its sections are those of Mitchell et al., "Model Cards for Model Reporting", FAT* 2019 (arXiv:1810.03993). Figures come
from measured models, facts from the run and the model's manifest, and what only people know from a TOML file of notes::

    python -m edge_tagger.train.model_card RUN MODEL... --data CSV --notes train/fashion_card.toml --out CARD.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from edge_tagger.catalogue.source import Photo, read_catalogue
from edge_tagger.errors import EdgeTaggerError, PhotoError, RecipeError, RunError
from edge_tagger.evaluate import figures, label_notes
from edge_tagger.files import write_text
from edge_tagger.measure import Measured, measure
from edge_tagger.progress import Progress
from edge_tagger.reading import read_toml, reason
from edge_tagger.strict_toml import section
from edge_tagger.terminal import echo
from edge_tagger.train.backbones import BACKBONES
from edge_tagger.train.page import render
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.report.tables import by_facet, headline
from edge_tagger.train.report.tags import MIN_POSITIVES, tag_rows
from edge_tagger.train.run import RunFolder

_ENDINGS = {"qat": "int8, quantization-aware", "post-training": "int8, post-training"}


@dataclass(frozen=True)
class Notes:
    """What no file of a run knows: paragraphs about the data and the weights with their licences, sentences about use
    and limits, and the command that makes the model again."""

    data: str
    weights: str
    intended_use: tuple[str, ...]
    out_of_scope: tuple[str, ...]
    limits: tuple[str, ...]
    reproduce: str


def read_notes(path: Path) -> Notes:
    """The notes in a TOML file with the keys of :class:`Notes`. Raises RecipeError."""
    try:
        notes: Notes = section(Notes, read_toml(path), "")
    except (OSError, ValueError) as error:
        raise RecipeError(f"the notes {path} cannot be used: {reason(error)}") from error
    return notes


def write_model_card(
    path: Path,
    *,
    run: Path,
    measured: Sequence[Measured],
    notes: Notes,
    split: str = "test",
    shipped: str | None = None,
) -> None:
    """Write the card of the model named `shipped` (a `Measured.name`; default: the last) beside its other formats.

    Raises ValueError where there is no such model, RunError where `run` is not one, RecipeError for its recipe,
    OutputError where the card cannot be written, MissingExtraError without jinja2.
    """
    names = [each.name for each in measured]
    if not names or (shipped is not None and shipped not in names):
        raise ValueError(f"{shipped!r} is none of the measured models: {', '.join(names) or 'there are none'}")
    model = measured[-1 if shipped is None else names.index(shipped)]
    recipe = _recipe(run)
    rows = figures(measured)["models"]
    taxonomy = model.manifest.taxonomy
    text = render(
        "model_card.md.j2",
        model=model,
        manifest=model.manifest,
        titles=[_title(each) for each in measured],
        title=_title(model),
        recipe=recipe,
        all_stages=len(BACKBONES[recipe.model.backbone].blocks),
        facets={facet: taxonomy.places(facet.name) for facet in taxonomy.facets},
        notes=notes,
        split=split,
        headline=headline(rows),
        figures=by_facet(rows),
        tags=sorted(tag_rows(model), key=lambda row: taxonomy.index[row.tag]),
        min_positives=MIN_POSITIVES,
        comparison=_comparison(run),
        plain=plain,
    )
    write_text(path, text.strip() + "\n")


def plain(value: object) -> str:
    """`value` as text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_\[\]<>|&])", r"\\\1", str(value))


def _title(measured: Measured) -> str:
    """`float32`, `int8, post-training`: what the manifest says of the file, or else its name."""
    made: Mapping[str, Any] = measured.manifest.provenance
    return _ENDINGS.get(made.get("quantized", ""), "") or made.get("format") or Path(measured.name).stem


def _recipe(run: Path) -> Recipe:
    if not (run / "recipe.toml").is_file():
        raise RunError(f"{run} is not a run: it has no recipe.toml; give a training's --out")
    return RunFolder(run).read_recipe()


def _comparison(run: Path) -> dict[str, Any]:
    """What the training found on its validation split; empty where it did not compare."""
    folder = RunFolder(run)
    return folder.read_comparison() if folder.comparison_path.exists() else {}


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", type=click.Path(path_type=Path))
@click.option("--data", "source", required=True, type=click.Path(path_type=Path), help="The labelled CSV.")
@click.option("--split", default="test", show_default=True, help="A value of its column `split`.")
@click.option("--notes", required=True, type=click.Path(path_type=Path), help="TOML; see edge_tagger.train.model_card.")
@click.option(
    "--shipped",
    type=click.Path(path_type=Path),
    help="The MODEL that the card is about. Default: the int8 file that RUN found to be better.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The card, a Markdown file.")
@click.pass_context
def command(
    context: click.Context,
    run: Path,
    models: tuple[Path, ...],
    source: Path,
    split: str,
    notes: Path,
    shipped: Path | None,
    out: Path,
) -> None:
    """Measure the MODELs of a RUN on labelled photos and write their card."""
    if shipped is not None and shipped not in models:
        raise click.UsageError(f"--shipped {shipped} is none of the models: {', '.join(map(str, models))}")
    try:
        _recipe(run)  # before the models are measured, which takes a while
        texts = read_notes(notes)
        catalogue = read_catalogue(source).where("split", split)
        with Progress(len(catalogue), "measure", unit="photo") as bar:
            measured = measure(models, catalogue, on_progress=bar.update, on_failure=_tell)
        for line in label_notes(measured):
            echo(f"Warning: {line}", err=True)
        about = measured[models.index(shipped)].name if shipped else _better(run, measured)
        write_model_card(out, run=run, measured=measured, notes=texts, split=split, shipped=about)
    except EdgeTaggerError as error:
        echo(f"Error: {error}", err=True)
        context.exit(error.exit_code)
    echo(f"Card: {out}", err=True)


def _better(run: Path, measured: Sequence[Measured]) -> str | None:
    """The name of the int8 model that the run's comparison found to be better, if it is among these."""
    better = _comparison(run).get("int8")
    names = [each.name for each in measured if better and each.manifest.provenance.get("quantized") == better]
    return names[0] if names else None


def _tell(photo: Photo, error: PhotoError) -> None:
    echo(f"{photo.place}: {error}", err=True)


if __name__ == "__main__":
    command()
