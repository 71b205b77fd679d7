"""One photo in a process that is warm: what `Tagger` adds to an interpreter, and what scaled decoding saves."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge_tagger.benchmarks.library.in_turn import block_ms, in_turn
from edge_tagger.benchmarks.library.result import Goal, Result, Section
from edge_tagger.benchmarks.library.setting import Setting
from edge_tagger.images import Pixels, load_photo
from edge_tagger.tagger import Tagger

CALLS = 20  # of a photo in memory, in each round
LARGE_CALLS = 5


class Bare:
    """An interpreter as a user would call it without edge_tagger: `invoke(pixels)` gives the stored scores."""

    def __init__(self, setting: Setting) -> None:
        runtime = importlib.import_module(setting.runtime)
        self._interpreter: Any = runtime.Interpreter(model_path=str(setting.model), num_threads=setting.threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._size = int(self._input["shape"][1])

    def invoke(self, photo: Pixels) -> Any:
        pixels = cv2.resize(photo, (self._size, self._size), interpolation=cv2.INTER_LINEAR)
        self._interpreter.set_tensor(self._input["index"], pixels[np.newaxis].astype(self._input["dtype"], copy=False))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output["index"])

    def decode_and_invoke(self, path: Path) -> Any:
        photo: Any = cv2.imread(str(path))
        return self.invoke(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB))


def tag_array(setting: Setting) -> Section:
    bare = Bare(setting)
    photo = load_photo(setting.photos[0])
    with Tagger(setting.model, threads=setting.threads) as tagger:
        what = f"`Tagger.tag(array)`, {photo.shape[1]} px"
        goal = Goal("at most", 1.03)
        calls = (partial(tagger.tag, photo), partial(bare.invoke, photo))
        return Section((_compare(setting, what, "bare LiteRT", goal, calls, CALLS),))


def tag_large(setting: Setting) -> Section:
    bare = Bare(setting)
    results, sizes = [], []
    megapixels = round(setting.large_size[0] * setting.large_size[1] / 1e6)
    with Tagger(setting.model, threads=setting.threads) as tagger:
        for kind, goal in (("baseline", Goal("at least", 1.7)), ("progressive", Goal("at least", 1))):
            path = setting.large_jpeg(kind)
            calls = (partial(tagger.tag, path), partial(bare.decode_and_invoke, path))
            what = f"`Tagger.tag(path)`, {megapixels}-megapixel JPEG, {kind}"
            against = "full decode, resize, bare LiteRT"
            results.append(_compare(setting, what, against, goal, calls, LARGE_CALLS))
            sizes.append(f"{kind} {path.stat().st_size / 1e6:.1f} MB")
    return Section(tuple(results), (f"{megapixels}-megapixel JPEGs: {', '.join(sizes)}.",))


def _compare(
    setting: Setting,
    what: str,
    against: str,
    goal: Goal,
    calls: tuple[Callable[[], object], Callable[[], object]],
    count: int,
) -> Result:
    ours, others = in_turn([block_ms(call, calls=count) for call in calls], rounds=setting.often.rounds)
    return Result(what, against, goal, "ms", tuple(ours), tuple(others))
