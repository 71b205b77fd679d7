"""What facts.sh prints on a Raspberry Pi 5, a phone and a PC, put together from what their kernels and tools print."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edge_tagger.benchmarks.devices.fake import FakeDevice
from edge_tagger.benchmarks.facts import SCRIPT, Core, Facts, parse_facts, read_facts, read_state

PI5 = """\
model=Raspberry Pi 5 Model B Rev 1.0
cpu=Raspberry Pi 5 Model B Rev 1.0
cpu_part=0xd0b 0xd0b 0xd0b 0xd0b
cores=4
memory_kb=8256896
available_kb=7511200
os=Debian GNU/Linux 12 (bookworm)
kernel=Linux 6.6.51+rpt-rpi-2712
arch=aarch64
zone=48900 cpu-thermal
zone=47000 rp1_adc
cooler=0 pwm-fan
core=0 1500000 2400000 1500000 2400000 ondemand
core=1 1500000 2400000 1500000 2400000 ondemand
core=2 1500000 2400000 1500000 2400000 ondemand
core=3 2400000 2400000 1500000 2400000 ondemand
load=0.31 0.22 0.10 1/180 2231
vcgencmd=temp=49.4'C
vcgencmd=throttled=0x0
"""
PHONE = """\
cpu=Qualcomm Technologies, Inc SM7225
cores=8
memory_kb=5641516
kernel=Linux 4.19.157
arch=aarch64
supply=Charging Battery
model=samsung SM-A525F
cpu=QTI SM7225
os=Android 12 (API 31)
low_power=1
core=0 1804800 1804800 300000 1804800 schedutil
core=7 2323200 1900800 787200 2323200 schedutil
core=6 - - 787200 2323200 schedutil
thermalservice=Thermal Status: 2
thermalservice=Temperature{mValue=0.0, mType=2, mName=SUBBAT, mStatus=0}
thermalservice=Temperature{mValue=55.6, mType=0, mName=AP, mStatus=0}
thermalservice=Temperature{mValue=23.8, mType=2, mName=BAT, mStatus=0}
thermalservice=Temperature{mValue=56.1, mType=0, mName=AP, mStatus=0}
battery=AC powered: false
battery=USB powered: true
battery=level: 81
battery=temperature: 238
"""
PC = """\
model=20XW004AGE
cpu=11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz
cores=8
memory_kb=16147064
os=Fedora Linux 40 (Workstation Edition)
kernel=Linux 6.9.7
arch=x86_64
power_mode=low-power
supply=Discharging Battery
zone=20000 INT3400 Thermal
zone=71000 x86_pkg_temp
zone=72000 coretemp
zone=38000 nvme
cooler=0 Processor
cooler=0 intel_powerclamp
core=0 3800000 4700000 400000 4700000 powersave
throttle_count=13
load=1.20 0.80 0.40 3/1000 4000
"""


def test_a_raspberry_pi() -> None:
    facts, state = parse_facts(PI5)
    assert (facts.model, facts.num_cores) == ("Raspberry Pi 5 Model B Rev 1.0", 4)
    assert facts.memory_bytes == 8256896 * 1024 and facts.available_bytes == 7511200 * 1024
    assert facts.cores[0] == Core(0, 1_500_000, 2_400_000, 1_500_000, 2_400_000, "ondemand")
    assert (facts.governor, facts.power_mode, facts.charging) == ("ondemand", None, None)
    assert state.temperature_c == 49.4 and state.load == 0.31
    assert state.throttled is False and state.under_voltage is False


@pytest.mark.parametrize(
    ("bits", "throttled", "under_voltage"),
    [("0x50005", True, True), ("0x8", True, False), ("0xe0000", False, False), ("0x1", False, True)],
)
def test_the_pi_s_bits_of_now_count_and_not_those_since_boot(bits: str, throttled: bool, under_voltage: bool) -> None:
    state = parse_facts(PI5.replace("throttled=0x0", f"throttled={bits}"))[1]
    assert (state.throttled, state.under_voltage) == (throttled, under_voltage)


def test_a_phone() -> None:
    facts, state = parse_facts(PHONE)
    assert (facts.model, facts.os, facts.power_mode) == ("samsung SM-A525F", "Android 12 (API 31)", "battery saver")
    assert facts.charging is True
    assert [core.number for core in facts.cores] == [0, 6, 7] and facts.cores[1].limit_khz is None
    assert state.temperature_c == 56.1  # the later line of the two; batteries and sensors that read 0 do not count
    assert state.zones["battery"] == 23.8 and "SUBBAT" not in state.zones
    assert state.throttled is True and state.load is None
    assert parse_facts(PHONE.replace("Status: 2", "Status: 0"))[1].throttled is False


def test_a_laptop() -> None:
    facts, state = parse_facts(PC)
    assert (facts.governor, facts.power_mode, facts.charging) == ("powersave", "low-power", False)
    assert state.temperature_c == 72.0 and state.throttle_count == 13
    assert state.throttled is False
    assert parse_facts(PC.replace("cooler=0 Processor", "cooler=3 Processor"))[1].throttled is True


@pytest.mark.parametrize(("heat", "throttled"), [("48900", False), ("84000", True)])
def test_a_limit_below_the_most_is_throttling_only_where_it_is_hot(heat: str, throttled: bool) -> None:
    text = "\n".join(line for line in PI5.splitlines() if not line.startswith(("vcgencmd", "cooler")))
    text = text.replace("48900", heat).replace("1500000 2400000 1500000", "1500000 1800000 1500000")
    assert parse_facts(text)[1].throttled is throttled


def test_what_cannot_be_read_is_none_and_noise_is_passed_over() -> None:
    for text in (
        "",
        "\x00\x7f[[{{\n=\nzone=\nzone=hot cpu\ncore=x\ncore=0 1 2\nload=\ncores=many\nvcgencmd=throttled=?",
    ):
        facts, state = parse_facts(text)
        assert facts == Facts()
        assert (state.temperature_c, state.throttled, state.load) == (None, None, None)


def test_facts_come_back_from_json() -> None:
    facts = parse_facts(PI5)[0]
    assert Facts.from_json(facts.to_json()) == facts


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox"])
def test_the_script_runs_in_every_shell_and_says_nothing_on_stderr(shell: str, tmp_path: Path) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell} here")
    words = [path, "sh"] if shell == "busybox" else [path]
    ended = subprocess.run([*words, str(SCRIPT)], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stderr == ""
    facts, _ = parse_facts(ended.stdout)
    assert facts.arch and facts.num_cores and facts.memory_bytes
    now = subprocess.run([*words, str(SCRIPT), "now"], capture_output=True, text=True, check=True).stdout
    assert set(now.splitlines()) and not any(line.startswith(("model=", "os=", "arch=")) for line in now.splitlines())


def test_tools_of_a_pi_and_a_phone_are_asked(tmp_path: Path) -> None:
    tools = {
        "vcgencmd": 'case $1 in measure_temp) echo "temp=61.2\'C";; *) echo throttled=0x4;; esac',
        "getprop": "case $1 in *manufacturer) echo acme;; *model) echo one;; *release) echo 14;; *sdk) echo 34;; esac",
        "dumpsys": 'test $1 = battery && printf "  AC powered: true\\n  temperature: 300\\n"; true',
        "settings": "echo 0",
    }
    for name, body in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    ended = subprocess.run(["sh", str(SCRIPT)], capture_output=True, text=True, check=True, env=env)
    facts, state = parse_facts(ended.stdout)
    assert "model=acme one" in ended.stdout and "os=Android 14 (API 34)" in ended.stdout
    assert (facts.power_mode, facts.charging) == ("no battery saver", True)
    assert state.throttled is True and state.zones["cpu (vcgencmd)"] == 61.2 and state.zones["battery"] == 30


def test_a_session_is_asked() -> None:
    with FakeDevice().open() as session:
        facts, _ = read_facts(session)
        assert facts.kernel and facts.num_cores
        read_state(session)
