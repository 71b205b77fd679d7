"""This machine: the worker in a process of its own, so that memory and start are those of the model alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks import worker
from edge_tagger.benchmarks.devices.device import read_answer, worker_arguments
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.errors import DeviceError


class LocalDevice:
    name = "local"

    def measure(self, model: Path, plan: Plan) -> dict[str, Any]:
        # An absolute path never looks like an option.
        command = [sys.executable, worker.__file__, str(model.resolve()), *worker_arguments(plan)]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            raise DeviceError(f"cannot start {sys.executable}: {error.strerror}") from error
        return read_answer(model, self.name, code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)
