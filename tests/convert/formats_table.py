"""Every format of a run's model side by side, as the table of the README, and what converting costs.

    python tests/convert/formats_table.py RUN DATA.csv [--split test] [--mediapipe .venv-mediapipe]

Each format is converted twice in processes of their own: by the bare TFLiteConverter, and by edge-tagger with
contract, metadata and manifest. The files are then measured with `edge-tagger evaluate` and `edge-tagger bench`. LiteRT
has no fast kernels for int16x8: its figures are those of the 50 photos that it was verified on. Whether MediaPipe takes
a file is tried in its own virtual environment, which `.ci/mediapipe` makes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge_tagger.convert.formats import FORMATS
from edge_tagger.manifest import read_manifest
from edge_tagger.table import table

COST = """
import resource, sys, time
from pathlib import Path
from edge_tagger.convert.formats import FORMATS, io_of
from edge_tagger.convert.lite import flatbuffer, tensorflow
from edge_tagger.convert.sources import read_run
from edge_tagger.convert.writer import make
who, run, kind = sys.argv[1:]
tensorflow()
source = read_run(Path(run))
started = time.monotonic()
if who == "bare":
    qat = kind == "int8" and source.quantized == "qat"
    photos = source.representative.spanning() if FORMATS[kind].calibrated and not qat else None
    flatbuffer(source.quantized_model if qat else source.float_model, kind, io=io_of(kind, None), representative=photos)
else:
    make(source, kind)
print(time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
LOADS = """
import sys
from mediapipe.tasks.python import BaseOptions, vision
options = vision.ImageClassifierOptions(BaseOptions(model_asset_buffer=open(sys.argv[1], "rb").read()))
vision.ImageClassifier.create_from_options(options).close()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--mediapipe", type=Path, default=Path(".venv-mediapipe"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-tagger-") as folder:
        out = Path(folder)
        edge_tagger("convert", options.run, *(f"--{kind}" for kind in FORMATS), "--out", out, "--keep", may_fail=True)
        files = {kind: next(out.glob(f"*-{kind}.tflite")) for kind in FORMATS}
        costs = [cost(options.run, kind) for kind in FORMATS]
        fast = [path for kind, path in files.items() if kind != "int16x8"]
        edge_tagger(
            "evaluate", *fast, "--data", options.data, "--split", options.split, "--json", out / "evaluation.json"
        )
        edge_tagger("bench", *files.values(), "--threads", 2, "--num-runs", 20, "--json", out / "bench.json")
        rows = json.loads((out / "evaluation.json").read_text())["models"]
        results = json.loads((out / "bench.json").read_text())["results"]
        evaluated = {Path(row["path"]).name: row for row in rows}
        latency = {Path(result["model"]["path"]).name: result["summary"]["p50_ms"] for result in results}
        lines = [
            row(kind, path, evaluated.get(path.name), latency[path.name], loads(path, options.mediapipe))
            for kind, path in files.items()
        ]
    header = ("format", "MB", "mAP", "worst top-1 drop", "same answers", "p50 ms", "MediaPipe")
    print("\n".join(table([header, *lines])))
    print("\n".join(["", *table([("format", "bare s", "ours s", "share", "bare MB", "ours MB"), *costs])]))


def edge_tagger(*arguments: object, may_fail: bool = False) -> None:
    """Run a command. One that `may_fail` ends with 1 where a file is worth less than it must be."""
    command = [sys.executable, "-c", "from edge_tagger.cli import main; main()", *map(str, arguments)]
    done = subprocess.run(command, check=False, stdout=sys.stderr)
    if done.returncode > int(may_fail):
        sys.exit(done.returncode)


def cost(run: Path, kind: str) -> tuple[str, ...]:
    """Seconds and peak memory of both ways; the share is what edge-tagger adds."""
    (bare_s, bare_mb), (ours_s, ours_mb) = (measured_cost(who, run, kind) for who in ("bare", "ours"))
    return kind, f"{bare_s:.1f}", f"{ours_s:.1f}", f"{ours_s / bare_s - 1:+.1%}", f"{bare_mb:.0f}", f"{ours_mb:.0f}"


def measured_cost(who: str, run: Path, kind: str) -> tuple[float, float]:
    command = [sys.executable, "-c", COST, who, str(run), kind]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(told[-2]), float(told[-1])


def row(kind: str, path: Path, evaluated: dict[str, Any] | None, p50_ms: float, accepted: str) -> tuple[str, ...]:
    """`same answers` is the least facet's share of photos with the source model's answer, on validation."""
    verified = read_manifest(path).provenance["verified"]
    facets = evaluated["difference"]["facets"].values() if evaluated else ()
    drops = [facet.get("top1", facet.get("map")) for facet in facets]
    return (
        kind,
        f"{path.stat().st_size / 1e6:.2f}",
        f"{100 * evaluated['map_macro']:.1f}" if evaluated else f"{-verified['map_drop_points']:+.1f} (50 photos)",
        f"{100 * min(drops):+.1f}" if drops else "-",
        f"{100 * min(verified['agreement'].values()):.1f} %",
        f"{p50_ms:.1f}",
        accepted,
    )


def loads(path: Path, venv: Path) -> str:
    python = venv / "bin" / "python"
    if not python.exists():
        return "not tried"
    done = subprocess.run([python, "-c", LOADS, path], check=False, capture_output=True)
    return "yes" if done.returncode == 0 else "no"


if __name__ == "__main__":
    main()
