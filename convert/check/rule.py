"""A rule, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from edge_tagger.convert.check.facts import ModelFacts

ERROR, WARNING = "error", "warning"
_SHOWN = 5
_MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Rule:
    """`id` is TARGET.NAME. `check` gives what breaks the rule, as one line, or None; the first line of its docstring
    says the rule, its last paragraph, "Source: ...", where the rule comes from. `fix` is what to do."""

    id: str
    severity: str
    check: Callable[[ModelFacts], str | None]
    fix: str

    def __post_init__(self) -> None:
        if self.severity not in (ERROR, WARNING):
            raise ValueError(f"{self.id} has severity {self.severity!r}; give {ERROR!r} or {WARNING!r}")
        if "." not in self.id or not self.fix:
            raise ValueError(f"{self.id!r} needs the form TARGET.NAME and a fix")

    @property
    def text(self) -> str:
        """The rule in one line."""
        return (self.check.__doc__ or "").strip().partition("\n")[0]

    @property
    def source(self) -> str:
        """The document or source file that the rule comes from."""
        return " ".join((self.check.__doc__ or "").partition("Source: ")[2].split())


@dataclass(frozen=True)
class Finding:
    """A broken rule and what breaks it."""

    rule: Rule
    found: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        rule = self.rule
        return {
            "rule": rule.id,
            "severity": rule.severity,
            "text": rule.text,
            "found": self.found,
            "fix": rule.fix,
            "source": rule.source,
        }

    def __str__(self) -> str:
        rule = self.rule
        return f"{rule.severity:8}{rule.id}: {self.found}\n        fix: {rule.fix}\n        source: {rule.source}"


def printable(text: str) -> str:
    """`text` fit for a terminal: names inside a model may hold anything, of any length."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= _MAX_CHARACTERS else shown[:_MAX_CHARACTERS] + "..."


def named(things: Iterable[object]) -> str:
    """A few of `things` by name, and how many more; "" for none."""
    texts = list(dict.fromkeys(str(thing) for thing in things))
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
