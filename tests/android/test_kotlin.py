"""The Kotlin code of android_assets/, compiled by Debian's Kotlin 1.3 and run on a JVM.

What decodes needs no Android and is held to the golden vectors that test the Python decoder. What faces Android is
compiled against stubs (no Android jar is in Debian) whose signatures were read from the documents of Android and
LiteRT, and runs a stubbed model: that shows buffers and order right, not that a phone agrees.

Needs: apt-get install kotlin libandroid-json-java default-jdk-headless
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_tagger.manifest import read_manifest
from edge_tagger.tagger import DEFAULT_MODEL, decode

pytestmark = pytest.mark.arm

HERE = Path(__file__).resolve().parent
ASSETS = HERE.parents[1] / "android_assets"
SOURCE = ASSETS / "src" / "main" / "java" / "edgetagger" / "android"
PURE = [SOURCE / name for name in ("Manifest.kt", "TagDecoder.kt", "Stretch.kt")]
JARS = [Path("/usr/share/java") / name for name in ("com.android.json.jar", "kotlin-stdlib.jar")]
INSTALL = "apt-get install kotlin libandroid-json-java default-jdk-headless"
Run = Callable[..., Any]


def call(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compile_kotlin(files: list[Path], classpath: list[Path], target: Path) -> None:
    joined = ":".join(map(str, classpath))
    call("kotlinc", "-nowarn" if target.name == "facing" else "-Werror", "-cp", joined, *files, "-d", target)


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classes of the pure Kotlin and its main: no stub is in sight of the compiler."""
    missing = [str(need) for need in ("kotlinc", "javac", "java") if not shutil.which(need)]
    missing += [str(jar) for jar in JARS if not jar.is_file()]
    assert not missing, f"no {', '.join(missing)}; {INSTALL}"
    target = tmp_path_factory.mktemp("kotlin") / "pure"
    compile_kotlin([*PURE, HERE / "DecodeMain.kt"], JARS, target)
    return target


@pytest.fixture(scope="module")
def facing(pure: Path) -> Path:
    """The classes that face Android and their main, and the stubs."""
    target, stubs = pure.with_name("facing"), sorted((HERE / "stubs").rglob("*.java"))
    sources = [SOURCE / "ProductTagger.kt", HERE / "TaggerMain.kt", *(ASSETS / "sample").glob("*.kt"), *stubs]
    compile_kotlin(sources, [pure, *JARS], target)
    call("javac", "-d", target, *stubs)
    return target


@pytest.fixture
def decoded(pure: Path, tmp_path: Path) -> Run:
    def run(cases: list[dict[str, Any]], *words: str) -> Any:
        file = tmp_path / "cases.json"
        file.write_text(json.dumps(cases), encoding="utf-8")
        classpath = ":".join(map(str, [pure, *JARS]))
        return json.loads(call("java", "-Dfile.encoding=UTF-8", "-cp", classpath, "DecodeMainKt", file, *words))

    return run


@pytest.fixture
def tagged(pure: Path, facing: Path, tmp_path: Path) -> Run:
    def run(model: str, *words: str, java: tuple[str, ...] = ()) -> str:
        folder = tmp_path / "edge_tagger"
        folder.mkdir(exist_ok=True)
        (folder / "model.tflite").write_text(model)
        shutil.copy(HERE.parent / "data" / "tiny-manifest.json", folder / "edge_tagger.json")
        classpath = ":".join(map(str, [facing, pure, *JARS]))
        return call("java", *java, "-cp", classpath, "TaggerMainKt", tmp_path, *words).strip()

    return run


def as_float32(tags: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Kotlin keeps thresholds as float32, which is how both compare them."""
    return [{**tag, "threshold": float(np.float32(tag["threshold"]))} for tag in tags]


def test_kotlin_gives_the_golden_tags(decoded: Run, data: Path) -> None:
    cases = json.loads((data / "golden_decoding.json").read_text(encoding="utf-8"))
    answers = decoded(cases)
    assert len(answers) == len(cases)
    for case, photos in zip(cases, answers, strict=True):
        assert photos == [as_float32(photo["tags"]) for photo in case["photos"]], case["name"]


def test_kotlin_and_python_agree_on_the_packaged_model(decoded: Run) -> None:
    manifest = read_manifest(HERE.parents[1] / "edge_tagger" / "models" / DEFAULT_MODEL)
    # A high power makes most scores small, as a tagger's are; 1/256 steps make ties.
    stored = (np.random.default_rng(1).random((200, len(manifest.taxonomy))) ** 4 * 256).astype(np.uint8)
    photos = [{"stored": row.tolist(), "scale": 1 / 256, "zero_point": 0} for row in stored]
    (answers,) = decoded([{"manifest": manifest.to_json(), "photos": photos}])
    expected = [decode(row.astype(np.float32) * np.float32(1 / 256), manifest).to_json()["tags"] for row in stored]
    assert answers == [as_float32(tags) for tags in expected]


def test_kotlin_stretches_as_opencv_does(decoded: Run) -> None:
    generator = np.random.default_rng(2)
    cases, expected = [], []
    for width, height, size in [(61, 40, 16), (8, 8, 8), (32, 16, 8), (5, 3, 16), (1, 1, 4), (333, 200, 64)]:
        rgba = generator.integers(0, 256, (height, width, 4), np.uint8)
        rgba[:, : width // 2, 3] = 255
        alpha = rgba[:, :, 3:].astype(np.uint16)
        over_white = ((rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
        expected.append(cv2.resize(over_white, (size, size), interpolation=cv2.INTER_LINEAR).reshape(-1))
        red, green, blue, opaque = (rgba[:, :, channel].astype(np.int64) for channel in range(4))
        argb = (opaque << 24 | red << 16 | green << 8 | blue).reshape(-1).tolist()
        cases.append({"width": width, "height": height, "size": size, "argb": argb})
    for case, pixels, right in zip(cases, decoded(cases, "stretch"), expected, strict=True):
        difference = np.abs(np.array(pixels) - right.astype(int))
        assert difference.max() <= 1, case["size"]
        assert (difference == 0).mean() > 0.85, case["size"]


@pytest.mark.parametrize("dtype", ["UINT8", "FLOAT32"])
@pytest.mark.parametrize("config", ["ARGB_8888", "HARDWARE"])
def test_the_tagger_feeds_and_reads_its_model(tagged: Run, dtype: str, config: str) -> None:
    """The stub gives its first inputs back: pixels (0, 0), (1, 0) and half of (2, 0) of an 8x8 bitmap."""
    scores = json.loads(tagged(f"{dtype} {8 * 8 * 3} 8", "8", "8", config))
    assert scores == [value / 256 for value in (0, 0, 7, 0, 1, 7, 0, 2)]


def test_the_tagger_says_what_does_not_fit(tagged: Run) -> None:
    assert "the model takes no 8 px photos" in tagged("UINT8 12 8", "8", "8", "ARGB_8888")
    assert "the model does not give 8 scores" in tagged("UINT8 192 7", "8", "8", "ARGB_8888")
    assert "a tensor is INT8; convert the model with --io uint8" in tagged("INT8 192 8", "8", "8", "ARGB_8888")


def test_a_gpu_is_used_only_where_it_is_supported(tagged: Run) -> None:
    assert "make the tagger with gpu = false" in tagged("UINT8 192 8", "8", "8", "ARGB_8888", "gpu")
    assert json.loads(tagged("UINT8 192 8", "8", "8", "ARGB_8888", "gpu", java=("-Dstub.gpu=true",)))
