"""mypy does not follow package_dir, so it is run on a copy that is laid out as installed."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_packages_are_fully_typed(installed: Path, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", root / "pyproject.toml", "--cache-dir", root / ".mypy_cache",
         "-p", "edge_tagger"],
        cwd=installed, capture_output=True, text=True, check=False, env={**os.environ, "MYPYPATH": str(installed)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Success" in done.stdout
