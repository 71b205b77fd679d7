"""Paths for TensorFlow, which takes only names in UTF-8."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def utf8_path(path: Path) -> Iterator[str]:
    """The path as text in UTF-8: itself or, where a name in it is not UTF-8, a temporary link that leads to it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix="edge-tagger-") as folder:
            link = Path(folder, "link")
            link.symlink_to(path.absolute())
            yield str(link)
        return
    yield str(path)
