"""What every session promises, on this machine and behind a shell."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_tagger.benchmarks.devices.fake import FakeDevice
from edge_tagger.benchmarks.devices.local import LocalDevice
from edge_tagger.benchmarks.devices.session import Device, Session
from edge_tagger.errors import DeviceError

DEVICES: dict[str, Device] = {"local": LocalDevice(), "fake": FakeDevice()}


@pytest.fixture(params=DEVICES)
def session(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Every temporary folder is made in one that must be empty in the end."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with DEVICES[request.param].open() as opened:
        yield opened
    assert list(temporary.iterdir()) == []


def python(session: Session, code: str) -> list[str]:
    assert session.python is not None
    return [session.python, "-c", code]


def test_a_program_runs_in_the_folder_and_its_lines_come_one_by_one(session: Session) -> None:
    lines: list[str] = []
    code = "import os, sys; print(os.getcwd()); print('é \\'$HOME\\''); print('late', file=sys.stderr); sys.exit(7)"
    ended = session.run(python(session, code), timeout_s=30, on_line=lines.append)
    assert (ended.code, ended.stderr) == (7, "late\n")
    assert ended.stdout.splitlines() == lines == [session.folder, "é '$HOME'"]
    assert Path(session.folder).stat().st_mode & 0o77 == 0


def test_words_and_variables_arrive_as_they_are(session: Session) -> None:
    words = ["a b", "$HOME", "'", '"', "*", "; exit 3", "-n", "", "ü\n"]
    session.env["EDGE_TAGGER_TEST"] = "it's $HOME; `date`"
    code = "import os, sys; print(ascii(sys.argv[1:])); print(os.environ['EDGE_TAGGER_TEST'])"
    ended = session.run([*python(session, code), *words], timeout_s=30)
    assert ended.stdout.splitlines() == [ascii(words), "it's $HOME; `date`"]
    assert "EDGE_TAGGER_TEST" not in os.environ


def test_what_cannot_be_started_ends_as_in_a_shell(session: Session, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\x7fELF" * 100)
    session.push(tmp_path / "noise", "noise")
    assert session.run(["no-such-program"], timeout_s=30).code == 127
    assert session.run(["./noise"], timeout_s=30).code == 126


def test_after_its_time_a_program_is_ended_there(session: Session) -> None:
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"took longer than 1\.5 s"):
        session.run(python(session, code), timeout_s=1.5)
    assert time.monotonic() - started < 20
    assert not runs(int(Path(session.folder, "pid").read_text()))


def test_ctrl_c_ends_the_program_there(session: Session) -> None:
    def interrupt(line: str) -> None:
        Path(session.folder, "pid").write_text(line)
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        session.run(python(session, code), timeout_s=50, on_line=interrupt)
    assert not runs(int(Path(session.folder, "pid").read_text()))


def test_endless_output_is_cut_off(session: Session) -> None:
    with pytest.raises(DeviceError, match="more than 16 MB"):
        session.run(python(session, "while True: print('x' * 1000)"), timeout_s=50)


def test_files_go_there_and_back(session: Session, tmp_path: Path) -> None:
    source, back = tmp_path / "it's *one* [x].bin", tmp_path / "back.bin"
    source.write_bytes(os.urandom(100_000))
    session.push(source, "a.bin")
    there = Path(session.folder, "a.bin")
    assert there.read_bytes() == source.read_bytes() and there.stat().st_mode & 0o777 == 0o700
    session.pull("a.bin", back)
    assert back.read_bytes() == source.read_bytes()
    before = there.stat().st_ino, there.stat().st_mtime_ns
    session.push(source, "a.bin")
    assert (there.stat().st_ino, there.stat().st_mtime_ns) == before, "it was there already"
    there.write_bytes(source.read_bytes()[::-1])  # stale, and of the same size
    session.push(source, "a.bin")
    assert there.read_bytes() == source.read_bytes()


def test_a_file_that_is_not_there_is_told_and_leaves_nothing(session: Session, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"no out\.json in .*failed"):
        session.pull("out.json", tmp_path / "out.json")
    with pytest.raises(DeviceError, match=r"nope"):
        session.push(tmp_path / "nope", "nope")
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]


@pytest.mark.parametrize("name", ["../a", "a/b", "-a", ".a", "", "a b", "a\n", "a" * 300])
def test_names_that_are_not_plain_are_refused(session: Session, tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(ValueError, match="plain"):
        session.push(tmp_path / "a", name)


def test_a_folder_that_went_away_is_told(session: Session) -> None:
    Path(session.folder, ".pid").unlink(missing_ok=True)
    Path(session.folder).rmdir()
    with pytest.raises(DeviceError, match="gone"):
        session.run(python(session, ""), timeout_s=30)


def test_closing_twice_is_closing(session: Session) -> None:
    session.close()
    session.close()
    assert not Path(session.folder).exists()


def runs(pid: int) -> bool:
    """Whether a process is there; one that nobody has waited for yet is not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


if sys.platform != "linux":
    pytestmark = pytest.mark.skip(reason="reads /proc")
