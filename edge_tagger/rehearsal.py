"""A run of a stranger's model in a process of its own, which may crash, hang or take all memory without harm.

Only for graphs that are not plain (edge_tagger.graph_rules): control flow, recurrent layers, sizes that are computed,
rare operators. What was found there holds for every photo, since neither sizes nor loops may depend on one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_tagger.errors import ModelError

TIME_LIMIT_S = 8.0
MEMORY_BYTES = 768 * 2**20  # above what the process has with its runtime loaded, beside the model's own size
_REFUSED = 3  # the exit code where the runtime itself says what is wrong
_ENOUGH_S = 2.0  # a large model that has run once in this time is not run again with all its tensors kept
_SCRIPT = "from edge_tagger.rehearsal import main; main()"


def rehearse_apart(name: str, data: bytes, backend: str) -> str:
    """Load, prepare and run a model in another process: what the runtime said where it refused that, else "". Raises
    ModelError where it crashes, takes longer than 8 s or too much memory."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONFAULTHANDLER": ""}
    command = [sys.executable, "-c", _SCRIPT, backend]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            answer, _ = process.communicate(data, timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise ModelError(
                f"{name} was still running after {TIME_LIMIT_S:g} s, when it was tried; it may never end; "
                "use another model"
            ) from error
        finally:
            process.kill()
    if process.returncode in (0, _REFUSED):
        return answer.decode("utf-8", "replace")
    ended = -process.returncode
    how = signal.Signals(ended).name if ended in set(signal.Signals) else f"exit code {process.returncode}"
    raise ModelError(
        f"{name} ended the process in which it was tried ({how}); it is damaged, or needs more than "
        f"{MEMORY_BYTES // 2**20} MiB; copy or convert it again"
    )


def main() -> None:
    """The other process: the model on standard input, the backend as argument, a reason on standard output."""
    from edge_tagger.graph_check import check_graph
    from edge_tagger.runtimes import find_runtime, first_line

    runtime = find_runtime(sys.argv[1])
    data = sys.stdin.buffer.read()
    _limit(len(data))
    module, started = runtime.module, time.monotonic()
    own = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        interpreter = module.Interpreter(model_content=data, experimental_op_resolver_type=own)
        check_graph(interpreter)
        _run(interpreter)
        _run(module.Interpreter(model_content=data, num_threads=1))
        if time.monotonic() - started < _ENOUGH_S:  # as edge_tagger.explain opens it
            _run(module.Interpreter(model_content=data, experimental_preserve_all_tensors=True))
    except (ValueError, RuntimeError, MemoryError) as error:
        sys.stdout.buffer.write(first_line(error).encode("utf-8", "replace"))
        sys.stdout.flush()
        os._exit(_REFUSED)
    os._exit(0)  # nothing is left to tidy up, and a damaged model may crash while it is


def _run(interpreter: Any) -> None:
    """Twice, for some operators only go wrong with the state that the first run left."""
    import numpy as np

    interpreter.allocate_tensors()
    for value in (0, 1):
        for detail in interpreter.get_input_details():
            given = np.full(detail["shape"], value, detail["dtype"])
            interpreter.set_tensor(detail["index"], given)
        interpreter.invoke()
    for detail in interpreter.get_output_details():
        interpreter.get_tensor(detail["index"])


def _limit(model_bytes: int) -> None:
    """Windows has no such limits; there the time alone is limited."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        taken_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (taken_bytes + MEMORY_BYTES + 4 * model_bytes,) * 2)
