"""A folder that an Android project includes as a Gradle module: the template in android_assets/ and a model."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tagger.convert.bundle.contents import MODEL_FILE, read_contents
from edge_tagger.errors import OutputError
from edge_tagger.files import whole_folder
from edge_tagger.manifest import MANIFEST_FILE

if TYPE_CHECKING:
    from importlib.abc import Traversable  # elsewhere from Python 3.14 on

TEMPLATE = "edge_tagger.android_assets"
ASSETS = Path("src", "main", "assets", "edge_tagger")


def bundle_android(model: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Write the module with the `.tflite` at `model` to the folder `out`, wholly or not at all; return `out`.

    The same model and version give the same bytes. Raises what :func:`read_contents` raises, and OutputError where
    `out` is a file or holds anything, or cannot be written.
    """
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        what = "holds files" if target.is_dir() else "is a file"
        raise OutputError(f"{target} {what}; a module goes to a new or empty folder; name another, or empty this one")
    contents = read_contents(model)
    with whole_folder(target.absolute()) as beside:  # "." has no name to write beside
        _copy(resources.files(TEMPLATE), beside)
        assets = beside / ASSETS
        assets.mkdir(parents=True)
        (assets / MODEL_FILE).write_bytes(contents.data)
        (assets / MANIFEST_FILE).write_bytes(contents.manifest_json)
        (assets / "labels.txt").write_bytes(contents.labels)
    return target


def _copy(folder: Traversable, target: Path) -> None:
    for entry in folder.iterdir():
        if entry.name in ("__init__.py", "__pycache__"):  # these make the template a package of Python's
            continue
        if entry.is_dir():
            (target / entry.name).mkdir()
            _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())
