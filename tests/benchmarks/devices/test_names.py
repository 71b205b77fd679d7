from __future__ import annotations

from pathlib import Path

import pytest

from edge_tagger.benchmarks.devices.adb import AdbDevice
from edge_tagger.benchmarks.devices.local import LocalDevice
from edge_tagger.benchmarks.devices.names import Entry, find_device, read_devices
from edge_tagger.benchmarks.devices.ssh import SshDevice
from edge_tagger.errors import DeviceError

TOML = """
[pi5]
address = "ssh://pi@raspberrypi.local:2222"
python = "~/venv/bin/python"
folder = "/mnt/ssd"
emulated = true
env = { OMP_NUM_THREADS = "4" }

[phone]
address = "adb:0123ABCD"

[host]
address = "local"
"""


@pytest.mark.parametrize(
    ("name", "kind"), [("local", LocalDevice), ("ssh://pi", SshDevice), ("adb", AdbDevice), ("adb:1:2", AdbDevice)]
)
def test_every_form_is_known(name: str, kind: type) -> None:
    device = find_device(name)
    assert isinstance(device, kind) and device.name == name and not device.emulated


def test_names_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "devices.toml"
    path.write_text(TOML)
    assert read_devices(path)["pi5"] == Entry(
        "ssh://pi@raspberrypi.local:2222", "~/venv/bin/python", "/mnt/ssd", True, {"OMP_NUM_THREADS": "4"}
    )
    device = find_device("pi5", path)
    assert isinstance(device, SshDevice) and device.name == "pi5" and device.emulated
    assert isinstance(find_device("phone", path), AdbDevice) and isinstance(find_device("host", path), LocalDevice)
    monkeypatch.chdir(tmp_path)
    assert find_device("pi5").name == "pi5"


def test_the_file_of_the_user_comes_after_that_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / ".config" / "edge-tagger"
    own.mkdir(parents=True)
    (own / "devices.toml").write_text('[mine]\naddress = "local"\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert find_device("mine").name == "mine"
    Path("devices.toml").write_text(TOML)
    with pytest.raises(DeviceError, match=r"no device 'mine'.*pi5, phone, host"):
        find_device("mine")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[pi5]\naddres = "local"', r"unknown key 'pi5\.addres'; did you mean 'address'\?"),
        ("[pi5]", r"'pi5\.address' is missing"),
        ("[pi5]\naddress = 5", r"'pi5\.address' must be str"),
        ('[pi5]\naddress = "local"\nemulated = 1', "must be bool"),
        ('[pi5]\naddress = "local"\nenv = { "A;B" = "1" }', "'A;B' is no name of a variable"),
        ('[adb]\naddress = "local"', "choose another"),
        ("pi5 = 3", r"\[pi5\] must be a table"),
        ("[pi5", "devices.toml"),
        ('[pi5]\naddress = "moon"', r"\[pi5\]: the address 'moon' is none; give local, ssh://"),
        ('[pi5]\naddress = "local"\nfolder = "/x"', "takes no folder"),
        ('[pi5]\naddress = "ssh://pi:secret@host"', "without a password"),
        ('[pi5]\naddress = "adb:"', "give adb or adb:SERIAL"),
    ],
)
def test_a_file_that_is_wrong_is_told_where(toml: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    path.write_text(toml)
    with pytest.raises(DeviceError, match=message) as caught:
        find_device("pi5", path)
    assert str(path) in str(caught.value)


def test_unknown_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DeviceError, match=r"no device 'moon'; give local, ssh://.*, which is not there"):
        find_device("moon")
    Path("devices.toml").write_text(TOML)
    with pytest.raises(DeviceError, match=r"did you mean 'phone'\?"):
        find_device("fone")
    with pytest.raises(DeviceError, match=r"cannot read nope\.toml: No such file"):
        find_device("pi5", Path("nope.toml"))
