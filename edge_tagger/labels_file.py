"""Label files: one name a line, in the order of a model's scores. Beside a `.tflite`, or packed inside it."""

from __future__ import annotations

import codecs
import os
import re
import stat
from pathlib import Path

from edge_tagger.archive import associated_files
from edge_tagger.errors import ModelError

MAX_LABELS_BYTES = 16 * 2**20
_LINE_END = re.compile("\r\n|\n|\r")  # what str.splitlines knows besides may stand inside a label
_NUMBERED = re.compile(r"([0-9]{1,9})[ \t:]+(\S.*)")  # "0  background" or "0: background", as Coral's files have it


def read_labels(path: str | os.PathLike[str], count: int, model: str) -> tuple[str, ...]:
    """The labels of `model`, which gives `count` scores. Blank lines at the end are left out; equal labels may stay.

    UTF-8, or UTF-16 with a byte order mark. Where all lines are numbered, with each of 0 to count - 1 once, the numbers
    give the order and are taken off; any other numbers belong to the labels. Raises ModelError for a file that cannot
    be read, another encoding, a blank line between labels, or another number of them.
    """
    name = f"the labels {path}"
    labels = _parse(name, _read(name, Path(path)))
    if len(labels) != count:
        raise ModelError(
            f"{path} has {len(labels)} labels and {model} gives {count} scores; write one label a line, in output order"
        )
    return labels


def embedded_labels(data: bytes, *counts: int) -> tuple[str, ...] | None:
    """The labels packed inside a `.tflite` that gives so many scores, for several outputs count after count.

    Of each output the label file that its TFLite Metadata name; for a single output without any, the one packed .txt
    file that has as many labels. None where this does not settle it. Raises ModelError for damaged metadata.
    """
    from edge_tagger.standard_metadata import read_standard_metadata  # few models need it

    files = associated_files(data)
    outputs = read_standard_metadata(data).outputs
    if len(outputs) == len(counts) and any(output.label_files for output in outputs):
        candidates = [output.label_files for output in outputs]
    else:
        candidates = [tuple(name for name in files if name.endswith(".txt"))] if len(counts) == 1 else []
    labels: list[str] = []
    for count, names in zip(counts, candidates, strict=False):
        fitting = [found for found in (_packed(files.get(name), count) for name in names) if found is not None]
        if len(fitting) != 1:
            return None
        labels += fitting[0]
    return tuple(labels) if len(candidates) == len(counts) else None


def _packed(content: bytes | None, count: int) -> tuple[str, ...] | None:
    try:
        labels = None if content is None else _parse("a packed file", content)
    except ModelError:
        return None
    return labels if labels is not None and len(labels) == count else None


def _read(name: str, path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a FIFO would block, a device might never end
            raise ModelError(f"{name} are {'a folder' if path.is_dir() else 'not a regular file'}; give a text file")
        if status.st_size > MAX_LABELS_BYTES:
            raise ModelError(f"{name} take {status.st_size} bytes, over {MAX_LABELS_BYTES}; give one label a line")
        with path.open("rb") as file:
            return file.read(MAX_LABELS_BYTES + 1)
    except OSError as error:
        raise ModelError(f"cannot read {name}: {error.strerror}") from error
    except ValueError as error:  # a NUL byte in the path
        raise ModelError(f"cannot read {name!r}: {error}") from error


def _parse(name: str, content: bytes) -> tuple[str, ...]:
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelError(
            f"{name} are not {'UTF-16' if marked else 'UTF-8'} (byte {error.start} is 0x{content[error.start]:02x}); "
            "save them as UTF-8"
        ) from error
    if "\0" in text:  # as in UTF-16 without its mark
        raise ModelError(f"{name} have a NUL character (character {text.index(chr(0))}); save them as UTF-8")
    lines = [line.strip() for line in _LINE_END.split(text)]
    while lines and not lines[-1]:
        lines.pop()
    if "" in lines:
        raise ModelError(f"{name} have a blank line {lines.index('') + 1}; write one label a line, and no other lines")
    return _ordered(lines)


def _ordered(lines: list[str]) -> tuple[str, ...]:
    """By their numbers, where these cannot mean anything else."""
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    places = {int(match[1]): match[2] for match in numbered if match}
    if len(lines) < 2 or sorted(places) != list(range(len(lines))):
        return tuple(lines)
    return tuple(places[place] for place in range(len(lines)))
