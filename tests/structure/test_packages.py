"""What setup.cfg lists is what the tree holds, and what the tree holds lands in the wheel."""

import configparser
import re
import zipfile
from pathlib import Path

import pytest

DATA_SUFFIXES = {".toml", ".j2", ".tflite", ".typed", ".kt", ".gradle", ".pro", ".xml"}


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(wheel_file)


def test_every_package_of_the_tree_is_listed(setup_cfg: configparser.ConfigParser, modules: dict[str, Path]) -> None:
    listed = setup_cfg["options"]["packages"].split()
    in_the_tree = {module for module, path in modules.items() if path.name == "__init__.py"}
    assert set(listed) == in_the_tree
    assert len(listed) == len(set(listed))


def test_no_module_stands_outside_a_package(folders: dict[str, Path]) -> None:
    homeless = [
        path
        for folder in folders.values()
        for path in folder.rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    ]
    assert homeless == []


def test_the_wheel_holds_every_module_and_data_file(wheel: zipfile.ZipFile, folders: dict[str, Path]) -> None:
    expected = {
        f"{package.replace('.', '/')}/{path.relative_to(folder).as_posix()}"
        for package, folder in folders.items()
        for path in folder.rglob("*")
        if path.suffix == ".py" or path.suffix in DATA_SUFFIXES
    }
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    # 22 MB for training, which is done in a checkout, would be a burden on every device.
    assert expected - packed == {"edge_tagger/models/product-tagger-float16.tflite"}
    assert {"edge_tagger/py.typed", "edge_tagger/train/recipes/fashion.toml"} <= packed
    assert "edge_tagger/android_assets/src/main/java/edgetagger/android/TagDecoder.kt" in packed
    assert "edge_tagger/android_assets/README.md" in packed
    assert {name.split("/")[0] for name in packed} == {"edge_tagger"}


def test_the_wheel_says_what_setup_cfg_says(wheel: zipfile.ZipFile, setup_cfg: configparser.ConfigParser) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    metadata = wheel.read(name).decode()
    assert f"\nVersion: {setup_cfg['metadata']['version']}\n" in metadata
    assert "\nRequires-Python: >=3.10\n" in metadata
    on_every_device = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra ==)", metadata, re.MULTILINE)
    assert "click" in on_every_device
    assert "tensorflow" not in on_every_device
    assert any(entry.endswith("licenses/LICENSE") or entry.endswith("/LICENSE") for entry in wheel.namelist())


def test_pyproject_leaves_the_metadata_to_setup_cfg(root: Path) -> None:
    tables = re.findall(r"^\[+([^\]]+)\]+", (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert all(table == "build-system" or table.startswith("tool.") for table in tables), tables
