"""Where the time goes, by type of operator.

The content of a "profile"::

    {"operators": [{"type": "Convolution (NHWC, QC8)", "count": 48, "mean_ms": 7.1, "share": 0.61}]}    longest first

`count` and `mean_ms` are those of one run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_tagger.benchmarks.model_file import ModelFile
from edge_tagger.benchmarks.worker_call import UnavailableError, WorkerCall, WorkerFailedError, reading

SCRIPT = Path(__file__).with_name("profile_worker.py")
KEYS = ("type", "count", "mean_ms", "share")
_RUNS = 20


def profile(call: WorkerCall, model: ModelFile, threads: int) -> dict[str, Any]:
    """The content above. Raises UnavailableError where the runtime there has no profiler."""
    try:
        document = call.ask(model, "profile", threads, script=SCRIPT, num_runs=_RUNS)
    except WorkerFailedError as error:  # the C interface of LiteRT is called there; what measures has worked before
        raise UnavailableError(f"LiteRT's profiler broke down ({error})") from error
    with reading(call.device):
        return {"operators": [{name: each[name] for name in KEYS} for each in document["operators"]]}
