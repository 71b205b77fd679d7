"""What installing the device library brings: python -m edge_tagger.benchmarks.library.footprint."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from statistics import median

from edge_tagger.benchmarks.library.imports import measure_import
from edge_tagger.errors import DeviceError
from edge_tagger.table import table
from edge_tagger.terminal import echo

DISTRIBUTION = "edge-tagger"
# What a program imports of a distribution; others are only needed by these.
MODULES = {
    "edge-tagger": "edge_tagger",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "click": "click",
    "tqdm": "tqdm",
}
IMPORTS = 5  # fresh processes each


def required(name: str = DISTRIBUTION) -> list[Distribution]:
    """The distribution and all installed ones that it requires without an extra, and so on, by name.

    One that is installed counts even where a marker (`; python_version < "3.11"`) does not ask for it here. Raises
    PackageNotFoundError where `name` is not installed.
    """
    found = {_normal(name): distribution(name)}
    todo = list(found.values())
    while todo:
        for requirement in todo.pop().requires or ():
            matched = re.match(r"[\w.-]+", requirement)
            if matched is None or re.search(r";.*\bextra\b", requirement):
                continue
            key = _normal(matched[0])
            if key not in found:
                try:
                    found[key] = distribution(matched[0])
                except PackageNotFoundError:
                    continue
                todo.append(found[key])
    return [found[key] for key in sorted(found)]


def installed_bytes(package: Distribution) -> int:
    """The sum of the sizes of its files, the compiled ones of pip among them."""
    paths = [Path(str(package.locate_file(file))) for file in package.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def main() -> None:
    rows = []
    total = 0
    for package in required():
        name, size = package.metadata["Name"], installed_bytes(package)
        total += size
        rows.append((name, package.version, f"{size / 1e6:.1f}", _import_ms(name)))
    head = ("package", "version", "MB", "import ms")
    echo(*table([head, *rows, ("all", "", f"{total / 1e6:.1f}", "")], left=2))
    echo("", f"Import: median of {IMPORTS} fresh processes, with what it imports itself.")
    if "edge_tagger/__init__.py," not in (distribution(DISTRIBUTION).read_text("RECORD") or ""):
        echo(f"{DISTRIBUTION} runs from a checkout: its own size is not that of an installed wheel.")


def _import_ms(name: str) -> str:
    if _normal(name) not in MODULES:
        return "-"
    try:
        return f"{median(measure_import(MODULES[_normal(name)])[0] for _ in range(IMPORTS)):.0f}"
    except DeviceError:  # installed for another system
        return "fails"


def _normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
