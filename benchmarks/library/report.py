"""The table as Markdown, and everything with its raw samples as JSON."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from edge_tagger import __version__
from edge_tagger.benchmarks.library.result import Result, Section, Unit
from edge_tagger.benchmarks.library.setting import Setting, cores
from edge_tagger.benchmarks.worker import cpu_model
from edge_tagger.runtimes import find_runtime

FORMAT = 1
HEAD = ("what", "against", "goal", "measured", "edge-tagger", "the other", "")


def machine() -> dict[str, Any]:
    """What the figures hold for. Takes a second, to see how many cores others keep busy: call it first of all."""
    runtime = find_runtime()
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "os": f"{platform.system()} {platform.release()}",
        "arch": platform.machine(),
        "python": platform.python_version(),
        "edge_tagger": __version__,
        runtime.backend: runtime.version,
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "busy_cores": busy_cores(),
    }


def busy_cores(*, over_s: float = 1.0) -> float | None:
    """How many cores all programs of the machine keep busy just now. None where the system has no /proc/stat.

    The load average would count what a minute ago installed this package.
    """
    try:
        before = _busy_ticks()
        time.sleep(over_s)
        return (_busy_ticks() - before) / os.sysconf("SC_CLK_TCK") / over_s
    except (OSError, ValueError, AttributeError):
        return None


def _busy_ticks() -> int:
    """All ticks so far but idle and iowait, the 4th and 5th (man 5 proc_stat); guests' are among the user's."""
    ticks = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4]


def markdown(facts: dict[str, Any], setting: Setting, sections: Sequence[Section]) -> str:
    rows = [_row(result) for section in sections for result in section.results]
    lines = ["| " + " | ".join(row) + " |" for row in (HEAD, ("---",) * len(HEAD), *rows)]
    notes = [note for section in sections for note in section.notes]
    return "\n".join([*lines, "", *_context(facts, setting), *notes])


def as_json(facts: dict[str, Any], setting: Setting, sections: Sequence[Section]) -> dict[str, Any]:
    """Plain JSON values; samples in the order of their rounds.

    {"format", "machine", "threads", "rounds", "photos", "endless", "results": [{"what", "against", "goal": {"kind",
    "limit"}, "unit", "ours": [..], "others": [..], "missing", "ratio", "met"}], "notes": [..]}
    """
    results = [
        {**dataclasses.asdict(result), "ratio": None if result.missing else result.ratio, "met": result.met}
        for section in sections
        for result in section.results
    ]
    notes = [note for section in sections for note in section.notes]
    return {
        "format": FORMAT,
        "machine": facts,
        "threads": setting.threads,
        **dataclasses.asdict(setting.often),
        "results": results,
        "notes": notes,
    }


def _row(result: Result) -> tuple[str, ...]:
    if result.missing:
        return result.what, result.against, str(result.goal), result.missing, "-", "-", "not measured"
    low, high = result.ratio_quartiles
    measured = f"{result.ratio:.2f}" + (f" ({low:.2f}..{high:.2f})" if len(result.ours) > 1 else "")
    sides = (_amount(median(samples), result.unit) for samples in (result.ours, result.others))
    return result.what, result.against, str(result.goal), measured, *sides, "met" if result.met else "missed"


def _amount(value: float, unit: Unit) -> str:
    return f"{value:.3g} {unit}"


def _context(facts: dict[str, Any], setting: Setting) -> list[str]:
    versions = ", ".join(
        f"{name} {facts[name]}"
        for name in facts
        if name not in ("cpu", "cores", "os", "arch", "load_average", "busy_cores")
    )
    often = setting.often
    busy = "" if facts["busy_cores"] is None else f" Before: {facts['busy_cores']:.1f} cores busy with other programs."
    return [
        f"Medians of {often.rounds} rounds in turn ({often.long_rounds} of `tag_many`), in brackets the quartiles; "
        f"{setting.threads} threads; {setting.model.name}.",
        f"{facts['cpu']}, {facts['cores']} cores, {facts['os']} {facts['arch']}; {versions}.{busy}",
    ]
