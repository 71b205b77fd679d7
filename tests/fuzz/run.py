"""Gives damaged photos, models, manifests and label files to the library, and tells what it does not survive.

    python tests/fuzz/run.py --cases 100000 --seed 0                    # all targets, two workers
    python tests/fuzz/run.py --cases 5000 --target photos --data DIR    # one target; real photos among the sound ones
    python tests/fuzz/run.py --target photos --case 1234                # one case again; its bytes go to --out
    python tests/fuzz/run.py --target photos --replay FILE              # the bytes of a failure again

A run that was stopped goes on where it was. docs/robustness.md says what a failure is. Needs Linux, and Pillow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import click
from mutations import generator
from process import Options, Process
from record import Record, summary
from target import FAULTY, SHARES, load_target

from edge_tagger.progress import Progress
from edge_tagger.runtimes import find_runtime


@click.command(help=__doc__)
@click.option("--cases", type=click.IntRange(min=1), default=2_000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--target", type=click.Choice([*SHARES, "all", *FAULTY]), default="all", show_default=True)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of photos.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("fuzz-run"), show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--time-limit", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Seconds a case.")
@click.option("--case", type=click.IntRange(min=0), help="This case alone; needs --target.")
@click.option("--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file as a case.")
def main(
    cases: int,
    seed: int,
    target: str,
    data: Path | None,
    out: Path,
    workers: int,
    time_limit: float,
    case: int | None,
    replay: Path | None,
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    options = Options(seed, time_limit, None if data is None else data.resolve(), out.resolve())
    if case is not None or replay is not None:
        if target == "all":
            raise click.UsageError("name the target of the case with --target")
        sys.exit(_again(target, case, replay, options))
    versions = _versions()
    run = {"seed": seed, "data": data and str(options.data), "time_limit_s": time_limit, "versions": versions}
    record = Record(options.out, run)
    started = time.monotonic()
    _run(record, _of_each(target, cases), workers, options)
    click.echo(", ".join(versions))
    click.echo(summary(record.blocks))
    failed = sum(len(block["failures"]) for block in record.blocks)
    click.echo(f"{failed} failures, {time.monotonic() - started:.0f} s")
    sys.exit(1 if failed else 0)


def _of_each(target: str, cases: int) -> dict[str, int]:
    return {name: round(cases * share) for name, share in SHARES.items()} if target == "all" else {target: cases}


def _versions() -> list[str]:
    packages = ("edge-tagger", "numpy", "opencv-python-headless", "pillow")
    return [f"Python {sys.version.split()[0]}", *(f"{name} {version(name)}" for name in packages), str(find_runtime())]


def _run(record: Record, cases: dict[str, int], workers: int, options: Options) -> None:
    total, left = sum(cases.values()), record.left(cases)
    blocks: SimpleQueue[tuple[str, int, int]] = SimpleQueue()
    for block in left:
        blocks.put(block)
    done = total - sum(count for _, _, count in left)
    failed = sum(len(block["failures"]) for block in record.blocks)
    with Progress(total, "fuzz", unit="cases", initial=done) as progress, ThreadPoolExecutor(workers) as pool:
        results: SimpleQueue[Any] = SimpleQueue()
        running = [pool.submit(_work, number, blocks, results, options) for number in range(workers)]
        try:
            for _ in left:
                target, first, spent_s, answers = results.get()
                if not answers:
                    break  # a worker failed outside a case; its future says why
                record.add(target, first, spent_s, answers)
                failed += sum(answer["problem"] is not None for answer in answers)
                progress.update(len(answers), target=target, failed=failed)
        finally:
            list(_taken(blocks))  # after Ctrl-C the workers end with their block
        for future in as_completed(running):
            future.result()


def _work(number: int, blocks: SimpleQueue[Any], results: SimpleQueue[Any], options: Options) -> None:
    """Blocks until there are none left. A process is kept as long as its target's blocks last."""
    target = ""
    with ExitStack() as held:
        try:
            for name, first, count in _taken(blocks):
                if name != target:
                    held.close()
                    process, target = held.enter_context(Process(name, number, options)), name
                started = time.monotonic()
                answers = process.block(first, count)
                results.put((name, first, time.monotonic() - started, answers))
        except BaseException:
            results.put((target, 0, 0.0, []))
            raise


def _taken(blocks: SimpleQueue[Any]) -> Iterator[tuple[str, int, int]]:
    with suppress(Empty):
        while True:
            yield blocks.get_nowait()


def _again(target: str, case: int | None, replay: Path | None, options: Options) -> int:
    if replay is None:
        assert case is not None
        found = load_target(target)
        replay = options.out / f"{target}-{case}.case"
        replay.write_bytes(found.mutate(generator(options.seed, target, case), found.seeds(options.data)))
    with Process(target, 0, options) as process:
        answer = process.file(replay.resolve())
    click.echo(f"{replay}: {answer['outcome']}, {1000 * answer['spent_s']:.1f} ms {answer['problem'] or ''}".rstrip())
    return 1 if answer["problem"] else 0


if __name__ == "__main__":
    main()
