"""What a device is: a place where the worker runs. And how one is found by the name that a user gives."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, Protocol

from edge_tagger.benchmarks.plan import Plan
from edge_tagger.errors import DeviceError, ModelError


class Device(Protocol):
    """`name` is what the user wrote. `measure` gives the worker's document; a fake one is all that a test needs."""

    name: str

    def measure(self, model: Path, plan: Plan) -> dict[str, Any]:
        """Raises ModelError where the model cannot be measured, DeviceError where the device cannot measure it."""
        ...


def find_device(name: str) -> Device:
    """The device of a name. Raises DeviceError for one that this version does not know."""
    if name == "local":
        from edge_tagger.benchmarks.devices.local import LocalDevice

        return LocalDevice()
    raise DeviceError(f"device {name!r} is not supported by this version; give --device local")


def worker_arguments(plan: Plan) -> list[str]:
    """The options of a plan, as the worker takes them after the model."""
    options = {"threads": plan.threads, "warmup-runs": plan.warmup_runs, "num-runs": plan.num_runs, "seed": plan.seed}
    return [f"--{option}={value}" for option, value in options.items()]


def read_answer(model: Path, device: str, *, code: int, stdout: str, stderr: str) -> dict[str, Any]:
    """The document of a worker that ended with `code`. Raises ModelError or DeviceError where it has none."""
    try:
        document = json.loads(stdout.strip().rpartition("\n")[2])
    except ValueError:
        document = None
    if not isinstance(document, dict):
        last = stderr.strip().rpartition("\n")[2]
        raise DeviceError(
            f"the worker for {model} on {device} gave no result ({_ending(code)}): {last or 'no message'}"
        )
    if "error" in document:
        error = document["error"]
        if error["kind"] == "model":
            raise ModelError(
                f"{model} cannot be measured on {device} ({error['message']}); it is cut off, damaged, or needs "
                "operators that the runtime lacks; copy or convert it again"
            )
        raise DeviceError(f"{device}: {error['message']}")
    return document


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"ended by {name}, out of memory?" if name == "SIGKILL" else f"ended by {name}"
