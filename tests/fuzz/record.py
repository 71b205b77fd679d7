"""What a run has done so far, one line of JSON a block, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

BLOCK = 200  # cases


class Record:
    """The file results.jsonl of a folder. Its first line says what run it is; another run is refused."""

    def __init__(self, out: Path, run: dict[str, Any]) -> None:
        self.path = out / "results.jsonl"
        self.blocks: list[dict[str, Any]] = []
        if not self.path.exists():
            self._append(run)
            return
        first, *blocks = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        if first != run:
            differing = [key for key in run if first.get(key) != run[key]]
            raise click.ClickException(
                f"{out} holds a run with another {', '.join(differing)}; name another folder with --out"
            )
        self.blocks = blocks

    def left(self, cases: dict[str, int]) -> list[tuple[str, int, int]]:
        """(target, first case, number of cases) of each block that is not done, for so many cases of each target."""
        done = {(block["target"], block["first"], block["count"]) for block in self.blocks}
        asked = [
            (target, first, min(BLOCK, count - first))
            for target, count in cases.items()
            for first in range(0, count, BLOCK)
        ]
        return [block for block in asked if block not in done]

    def add(self, target: str, first: int, spent_s: float, answers: list[dict[str, Any]]) -> None:
        """The worker's answers for the cases of a block."""
        slowest = max(answers, key=lambda answer: float(answer["spent_s"]))
        block = {
            "target": target,
            "first": first,
            "count": len(answers),
            "spent_s": round(spent_s, 3),
            "outcomes": Counter(answer["outcome"] for answer in answers),
            "failures": {answer["case"]: answer["problem"] for answer in answers if answer["problem"] is not None},
            "peak_bytes": max(answer["grown_bytes"] for answer in answers),
            "slowest": [round(slowest["spent_s"], 4), slowest["case"]],
        }
        self._append(block)
        self.blocks.append(block)

    def _append(self, line: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def summary(blocks: list[dict[str, Any]]) -> str:
    """A row for each target, then each failure."""
    lines = [f"{'target':10} {'cases':>7} {'failed':>6} {'ms each':>8} {'slowest ms':>15} {'peak MiB':>8}  outcomes"]
    for target in dict.fromkeys(block["target"] for block in blocks):
        own = [block for block in blocks if block["target"] == target]
        outcomes: Counter[str] = Counter()
        for block in own:
            outcomes.update(block["outcomes"])
        cases = sum(block["count"] for block in own)
        slowest_s, slowest = max(block["slowest"] for block in own)
        told = ", ".join(f"{name} {count}" for name, count in outcomes.most_common())
        each_ms = 1000 * sum(block["spent_s"] for block in own) / cases
        lines.append(
            f"{target:10} {cases:7} {sum(len(block['failures']) for block in own):6} "
            f"{each_ms:8.2f} {f'{1000 * slowest_s:.0f} (#{slowest})':>15} "
            f"{max(block['peak_bytes'] for block in own) / 2**20:8.1f}  {told}"
        )
    for block in blocks:
        for case, problem in block["failures"].items():
            lines.append(f"FAILED {block['target']} {case}: {problem}")
    return "\n".join(lines)
