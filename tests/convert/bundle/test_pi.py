from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.convert.bundle.pi import REQUIREMENTS, bundle_pi
from edge_tagger.errors import ManifestError, ModelError, OutputError
from edge_tagger.tagger import Tagger


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        for entry in tar:
            assert entry.isfile()
            assert (entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, "", "")
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
        else:
            tar.extractall(folder)
    (inside,) = folder.iterdir()
    return inside


def draw(folder: Path) -> list[Path]:
    """A JPEG, a grey one, and PNGs with alpha and with 16 bits: what decoding can go wrong on. They are
    too small for the library to decode them at a reduced scale, as tag.py never does."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (24, 30, 4), np.uint8)
    pixels[:12, :, 2] = 255
    photos = {
        "a.jpg": pixels[:, :, :3], "grey.jpg": pixels[:, :, 0], "alpha.png": pixels,
        "deep.png": pixels[:, :, :3].astype(np.uint16) * 257,
    }  # fmt: skip
    for name, photo in photos.items():
        assert cv2.imwrite(str(folder / name), photo)
    return [folder / name for name in photos]


@pytest.mark.parametrize("model", ["tiny-uint8.tflite", "tiny-float32.tflite"])
def test_the_unpacked_script_gives_the_tags_of_the_library(data: Path, tmp_path: Path, model: str) -> None:
    inside = unpacked(bundle_pi(data / model, tmp_path / "pi.tar.gz"), tmp_path / "unpacked")
    assert inside.name == Path(model).stem
    assert sorted(path.name for path in inside.iterdir()) == [
        "README.txt",
        "model.tflite",
        "requirements.txt",
        "tag.py",
    ]
    assert "Apache-2.0" in (inside / "README.txt").read_text()
    photos = draw(tmp_path)
    command = [sys.executable, "-I", inside / "tag.py", *photos]
    as_json = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert as_json.returncode == 0, as_json.stderr
    as_text = subprocess.run(command, capture_output=True, text=True, check=False)
    with Tagger(data / model) as tagger:
        answers = [tagger.tag(photo) for photo in photos]
    expected = [
        {"photo": str(photo), "tags": answer.to_json()["tags"]} for photo, answer in zip(photos, answers, strict=True)
    ]
    assert [json.loads(line) for line in as_json.stdout.splitlines()] == expected
    assert any(answer.tags for answer in answers)
    lines = (f"{photo}\n{textwrap.indent(str(answer), '  ')}\n" for photo, answer in zip(photos, answers, strict=True))
    assert as_text.stdout == "".join(lines)


def test_a_photo_that_cannot_be_read_is_told_and_the_others_are_tagged(data: Path, tmp_path: Path) -> None:
    inside = unpacked(bundle_pi(data / "tiny-uint8.tflite", tmp_path / "pi.tar.gz"), tmp_path / "unpacked")
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.jpg").touch()
    photos = [tmp_path / "text.jpg", tmp_path / "empty.jpg", tmp_path / "absent.jpg", draw(tmp_path)[0]]
    done = subprocess.run([sys.executable, inside / "tag.py", *photos], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert [line for line in done.stdout.splitlines() if not line.startswith(" ")] == [str(photos[3])]
    for photo in photos[:3]:
        assert f"Error: {photo}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_script_needs_only_what_its_requirements_name(root: Path) -> None:
    source = (root / "convert" / "bundle" / "tag_on_pi.py").read_text()
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", source, re.MULTILINE)) - set(sys.stdlib_module_names)
    assert imported == {"numpy", "cv2", "ai_edge_litert", "tflite_runtime"}


def test_the_requirements_are_those_of_setup_cfg(root: Path) -> None:
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg", encoding="utf-8")
    wanted = ("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless")
    lines = config["options"]["install_requires"].strip().splitlines()
    assert REQUIREMENTS.splitlines() == [line for line in lines if line.startswith(wanted)]


def test_the_same_model_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    first, second = (bundle_pi(data / "tiny-uint8.tflite", tmp_path / f"{name}.tar.gz") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_bad_input_leaves_no_file(data: Path, tmp_path: Path, repacked_int8: Callable[[], Path]) -> None:
    with pytest.raises(OutputError, match=r"does not end in .tar.gz; name the bundle pi.zip.tar.gz"):
        bundle_pi(data / "tiny-uint8.tflite", tmp_path / "pi.zip")
    with pytest.raises(ManifestError, match=r"has no edge_tagger.json"):
        bundle_pi(data / "bare-int8.tflite", tmp_path / "pi.tar.gz")
    with pytest.raises(OutputError, match="cannot write"):
        bundle_pi(data / "tiny-uint8.tflite", tmp_path / "absent" / "pi.tar.gz")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ModelError, match="--io uint8"):
        bundle_pi(repacked_int8(), tmp_path / "pi.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["int8.tflite"]


def test_a_model_without_a_manifest_is_told_by_tag_py(data: Path, tmp_path: Path) -> None:
    folder = unpacked(bundle_pi(data / "tiny-uint8.tflite", tmp_path / "t.tar.gz"), tmp_path / "out")
    (script,) = folder.rglob("tag.py")
    for model in (data / "bare-int8.tflite", tmp_path / "none.tflite"):
        command = [sys.executable, str(script), "--model", str(model), "x.jpg"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 5 and "is no model with a manifest" in done.stderr and "Traceback" not in done.stderr
