"""A device that answers at once what a worker would."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.benchmarks.devices.session import Ended

FACTS = (
    "model=Fake 1\ncores=4\nmemory_kb=1000\narch=aarch64\nzone={heat} cpu\nload=0.1 0 0 1/1 1\nvcgencmd=throttled=0x0\n"
)


class Worker:
    """`answer` of a FakeDevice. Every worker call is a request in `requests`; the device is 1 °C hotter after each.

    `changed` is laid over the document, `kills` are models (by their file's content on the device) whose worker dies.
    """

    def __init__(self, *, changed: dict[str, Any] | None = None, error: dict[str, str] | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.changed, self.error = changed or {}, error
        self.killed: Callable[[dict[str, Any]], bool] = lambda _: False

    def __call__(self, words: Sequence[str], folder: Path) -> Ended:
        if words[0] == "sh":
            return Ended(0, FACTS.format(heat=40_000 + 1000 * len(self.requests)), "")
        request = json.loads((folder / words[2]).read_text())
        self.requests.append(request)
        if self.killed(request):
            return Ended(137, "", "Killed\n")
        document = {"error": self.error} if self.error else {**self.document(request), **self.changed}
        (folder / words[3]).write_text(json.dumps(document))
        return Ended(1 if self.error else 0, "1 runs\n", "")

    def document(self, request: dict[str, Any]) -> dict[str, Any]:
        count = request.get("num_runs", 1)
        return {
            "init_ms": 3.0, "first_ms": 9.0, "warmup_ns": [9_000_000], "stable": True,
            "samples_ns": [1_000_000 * (n + 1) for n in range(count)], "every": 1, "overhead_us": 0.5,
            "memory": {"baseline_bytes": 10, "peak_bytes": 30}, "threads": request["threads"],
            "runtime": {"name": "fake", "version": "1"}, "delegate": "none",
            "machine": {"cpu": "none", "cores": 4, "os": "none", "arch": "none", "python": "3"},
        }  # fmt: skip


@pytest.fixture
def worker() -> Worker:
    return Worker()
