"""Tags as people type them: an identity, or a name that only one tag has."""

from __future__ import annotations

from collections.abc import Sequence

from edge_tagger.errors import ModelError
from edge_tagger.options import unknown
from edge_tagger.taxonomy import Tag


def find_tag(tags: Sequence[Tag], typed: str, model: str) -> Tag:
    """The tag that is meant; capitals do not matter. Raises ModelError for none and for several."""
    wanted = typed.casefold()
    meant = [tag for tag in tags if tag.id.casefold() == wanted]
    meant = meant or [tag for tag in tags if tag.name.casefold() == wanted]
    identities = list(dict.fromkeys(tag.id for tag in meant))
    if len(identities) > 1:
        raise ModelError(f"{model} has {len(identities)} tags {typed!r}; say which: {', '.join(identities)}")
    if not meant:
        raise unknown(model, "tag", typed, [tag.id for tag in tags])
    return meant[0]
