"""What tags depend on beside the photo: kept at the head of a journal, so that two kinds of tags never mix in one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_tagger.colours.palette import Palette
from edge_tagger.tagger import Tagger

_OPTIONS = ("max_results", "score_threshold", "allow", "deny", "locale", "delegate", "delegate_options")


def settings_of(tagger: Tagger, arguments: Mapping[str, Any], palette: Palette | None = None) -> dict[str, Any]:
    """JSON values by name, of a Tagger that was made with `arguments`; `palette` names dominant colours where they are
    asked for. Threads and limits change no tags."""
    model, labels, normalization = tagger.model, arguments.get("labels"), arguments.get("normalization")
    return {
        "model": hashlib.sha256(model.data).hexdigest(),
        "labels": None if labels is None else hashlib.sha256(Path(labels).read_bytes()).hexdigest(),
        "runtime": model.runtime.partition(" ")[0],
        "normalization": None if normalization is None else asdict(normalization),
        "colours": None if palette is None else hashlib.sha256(repr(palette.shades).encode()).hexdigest(),
        **{option: arguments.get(option) for option in _OPTIONS},
    }
