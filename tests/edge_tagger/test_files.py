from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from edge_tagger.errors import OutputError
from edge_tagger.files import sweep, whole_file, whole_folder, write_json


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


WRITER = """
import sys
from pathlib import Path
from edge_tagger.files import whole_folder, write_text
out, content = Path(sys.argv[1]), sys.argv[2] * 100_000
for _ in range(200):
    write_text(out / "a.txt", content)
    with whole_folder(out / "b") as beside:
        (beside / "1.txt").write_text(content)
        (beside / "2.txt").write_text(content)
"""


def test_two_processes_that_write_the_same_output_leave_that_of_one(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, letter]) for letter in "xy"]
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
