"""What `import edge_tagger` costs."""

from __future__ import annotations

from collections.abc import Callable

from edge_tagger.benchmarks.library.in_turn import in_turn
from edge_tagger.benchmarks.library.process import Process
from edge_tagger.benchmarks.library.result import Goal, Result, Section
from edge_tagger.benchmarks.library.setting import Setting

HEAVY = {"numpy": "numpy", "cv2": "OpenCV", "ai_edge_litert": "LiteRT", "tflite_runtime": "tflite-runtime"}


def import_times(setting: Setting) -> Section:
    ours, others = in_turn([_import_ms("edge_tagger"), _import_ms(setting.runtime)], rounds=setting.often.rounds)
    result = Result(
        "`import edge_tagger`", f"`import {setting.runtime}`", Goal("at most", 0.5), "ms", tuple(ours), tuple(others)
    )
    found = [name for module, name in HEAVY.items() if module in measure_import("edge_tagger")[1]]
    return Section(
        (result,), (f"`import edge_tagger` loads of numpy, OpenCV and LiteRT: {', '.join(found) or 'none'}.",)
    )


def measure_import(module: str) -> tuple[float, set[str]]:
    """Milliseconds that importing takes in a fresh process, and the top-level modules that are loaded then."""
    with Process("import_time", module) as process:
        seconds, *loaded = process.wait()[1].split()
    return float(seconds) * 1e3, set(loaded)


def _import_ms(module: str) -> Callable[[], float]:
    return lambda: measure_import(module)[0]
