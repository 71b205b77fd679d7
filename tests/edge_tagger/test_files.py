from __future__ import annotations

import json
import os
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
