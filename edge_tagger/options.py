"""Which tags are wanted of a model, and how they are called: the options that MediaPipe's tasks have too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge_tagger.errors import ModelError
from edge_tagger.manifest import Manifest


@dataclass(frozen=True)
class Options:
    """What is asked of a model.

    `max_results`: so many tags at most, those with the highest scores. `score_threshold` 0..1 takes the place of the
    model's own. `allow` and `deny` are identities of tags, each standing for all below it, or names of facets; only one
    of the two may be given. The answer is then that of a model without the other tags: an exclusive facet gives the
    best path of those that are left. The parents of an allowed tag are allowed. `locale` as in RFC 5646; of de-AT the
    model may have de. Raises ValueError for values that cannot be.
    """

    max_results: int | None = None
    score_threshold: float | None = None
    allow: Collection[str] = ()
    deny: Collection[str] = ()
    locale: str | None = None

    def __post_init__(self) -> None:
        if self.max_results is not None and self.max_results < 1:
            raise ValueError(f"max_results is {self.max_results}; give 1 or more, or None for all")
        if self.score_threshold is not None and not 0 <= self.score_threshold <= 1:
            raise ValueError(f"score_threshold is {self.score_threshold}; it must lie in 0..1")
        for name in ("allow", "deny"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is the text {getattr(self, name)!r}; give a list of tags")
        if self.allow and self.deny:
            raise ValueError("allow and deny exclude each other; give one of them")

    def kept(self, identities: Sequence[str], model: str) -> list[int]:
        """Places of the tags that allow and deny leave. Raises ModelError for an entry that `model` does not know, and
        where nothing is left."""
        for entry in (*self.allow, *self.deny):
            if not any(_covers(entry, identity) for identity in identities):
                raise unknown(model, "tag or facet", entry, [*identities, *_facets(identities)])
        if self.allow:
            return [
                place
                for place, identity in enumerate(identities)
                if any(_covers(entry, identity) or _covers(identity, entry) for entry in self.allow)
            ]
        kept = [
            place
            for place, identity in enumerate(identities)
            if not any(_covers(entry, identity) for entry in self.deny)
        ]
        if self.deny and not kept:
            raise ModelError(f"deny leaves no tag of {model}; name fewer")
        return kept

    def display_names(self, manifest: Manifest, model: str) -> Mapping[str, str]:
        """Identity -> name in the locale, where there is one. Raises ModelError for a locale that `model` has not."""
        if self.locale is None:
            return {}
        known = {locale.lower(): names for locale, names in manifest.display_names.items()}
        asked = self.locale.lower()
        while asked:  # the lookup of RFC 4647: zh-Hant-TW, zh-Hant, zh
            if asked in known:
                return known[asked]
            asked = asked.rpartition("-")[0]
        raise unknown(model, "display names for", self.locale, manifest.display_names)


ALL = Options()


def unknown(model: str, what: str, given: str, known: Iterable[str]) -> ModelError:
    """A model has not what was asked for: an error that names what comes near, or all where it is not much, or some."""
    from difflib import get_close_matches

    choices = list(dict.fromkeys(known))
    names = {choice.rpartition("/")[2]: choice for choice in choices} | {choice: choice for choice in choices}
    near = choices
    if len(choices) > 5:
        near = list(dict.fromkeys(names[match] for match in get_close_matches(given, names, n=3)))
    if not near:
        hint = f"it has {len(choices)}, such as {', '.join(choices[:3])}" if choices else "it has none"
    else:
        hint = f"it has {', '.join(near)}" if near == choices else f"did you mean {' or '.join(near)}?"
    return ModelError(f"{model} has no {what} {given!r}; {hint}")


def _covers(entry: str, identity: str) -> bool:
    """A tag covers itself and what stands below it, a facet all its tags."""
    return f"{identity}/".startswith(f"{entry}/")


def _facets(identities: Iterable[str]) -> list[str]:
    return [identity.partition("/")[0] for identity in identities]
