"""Frames in, settled answers out, with the rate at which that goes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from edge_tagger.tagged import TaggedPhoto
from edge_tagger.tagger import Tagger
from edge_tagger.watch.defaults import HOLD_S, SMOOTHING_S
from edge_tagger.watch.frames import Frame
from edge_tagger.watch.smoothing import Settled, Smoothing

_RATE_OVER_S = 2.0


@dataclass(frozen=True)
class Answer:
    """What the frames up to `frame` show.

    `changed`: other tags than in the answer before. `at_s` is the frame's time, seconds from the first one. `per_s` are
    the frames that were tagged a second, over the last two seconds; `latency_ms` the time from when the frame was there
    to its answer; `dropped` the frames so far that were not tagged because newer ones had come.
    """

    tagged: TaggedPhoto
    frame: int
    at_s: float
    changed: bool
    per_s: float
    latency_ms: float
    dropped: int


def answers(
    tagger: Tagger,
    frames: Iterable[Frame],
    *,
    smoothing_s: float = SMOOTHING_S,
    hold_s: float = HOLD_S,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Answer]:
    """An answer for each frame. Scores are smoothed before they are decoded, so that hierarchy and exclusivity hold.

    Raises ValueError for seconds below 0, and what the frames raise.
    """
    smoothed, settled, dropped = Smoothing(smoothing_s), Settled(hold_s), 0
    done_s: deque[float] = deque([clock()])
    for frame in frames:
        tagged = tagger.decode(smoothed(tagger.scores(frame.pixels), frame.at_s))
        tagged, changed = settled(tagged, frame.at_s)
        now_s = clock()
        done_s.append(now_s)
        while len(done_s) > 2 and now_s - done_s[0] > _RATE_OVER_S:
            done_s.popleft()
        per_s = (len(done_s) - 1) / max(now_s - done_s[0], 1e-9)
        dropped += frame.dropped
        yield Answer(tagged, frame.number, frame.at_s, changed, per_s, 1000 * (now_s - frame.read_s), dropped)
