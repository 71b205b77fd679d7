"""A function over many items with several threads: results in the order of the items, as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items that wait or are worked on, per worker: enough that one slow photo at the head does not stop the others.
_AHEAD = 4


def in_order(function: Callable[[Item], Result], items: Iterable[Item], *, workers: int) -> Iterator[Result]:
    """function(item) for each item, on `workers` threads. At most four items per worker are taken ahead.

    What the function or the items raise is raised at its turn. However the iterator ends, by its end, an error, close()
    or Ctrl-C, no thread is left: what has begun is finished, what has not is dropped.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="edge-tagger") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) == _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
