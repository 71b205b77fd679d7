"""`tag_many`: photos a second on all cores, and whether its memory grows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from edge_tagger.benchmarks.library.in_turn import in_turn
from edge_tagger.benchmarks.library.process import Process
from edge_tagger.benchmarks.library.result import Goal, Result, Section
from edge_tagger.benchmarks.library.setting import Setting, cores

GOAL = Goal("at least", 1.9)


def tag_many(setting: Setting) -> Section:
    photos = _list_of_photos(setting)
    contenders = [
        _contender("many_edge_tagger", setting.model, "auto", photos, setting.often.photos),
        _contender("many_one_thread", setting.model, photos),
    ]
    if setting.mediapipe is not None:
        contenders.append(_contender("many_mediapipe", setting.model, photos, python=setting.mediapipe))
    ours, one_thread, *mediapipe = map(tuple, in_turn(contenders, rounds=setting.often.long_rounds))
    what = f"`tag_many`, {setting.often.photos:,} photos, {cores()} cores"
    return Section(
        (
            Result(what, "`tag` on one thread", GOAL, "s", ours, one_thread),
            Result(what, "MediaPipe Tasks", GOAL, "s", ours, mediapipe[0])
            if mediapipe
            else Result(what, "MediaPipe Tasks", GOAL, "s", missing=setting.no_mediapipe),
        )
    )


def memory_of_many(setting: Setting) -> Section:
    photos = _list_of_photos(setting)
    early, late = _peaks_mb(setting, photos, "auto", setting.often.photos, setting.often.endless)
    what = f"peak memory of `tag_many` after {setting.often.endless:,} photos"
    result = Result(what, f"after {setting.often.photos:,}", Goal("at most", 1.02), "MB", (late,), (early,))
    by_workers = {workers: _peaks_mb(setting, photos, workers, setting.often.photos)[0] for workers in (1, 2, 4)}
    told = ", ".join(f"{workers}: {peak:.0f} MB" for workers, peak in by_workers.items())
    return Section((result,), (f"Peak memory of `tag_many` by workers: {told}.",))


def _list_of_photos(setting: Setting) -> Path:
    """A file with one path a line, as the scripts take it."""
    path = setting.folder / "photos.txt"
    path.write_text("\n".join(map(str, setting.first_photos(setting.often.photos))), encoding="utf-8")
    return path


def _contender(script: str, *arguments: object, python: str = sys.executable) -> Callable[[], float]:
    """Its sample is the seconds from "ready" to the last photo."""

    def measure() -> float:
        with Process(script, *arguments, python=python) as process:
            process.wait()
            process.go_on()
            return process.wait()[0]

    return measure


def _peaks_mb(setting: Setting, photos: Path, workers: object, *counts: int) -> list[float]:
    peaks = []
    with Process("many_edge_tagger", setting.model, workers, photos, *counts) as process:
        process.wait()
        for _ in counts:
            process.go_on()
            process.wait()
            peaks.append(process.peak_memory_bytes() / 1e6)
    return peaks
