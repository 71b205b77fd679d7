"""How a file that is there is known as one that edge-tagger wrote, and may write anew: by its content."""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePath

from edge_tagger.files import WRITTEN_BY
from edge_tagger.manifest import MANIFEST_FILE

_MOST_BYTES = 256 * 2**20
_ENDS_BYTES = 4096


def json_with(*keys: str, without: str | None = None) -> Callable[[Path], bool]:
    """A JSON object that has these keys, and not the other."""

    def is_ours(path: Path) -> bool:
        try:
            value = json.loads(_read(path))
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and value.keys() >= set(keys) and without not in value

    return is_ours


def csv_with(*columns: str) -> Callable[[Path], bool]:
    """A CSV whose header begins so."""

    def is_ours(path: Path) -> bool:
        try:
            with path.open(encoding="utf-8", newline="") as file:
                header = next(csv.reader([file.readline(_ENDS_BYTES)]), [])
        except (ValueError, csv.Error):
            return False
        return tuple(header[: len(columns)]) == columns

    return is_ours


def tags(format_name: str) -> Callable[[Path], bool]:
    """What `tag --out` wrote in a format. A shop's file is the user's own with tags in it, and cannot be told."""

    def is_ours(path: Path) -> bool:
        with path.open("rb") as file:
            if format_name == "parquet":
                return file.read(4) == b"PAR1"
            start = file.readline(_MOST_BYTES).decode("utf-8", "replace")
        try:
            if format_name == "jsonl":
                return "photo" in json.loads(start)
            return format_name != "csv" or next(csv.reader([start]), [""])[-1] == "error"
        except (ValueError, TypeError, RecursionError, csv.Error):
            return False

    return is_ours


def marked(path: Path) -> bool:
    """A file that says so near its beginning or its end: a comment of Markdown or JPEG, a chunk of PNG, HTML's meta."""
    with path.open("rb") as file:
        start = file.read(_ENDS_BYTES)
        file.seek(max(path.stat().st_size - _ENDS_BYTES, 0))
        return WRITTEN_BY.encode() in start or WRITTEN_BY.encode() in file.read()


def model(path: Path) -> bool:
    """A `.tflite` with a manifest."""
    from edge_tagger.archive import associated_files

    return MANIFEST_FILE in associated_files(_read(path))


def pi_bundle(path: Path) -> bool:
    """A .tar.gz of `edge-tagger bundle --pi`."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            names = [PurePath(tar.next().name).name for _ in range(4)]  # type: ignore[union-attr]
    except (tarfile.TarError, OSError, EOFError, ValueError, AttributeError, ArithmeticError):
        return False
    return sorted(names) == ["README.txt", "model.tflite", "requirements.txt", "tag.py"]


def journal(path: Path) -> bool:
    """What a run was writing, also one that was killed in its first line."""
    from edge_tagger.bulk.journal import is_head

    with path.open("rb") as file:
        return is_head(file.read(_ENDS_BYTES))


def _read(path: Path) -> bytes:
    if path.stat().st_size > _MOST_BYTES:
        return b""
    return path.read_bytes()
