"""What to think of a measurement: each rule looks at a device or a cell and says what is wrong and what to do."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from edge_tagger.benchmarks.results import DeviceRecord, Report, Result

_SLOW_GOVERNORS = {"powersave", "ondemand", "conservative", "schedutil"}
_BUSY_LOAD = 0.5  # load average for each core
_TAIL = 3.0  # p99 over p50
_DRIFT, _DRIFT_SAMPLES = 0.05, 30  # of the median of a round's last third over that of its first
_P99_SAMPLES = 100  # below it p99 is nearly the largest of all
_HOT_C = 80.0  # where a Raspberry Pi starts to slow down

DeviceRule = Callable[[DeviceRecord], "str | None"]
CellRule = Callable[[Result, DeviceRecord], "str | None"]


def advise(report: Report) -> list[str]:
    """One line each: first of the devices, then of the cells; what several cells share is said once."""
    lines = [(device.name, rule(device)) for device in report.devices for rule in DEVICE_RULES]
    cells: dict[str, list[str]] = {}
    for result in report.results:
        for rule in CELL_RULES:
            if said := rule(result, report.device(result.device)):
                cells.setdefault(said, []).append(
                    f"{result.device}, {Path(result.path).name}, threads {result.threads}"
                )
    lines += [(where[0] if len(where) == 1 else f"{len(where)} rows", said) for said, where in cells.items()]
    return [f"{where}: {said}" for where, said in lines if said is not None]


def emulated(device: DeviceRecord) -> str | None:
    return "emulated; its times say nothing about a real device" if device.emulated else None


def governor(device: DeviceRecord) -> str | None:
    slow = sorted(_SLOW_GOVERNORS & set((device.facts.governor or "").split(", ")))
    if not slow:
        return None
    return (
        f"the governor is {slow[0]}: clocks rise late, or not at all; set it to performance for the bench "
        "(sudo cpupower frequency-set -g performance)"
    )


def power_mode(device: DeviceRecord) -> str | None:
    mode = device.facts.power_mode
    if mode not in ("battery saver", "low-power", "quiet"):
        return None
    return f"the power mode is {mode}, which holds the clocks down; choose another for the bench"


def on_battery(device: DeviceRecord) -> str | None:
    return "it runs on its battery, where clocks may be lower; plug it in" if device.facts.charging is False else None


def busy(device: DeviceRecord) -> str | None:
    cores = device.facts.num_cores
    if device.load is None or not cores or device.load < _BUSY_LOAD * cores:
        return None
    return f"the load average was {device.load:g} on {cores} cores before anything was measured; stop what else runs"


def too_many_threads(result: Result, device: DeviceRecord) -> str | None:
    cores = device.facts.num_cores or result.machine.get("cores")
    if not cores or result.threads <= cores:
        return None
    return f"{result.threads} threads on {cores} cores wait for each other; give at most {cores}"


def unlike_cores(result: Result, device: DeviceRecord) -> str | None:
    """big.LITTLE: the slowest core that takes a part of an operator decides when it is done."""
    clocks = [core.most_khz for core in device.facts.cores if core.most_khz]
    fast = clocks.count(max(clocks, default=0))
    if len(set(clocks)) < 2 or result.threads <= fast:
        return None
    return (
        f"{result.threads} threads, and only {fast} of {len(clocks)} cores are of the fastest kind; the slow ones hold "
        f"the others up: try {fast}"
    )


def throttled(result: Result, device: DeviceRecord) -> str | None:  # noqa: ARG001
    slowed = next((each for each in result.rounds if each.throttled), None)
    if slowed is None:
        return None
    heat = "" if slowed.temperature_end_c is None else f" from {slowed.temperature_end_c:.0f} °C on"
    return f"throttled{heat}: these are the times of a hot device; let it cool, or give it a fan"


def under_voltage(result: Result, device: DeviceRecord) -> str | None:  # noqa: ARG001
    if not any(each.under_voltage for each in result.rounds):
        return None
    return "the supply was too weak, which lowers the clocks; use the device's own power supply"


def hot(result: Result, device: DeviceRecord) -> str | None:  # noqa: ARG001
    end_c = result.temperatures_c[1]
    if end_c is None or end_c <= _HOT_C or result.throttled:
        return None
    return f"{end_c:.0f} °C at the end: a longer bench would be throttled; give it a fan, or say so beside the figures"


def long_tail(result: Result, device: DeviceRecord) -> str | None:  # noqa: ARG001
    s = result.summary
    if s.p99_ms is None or s.p50_ms is None or s.p99_ms < _TAIL * s.p50_ms:
        return None
    return f"p99 is {s.p99_ms / s.p50_ms:.1f} x p50: other load; stop what else runs, and measure again"


def drift(result: Result, device: DeviceRecord) -> str | None:  # noqa: ARG001
    """By the round that moved most: medians of thirds, since single samples are noisy."""
    moves = []
    for each in result.rounds:
        third = len(each.samples_ms) // 3
        if third >= _DRIFT_SAMPLES // 3:
            first, last = (statistics.median(part) for part in (each.samples_ms[:third], each.samples_ms[-third:]))
            moves.append(last / first - 1)
    most = max(moves, key=abs, default=0.0)
    if abs(most) < _DRIFT:
        return None
    if most > 0:
        return f"slower by {most:.0%} from the first third of a round to its last: heat, or other load that came"
    return f"faster by {-most:.0%} from the first third of a round to its last: other load that went; measure again"


def not_warm(result: Result, device: DeviceRecord) -> str | None:  # noqa: ARG001
    if all(each.stable is not False for each in result.rounds):
        return None
    return f"not stable after {result.plan.max_warmup_s:g} s of warm-up; the times differ from run to run"


def few_samples(result: Result, device: DeviceRecord) -> str | None:  # noqa: ARG001
    count = result.summary.count
    if result.summary.p99_ms is None or count >= _P99_SAMPLES:
        return None
    return f"{count} samples are too few for p99, which is nearly the largest of them; give --num-runs {_P99_SAMPLES}"


DEVICE_RULES: tuple[DeviceRule, ...] = (emulated, governor, power_mode, on_battery, busy)
CELL_RULES: tuple[CellRule, ...] = (
    throttled, under_voltage, hot, too_many_threads, unlike_cores, long_tail, drift, not_warm, few_samples,
)  # fmt: skip
