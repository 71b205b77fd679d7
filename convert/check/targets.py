"""The registry of targets, and a file held against them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge_tagger.convert.check import android_gpu, edgetpu, mediapipe, mlkit, pi
from edge_tagger.convert.check.facts import ModelFacts, read_facts
from edge_tagger.convert.check.general import GRAPH_RULES
from edge_tagger.convert.check.packed import PACKED_RULES
from edge_tagger.convert.check.rule import ERROR, Finding, Rule, printable
from edge_tagger.terminal import printable as on_one_line

GENERAL = "general"
GENERAL_RULES: tuple[Rule, ...] = (*GRAPH_RULES, *PACKED_RULES)
TARGETS: dict[str, tuple[Rule, ...]] = {
    "mediapipe": mediapipe.RULES,
    "mlkit": mlkit.RULES,
    "android-gpu": android_gpu.RULES,
    "edgetpu": edgetpu.RULES,
    "pi": pi.RULES,
}
# General rules that a target holds a file against too: broken, they count in its verdict, and are told once.
SHARED: dict[str, tuple[str, ...]] = {
    "mediapipe": (
        "general.custom-operators",
        "general.metadata-readable",
        "general.files-packed",
        "general.label-count",
    ),
    "mlkit": ("general.custom-operators", "general.metadata-readable", "general.files-packed", "general.label-count"),
    "android-gpu": (),
    "edgetpu": (),
    "pi": ("general.custom-operators",),
}
FITS, FITS_WITH_WARNINGS, DOES_NOT_FIT = "fits", "fits, with warnings", "does not fit"


@dataclass(frozen=True)
class Report:
    """`findings` holds "general" and every target; `asked` are the targets that the user named, maybe none."""

    facts: ModelFacts
    asked: tuple[str, ...]
    findings: dict[str, tuple[Finding, ...]]

    @property
    def fine(self) -> bool:
        """Whether no rule of severity error is broken, of the general ones and of the targets asked for."""
        return not any(
            finding.rule.severity == ERROR for name in (GENERAL, *self.asked) for finding in self.findings[name]
        )

    def verdict(self, name: str) -> str:
        """One of "fits", "fits, with warnings", "does not fit"."""
        severities = {finding.rule.severity for finding in self._counted(name)}
        return FITS if not severities else DOES_NOT_FIT if ERROR in severities else FITS_WITH_WARNINGS

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; the schema stands in docs/check.md."""
        return {
            "path": self.facts.path,
            "size_bytes": self.facts.size_bytes,
            "fine": self.fine,
            "asked": list(self.asked),
            "verdicts": {name: self.verdict(name) for name in self._shown()},
            "findings": [finding.to_json() for name in self._shown() for finding in self.findings[name]],
        }

    def __str__(self) -> str:
        facts = self.facts
        inputs, outputs = (", ".join(map(str, tensors)) for tensors in (facts.inputs, facts.outputs))
        lines = [f"{facts.path}: {facts.size_bytes} bytes, {inputs} -> {outputs}, {len(facts.operators)} operators"]
        for name in self._shown():
            findings = self.findings[name]
            lines.append(f"{name:13}{self.verdict(name)}{self._broken(name)}")
            if name in (GENERAL, *self.asked):
                lines += [str(finding) for finding in findings]
        return "\n".join(on_one_line(part) for line in lines for part in line.split("\n"))

    def _shown(self) -> tuple[str, ...]:
        return (GENERAL, *(self.asked or TARGETS))

    def _broken(self, name: str) -> str:
        if name == GENERAL or not self._counted(name):
            return ""
        names = ", ".join(finding.rule.id.removeprefix(f"{name}.") for finding in self._counted(name))
        return f": {names}" if name in self.asked else f": {names} (--target {name} says more)"

    def _counted(self, name: str) -> tuple[Finding, ...]:
        shared = tuple(finding for finding in self.findings[GENERAL] if finding.rule.id in SHARED.get(name, ()))
        return (*self.findings[name], *shared)


def check(path: str | os.PathLike[str], targets: Sequence[str] = ()) -> Report:
    """Hold a `.tflite` of anyone's against the general rules and those of every target.

    `targets` are names of TARGETS; their broken rules count in `fine`. Raises ModelError for a file that cannot be
    read, ValueError for an unknown target.
    """
    unknown = [name for name in targets if name not in TARGETS]
    if unknown:
        raise ValueError(f"no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    facts = read_facts(path)
    rules = {GENERAL: GENERAL_RULES, **TARGETS}
    return Report(facts, tuple(dict.fromkeys(targets)), {name: broken(facts, rules[name]) for name in rules})


def broken(facts: ModelFacts, rules: Sequence[Rule]) -> tuple[Finding, ...]:
    """The rules that the model breaks, errors first."""
    findings = [Finding(rule, printable(found)) for rule in rules if (found := rule.check(facts)) is not None]
    return tuple(sorted(findings, key=lambda finding: finding.rule.severity != ERROR))
