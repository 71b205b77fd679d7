"""import_time.py MODULE: prints how many seconds its import took, then the top-level modules that are loaded."""

import importlib
import sys
import time


def main(module: str) -> None:
    started = time.perf_counter()
    importlib.import_module(module)
    elapsed_s = time.perf_counter() - started
    print(elapsed_s, *sorted({name.partition(".")[0] for name in sys.modules}), flush=True)
    input()


if __name__ == "__main__":
    main(*sys.argv[1:])
