"""Devices over ssh, by the system's OpenSSH: its keys, ssh_config, jump hosts and host keys count as they do by hand.

Never a password, on a command line or elsewhere: BatchMode is on. One connection carries a whole session; where it
cannot be shared (a server with MaxSessions 1, say), each command opens its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_tagger.benchmarks.devices.remote import PYTHONS, RemoteSession, in_shell
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.benchmarks.devices.ssh_errors import LOST, meaning, ssh_error
from edge_tagger.benchmarks.devices.subprocesses import TooMuchOutputError, end_group, run_here
from edge_tagger.errors import DeviceError

CONNECT_S = 15
GIVE_UP_S = 45  # with its jump hosts
OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": str(CONNECT_S),
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "LogLevel": "ERROR",
    "RemoteCommand": "none",
    "RequestTTY": "no",
}
READY = "@edge-tagger"
# The connection's own command. When its standard input ends, because the session did or the connection or this machine
# broke down, it removes the folder that it was told of.
GUARD = f'trap "" HUP; echo {READY}; IFS= read -r folder && cat >/dev/null; test -n "$folder" && rm -rf -- "$folder"'
LONGEST_SOCKET = 85  # of 104 bytes on macOS and 108 on Linux; ssh adds 17 while it makes one
UNSHARED = "ControlPath=none"
REFUSED = "mux_client_request_session:"  # MaxSessions of sshd_config
SLOWEST_BYTES_PER_S = 1e5
LARGEST_FETCH_BYTES = 100_000_000


@dataclass(frozen=True)
class Address:
    """`host` may be an alias of ssh_config; None: as ssh_config or ssh itself has it."""

    host: str
    user: str | None = None
    port: int | None = None


def parse_address(text: str) -> Address:
    """ssh://[user@]host[:port]. Raises DeviceError; a password or a path in it is refused."""
    found = re.fullmatch(
        r"ssh://(?:(?P<user>[^@/:\s]+)@)?(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^@/:\s\[\]]+)(?::(?P<port>\d{1,5}))?/?", text
    )
    if found is None:
        raise DeviceError(f"{text!r} is no ssh address; give ssh://[user@]host[:port], without a password or a path")
    user, host = found["user"], found["host"].strip("[]")
    for part in (user, host):
        if part and (part.startswith("-") or not part.isprintable()):
            raise DeviceError(f"{text!r}: {part!r} starts with a dash, which ssh would read as an option")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 1 <= port <= 65535:
        raise DeviceError(f"{text!r}: the port is {port}; give one in 1..65535")
    return Address(host, user, port)


class SshDevice:
    """`address` is ssh://[user@]host[:port]. `folder` is where the session's own folder is made, $TMPDIR or else the
    home there unless told otherwise; `python` the command of its Python. Both may start with ~/. Raises DeviceError."""

    def __init__(
        self,
        address: str,
        *,
        name: str | None = None,
        python: str | None = None,
        folder: str | None = None,
        emulated: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.emulated = name or address, emulated
        self._address = parse_address(address)
        self._python, self._folder, self._env = python, folder, env

    def open(self) -> RemoteSession:
        channel = SshChannel(self.name, self._address)
        session = RemoteSession(
            channel,
            parent=in_shell(self._folder) if self._folder else '"${TMPDIR:-$HOME}"',
            pythons=(self._python,) if self._python else PYTHONS,
            must=self._python is not None,
            env=self._env,
        )
        channel.guard(session.folder)
        return session


class SshChannel:
    """Connected once it is made. Raises DeviceError."""

    def __init__(self, name: str, address: Address) -> None:
        for program in ("ssh", "sftp"):
            if shutil.which(program) is None:
                raise DeviceError(f"{name}: there is no {program} on PATH; install OpenSSH's client (openssh-client)")
        self.name, self._address = name, address
        given = {"User": address.user, "Port": address.port}
        options = {**OPTIONS, **{key: value for key, value in given.items() if value is not None}}
        self._options = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        self._own = Path(tempfile.mkdtemp(prefix="edge-tagger-"))
        socket = self._own / "s"
        self._control = f"ControlPath={socket if len(os.fsencode(socket)) <= LONGEST_SOCKET else 'none'}"
        try:
            self._connection = self._connect()
        except BaseException:
            shutil.rmtree(self._own, ignore_errors=True)
            raise

    def guard(self, folder: str) -> None:
        """Have the device itself remove `folder` should the connection break."""
        assert self._connection.stdin is not None
        with contextlib.suppress(OSError):  # broken already: the next command tells
            self._connection.stdin.write(f"{folder}\n")
            self._connection.stdin.flush()

    def shell(self, command: str, *, timeout_s: float, on_line: Callable[[str], None] | None = None) -> Ended:
        words = ["ssh", *self._options, "-o", self._control, "--", self._address.host, _for_sh(command)]
        ended = run_here(words, timeout_s=timeout_s, on_line=on_line)
        if ended.code == 255 and (meaning(ended.stderr) or self._broken()):  # 255 may be the program's own code too
            raise ssh_error(self.name, ended)
        if REFUSED in ended.stderr:  # it has opened a connection of its own, as all after it will
            self._control = UNSHARED
            said = [line for line in ended.stderr.splitlines(keepends=True) if not line.startswith(REFUSED)]
            return Ended(ended.code, ended.stdout, "".join(said))
        return ended

    def send(self, source: Path, target: str) -> None:
        local = self._own / "send"
        local.unlink(missing_ok=True)
        local.symlink_to(source.resolve())
        self._sftp(f"put send {_for_sftp(target)}", source.stat().st_size)

    def fetch(self, source: str, target: Path) -> None:
        self._sftp(f"get {_for_sftp(source)} fetched", LARGEST_FETCH_BYTES)
        shutil.move(self._own / "fetched", target)

    def hang_up(self) -> None:
        connection = self._connection
        assert connection.stdin is not None and connection.stdout is not None
        with contextlib.suppress(OSError):
            connection.stdin.close()
        try:
            connection.wait(timeout=5)
        except subprocess.TimeoutExpired:
            end_group(connection)
        connection.stdout.close()
        shutil.rmtree(self._own, ignore_errors=True)

    def _connect(self) -> subprocess.Popen[str]:
        """A client that stays for the session and ends with this process: its standard input ends then."""
        errors = self._own / "stderr"
        words = ["ssh", *self._options, "-o", self._control, "-o", "ControlPersist=no", "-M", "--", self._address.host]
        with errors.open("wb") as stderr:
            connection = subprocess.Popen(
                [*words, _for_sh(GUARD)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                text=True, errors="replace", start_new_session=True,
            )  # fmt: skip
        assert connection.stdout is not None
        timer = threading.Timer(GIVE_UP_S, end_group, [connection])
        timer.start()
        try:
            if any(READY in line for line in connection.stdout):
                return connection
        except BaseException:
            end_group(connection)
            raise
        finally:
            timer.cancel()
        ended = Ended(connection.wait(), "", errors.read_text(errors="replace"))
        if re.search("mux|unix_listener|ControlSocket|ControlPath", ended.stderr) and self._control != UNSHARED:
            self._control = UNSHARED
            return self._connect()
        raise ssh_error(self.name, ended, f"it cannot be connected to within {GIVE_UP_S} s")

    def _sftp(self, command: str, size_bytes: int) -> None:
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        words = ["sftp", "-b", "-", *self._options, "-o", self._control, "--", host]
        try:
            ended = run_here(
                words, timeout_s=60 + size_bytes / SLOWEST_BYTES_PER_S, folder=self._own, stdin=f"{command}\n"
            )
        except (TimeoutError, TooMuchOutputError) as error:
            raise DeviceError(f"{self.name}: {error}") from error
        if ended.code:
            raise ssh_error(self.name, ended, LOST if self._broken() else "the transfer failed")

    def _broken(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._connection.wait(timeout=1)
        return self._connection.poll() is not None


def _for_sh(command: str) -> str:
    """Whatever the login shell is: its quotes are those of sh for a single line."""
    return f"exec /bin/sh -c {shlex.quote(command)}"


def _for_sftp(path: str) -> str:
    """A name in a batch of sftp: in quotes its wildcards mean themselves."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
