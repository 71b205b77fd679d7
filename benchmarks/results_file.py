"""The file of a bench: raw samples and everything needed to compare them later. Times in ms, sizes in bytes::

    {"format": 2, "plan": {..},                     edge_tagger.benchmarks.plan.Plan
     "backend": "auto", "delegate": null,           what was asked for
     "devices": [{"name", "emulated",               true: its times say nothing about a real device
                  "load",                           load average before anything was measured
                  "facts": {..}}],                  edge_tagger.benchmarks.facts.Facts
     "results": [{                                  a cell: model x device x threads
        "model": {"path", "sha256", "size_bytes"}, "device", "emulated", "threads",
        "runtime": {"name", "version"}, "delegate": "XNNPACK", "machine": {"cpu", "cores", "os", "arch", "python"},
        "rounds": [{"date",                         ISO 8601 in UTC; fewer rounds than the plan has: not done yet
            "init_ms", "first_ms", "warmup_ms": [..], "stable", "samples_ms": [..], "every", "overhead_us",
            "baseline_bytes", "peak_bytes",         the worker's peak of memory before the model, and at the end
            "temperature_start_c", "temperature_end_c", "throttled", "under_voltage",
            "reported": null}],                     a Summary instead of samples, from a program that keeps them
        "summary": {..},                            edge_tagger.benchmarks.summary.Summary, over all rounds
        "images_per_s", "memory_bytes"}],           memory: the peak above the baseline
     "extras": [{"kind": "accuracy" | "split" | "profile", "device", "model": {"path", "sha256"}, "threads",
                 "unavailable": null | why,
                 "content": {..}}],                 edge_tagger.benchmarks.accuracy, .split, .profile
     "failures": [{"device", "model", "threads", "message", "exit_code"}]}

Null stands for what cannot be known. `compare` reads the same file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks.content import check_content
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.results import DeviceRecord, Extra, Failure, Report, Result, Round
from edge_tagger.benchmarks.summary import summarize
from edge_tagger.errors import OutputError
from edge_tagger.files import write_json
from edge_tagger.json_fields import Fields
from edge_tagger.reading import read_json_object, reason
from edge_tagger.strict_toml import section, table_of

FORMAT = 2
_LONGEST_MS = 1e12


def write_report(path: Path, report: Report) -> None:
    """Write it, wholly or not at all. Raises OutputError."""
    write_json(path, to_json(report))


def read_report(path: Path) -> Report:
    """Raises OutputError for a file that cannot be read or that `bench` did not write."""
    try:
        return from_json(read_json_object(path))
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else reason(error)
        raise OutputError(f"{path} is not what `edge-tagger bench --json` writes ({what}); measure again") from error


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {
        "format": FORMAT,
        "plan": report.plan.to_json(),
        "backend": report.backend,
        "delegate": report.delegate,
        "devices": [asdict(device) for device in report.devices],
        "results": [_result_json(result) for result in report.results],
        "extras": [_extra_json(extra) for extra in report.extras],
        "failures": [asdict(failure) for failure in report.failures],
    }


def from_json(value: Mapping[str, Any]) -> Report:
    """The report of :func:`to_json`. Raises KeyError, TypeError or ValueError for anything else."""
    if value["format"] != FORMAT:
        raise ValueError(f"it has format {value['format']!r}, and this edge-tagger reads {FORMAT}")
    plan = Plan.from_json(value["plan"])
    asked = Fields(value)
    return Report(
        plan,
        asked.text("backend"),
        asked.text_or_none("delegate"),
        [section(DeviceRecord, each.value, "devices") for each in asked.each("devices")],
        [_result(each.value, plan) for each in asked.each("results")],
        [_extra(each.value) for each in asked.each("extras")],
        [section(Failure, each.value, "failures") for each in asked.each("failures")],
    )


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "model": {"path": result.path, "sha256": result.sha256, "size_bytes": result.size_bytes},
        "device": result.device,
        "emulated": result.emulated,
        "threads": result.threads,
        "runtime": dict(result.runtime),
        "delegate": result.delegate,
        "machine": dict(result.machine),
        "rounds": [asdict(each) for each in result.rounds],
        "summary": asdict(result.summary),
        "images_per_s": result.images_per_s,
        "memory_bytes": result.memory_bytes,
    }


def _result(value: Mapping[str, Any], plan: Plan) -> Result:
    if not value["rounds"]:
        raise ValueError("a result has no rounds")
    names = ("device", "emulated", "threads", "runtime", "delegate", "machine")
    result: Result = section(
        Result,
        {
            **_model(value, "path", "sha256", "size_bytes"),
            **{name: value[name] for name in names},
            "plan": plan,
            "rounds": tuple(_round(each) for each in value["rounds"]),
        },
        "results",
    )
    runtime, machine = Fields(result.runtime, "runtime"), Fields(result.machine, "machine")
    runtime.text("name"), runtime.text_or_none("version")
    for name in machine.value:
        machine.whole_or_none(name) if name == "cores" else machine.text_or_none(name)
    return result


def _round(value: Mapping[str, Any]) -> Round:
    found: Round = section(Round, table_of(value, "rounds"), "rounds")
    summary = found.reported or summarize(found.samples_ms)
    if min(summary.min_ms, summary.count - 1) < 0 or min(summary.mean_ms, summary.p50_ms or 1) <= 0:
        raise ValueError("a round has times below 0, or only such as are 0")
    if max(found.samples_ms, default=summary.mean_ms) > _LONGEST_MS:
        raise ValueError(f"a round has times over {_LONGEST_MS:g} ms")
    return found


def _extra_json(extra: Extra) -> dict[str, Any]:
    plain = {name: value for name, value in asdict(extra).items() if name not in ("path", "sha256")}
    return {**plain, "model": {"path": extra.path, "sha256": extra.sha256}}


def _extra(value: Mapping[str, Any]) -> Extra:
    rest = {name: content for name, content in value.items() if name != "model"}
    extra: Extra = section(Extra, {**_model(value, "path", "sha256"), **rest}, "extras")
    if extra.unavailable is None:
        check_content(extra.kind, extra.content)
    return extra


def _model(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    model = table_of(value["model"], "model")
    return {name: model[name] for name in names}
