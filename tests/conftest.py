"""What several test modules use."""

from __future__ import annotations

import csv
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """`make test &` in a shell without job control ignores Ctrl-C, and so does all that is started from there. Tests
    send it, to this process and to children, who get the default back as they are started."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Child(subprocess.Popen[Any]):
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self.kill()  # before it is waited for
        super().__exit__(kind, error, None)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[Any]]]:
    """subprocess.Popen, whose processes are killed where a test fails, or ends without them."""
    with ExitStack() as stack:

        def started(words: Sequence[object], **options: Any) -> subprocess.Popen[Any]:
            process = stack.enter_context(_Child([str(word) for word in words], **options))
            stack.callback(process.kill)
            return process

        yield started


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `arm` run when `-m arm` asks for them, and then fail where what they need is not installed."""
    if "arm" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("arm"):
                item.add_marker(pytest.mark.skip(reason="needs root or system packages; run pytest -m arm"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of photos, weights and models beside the checkout."""
    folder = ROOT.parent / "shared"
    if not (folder / "DESIGN.md").is_file():
        pytest.skip("needs ../shared beside the checkout")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of tiny models (tests/data/make_models.py) and golden files."""
    return ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy (setuptools leaves build/ and *.egg-info beside its sources)."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("edge_tagger", "train", "convert", "benchmarks", "android_assets"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", source / "dist", source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (source / "dist").glob("*.whl")
    return path


@dataclass(frozen=True)
class Trained:
    """A finished run of tests/data/tiny.toml: its source, recipe and folder, and the files converted from it."""

    source: Path
    recipe: Path
    run: Path
    models: dict[str, Path]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The products.csv of a small drawn catalogue."""
    from edge_tagger.train.synthetic.catalogue import draw_catalogue

    return draw_catalogue(tmp_path_factory.mktemp("drawn") / "catalogue", photos=160, size=48)


@pytest.fixture(scope="session")
def trained(drawn: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained and converted once for all tests. Do not write into it."""
    from edge_tagger.convert.formats import FORMATS
    from edge_tagger.convert.sources import read_run
    from edge_tagger.convert.writer import convert
    from edge_tagger.train.finetune import train
    from edge_tagger.train.recipe_file import load_recipe

    recipe, run = data / "tiny.toml", tmp_path_factory.mktemp("trained") / "run"
    train(drawn, load_recipe(str(recipe)), run)
    made = convert(read_run(run), list(FORMATS), out=run, max_drop=100)
    return Trained(drawn, recipe, run, dict(zip(FORMATS, [each.path for each in made], strict=True)))


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """A CSV of six JPEGs, each of one colour that the tiny models know; four are of its split "test"."""
    colours = {"Red": (255, 0, 0), "Green": (0, 255, 0), "Blue": (0, 0, 255)}
    (tmp_path / "products").mkdir()
    path = tmp_path / "products" / "products.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "group", "colour", "light", "split"])
        for number in range(6):
            name = list(colours)[number % 3]
            photo = np.full((40 + number, 60, 3), colours[name][::-1], np.uint8)
            cv2.imwrite(str(path.parent / f"{number}.jpg"), photo)
            group = "Warm" if name == "Red" else "Cool"
            rows.writerow([f"{number}.jpg", group, name, "dark", "test" if number < 4 else "train"])
    return path
