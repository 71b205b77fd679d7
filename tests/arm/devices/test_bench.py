"""The whole bench, by its command, on this machine and on the emulated device over real ssh and real adb."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.cli import main

pytestmark = [pytest.mark.arm, pytest.mark.usefixtures("nothing_left")]
DEVICES = ["local", "pi5", "phone"]


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """Four plain photos of the tiny models' colours."""
    path = tmp_path / "products.csv"
    colours = {"Red": (255, 0, 0), "Green": (0, 255, 0), "Blue": (0, 0, 255), "Black": (0, 0, 0)}
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "group", "colour", "light"])
        for name, rgb in colours.items():
            assert cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((40, 60, 3), rgb[::-1], np.uint8))
            rows.writerow([f"{name}.jpg", "Warm" if name == "Red" else "Cool", name, "dark"])
    return path


def bench(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["bench", *map(str, words)], catch_exceptions=False)
    return done.exit_code, done.output


def test_all_devices_are_measured_and_agree(devices_toml: Path, products: Path, data: Path, tmp_path: Path) -> None:
    report_path, table = tmp_path / "bench.json", tmp_path / "bench.md"
    code, output = bench(
        data / "tiny-uint8.tflite", "--devices", devices_toml, *(f"--device={name}" for name in DEVICES),
        "--num-runs=6", "--warmup-runs=1", "--profile", f"--photos={products}", f"--json={report_path}",
        f"--markdown={table}",
    )  # fmt: skip
    assert code == 0, output
    report: dict[str, Any] = json.loads(report_path.read_text())
    assert report["failures"] == []
    results = {result["device"]: result for result in report["results"]}
    assert list(results) == DEVICES
    for name in ("pi5", "phone"):
        assert results[name]["machine"]["arch"] == "aarch64" and results[name]["emulated"]
        assert sum(len(each["samples_ms"]) for each in results[name]["rounds"]) == 6
        assert results[name]["runtime"] == results["local"]["runtime"]
    assert results["local"]["emulated"] is False
    accuracy = {extra["device"]: extra["content"] for extra in report["extras"] if extra["kind"] == "accuracy"}
    for name in DEVICES:
        assert accuracy[name]["photos"] == 4 and accuracy[name]["bit_equal"], accuracy
    split = {extra["device"]: extra for extra in report["extras"] if extra["kind"] == "split"}
    for name in DEVICES:  # the device has OpenCV
        assert split[name]["unavailable"] is None and len(split[name]["content"]["total_ms"]) >= 10, split
    operators = {extra["device"]: extra["unavailable"] for extra in report["extras"] if extra["kind"] == "profile"}
    assert list(operators) == DEVICES and operators["pi5"] == operators["phone"]
    assert "emulated" in output and "emulated" in table.read_text()


def test_the_others_go_on_where_one_fails(devices_toml: Path, data: Path, served: Any) -> None:
    devices_toml.write_text(served.toml() + '[off]\naddress = "ssh://127.0.0.1:9"\n')
    code, output = bench(
        data / "tiny-uint8.tflite", "--devices", devices_toml, "--device=off", "--device=phone",
        "--num-runs=2", "--warmup-runs=0",
    )  # fmt: skip
    assert code == 9
    assert "off: nothing listens there" in output and "aarch64" in output
