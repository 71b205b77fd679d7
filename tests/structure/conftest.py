"""The checkout as the structure tests see it: which folder is which package, and a copy laid out as installed."""

import configparser
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def setup_cfg() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


@pytest.fixture(scope="session")
def folders(setup_cfg: configparser.ConfigParser) -> dict[str, Path]:
    """Top package -> its folder in the checkout, from package_dir: edge_tagger.train -> train."""
    pairs = (line.split("=") for line in setup_cfg["options"]["package_dir"].strip().splitlines())
    return {package.strip(): ROOT / folder.strip() for package, folder in pairs}


@pytest.fixture(scope="session")
def modules(folders: dict[str, Path]) -> dict[str, Path]:
    """Full module name -> file, for every Python file of the packages."""
    found = {}
    for package, folder in folders.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


@pytest.fixture(scope="session")
def installed(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the packages as a wheel lays them out: edge_tagger/, edge_tagger/train/, ..."""
    site = tmp_path_factory.mktemp("installed")
    for package, folder in sorted(folders.items()):
        shutil.copytree(folder, site.joinpath(*package.split(".")), ignore=NOT_SOURCE)
    return site
