"""A label file: one name a line, in the order of a model's outputs."""

from __future__ import annotations

from pathlib import Path

from edge_tagger.errors import ModelError


def read_labels(path: Path, count: int, model: str) -> tuple[str, ...]:
    """The labels of `model`, which gives `count` scores. Raises ModelError for another number of them."""
    try:
        labels = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise ModelError(f"cannot read the labels {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"the labels {path} are not UTF-8 (byte {error.start}); save them as UTF-8") from error
    while labels and not labels[-1]:
        labels = labels[:-1]
    if len(labels) != count:
        raise ModelError(
            f"{path} has {len(labels)} labels and {model} gives {count} scores; write one label a line, in output order"
        )
    return tuple(labels)
