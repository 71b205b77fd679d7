"""What ssh, adb and the fake device have in common: a POSIX shell there, and a way to send files and fetch them."""

from __future__ import annotations

import re
import secrets
import shlex
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Protocol

from edge_tagger.benchmarks.devices.session import Ended, plain_name, sha256_of
from edge_tagger.benchmarks.devices.subprocesses import TooMuchOutputError
from edge_tagger.errors import DeviceError
from edge_tagger.files import whole_file

PREFIX = "edge-tagger-"
QUICK_S = 60.0  # for what only asks or tidies up; hashing a large file on a slow card is in it
ENGLISH = "LC_ALL=C; export LC_ALL; "  # what it says is read here
PROGRAM = "echo $$ >.pid;"  # before a program of `run`: by its number it can be ended
GONE = "edge-tagger: the folder is gone"
PYTHONS = ("python3", "python")
# A login shell may print a greeting, so that answers are marked. `$1` is the parent folder, `$2` the name of ours.
START = " ".join((  # one line: not every login shell takes a line break inside quotes
    'umask 077; cd -- "$1" && mkdir -- "$2" && cd -- "$2" || exit 1; echo "@folder $(pwd -P)"; shift 2;',
    'for python; do python=$(command -v "$python") &&',
    '"$python" -c "import sys; sys.exit(sys.version_info < (3, 9))" 2>/dev/null &&',
    'echo "@python $python" && break; done;',
    'for sum in sha256sum "shasum -a 256"; do',
    '$sum </dev/null >/dev/null 2>&1 && echo "@sum $sum" && break; done; exit 0',
))  # fmt: skip
SUM_BY_PYTHON = (
    "-c 'import hashlib, sys; digest = hashlib.sha256(); "
    '[digest.update(chunk) for chunk in iter(lambda: sys.stdin.buffer.read(1 << 20), b"")]; print(digest.hexdigest())\''
)


class Channel(Protocol):
    """The way to a device that has a POSIX shell. All but `hang_up` raise DeviceError where it breaks."""

    name: str

    def shell(self, command: str, *, timeout_s: float, on_line: Callable[[str], None] | None = None) -> Ended:
        """Give `command` to /bin/sh there. Raises TimeoutError, whatever becomes of the command there, and
        TooMuchOutputError."""
        ...

    def send(self, source: Path, target: str) -> None:
        """Copy a file to the absolute path `target`."""
        ...

    def fetch(self, source: str, target: Path) -> None: ...

    def hang_up(self) -> None: ...


class RemoteSession:
    """A folder of its own on the device behind `channel`, made in `parent` (the shell's words, `"$HOME"` say).

    `pythons` are the commands that may be its Python; with `must` the first has to be. Raises DeviceError; the channel
    is hung up then.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        parent: str,
        pythons: Sequence[str] = PYTHONS,
        must: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.env = dict(env or {})
        self._channel, self._open = channel, True
        # Named here and not by mktemp, which not every device has: it is known even if the answer is lost.
        self._own = PREFIX + secrets.token_hex(8)
        self.folder, self._removable = "", f"{parent}/{self._own}"
        try:
            self._start(parent, pythons, must)
        except BaseException:
            self.close()
            raise

    def _start(self, parent: str, pythons: Sequence[str], must: bool) -> None:
        name = self._channel.name
        words = " ".join([parent, self._own, *(in_shell(python) for python in pythons)])
        ended = self._ask(f"set -- {words}; {START}", "making its folder")
        found = dict(re.findall(r"^@(folder|python|sum) (.+?)\s*$", ended.stdout, re.MULTILINE))
        if ended.code and "@folder" not in ended.stdout:
            raise DeviceError(f"{name}: cannot make a folder in {parent}: {_why(ended)}; {_room(ended)}")
        folder = found.get("folder", "")
        if PurePosixPath(folder).name != self._own or not folder.startswith("/"):
            raise DeviceError(f"{name} gave an answer that cannot be read: {ended.stdout[:80]!r}; is there a shell?")
        self.folder, self._removable = folder, shlex.quote(folder)
        self.python: str | None = found.get("python")
        if must and self.python is None:
            raise DeviceError(
                f"{name}: its python {pythons[0]!r} is not there, or is older than 3.9; correct its entry"
            )
        if "sum" not in found and self.python is None:
            raise DeviceError(f"{name} has neither sha256sum nor Python, so that no pushed file could be checked")
        self._sum = found.get("sum") or f"{shlex.quote(self.python or '')} {SUM_BY_PYTHON}"

    def run(self, words: Sequence[str], *, timeout_s: float, on_line: Callable[[str], None] | None = None) -> Ended:
        variables = "".join(f"export {name}={shlex.quote(value)}; " for name, value in self.env.items())
        command = (
            f"cd {shlex.quote(self.folder)} 2>/dev/null || {{ echo {shlex.quote(GONE)} >&2; exit 125; }}; "
            f"{PROGRAM} {variables}exec {shlex.join(words)}"
        )
        name = self._channel.name
        try:
            ended = self._channel.shell(command, timeout_s=timeout_s, on_line=on_line)
        except DeviceError:
            raise
        except BaseException as error:
            self._end_program()
            if isinstance(error, TimeoutError):
                raise DeviceError(f"{name}: {words[0]} took longer than {timeout_s:g} s and was ended") from error
            if isinstance(error, TooMuchOutputError):
                raise DeviceError(f"{name}: {words[0]} was ended: {error}") from error
            raise
        if ended.code == 125 and GONE in ended.stderr:
            raise DeviceError(f"{name}: {self.folder} is gone; the device was restarted or tidied up; run again")
        return ended

    def push(self, source: Path, name: str) -> None:
        target = f"{self.folder}/{plain_name(name)}"
        try:
            digest, size_bytes = sha256_of(source), source.stat().st_size
        except OSError as error:
            raise DeviceError(f"cannot read {source} ({error.strerror}); {self._channel.name} got nothing") from error
        if self._sha256(target) == digest:
            return
        try:
            self._channel.send(source, f"{target}.part")
        except DeviceError as error:
            raise self._not_sent(name, size_bytes, error) from error
        if self._sha256(f"{target}.part") != digest:
            raise DeviceError(f"{self._channel.name}: {name} arrived changed (another SHA-256); run again")
        quoted = shlex.quote(target)
        ended = self._ask(f"chmod 700 {quoted}.part && mv -f {quoted}.part {quoted}", f"renaming {name}")
        if ended.code:
            raise DeviceError(f"{self._channel.name}: {name} could not be put in its place: {_why(ended)}")

    def pull(self, name: str, target: Path) -> None:
        source = f"{self.folder}/{plain_name(name)}"
        digest = self._sha256(source)
        if digest is None:
            raise DeviceError(
                f"{self._channel.name}: there is no {name} in {self.folder}; what should have written it failed"
            )
        with whole_file(target) as beside:
            self._channel.fetch(source, beside)
            if sha256_of(beside) != digest:
                raise DeviceError(f"{self._channel.name}: {name} arrived changed (another SHA-256); run again")

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            if not self._removed():
                warnings.warn(
                    f"{self._channel.name}: {self._removable} could not be removed; remove it by hand", stacklevel=2
                )
        finally:
            self._channel.hang_up()

    def __enter__(self) -> RemoteSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _removed(self) -> bool:
        ended = self._ask_quietly(f"rm -rf -- {self._removable}; test -e {self._removable} || echo @removed")
        return ended is not None and "@removed" in ended.stdout

    def _end_program(self) -> None:
        """Nothing tells a program there that nobody waits for it. Its group is ended, or it alone if it leads none."""
        self._ask_quietly(
            f"cd {shlex.quote(self.folder)} && pid=$(cat .pid) && {{ kill -9 -$pid || kill -9 $pid; }} 2>/dev/null"
        )

    def _sha256(self, path: str) -> str | None:
        """None where there is no such file."""
        ended = self._ask(f"test ! -f {shlex.quote(path)} || {self._sum} <{shlex.quote(path)}", "hashing a file")
        found = re.search(r"^([0-9a-f]{64})\b", ended.stdout, re.MULTILINE)
        return found[1] if found else None

    def _not_sent(self, name: str, size_bytes: int, error: DeviceError) -> DeviceError:
        """sftp and adb say little of why: whether the disk is full, or the folder gone, is asked."""
        folder = shlex.quote(self.folder)
        ended = self._ask_quietly(f"test -d {folder} || echo @gone; df -Pk {folder}; rm -f {folder}/{name}.part")
        if ended and "@gone" in ended.stdout:
            return DeviceError(f"{error} (while {name} was pushed; {self.folder} is gone: did the device restart?)")
        found = re.search(r"\s(\d+)\s+\d+%\s+/", ended.stdout) if ended else None
        free_bytes = int(found[1]) * 1024 if found else size_bytes
        if free_bytes >= size_bytes:
            return DeviceError(f"{error} (while {name} was pushed)")
        return DeviceError(
            f"{self._channel.name}: its disk is full: {name} takes {size_bytes / 1e6:,.1f} MB, and "
            f"{free_bytes / 1e6:,.1f} MB were left in {self.folder}; make room, or name another folder for it"
        )

    def _ask(self, command: str, what: str) -> Ended:
        try:
            return self._channel.shell(f"{ENGLISH}{command}", timeout_s=QUICK_S)
        except (TimeoutError, TooMuchOutputError) as error:
            raise DeviceError(f"{self._channel.name} does not answer ({what}): {error}") from error

    def _ask_quietly(self, command: str) -> Ended | None:
        try:
            return self._channel.shell(f"{ENGLISH}{command}", timeout_s=QUICK_S)
        except (DeviceError, TimeoutError, TooMuchOutputError):
            return None


def in_shell(path: str) -> str:
    """A path for the shell there: quoted, but a leading ~/ is its home."""
    return f'"$HOME"/{shlex.quote(path[2:])}' if path.startswith("~/") else shlex.quote(path)


def _why(ended: Ended) -> str:
    return (ended.stderr.strip() or ended.stdout.strip() or f"exit code {ended.code}").splitlines()[-1]


def _room(ended: Ended) -> str:
    if re.search("No space left|quota", ended.stdout + ended.stderr):
        return "its disk is full: make room there"
    return "name a folder that it may write to as `folder` in devices.toml"
