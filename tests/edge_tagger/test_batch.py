from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count, islice

import pytest

from edge_tagger.batch import in_order


def workers_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("edge-tagger")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_keep_the_order_whatever_takes_longest(workers: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(in_order(work, range(50), workers=workers)) == [item * item for item in range(50)]
    assert list(in_order(work, [], workers=workers)) == [] and workers_left() == []


def test_endless_items_are_taken_a_few_at_a_time() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in count():
            taken.append(item)
            yield item

    for result in islice(in_order(lambda item: item, items(), workers=2), 100):
        assert len(taken) - result <= 8
    assert workers_left() == []


def test_workers_work_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)  # broken where they come one after the other
    assert len(list(in_order(lambda _: meeting.wait(), range(9), workers=3))) == 9


def test_an_error_comes_at_its_turn_and_what_has_not_begun_is_dropped() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 5:
            raise KeyError(item)
        return item

    results = in_order(work, count(), workers=2)
    assert list(islice(results, 5)) == [0, 1, 2, 3, 4]
    with pytest.raises(KeyError):
        next(results)
    assert workers_left() == [] and len(begun) <= 5 + 9


def test_an_error_of_the_items_comes_through() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(in_order(lambda item: item, items(), workers=2))
    assert workers_left() == []


@pytest.mark.parametrize("workers", [1, 2, 9])
@pytest.mark.parametrize("before", [0, 1, 3, 20])
def test_results_of_what_was_given_come_before_an_error_of_the_items(workers: int, before: int) -> None:
    def items() -> Iterator[int]:
        yield from range(before)
        raise OSError("the feed broke")

    came: list[int] = []
    with pytest.raises(OSError, match="the feed broke"):
        came.extend(in_order(lambda item: item, items(), workers=workers))
    assert came == list(range(before)) and workers_left() == []


def test_ctrl_c_in_the_items_waits_for_no_results() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(in_order(lambda item: item, items(), workers=9))
    assert workers_left() == []


def test_items_go_on_where_their_reader_stopped() -> None:
    items = iter(count())
    given = (next(items) for _ in range(100))
    results = in_order(lambda item: item, given, workers=1)
    assert list(islice(results, 3)) == [0, 1, 2]
    del results
    assert next(given) >= 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_whoever_stops_early_leaves_no_thread(error: type[BaseException]) -> None:
    results = in_order(lambda item: item, count(), workers=3)
    assert isinstance(results, Iterator) and next(results) == 0 and workers_left()
    with pytest.raises((error, StopIteration)):
        results.throw(error)  # type: ignore[attr-defined]
    assert workers_left() == []
