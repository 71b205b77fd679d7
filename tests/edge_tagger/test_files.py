from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from edge_tagger.destination import is_regular
from edge_tagger.errors import OutputError
from edge_tagger.files import sweep, whole_file, whole_folder, write_json, write_text
from edge_tagger.temporary import remove_left
from edge_tagger.writable import check_writable


def test_a_file_is_there_when_all_of_it_is(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.txt") as beside:
        beside.write_text("new")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "new" and len(list(tmp_path.iterdir())) == 1


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.txt") as beside:
        beside.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_file_has_the_usual_permissions(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_json(tmp_path / "a.json", {"a": 1})
    finally:
        os.umask(mask)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*a\.txt: No such file or directory"):
        write_json(tmp_path / "none" / "a.txt", {})


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with whole_folder(tmp_path / "out") as beside:
            (beside / "a.txt").write_text(content)
        assert (tmp_path / "out" / "a.txt").read_text() == content
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "out") as beside:
        (beside / "a.txt").write_text("half")
        raise RuntimeError
    assert (tmp_path / "out" / "a.txt").read_text() == "two" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_links_are_followed_and_stay(tmp_path: Path, is_there: bool) -> None:
    (tmp_path / "far").mkdir()
    if is_there:
        (tmp_path / "far" / "a.txt").write_text("old")
        (tmp_path / "far" / "a.txt").chmod(0o604)
    (tmp_path / "second").symlink_to("far/a.txt")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    check_writable(tmp_path / "first")
    with whole_file(tmp_path / "first") as beside:
        assert beside.parent == tmp_path / "far"
        beside.write_text("new")
    assert (tmp_path / "first").is_symlink() and (tmp_path / "second").is_symlink()
    assert (tmp_path / "far" / "a.txt").read_text() == "new" and len(list((tmp_path / "far").iterdir())) == 1
    assert not is_there or (tmp_path / "far" / "a.txt").stat().st_mode & 0o777 == 0o604
    (tmp_path / "folder").symlink_to("far")
    with whole_folder(tmp_path / "folder") as beside:
        (beside / "b.txt").write_text("new")
    assert (tmp_path / "folder").is_symlink() and [path.name for path in (tmp_path / "far").iterdir()] == ["b.txt"]


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for write in (lambda path: write_text(path, "x"), check_writable):
        with pytest.raises(OutputError, match="Too many levels of symbolic links"):
            write(tmp_path / "a")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_pipe_and_a_descriptor_get_all_of_it_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    check_writable(tmp_path / "pipe")
    write_text(tmp_path / "pipe", "x" * 100_000)
    reader.join(20)
    assert read == ["x" * 100_000] and not is_regular(tmp_path / "pipe")
    with (tmp_path / "log").open("w+") as log:
        log.write("before ")
        log.flush()
        (tmp_path / "link").symlink_to(f"/dev/fd/{log.fileno()}")
        for path in (f"/dev/fd/{log.fileno()}", f"/proc/self/fd/{log.fileno()}", tmp_path / "link"):
            check_writable(path)
            write_text(path, "whole ")
            with pytest.raises(RuntimeError), whole_file(path) as beside:
                beside.write_text("half")
                raise RuntimeError
    assert (tmp_path / "log").read_text() == "before whole whole whole "
    for path in ("/dev/fd/999", "/dev/full"):
        with pytest.raises(OutputError, match="cannot write /dev/"):
            write_text(path, "x")


@pytest.mark.parametrize("size", [1, 241, 245, 255])
def test_a_name_that_fits_has_room_for_the_temporary_one(tmp_path: Path, size: int) -> None:
    path = tmp_path / ("n" * size)
    check_writable(path)
    with whole_file(path) as beside:
        beside.write_text("new")
        copy = beside
    copy.write_text("left by one that was killed")
    sweep(path)
    assert [each.name for each in tmp_path.iterdir()] == ["n" * size]
    for write in (lambda path: write_text(path, "x"), check_writable):
        with pytest.raises(OutputError, match="File name too long"):
            write(tmp_path / ("n" * 256))


def test_a_full_disk_is_told_before(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        for is_folder in (False, True):
            with pytest.raises(OutputError, match="File too large"):
                check_writable(tmp_path / "a" if not is_folder else tmp_path / "b" / "c", is_folder=is_folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_names_that_are_no_text_are_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"photo": "\udcff.png"})
    assert json.loads((tmp_path / "a.json").read_text()) == {"photo": "\udcff.png"}
    write_text(tmp_path / "a.md", "größe \udcff")
    assert (tmp_path / "a.md").read_text() == "größe \\udcff"


WRITER = """
import sys
import threading
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from edge_tagger.files import whole_folder, write_text
out, content = Path(sys.argv[1]), sys.argv[2] * 100_000
for _ in range(200):
    write_text(out / "a.txt", content)
    with whole_folder(out / "b") as beside:
        (beside / "1.txt").write_text(content)
        (beside / "2.txt").write_text(content)
"""


def test_two_processes_that_write_the_same_output_leave_that_of_one(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    writers = [start([sys.executable, "-c", WRITER, tmp_path, letter]) for letter in "xy"]
    while any(writer.poll() is None for writer in writers):
        with suppress(FileNotFoundError):  # before the first
            whole = (tmp_path / "a.txt").read_text()
            assert whole in ("x" * 100_000, "y" * 100_000)
    assert [writer.returncode for writer in writers] == [0, 0]
    first, second = ((tmp_path / "b" / name).read_text() for name in ("1.txt", "2.txt"))
    assert first == second and len(list(tmp_path.iterdir())) == 2


def test_a_file_in_the_place_of_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="Not a directory"), whole_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_disk_that_fills_leaves_what_was_there(tmp_path: Path, kind: str) -> None:
    """The kernel refuses to let a file grow, as it does on a full disk."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("old")
    written = {
        "file": "write_text(out / 'a.txt', 'x' * 10**6)",
        "folder": "with whole_folder(out) as beside: (beside / 'a.txt').write_text('x' * 10**6)",
    }
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from edge_tagger.files import whole_folder, write_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"out = Path(sys.argv[1])\n{written[kind]}"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "out"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "OutputError: cannot write" in done.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a.txt"]
    assert (tmp_path / "out" / "a.txt").read_text() == "old"


@pytest.mark.parametrize(("name", "whole"), [("touch", whole_file), ("mkdir", whole_folder)])
def test_a_signal_while_the_temporary_one_is_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, whole: Any
) -> None:
    make = getattr(Path, name)

    def interrupted(path: Path, *arguments: Any, **options: Any) -> None:
        make(path, *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, name, interrupted)
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "a"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_signal_in_the_middle_of_replacing_a_folder_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text_in(tmp_path / "out", "old")
    replace, calls = Path.replace, []

    def interrupted(path: Path, target: Path) -> None:
        calls.append(path)
        if len(calls) == 3:  # the old one is moved aside, the new one is not in its place yet
            raise KeyboardInterrupt
        replace(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_text_in(tmp_path / "out", "new")
    assert (tmp_path / "out" / "a.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def write_text_in(folder: Path, text: str) -> None:
    with whole_folder(folder) as beside:
        (beside / "a.txt").write_text(text)


def test_what_a_signal_left_in_tidying_up_is_removed_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "unlink", Mock(side_effect=KeyboardInterrupt))
        with whole_file(tmp_path / "a") as beside:
            beside.write_text("half")
            raise RuntimeError
    assert len(list(tmp_path.iterdir())) == 1
    remove_left()
    assert not list(tmp_path.iterdir())


def test_sweep_takes_what_a_killed_process_left_and_nothing_else(tmp_path: Path) -> None:
    with whole_file(tmp_path / "tags[1].csv") as beside:
        beside.write_text("half")
        left = tmp_path / f"{beside.name}"
        copy = left.read_text()
    left.write_text(copy)  # as if the process had been killed before the rename
    others = ["tags[1].csv", ".tags[1].csv.swp", ".tags1.csv.abcd1234", ".tags[1].csv.failures.csv.abcd1234"]
    for name in others:
        (tmp_path / name).write_text("")
    sweep(tmp_path / "tags[1].csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
