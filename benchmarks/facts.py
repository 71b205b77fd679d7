"""What a device says of itself. Each fact is optional: None where it cannot be read.

`facts.sh` prints them, the same script for every transport, since a phone has a shell and no Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks.devices.session import Session
from edge_tagger.strict_toml import section, table_of

SCRIPT = Path(__file__).with_name("facts.sh")
_TIMEOUT_S = 60.0
# Zones of the processor, by the names that kernels and phones give them; others (battery, wifi) say little of it.
_CPU_ZONE = re.compile(r"cpu|soc|pkg|core|k10temp|^ap$|bigcl|littcl|tsens", re.IGNORECASE)
_ANDROID_TEMPERATURE = re.compile(r"Temperature\{mValue=([-0-9.eE]+), mType=(-?\d+), mName=([^,]*),")
_CPU_TYPE = "0"  # android.hardware.thermal TemperatureType.CPU
# vcgencmd get_throttled: bit 0 under-voltage, 1 clock capped, 2 throttled, 3 soft temperature limit; the same from bit
# 16 on "since boot" (https://www.raspberrypi.com/documentation/computers/os.html#get_throttled).
_PI_SLOWED, _PI_UNDER_VOLTAGE = 0b1110, 0b1
_HOT_C = 70.0
_PLAUSIBLE_C = (1.0, 130.0)  # sensors that are not there read 0 or -273


@dataclass(frozen=True)
class Core:
    """One core's clocks in kHz: now, the limit now (heat lowers it), the least and the most that it can do."""

    number: int
    clock_khz: int | None
    limit_khz: int | None
    least_khz: int | None
    most_khz: int | None
    governor: str | None


@dataclass(frozen=True)
class State:
    """What changes while a device works. `zones` are its sensors in °C, `load` the load average of the last minute.

    `throttled`: the device says that heat or its supply holds its clocks down; None where it does not tell.
    `throttle_count` counts since boot (x86).
    """

    zones: Mapping[str, float]
    cores: tuple[Core, ...]
    throttled: bool | None = None
    under_voltage: bool | None = None
    throttle_count: int | None = None
    load: float | None = None

    @property
    def temperature_c(self) -> float | None:
        """The hottest sensor of the processor, else the hottest of all."""
        own = [value for name, value in self.zones.items() if _CPU_ZONE.search(name)]
        return max(own or self.zones.values(), default=None)


@dataclass(frozen=True)
class Facts:
    """What stays the same: sizes in bytes; `power_mode` is the profile or the battery saver in use, `charging` says
    whether a phone or laptop is."""

    model: str | None = None
    cpu: str | None = None
    num_cores: int | None = None
    memory_bytes: int | None = None
    available_bytes: int | None = None
    os: str | None = None
    kernel: str | None = None
    arch: str | None = None
    power_mode: str | None = None
    charging: bool | None = None
    governor: str | None = None
    cores: tuple[Core, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Facts:
        """Raises ValueError for what are none."""
        facts: Facts = section(cls, table_of(value, "facts"), "facts")
        return facts


def read_facts(session: Session) -> tuple[Facts, State]:
    """Ask for all of it. Raises DeviceError where the device cannot be asked; one without a shell knows nothing."""
    session.push(SCRIPT, SCRIPT.name)
    return parse_facts(session.run(["sh", SCRIPT.name], timeout_s=_TIMEOUT_S).stdout)


def read_state(session: Session) -> State:
    """Ask for what changes; `read_facts` comes first."""
    return parse_facts(session.run(["sh", SCRIPT.name, "now"], timeout_s=_TIMEOUT_S).stdout)[1]


def parse_facts(text: str) -> tuple[Facts, State]:
    """Of what facts.sh prints. Lines that make no sense are passed over."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and value.strip():
            found.setdefault(key, []).append(value.strip())
    state = _state(found)
    governors = sorted({core.governor for core in state.cores if core.governor})
    facts = Facts(
        model=_first(found, "model"),
        cpu=_first(found, "cpu"),
        num_cores=_number(found, "cores"),
        memory_bytes=_bytes(found, "memory_kb", "memory_b"),
        available_bytes=_bytes(found, "available_kb"),
        os=_first(found, "os"),
        kernel=_first(found, "kernel"),
        arch=_first(found, "arch"),
        power_mode=_power_mode(found),
        charging=_charging(found),
        governor=", ".join(governors) or None,
        cores=state.cores,
    )
    return facts, state


def _state(found: Mapping[str, Sequence[str]]) -> State:
    cores = tuple(sorted((core for core in map(_core, found.get("core", ())) if core), key=lambda core: core.number))
    zones = _zones(found)
    load = _first(found, "load")
    pi = _pi_bits(found)
    state = State(
        zones=zones,
        cores=cores,
        under_voltage=None if pi is None else bool(pi & _PI_UNDER_VOLTAGE),
        throttle_count=_number(found, "throttle_count"),
        load=_float(load.split()[0]) if load else None,
    )
    return State(**{**vars(state), "throttled": _throttled(found, pi, state)})


def _throttled(found: Mapping[str, Sequence[str]], pi: int | None, state: State) -> bool | None:
    """By the first that the device has of: the Pi's firmware, Android, the kernel's coolers, limits of the clocks.

    Clocks themselves do not tell: a core that idles is slow on purpose. Heat lowers their limit.
    """
    if pi is not None:
        return bool(pi & _PI_SLOWED)
    status = [line.rpartition(":")[2].strip() for line in found.get("thermalservice", ()) if "Thermal Status:" in line]
    if status:
        return status[-1] != "0"  # PowerManager.THERMAL_STATUS_NONE
    coolers = [line.split() for line in found.get("cooler", ()) if "cpufreq" in line or "Processor" in line]
    if coolers:
        return any(state != "0" for state, *_ in coolers)
    limits = [(core.limit_khz, core.most_khz) for core in state.cores if core.limit_khz and core.most_khz]
    if limits and state.temperature_c is not None:
        return state.temperature_c >= _HOT_C and any(limit < most for limit, most in limits)
    return None


def _zones(found: Mapping[str, Sequence[str]]) -> dict[str, float]:
    zones: dict[str, float] = {}
    for line in found.get("zone", ()):
        millidegrees, _, name = line.partition(" ")
        _add_zone(zones, name or "zone", _float(millidegrees), 1000)
    for line in found.get("thermalservice", ()):  # cached values come first, those of the hardware after them
        if match := _ANDROID_TEMPERATURE.search(line):
            value, kind, name = match.groups()
            _add_zone(zones, f"{name} (CPU)" if kind == _CPU_TYPE else name, _float(value), 1)
    for line in found.get("battery", ()):
        if line.startswith("temperature:"):
            _add_zone(zones, "battery", _float(line.partition(":")[2]), 10)
    for line in found.get("vcgencmd", ()):
        if line.startswith("temp="):
            _add_zone(zones, "cpu (vcgencmd)", _float(line[5:].partition("'")[0]), 1)
    return zones


def _add_zone(zones: dict[str, float], name: str, value: float | None, scale: int) -> None:
    """Of several sensors of one name the hottest counts; a phone's later line is the newer one."""
    if value is not None and _PLAUSIBLE_C[0] <= value / scale <= _PLAUSIBLE_C[1]:
        zones[name] = value / scale if scale == 1 else max(zones.get(name, 0.0), value / scale)


def _core(line: str) -> Core | None:
    fields = line.split()
    if len(fields) != 6 or not fields[0].isdigit():
        return None
    clock, limit, least, most = (int(field) if field.isdigit() else None for field in fields[1:5])
    return Core(int(fields[0]), clock, limit, least, most, None if fields[5] == "-" else fields[5])


def _pi_bits(found: Mapping[str, Sequence[str]]) -> int | None:
    for line in found.get("vcgencmd", ()):
        if match := re.fullmatch(r"throttled=(0x[0-9a-fA-F]+)", line):
            return int(match[1], 16)
    return None


def _power_mode(found: Mapping[str, Sequence[str]]) -> str | None:
    saver = _first(found, "low_power")
    if saver in ("0", "1"):
        return "battery saver" if saver == "1" else "no battery saver"
    return _first(found, "power_mode")


def _charging(found: Mapping[str, Sequence[str]]) -> bool | None:
    powered = [line for line in found.get("battery", ()) if "powered:" in line]
    if powered:
        return any(line.endswith("true") for line in powered)
    states = [line.split()[0] for line in found.get("supply", ()) if "Battery" in line]
    return all(state != "Discharging" for state in states) if states else None


def _bytes(found: Mapping[str, Sequence[str]], kilobytes: str, plain: str | None = None) -> int | None:
    value = _number(found, kilobytes)
    if value is not None:
        return value * 1024
    return _number(found, plain) if plain else None


def _number(found: Mapping[str, Sequence[str]], key: str) -> int | None:
    value = _first(found, key)
    return int(value) if value is not None and value.isdigit() else None


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _first(found: Mapping[str, Sequence[str]], key: str) -> str | None:
    return next(iter(found.get(key, ())), None)
