"""From the start of a process to its first tags, and the memory that it takes."""

from __future__ import annotations

import sys

from edge_tagger.benchmarks.library.in_turn import in_turn
from edge_tagger.benchmarks.library.process import Process
from edge_tagger.benchmarks.library.result import Goal, Result, Section
from edge_tagger.benchmarks.library.setting import Setting

PHOTOS = 10  # tagged before the memory is read
LITERT, MEDIAPIPE = "bare LiteRT", "MediaPipe Tasks"


class Contender:
    """Runs its script anew each time; `peaks_mb` has what each run took."""

    def __init__(self, setting: Setting, script: str, *arguments: object, python: str = sys.executable) -> None:
        self._photos = setting.first_photos(PHOTOS)
        self._script, self._arguments, self._python = script, arguments, python
        self.peaks_mb: list[float] = []

    def __call__(self) -> float:
        """Seconds to the first tags."""
        with Process(self._script, *self._arguments, *self._photos, python=self._python) as process:
            first_s, _ = process.wait()
            for _ in self._photos[1:]:
                process.go_on()
                process.wait()
            self.peaks_mb.append(process.peak_memory_bytes() / 1e6)
        return first_s


def first_tags(setting: Setting) -> Section:
    ours = Contender(setting, "first_tags_edge_tagger", setting.model, setting.threads)
    others = {LITERT: Contender(setting, "first_tags_litert", setting.runtime, setting.model, setting.threads)}
    if setting.mediapipe is not None:
        others[MEDIAPIPE] = Contender(setting, "first_tags_mediapipe", setting.model, python=setting.mediapipe)
    own_s, *their_s = map(tuple, in_turn([ours, *others.values()], rounds=setting.often.rounds))
    seconds = dict(zip(others, their_s, strict=True))
    results = []
    for against, limit in ((LITERT, Goal("at most", 1.3)), (MEDIAPIPE, Goal("at least", 5))):
        what = "process start to first tags"
        if against in others:
            results.append(Result(what, against, limit, "s", own_s, seconds[against]))
        else:
            results.append(Result(what, against, limit, "s", missing=setting.no_mediapipe))
    for against, limit in ((LITERT, Goal("at most", 1.1)), (MEDIAPIPE, Goal("at most", 1))):
        what = f"peak memory, {PHOTOS} photos"
        if against in others:  # the first run is not counted
            results.append(
                Result(what, against, limit, "MB", tuple(ours.peaks_mb[1:]), tuple(others[against].peaks_mb[1:]))
            )
        else:
            results.append(Result(what, against, limit, "MB", missing=setting.no_mediapipe))
    return Section(tuple(results))
