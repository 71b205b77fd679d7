"""Product photos in, tags out, on the device that took them.

    from edge_tagger import Tagger

    with Tagger() as tagger:
        print(tagger.tag("photo.jpg"))

Names are imported when they are first used: `import edge_tagger` alone loads neither numpy, OpenCV nor LiteRT.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from edge_tagger.errors import EdgeTaggerError, PhotoError

if TYPE_CHECKING:
    from edge_tagger.colours.dominant import Colour, dominant_colours
    from edge_tagger.colours.palette import Palette
    from edge_tagger.explain.class_activation import Explanation
    from edge_tagger.images import Limits
    from edge_tagger.manifest import Manifest, read_manifest
    from edge_tagger.tagger import TaggedPhoto, Tagger, TagScore

__version__ = "0.1.0"
__all__ = [
    "Colour", "EdgeTaggerError", "Explanation", "Limits", "Manifest", "Palette", "PhotoError", "TagScore",
    "TaggedPhoto", "Tagger", "__version__", "dominant_colours", "read_manifest",
]  # fmt: skip

_HOMES = {
    "Colour": "edge_tagger.colours.dominant",
    "Explanation": "edge_tagger.explain.class_activation",
    "Limits": "edge_tagger.images",
    "Manifest": "edge_tagger.manifest",
    "Palette": "edge_tagger.colours.palette",
    "TagScore": "edge_tagger.tagger",
    "TaggedPhoto": "edge_tagger.tagger",
    "Tagger": "edge_tagger.tagger",
    "dominant_colours": "edge_tagger.colours.dominant",
    "read_manifest": "edge_tagger.manifest",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'edge_tagger' has no attribute {name!r}")
