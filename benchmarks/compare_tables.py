"""A comparison as text for a terminal, as Markdown for a pull request, and as JSON::

{"format": 1, "before", "after",            the two files
 "pairs": [{"model", "device", "threads", "emulated", "sha256": [before, after], "p50_ms": [before, after],
            "ratio", "low", "high", "rounds",       of p50; the interval holds 95 % of the bootstrap
            "memory_bytes": [before, after], "size_bytes": [before, after], "remarks": [..]}],
 "accuracy": [{"model", "device", "photos", "map_macro": [before, after], "map_micro": [before, after]}],
 "not_compared": [{"what", "why"}],
 "limits": {name: share or points}, "regressions": [..], "unjudged": [..], "void": [..], "passed"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge_tagger.benchmarks.cells import device_name, markdown, megabytes, ms, namer, percent
from edge_tagger.benchmarks.compare import Comparison, Pair, Quality
from edge_tagger.benchmarks.limits import Verdict
from edge_tagger.files import WRITTEN_BY
from edge_tagger.table import table
from edge_tagger.terminal import printable


@dataclass(frozen=True)
class Compared:
    """All that is told of two files, `before` and `after`."""

    before: str
    after: str
    comparison: Comparison
    limits: Mapping[str, float]
    verdict: Verdict


def format_comparison(compared: Compared) -> str:
    parts = [table(_rows(compared.comparison), left=2)]
    if compared.comparison.qualities:
        parts.append(table(_quality_rows(compared.comparison), left=2))
    for title, lines in _lists(compared).items():
        parts.append([title, *(f"  {printable(line)}" for line in lines)])
    return "\n\n".join("\n".join(part) for part in parts)


def format_comparison_markdown(compared: Compared) -> str:
    """For a pull request."""
    verdict = compared.verdict
    parts = [f"**{_headline(compared)}**", markdown(_rows(compared.comparison), left=2)]
    if compared.comparison.qualities:
        parts.append(markdown(_quality_rows(compared.comparison), left=2))
    told = dict.fromkeys((*verdict.regressions, *verdict.void))
    if told:
        parts.append("\n".join(f"- :x: {line}" for line in told))
    for title, lines in _lists(compared).items():
        items = "\n".join(f"- {line}" for line in lines)
        parts.append(f"<details><summary>{title}</summary>\n\n{items}\n\n</details>")
    parts.append(f"Before: `{compared.before}`, after: `{compared.after}`. Times in ms.")
    return "\n\n".join([*parts, f"<!-- {WRITTEN_BY} -->"]) + "\n"


def comparison_json(compared: Compared) -> dict[str, Any]:
    comparison, verdict = compared.comparison, compared.verdict
    return {
        "format": 1,
        "before": compared.before,
        "after": compared.after,
        "pairs": [_pair_json(pair) for pair in comparison.pairs],
        "accuracy": [_quality_json(quality) for quality in comparison.qualities],
        "not_compared": [asdict(apart) for apart in comparison.apart],
        "limits": dict(compared.limits),
        **asdict(verdict),
        "passed": verdict.passed,
    }


def change(pair: Pair) -> str:
    """What the interval says of p50, in words."""
    ratio = pair.latency
    if ratio.low is None:
        return "no interval"
    if not ratio.differs:
        return "within noise"
    return f"{abs(ratio.value - 1):.1%} {'slower' if ratio.value > 1 else 'faster'}"


def _headline(compared: Compared) -> str:
    verdict = compared.verdict
    if verdict.regressions:
        return "1 regression" if len(verdict.regressions) == 1 else f"{len(verdict.regressions)} regressions"
    if verdict.void:
        return "not judged"
    changes = [change(pair).rpartition(" ")[2] for pair in compared.comparison.pairs]
    counts = ", ".join(f"{changes.count(word)} {word}" for word in ("faster", "slower") if word in changes)
    return f"{len(changes)} compared: {counts or 'no change beyond noise'}"


def _rows(comparison: Comparison) -> list[list[str]]:
    name = namer([pair.after.path for pair in comparison.pairs])
    rows = [["model", "device", "threads", "p50", "then", "ratio", "95 % interval", "p50 is", "size MB", "memory MB"]]
    for pair in comparison.pairs:
        before, after, ratio = pair.before, pair.after, pair.latency
        rows.append([
            name(after.path),
            device_name(after.device, after.emulated),
            str(after.threads),
            ms(before.summary.p50_ms),
            ms(after.summary.p50_ms),
            f"{ratio.value:.3f}",
            "-" if ratio.low is None else f"{ratio.low:.3f} to {ratio.high:.3f}",
            change(pair),
            _both(f"{before.size_bytes / 1e6:.2f}", f"{after.size_bytes / 1e6:.2f}"),
            _both(megabytes(before.memory_bytes), megabytes(after.memory_bytes)),
        ])  # fmt: skip
    return rows


def _quality_rows(comparison: Comparison) -> list[list[str]]:
    name = namer([quality.after.path for quality in comparison.qualities])
    rows = [["accuracy", "device", "photos", "mAP macro", "then", "points", "mAP micro", "then", "points"]]
    for quality in comparison.qualities:
        cells = [cell for figure in ("map_macro", "map_micro") for cell in _figure_cells(quality, figure)]
        photos = str(quality.after.content["photos"])
        rows.append([name(quality.after.path), device_name(quality.after.device, quality.emulated), photos, *cells])
    return rows


def _figure_cells(quality: Quality, figure: str) -> tuple[str, str, str]:
    before, after = quality.figure(figure)
    points = "-" if before is None or after is None else f"{100 * (after - before):+.2f}"
    return percent(before), percent(after), points


def _both(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _lists(compared: Compared) -> dict[str, list[str]]:
    """Title -> lines, without empty ones; what pairs share is said once."""
    remarks: dict[str, list[str]] = {}
    for pair in compared.comparison.pairs:
        for remark in pair.remarks:
            remarks.setdefault(remark, []).append(str(pair))
    lists = {
        "Not the same": [
            f"{where[0] if len(where) == 1 else f'{len(where)} rows'}: {remark}" for remark, where in remarks.items()
        ],
        "Not compared": [f"{apart.what}: {apart.why}" for apart in compared.comparison.apart],
        "Not judged": list(compared.verdict.unjudged),
    }
    return {title: lines for title, lines in lists.items() if lines}


def _pair_json(pair: Pair) -> dict[str, Any]:
    before, after, ratio = pair.before, pair.after, pair.latency
    return {
        "model": after.path,
        "device": after.device,
        "threads": after.threads,
        "emulated": after.emulated,
        "sha256": [before.sha256, after.sha256],
        "p50_ms": [before.summary.p50_ms, after.summary.p50_ms],
        "ratio": ratio.value,
        "low": ratio.low,
        "high": ratio.high,
        "rounds": ratio.rounds,
        "memory_bytes": [before.memory_bytes, after.memory_bytes],
        "size_bytes": [before.size_bytes, after.size_bytes],
        "remarks": list(pair.remarks),
    }


def _quality_json(quality: Quality) -> dict[str, Any]:
    return {
        "model": quality.after.path,
        "device": quality.after.device,
        "photos": quality.after.content["photos"],
        "map_macro": list(quality.figure("map_macro")),
        "map_micro": list(quality.figure("map_micro")),
    }
