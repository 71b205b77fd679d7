"""A report as aligned text for a terminal, as Markdown for a README, and as CSV."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable, Mapping
from typing import Any

from edge_tagger.benchmarks.advice import advise
from edge_tagger.benchmarks.cells import device_name, markdown, megabytes, ms, namer, percent
from edge_tagger.benchmarks.facts import Facts
from edge_tagger.benchmarks.results import DeviceRecord, Extra, Report, Result
from edge_tagger.benchmarks.split import STEPS
from edge_tagger.files import WRITTEN_BY
from edge_tagger.shops.dialects import inert
from edge_tagger.table import table
from edge_tagger.terminal import printable

UNAVAILABLE = "unavailable"
_MOST_OPERATORS = 10


def format_report(report: Report) -> str:
    """Everything for a terminal: times, the steps from the JPEG, accuracy, operators, the devices, advice."""
    parts = [table(result_rows(report))] if report.results else []
    parts += [part for part in (_split(report), _accuracy(report)) if part]
    parts += [_operators(report, extra) for extra in report.of_kind("profile")]
    parts.append(context_lines(report))
    if advice := advise(report):
        parts.append(["Advice", *(f"  {line}" for line in advice)])
    return "\n\n".join("\n".join(map(printable, part)) for part in parts)


def format_markdown(report: Report) -> str:
    """The tables and the devices, for a README or a pull request. Emulated rows say so."""
    parts = [markdown(result_rows(report), left=2)] if report.results else []
    parts += [markdown(rows, left=2) for rows in (_split_rows(report), _accuracy_rows(report)) if len(rows) > 1]
    parts.append("\n".join(f"- {line}" for line in context_lines(report)))
    return "\n\n".join([*parts, f"<!-- {WRITTEN_BY} -->"]) + "\n"


def format_csv(report: Report) -> str:
    """One line for each cell, plain numbers; blank for what is not known."""
    out = io.StringIO()
    rows = [_csv_row(result) for result in report.results]
    writer = csv.DictWriter(out, list(rows[0]) if rows else ["model"], lineterminator="\n")
    writer.writeheader()
    text = ({name: inert(cell) if isinstance(cell, str) else cell for name, cell in row.items()} for row in rows)
    writer.writerows(text)  # a file may be called =1.tflite
    return out.getvalue()


def _csv_row(result: Result) -> dict[str, Any]:
    s, (start_c, end_c) = result.summary, result.temperatures_c
    return {
        "model": result.path, "sha256": result.sha256, "device": result.device, "emulated": result.emulated,
        "threads": result.threads, "size_bytes": result.size_bytes, "init_ms": result.init_ms,
        "first_ms": result.first_ms, "samples": s.count, "min_ms": s.min_ms, "p50_ms": s.p50_ms, "p90_ms": s.p90_ms,
        "p95_ms": s.p95_ms, "p99_ms": s.p99_ms, "mean_ms": s.mean_ms, "stddev_ms": s.stddev_ms,
        "images_per_s": result.images_per_s, "memory_bytes": result.memory_bytes, "temperature_start_c": start_c,
        "temperature_end_c": end_c, "throttled": result.throttled, "runtime": result.runtime_name,
        "delegate": result.delegate, "date": result.rounds[0].date,
    }  # fmt: skip


def result_rows(report: Report) -> list[list[str]]:
    percentiles = sorted((50, 90, 95, 99), key=lambda percentile: percentile != report.plan.percentile)
    head = ["model", "device", "threads", "size MB", "init", "first", *(f"p{percentile}" for percentile in percentiles)]
    head += ["images/s", "memory MB", "°C", "throttled", "runtime"]
    name = namer([result.path for result in report.results])
    rows = [head]
    for result in report.results:
        s = result.summary
        times = [result.init_ms, result.first_ms, *(getattr(s, f"p{percentile}_ms") for percentile in percentiles)]
        rows.append([
            name(result.path),
            device_name(result.device, result.emulated),
            str(result.threads),
            f"{result.size_bytes / 1e6:.2f}",
            *map(ms, times),
            f"{result.images_per_s:,.1f}",
            megabytes(result.memory_bytes),
            _temperatures(result),
            {True: "yes", False: "no", None: "-"}[result.throttled],
            f"{result.runtime_name}, {result.delegate or 'delegate unknown'}",
        ])  # fmt: skip
    return rows


def _split(report: Report) -> list[str]:
    extras, rows = report.of_kind("split"), _split_rows(report)
    name = namer([extra.path for extra in extras])
    reasons = [_reason(extra, name) for extra in extras if extra.unavailable is not None]
    return [*(table(rows, left=2) if len(rows) > 1 else []), *reasons]


def _split_rows(report: Report) -> list[list[str]]:
    """Medians of each step, from the JPEG to the tags."""
    extras = [extra for extra in report.of_kind("split") if extra.unavailable is None]
    name = namer([extra.path for extra in extras])
    steps = [step.removesuffix("_ms") for step in STEPS]
    rows = [["from JPEG to tags", "device", "threads", *steps, "total", "photos/s"]]
    for extra in extras:
        content = extra.content
        cells = [ms(statistics.median(content[step]) if content[step] else None) for step in (*STEPS, "total_ms")]
        each_s = f"{1000 / statistics.mean(content['total_ms']):,.1f}"
        rows.append([name(extra.path), _place(report, extra), str(extra.threads), *cells, each_s])
    return rows


def _accuracy(report: Report) -> list[str]:
    rows, name = _accuracy_rows(report), namer([extra.path for extra in report.of_kind("accuracy")])
    lines = table(rows, left=2) if len(rows) > 1 else []
    for extra in report.of_kind("accuracy"):
        if extra.unavailable is not None:
            lines.append(_reason(extra, name))
        elif extra.content["figures"] is None:
            lines.append(f"{name(extra.path)}: no figures: {extra.content['figures_unavailable']}")
        else:
            lines += [f"{name(extra.path)}: {note}" for note in _not_measured(extra.content["figures"])]
    return lines


def _not_measured(figures: Mapping[str, Any]) -> list[str]:
    """Of the columns of labels: which had none that the model knows, and why."""
    labels = figures.get("labels", [])  # files of before do not have it
    return [f"{each['column']} is not measured: {each['not_measured']}" for each in labels if each["not_measured"]]


def _accuracy_rows(report: Report) -> list[list[str]]:
    extras = [extra for extra in report.of_kind("accuracy") if extra.unavailable is None]
    name = namer([extra.path for extra in extras])
    facets = list(dict.fromkeys(
        facet for extra in extras for facet, row in ((extra.content["figures"] or {}).get("facets") or {}).items()
        if "top1" in row
    ))  # fmt: skip
    tops = [f"{facet} top-1" for facet in facets]
    rows = [["accuracy", "device", "photos", *tops, "mAP macro", "mAP micro", "scores"]]
    for extra in extras:
        content = extra.content
        figures = content["figures"] or {"facets": {}}
        top1 = [percent(figures["facets"].get(facet, {}).get("top1")) for facet in facets]
        overall = [percent(figures.get(key)) for key in ("map_macro", "map_micro")]
        same = "bit-equal" if content["bit_equal"] else f"differ by {content['largest_difference']:.2g}"
        rows.append([name(extra.path), _place(report, extra), str(content["photos"]), *top1, *overall, same])
    return rows


def _operators(report: Report, extra: Extra) -> list[str]:
    name = namer([each.path for each in report.of_kind("profile")])
    if extra.unavailable is not None:
        return [_reason(extra, name)]
    operators = extra.content["operators"]
    rows = [["operators", "count", "ms", "share"]]
    rows += [
        [each["type"], str(each["count"]), ms(each["mean_ms"]), f"{each['share']:.1%}"]
        for each in operators[:_MOST_OPERATORS]
    ]
    rest = operators[_MOST_OPERATORS:]
    if rest:
        rest_ms, share = sum(each["mean_ms"] for each in rest), sum(each["share"] for each in rest)
        rows.append([f"{len(rest)} more types", str(sum(each["count"] for each in rest)), ms(rest_ms), f"{share:.1%}"])
    return [f"{name(extra.path)} on {extra.device}, threads {extra.threads}:", *table(rows)]


def context_lines(report: Report) -> list[str]:
    return [f"Times in ms: {report.plan}.", *(_device(device, report) for device in report.devices)]


def _device(device: DeviceRecord, report: Report) -> str:
    facts = device.facts
    python = next((each.machine.get("python") for each in report.results if each.device == device.name), None)
    known = {
        "model": facts.model,
        "cpu": facts.cpu,
        "cores": None if facts.num_cores is None else str(facts.num_cores),
        "clocks": _clocks(facts),
        "governor": facts.governor,
        "memory": None if facts.memory_bytes is None else f"{facts.memory_bytes / 2**30:.1f} GiB",
        "os": ", ".join(filter(None, (facts.os, facts.kernel, facts.arch))) or None,
        "power mode": facts.power_mode,
        "Python": python,
    }
    said = [f"{what} {value}" for what, value in known.items() if value]
    if missing := [what for what, value in known.items() if not value]:
        said.append(f"{UNAVAILABLE}: {', '.join(missing)}")
    return f"{device_name(device.name, device.emulated)}: {'; '.join(said)}"


def _clocks(facts: Facts) -> str | None:
    """ "4 x 1500-2400 MHz", kind by kind."""
    kinds: dict[tuple[int, int], int] = {}
    for core in facts.cores:
        if core.least_khz and core.most_khz:
            kinds[core.least_khz, core.most_khz] = kinds.get((core.least_khz, core.most_khz), 0) + 1
    return ", ".join(f"{n} x {least // 1000}-{most // 1000} MHz" for (least, most), n in kinds.items()) or None


def _temperatures(result: Result) -> str:
    start_c, end_c = result.temperatures_c
    return "-" if start_c is None or end_c is None else f"{start_c:.0f} → {end_c:.0f}"


def _place(report: Report, extra: Extra) -> str:
    return device_name(extra.device, report.device(extra.device).emulated)


def _reason(extra: Extra, name: Callable[[str], str]) -> str:
    return f"{name(extra.path)} on {extra.device}: {extra.kind} {UNAVAILABLE}: {extra.unavailable}"
