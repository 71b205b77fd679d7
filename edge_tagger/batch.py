"""A function over many items with several threads: results in the order of the items, as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items that wait or are worked on, per worker: enough that one slow photo at the head does not stop the others.
_AHEAD = 4


def in_order(function: Callable[[Item], Result], items: Iterable[Item], *, workers: int) -> Iterator[Result]:
    """function(item) for each item, on `workers` threads. At most four items per worker are taken ahead.

    What the function or the items raise is raised at its turn: an error of the items comes after the results of those
    that were given before it. However the iterator ends, by its end, an error, close() or Ctrl-C, no thread is left:
    what has begun is finished, what has not is dropped.
    """
    waiting: deque[Future[Result]] = deque()
    given = _Given(items)
    with ThreadPoolExecutor(workers, thread_name_prefix="edge-tagger") as pool:
        try:
            for item in given:
                waiting.append(pool.submit(function, item))
                if len(waiting) == _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            if given.error is not None:
                raise given.error
        finally:
            pool.shutdown(cancel_futures=True)


class _Given(Generic[Item]):
    """Items that end where an error comes, which is kept. Ctrl-C is no error of theirs: it comes through at once."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Item]:
        try:
            for item in self._items:  # noqa: UP028  `yield from` would close a generator whose owner may go on with it
                yield item
        except Exception as error:
            self.error = error
