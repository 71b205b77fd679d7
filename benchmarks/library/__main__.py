"""python -m edge_tagger.benchmarks.library: the goals of the on-device library, measured on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from edge_tagger.benchmarks.library.first_tags import first_tags
from edge_tagger.benchmarks.library.imports import import_times
from edge_tagger.benchmarks.library.many_photos import memory_of_many, tag_many
from edge_tagger.benchmarks.library.one_photo import tag_array, tag_large
from edge_tagger.benchmarks.library.report import as_json, machine, markdown
from edge_tagger.benchmarks.library.result import Section
from edge_tagger.benchmarks.library.setting import Often, Setting, prepare
from edge_tagger.errors import EdgeTaggerError
from edge_tagger.files import write_json
from edge_tagger.terminal import echo

SCENARIOS: dict[str, Callable[[Setting], Section]] = {
    "array": tag_array,
    "large": tag_large,
    "first": first_tags,
    "many": tag_many,
    "memory": memory_of_many,
    "import": import_times,
}

QUIET_CORES = 0.2  # that other programs may keep busy


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, type=click.Choice(list(SCENARIOS)), help="May be repeated. Default: all.")
@click.option("--data", type=click.Path(path_type=Path), help="A CSV of photos. Default: drawn ones of 224 px.")
@click.option("--model", type=click.Path(path_type=Path), help="A .tflite with a manifest. Default: the packaged one.")
@click.option(
    "--mediapipe", metavar="PYTHON", help="A Python that has MediaPipe Tasks, whose OpenCV clashes with ours."
)
@click.option("--threads", type=click.IntRange(1, 256), help="Of one photo. Default: as many as there are cores.")
@click.option("--rounds", type=click.IntRange(1), default=Often.rounds, show_default=True)
@click.option("--photos", type=click.IntRange(1), default=Often.photos, show_default=True, help="That tag_many tags.")
@click.option("--endless", type=click.IntRange(2), default=Often.endless, show_default=True, help="For its memory.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all samples here, as they come.")
def command(
    only: tuple[str, ...],
    data: Path | None,
    model: Path | None,
    mediapipe: str | None,
    threads: int | None,
    rounds: int,
    photos: int,
    endless: int,
    json_path: Path | None,
) -> None:
    """Measure the on-device library against bare LiteRT and MediaPipe Tasks; print the table as Markdown.

    Contenders take turns in one run, so that the ratios hold where the times do not. Photos are drawn: nothing but the
    package is needed. Some ten minutes on two cores.
    """
    if endless <= photos:
        raise click.BadParameter(f"give more than --photos, which is {photos}", param_hint="--endless")
    facts = machine()
    if facts["busy_cores"] is not None and facts["busy_cores"] > QUIET_CORES:
        echo(f"Warning: other programs keep {facts['busy_cores']:.1f} cores busy; figures will be rough", err=True)
    often = Often(rounds=rounds, photos=photos, endless=endless)
    with prepare(often, data=data, model=model, threads=threads, mediapipe=mediapipe) as setting:
        sections: list[Section] = []
        for name in only or SCENARIOS:
            echo(f"measuring: {name}", err=True)
            sections.append(SCENARIOS[name](setting))
            if json_path is not None:
                write_json(json_path, as_json(facts, setting, sections))
    echo(*markdown(facts, setting, sections).split("\n"))


def main() -> None:
    try:
        command()
    except EdgeTaggerError as error:
        echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
