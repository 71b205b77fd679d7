"""ssh by programs that stand in for OpenSSH: they run here what they are told to run there, or say what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.benchmarks.devices.ssh import Address, SshDevice, parse_address
from edge_tagger.benchmarks.devices.ssh_errors import ssh_error
from edge_tagger.errors import DeviceError

SSH = f"""#!{sys.executable}
import os, sys
words = sys.argv[1:]
with open(os.environ["LOG"], "a") as log:
    print("ssh", *words, file=log)
at = words.index("--")
if "-M" in words:
    said = os.environ.get("MASTER_SAYS")
    if said:
        sys.exit(said)
    control = next(word for word in words if word.startswith("ControlPath="))
    if control != "ControlPath=none" and "NO_SHARING" in os.environ:
        sys.exit("unix_listener: cannot bind to path: Operation not supported")
    os.chdir(os.environ["HOME"])
    os.execvp("sh", ["sh", "-c", words[at + 2]])
if "SAYS" in os.environ and "exec sleep" in words[at + 2]:
    sys.stderr.write(os.environ["SAYS"])
    sys.exit(255)
if "ONE_SESSION" in os.environ and "ControlPath=none" not in words:
    sys.stderr.write("mux_client_request_session: session request failed: Session open refused by peer\\n")
    sys.stderr.flush()
os.chdir(os.environ["HOME"])
os.execvp("sh", ["sh", "-c", words[at + 2]])
"""
SFTP = f"""#!{sys.executable}
import os, shlex, shutil, sys
with open(os.environ["LOG"], "a") as log:
    print("sftp", *sys.argv[1:], file=log)
command, source, target = shlex.split(sys.stdin.read())
if command == "put" and "SFTP_SAYS" in os.environ:
    with open(target, "wb") as file:
        file.write(open(source, "rb").read(1000))
    sys.stderr.write(os.environ["SFTP_SAYS"])
    sys.exit(int(os.environ.get("SFTP_CODE", "1")))
shutil.copyfile(source, target)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every temporary folder here is made in it. Its name is short: those of sockets must be."""
    assert tmp_path.is_dir()
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)
        assert list(Path(folder).iterdir()) == []


@pytest.fixture
def home(temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home there."""
    assert temporary.is_dir()
    for name, text in (("ssh", SSH), ("sftp", SFTP)):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.delenv("TMPDIR", raising=False)
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(bytes(range(256)) * 400)
    return path


def left(home: Path) -> list[str]:
    return [path.name for path in home.iterdir()]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://Pi5", Address("Pi5")),
        ("ssh://pi@raspberrypi.local:2222", Address("raspberrypi.local", "pi", 2222)),
        ("ssh://[fe80::1%eth0]:22/", Address("fe80::1%eth0", None, 22)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ssh://pi:secret@host", "without a password"),
        ("ssh://host/path", "or a path"),
        ("ssh://", "no ssh address"),
        ("ssh://-oProxyCommand=sh", "an option"),
        ("ssh://-l@host", "an option"),
        ("ssh://a b", "no ssh address"),
        ("ssh://host:0", r"1\.\.65535"),
        ("ssh://host:99999", r"1\.\.65535"),
    ],
)
def test_addresses_that_are_none(text: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        SshDevice(text)


def test_a_session_asks_for_no_password_and_leaves_nothing(home: Path, model: Path, tmp_path: Path) -> None:
    with SshDevice("ssh://pi@Host:2222").open() as session:
        assert session.folder.startswith(f"{home}/edge-tagger-")
        session.push(model, "model.tflite")
        assert session.run(["cat", "model.tflite"], timeout_s=30).stdout
        session.pull("model.tflite", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == model.read_bytes()
    assert left(home) == []
    for line in (tmp_path / "log").read_text().splitlines():
        words = line.split()
        assert "BatchMode=yes" in words and "User=pi" in words and "Port=2222" in words
        assert words[words.index("--") + 1] == "Host"
        assert not any("StrictHostKeyChecking" in word or "UserKnownHostsFile" in word for word in words)


def test_a_folder_with_an_odd_name(home: Path, model: Path) -> None:
    odd = home / 'it\'s a "folder" * [x] $HOME'
    odd.mkdir()
    with SshDevice("ssh://pi", folder=f"~/{odd.name}").open() as session:
        session.push(model, "model.tflite")
        assert Path(session.folder).parent == odd
    assert list(odd.iterdir()) == []


def test_without_a_shared_connection_each_command_has_its_own(
    home: Path, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_SHARING", "1")
    with SshDevice("ssh://pi").open() as session:
        session.push(model, "model.tflite")
    first, *others = (tmp_path / "log").read_text().splitlines()
    assert "ControlPath=none" not in first and all("ControlPath=none" in line for line in others)
    assert left(home) == []


def test_a_server_that_allows_one_session_a_connection(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONE_SESSION", "1")
    with SshDevice("ssh://pi").open() as session:
        assert session.run(["sh", "-c", "echo err >&2"], timeout_s=30) == Ended(0, "", "err\n")
    _, asked, *others = (tmp_path / "log").read_text().splitlines()
    assert "ControlPath=none" not in asked and all("ControlPath=none" in line for line in others)
    assert left(home) == []


def test_the_device_tidies_up_when_this_machine_breaks_down(home: Path, temporary: Path) -> None:
    """The process ends with SIGKILL, between opening and closing."""
    code = (
        "import os, signal\nfrom edge_tagger.benchmarks.devices.ssh import SshDevice\n"
        "session = SshDevice('ssh://pi').open()\nopen(session.folder + '/file', 'w').close()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, timeout=60, env={**os.environ, "TMPDIR": str(temporary)}
    )
    assert done.returncode == -9
    subprocess.run(["sh", "-c", f'while [ -n "$(ls {home})" ]; do sleep 0.05; done'], check=True, timeout=20)
    for folder in temporary.iterdir():  # here nobody is left to remove it
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("ssh: Could not resolve hostname pi: Name or service not known", "no such host; check the name"),
        ("ssh: connect to host pi port 22: Connection refused", "nothing listens there; start its ssh server"),
        ("ssh: connect to host pi port 22: Connection timed out", "it does not answer; is it switched on"),
        ("ssh: connect to host pi port 22: No route to host", "it cannot be reached"),
        ("Host key verification failed.", "its host key is not known yet; connect once by hand"),
        (
            "@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@@\n"
            "Host key for pi has changed and you have requested strict checking.\nHost key verification failed.",
            "not the one that is known.*ssh-keygen -R",
        ),
        ("pi@pi: Permission denied (publickey,password).", "it takes none of your keys; ssh-copy-id"),
        ("Received disconnect from ::1 port 22:2: Too many authentication failures", "too many keys"),
        ("/home/u/.ssh/config: line 3: Bad configuration option: prxyjump", "an option that this ssh does not know"),
        ("kex_exchange_identification: Connection closed by remote host", "the connection was lost"),
        ("something that was never seen", "it cannot be connected to.*never seen"),
    ],
)
def test_what_openssh_says_becomes_one_line(
    said: str, message: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASTER_SAYS", said)
    with pytest.raises(DeviceError, match=rf"^ssh://pi: .*{message}") as caught:
        SshDevice("ssh://pi").open()
    assert "\n" not in str(caught.value) and said.splitlines()[-1] in str(caught.value)
    assert left(home) == []


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        ("client_loop: send disconnect: Broken pipe\nConnection closed\n", "255", "the connection was lost"),
        ('write remote "/x": Failure\n', "1", "the transfer failed.*Failure"),
        ("subsystem request failed on channel 0\nConnection closed\n", "255", "it has no sftp server; apt install"),
        ("Received message too long 1416128883\n", "255", "quiet its start-up files"),
    ],
)
def test_what_sftp_says_becomes_one_line(
    said: str, code: str, message: str, home: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFTP_SAYS", said)
    monkeypatch.setenv("SFTP_CODE", code)
    with (
        pytest.raises(DeviceError, match=rf"ssh://pi: .*{message}.*\(while model\.tflite was pushed\)"),
        SshDevice("ssh://pi").open() as session,
    ):
        session.push(model, "model.tflite")
    assert left(home) == []


def test_a_connection_that_breaks_under_a_program(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYS", "Timeout, server pi not responding.\n")
    with SshDevice("ssh://pi").open() as session:
        with pytest.raises(DeviceError, match=r"the connection was lost.*not responding"):
            session.run(["sleep", "5"], timeout_s=30)
        assert session.run(["sh", "-c", "exit 255"], timeout_s=30) == Ended(255, "", ""), "the program's own code"
    assert left(home) == []


def test_a_device_without_python(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_tagger.benchmarks.devices.ssh.PYTHONS", ("no-such-python",))
    with SshDevice("ssh://pi").open() as session:
        assert session.python is None
    with pytest.raises(DeviceError, match=r"its python '~/venv/bin/python' is not there, or is older than 3\.9"):
        SshDevice("ssh://pi", python="~/venv/bin/python").open()
    assert left(home) == []


def test_a_device_without_sha256sum_asks_its_python(home: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = home.parent / "tools"
    tools.mkdir()
    for name in ("mkdir", "rm", "mv", "cat", "chmod", "sh", "df"):
        (tools / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", f"{home.parent / 'bin'}:{tools}")
    with SshDevice("ssh://pi", python=sys.executable).open() as session:
        session.push(model, "model.tflite")
        assert Path(session.folder, "model.tflite").read_bytes() == model.read_bytes()
    with pytest.raises(DeviceError, match="neither sha256sum nor Python"):
        SshDevice("ssh://pi").open()
    assert left(home) == []


def test_openssh_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.parent / "bin" / "sftp").unlink()
    monkeypatch.setenv("PATH", str(home.parent / "bin"))
    with pytest.raises(DeviceError, match=r"no sftp on PATH; install OpenSSH's client"):
        SshDevice("ssh://pi").open()
    assert left(home) == []


def test_answers_that_are_none(home: Path) -> None:
    (home.parent / "bin" / "ssh").write_text(
        '#!/bin/sh\ncase "$*" in *-M*) echo @edge-tagger; cat;; *) echo hello; esac'
    )
    with (
        pytest.warns(UserWarning, match="could not be removed"),
        pytest.raises(DeviceError, match="cannot be read: 'hello"),
    ):
        SshDevice("ssh://pi").open()


def test_the_last_line_is_kept_short() -> None:
    assert len(str(ssh_error("pi", Ended(255, "", "x" * 10_000)))) < 400
