"""What `edge-tagger tag --out` costs beside Tagger.tag_many: rate, time to the first result, memory, the journal.

    python -m edge_tagger.benchmarks.bulk [--only rate] [--model FILE] [--sizes 1000,10000,100000] [--folder 1000000]

Photos are drawn once and linked under as many names as need be. Rates are measured in turn in one process, each over
the same photos with the same workers; memory (VmHWM) and the first result in processes of their own, from their start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click

from edge_tagger.benchmarks.library.in_turn import in_turn
from edge_tagger.benchmarks.library.photos import draw_photos
from edge_tagger.bulk.formats import write_table
from edge_tagger.bulk.job import Job
from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.source import PhotoFiles
from edge_tagger.bulk.table import Table
from edge_tagger.errors import DeviceError, EdgeTaggerError
from edge_tagger.tagger import Tagger
from edge_tagger.terminal import echo

DRAWN = 500
RATE_GOAL, FIRST_GOAL_S, FLAT_GOAL = 0.9, 2.0, 1.1
# What is run in a process of its own: the command line itself, and then its peak memory on standard output.
_PEAK = """
import sys
from edge_tagger.cli import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


def link_photos(folder: Path, count: int, drawn: tuple[Path, ...]) -> Path:
    """A folder of `count` names of the drawn photos."""
    folder.mkdir()
    for number in range(count):
        os.link(drawn[number % len(drawn)], folder / f"{number:07}.jpg")
    return folder


def rate(scratch: Path, model: Path | None, count: int, rounds: int) -> list[str]:
    """Photos a second of tag_many, of a job that journals, and of a job whose CSV is written too."""
    folder = link_photos(scratch / "rate", count, draw_photos(_made(scratch / "drawn"), DRAWN))
    photos = sorted(folder.iterdir())
    with Tagger(model) as tagger:

        def bare() -> float:
            return count / _seconds(lambda: sum(1 for _ in tagger.tag_many(photos)))

        def bulk(written: bool) -> Callable[[], float]:
            def run() -> float:
                def work() -> None:
                    with Journal(scratch / "rate.journal", {}, overwrite=True, tell=print) as journal:
                        source = PhotoFiles([str(folder)])
                        Job(tagger, source, journal).run()
                        if written:
                            table = Table((), tagger.facets)
                            write_table("csv", scratch / "rate.csv", source.entries(journal), table)

                return count / _seconds(work)

            return run

        ours, journaled, written = in_turn([bare, bulk(False), bulk(True)], rounds=rounds)
    lines = [f"| tag_many, {count:,} photos | {median(ours):.0f} photos/s | |"]
    for what, samples in (("bulk, into the journal", journaled), ("bulk, and the CSV written", written)):
        ratio = median(one / other for one, other in zip(samples, ours, strict=True))
        lines.append(f"| {what} | {median(samples):.0f} photos/s | {ratio:.2f} of tag_many (goal {RATE_GOAL}) |")
    return lines


def memory(scratch: Path, model: Path | None, sizes: tuple[int, ...]) -> list[str]:
    """Peak memory of the whole command for each number of photos."""
    drawn = draw_photos(_made(scratch / "drawn"), DRAWN)
    lines, first = [], 0.0
    for count in sizes:
        folder = link_photos(scratch / f"memory-{count}", count, drawn)
        command = [sys.executable, "-c", _PEAK, *_words(folder, scratch / f"{count}.csv", model)]
        started_s = time.monotonic()
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        elapsed_s = time.monotonic() - started_s
        peak = int(done.stdout) / 1024
        first = first or peak
        journal_mb = (scratch / f"{count}.csv.journal").stat().st_size / 1e6
        lines.append(
            f"| {count:,} photos into a CSV | {peak:.0f} MiB | {peak / first:.2f} of {sizes[0]:,} photos "
            f"(goal {FLAT_GOAL}); {elapsed_s:.0f} s, journal {journal_mb:.0f} MB |"
        )
    return lines


def first_result(scratch: Path, model: Path | None, count: int, rounds: int) -> list[str]:
    """Seconds from the start of the process until the journal has a photo, on a folder of `count`."""
    folder = link_photos(scratch / "first", count, draw_photos(_made(scratch / "drawn"), DRAWN))
    samples = []
    for number in range(rounds):
        out = scratch / f"first-{number}.csv"
        started_s = time.monotonic()
        command = [sys.executable, "-c", _PEAK, *_words(folder, out, model)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            journal = Path(f"{out}.journal")
            while not journal.exists() or journal.read_bytes().count(b"\n") < 2:
                if process.poll() is not None:
                    raise DeviceError(f"the run over {folder} ended with exit code {process.returncode}")
                time.sleep(0.005)
            samples.append(time.monotonic() - started_s)
            process.send_signal(signal.SIGKILL)
    return [f"| first result, folder of {count:,} | {median(samples):.2f} s | goal {FIRST_GOAL_S} s |"]


def journal_cost(scratch: Path, model: Path | None, records: int = 2000) -> list[str]:
    """Microseconds to append a photo, and milliseconds of an fsync after 100 photos."""
    (photo,) = draw_photos(_made(scratch / "one"), 1)
    with Tagger(model) as tagger, Journal(scratch / "cost", {}, tell=print) as journal:
        source = PhotoFiles([str(photo)])
        Job(tagger, source, journal).run()
        (entry,) = source.entries(journal)
        appended, synced = [], []
        for number in range(records):
            appended.append(_seconds(lambda number=number: journal.append(f"/{number}.jpg", entry.record)))  # type: ignore[misc]
            if number % 100 == 99:
                synced.append(_seconds(journal.sync))
        line_bytes = len(json.dumps(entry.record.to_json(), separators=(",", ":")))
    return [
        f"| a photo's line, {line_bytes} bytes | {1e6 * median(appended):.0f} us | |",
        f"| fsync | {1e3 * median(synced):.1f} ms | every 5 s |",
    ]


def _words(folder: Path, out: Path, model: Path | None) -> list[str]:
    return ["tag", str(folder), "--out", str(out), *([] if model is None else ["--model", str(model)])]


def _seconds(call: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    call()
    return time.perf_counter() - started_s


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


@click.command()
@click.option("--only", multiple=True, type=click.Choice(["rate", "first", "journal", "memory"]), help="Repeatable.")
@click.option("--model", type=click.Path(path_type=Path), help="Default: the packaged model.")
@click.option("--photos", default=1000, show_default=True, help="Of the rate.")
@click.option("--rounds", default=5, show_default=True, help="Of the rate and the first result.")
@click.option("--sizes", default="1000,10000,100000", show_default=True, help="Numbers of photos of the memory.")
@click.option("--folder", default=100_000, show_default=True, help="Photos in the folder of the first result.")
def main(only: tuple[str, ...], model: Path | None, photos: int, rounds: int, sizes: str, folder: int) -> None:
    """Print what bulk tagging costs beside tag_many, as a table in Markdown."""
    counts = tuple(int(size) for size in sizes.split(","))
    parts: dict[str, Callable[[Path], list[str]]] = {
        "rate": lambda scratch: rate(scratch, model, photos, rounds),
        "first": lambda scratch: first_result(scratch, model, folder, rounds),
        "journal": lambda scratch: journal_cost(scratch, model),
        "memory": lambda scratch: memory(scratch, model, counts),
    }
    echo("| what | measured | against |", "|---|---|---|")
    for name in only or parts:
        with TemporaryDirectory(prefix="edge-tagger-bulk-") as scratch:
            try:
                echo(*parts[name](Path(scratch)))
            except EdgeTaggerError as error:
                raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
