from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.bulk.index import Index
from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.record import Record, Stamp
from edge_tagger.colours.dominant import Colour
from edge_tagger.errors import OutputError, RunError

Make = Callable[..., Record]
SETTINGS = {"model": "a1", "allow": ("light",), "score_threshold": None}


def opened(folder: Path, settings: dict[str, Any] = SETTINGS, **options: Any) -> Journal:
    return Journal(folder / "journal", settings, **{"tell": print, **options})


def test_records_come_back_equal_and_the_latest_counts(tmp_path: Path, record: Make) -> None:
    with_colours = Record(Stamp(3, 4), record("colour/Black").tagged, colours=(Colour("#000000", 0.5, "Black"),))
    odd = os.fsdecode(b"/shop/\xff.jpg")
    with opened(tmp_path) as journal:
        for key, kept in {"/a": record("colour/Red/Red"), odd: Record(None, error="gone"), "/b": with_colours}.items():
            journal.append(key, kept)
        journal.append("/a", record("colour/Blue"))
        before = [journal.get(key) for key in ("/a", odd, "/b", "/c")]
    assert before == [record("colour/Blue"), Record(None, error="gone"), with_colours, None]
    with opened(tmp_path, resume=True) as journal:
        assert [journal.get(key) for key in ("/a", odd, "/b", "/c")] == before
        assert journal.index.count_places() == 3 and not journal.has_from_now("/a")
        journal.append("/a", record("colour/Red"))
        assert journal.has_from_now("/a") and not journal.has_from_now("/b")


def test_every_line_is_json_that_others_read(tmp_path: Path, record: Make) -> None:
    with opened(tmp_path) as journal:
        journal.append("/a", record("colour/Red", "colour/Red/Red"))
        head, line = (json.loads(line) for line in journal.path.read_text().splitlines())  # while it is written
    assert head["settings"] == {"model": "a1", "allow": ["light"], "score_threshold": None}
    assert line["photo"] == "/a" and [tag["tag"] for tag in line["tags"]] == ["colour/Red", "colour/Red/Red"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_not_written_wholly_is_cut_off(tmp_path: Path, record: Make, cut: int) -> None:
    with opened(tmp_path) as journal:
        journal.append("/a", record("colour/Red"))
        journal.append("/b", record("colour/Blue"))
    path = tmp_path / "journal"
    path.write_bytes(path.read_bytes()[:-cut])
    with opened(tmp_path, resume=True) as journal:
        assert journal.get("/a") == record("colour/Red") and journal.get("/b") is None
        journal.append("/b", record("colour/Blue"))
    with opened(tmp_path, resume=True) as journal:
        assert journal.get("/b") == record("colour/Blue")


TAG = (
    b'{"photo": "/a", "stamp": null, "tags": [{"tag": "colour/Red", "facet": "colour", "name": "Red", "score": %s, '
    b'"threshold": null, "parents": []}], "paths": {}}'
)


@pytest.mark.parametrize(
    "damage",
    [
        b"\0" * 20,
        b"[1, 2]",
        b'{"photo": "/a"}',
        b'{"photo": 3, "stamp": null, "error": ""}',
        b"\xff",
        b"[" * 200_000,
        b'{"photo":' * 100_000,
        b'{"photo": "/a", "stamp": null, "error": "", "x": %s}' % (b"9" * 100_000),
        b'{"photo": "/a", "stamp": [1, NaN], "error": ""}',
        b'{"photo": "/a", "stamp": [1], "error": ""}',
        b'{"photo": "/a", "stamp": 1, "error": ""}',
        b'{"photo": "/a", "stamp": null, "error": 3}',
        b'{"photo": "/a", "stamp": null, "error": "\\ud800"}',
        b'{"photo": "/a", "stamp": null, "tags": [1], "paths": {}}',
        b'{"photo": "/a", "stamp": null, "tags": [], "paths": []}',
        TAG % b'"much"',
        TAG % b"1e999",
        TAG % b"null",
        (TAG % b"0.5").replace(b"colour/Red", b"colour"),
        (TAG % b"0.5").replace(b'"parents": []', b'"parents": "ab"'),
        (TAG % b"0.5").replace(b'"paths": {}', b'"paths": {}, "colours": [{"hex": 1, "share": 1, "name": "x"}]'),
    ],
)
def test_damaged_lines_are_left_out_and_told(tmp_path: Path, record: Make, damage: bytes) -> None:
    with opened(tmp_path) as journal:
        journal.append("/a", record("colour/Red"))
        journal.append("/b", record("colour/Blue"))
    path = tmp_path / "journal"
    head, _, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + damage + b"\n" + second)
    told: list[str] = []
    with opened(tmp_path, resume=True, tell=told.append) as journal:
        assert journal.get("/a") is None and journal.get("/b") == record("colour/Blue")
    assert len(told) == 1 and "1 damaged lines" in told[0]


def test_a_line_whose_checksum_is_wrong_is_left_out_and_one_without_is_read(tmp_path: Path, record: Make) -> None:
    with opened(tmp_path) as journal:
        for name in ("/a", "/b", "/c"):
            journal.append(name, record("colour/Red"))
    path = tmp_path / "journal"
    head, first, second, third = path.read_bytes().splitlines(keepends=True)
    assert all(json.loads(line)["crc32"] for line in (head, first))
    older = first[: first.rindex(b',"crc32"')] + b"}\n"
    path.write_bytes(head + older + second.replace(b"0.95", b"0.85") + third)
    told: list[str] = []
    with opened(tmp_path, resume=True, tell=told.append) as journal:
        assert [journal.get(name) for name in ("/a", "/b", "/c")] == [record("colour/Red"), None, record("colour/Red")]
    assert len(told) == 1 and "1 damaged lines" in told[0]
    path.write_bytes(head.replace(b'"a1"', b'"b2"') + older)
    with pytest.raises(RunError, match="is no journal"):
        opened(tmp_path, {**SETTINGS, "model": "b2"}, resume=True)


def test_a_journal_of_before_checksums_is_gone_on_with(tmp_path: Path, record: Make) -> None:
    with opened(tmp_path) as journal:
        journal.append("/a", record("colour/Red"))
    path = tmp_path / "journal"
    path.write_bytes(re.sub(rb',"crc32":"[0-9a-f]{8}"', b"", path.read_bytes()))
    assert b"crc32" not in path.read_bytes()
    with opened(tmp_path, resume=True) as journal:
        assert journal.get("/a") == record("colour/Red")


def test_what_somebody_else_writes_meanwhile_is_no_record(tmp_path: Path, record: Make) -> None:
    with opened(tmp_path) as journal:
        journal.append("/a", record("colour/Red"))
        size = journal.path.stat().st_size
        journal.path.write_bytes(b"x" * size)
        assert journal.get("/a") is None


def test_a_journal_that_is_there_is_neither_lost_nor_mixed(tmp_path: Path, record: Make) -> None:
    with opened(tmp_path) as journal:
        journal.append("/a", record("colour/Red"))
    before = journal.path.read_bytes()
    with pytest.raises(OutputError, match="go on with --resume, or start anew with --overwrite"):
        opened(tmp_path)
    with pytest.raises(RunError, match=r"model was 'a1' and is 'b2'; score_threshold was None and is 0\.5"):
        opened(tmp_path, {**SETTINGS, "model": "b2", "score_threshold": 0.5}, resume=True)
    assert journal.path.read_bytes() == before
    with opened(tmp_path, {"model": "b2"}, overwrite=True) as journal:
        assert journal.get("/a") is None
        journal.append("/b", record("colour/Red"))
    with opened(tmp_path, {"model": "b2"}, resume=True) as journal:
        assert journal.get("/b") is not None


@pytest.mark.parametrize("content", ["photo,tags\n", "{}\n", "[]\n", '{"edge_tagger_journal": 1, "settings": 3}\n'])
def test_another_file_is_not_taken_for_a_journal(tmp_path: Path, content: str) -> None:
    (tmp_path / "journal").write_text(content)
    with pytest.raises(RunError, match="is no journal"):
        opened(tmp_path, resume=True)
    assert (tmp_path / "journal").read_text() == content


def test_a_journal_of_another_version_is_told(tmp_path: Path, record: Make) -> None:
    with opened(tmp_path) as journal:
        journal.append("/a", record("colour/Red"))
    journal.path.write_bytes(journal.path.read_bytes().replace(b'journal":1', b'journal":2'))
    with pytest.raises(RunError, match="another version"):
        opened(tmp_path, resume=True)


def test_one_without_records_is_as_good_as_none(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert journal.path.exists()
    assert not journal.path.exists()


HOLD = """
import sys
from pathlib import Path
from edge_tagger.bulk.journal import Journal
with Journal(Path(sys.argv[1]), {}, tell=print):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_killed(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    path = tmp_path / "journal"
    command = [sys.executable, "-c", HOLD, str(path)]
    with start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "open\n"
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(OutputError, match="another run is writing"):
                Journal(path, {}, tell=print, **options)
        first.kill()
    with Journal(path, {}, tell=print):
        pass


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """No file may grow larger: what a full disk does, without root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing_that_was_done(tmp_path: Path, record: Make) -> None:
    with opened(tmp_path) as journal:
        with room_for(4000), pytest.raises(OutputError, match="make room, and run again with --resume"):
            for number in range(100):
                journal.append(f"/{number}", record("colour/Red"))
        size = journal.path.stat().st_size
        assert 3000 < size <= 4000 and journal.path.read_bytes().endswith(b"}\n")
        journal.append("/late", record("colour/Blue"))
        assert journal.get("/late") == record("colour/Blue") and journal.get("/0") == record("colour/Red")
    with opened(tmp_path, resume=True) as journal:
        assert journal.index.count_places() > 10 and journal.get("/late") is not None


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*: No such file or directory"):
        opened(tmp_path / "none")


def test_an_index_orders_names_by_their_bytes_and_products_keep_their_first_photo() -> None:
    index = Index()
    odd = os.fsdecode(b"b\xff.jpg")
    assert [index.add_photo(name, "") for name in ("c.jpg", odd, "B.jpg", "c.jpg")] == [True, True, True, False]
    assert [name for name, _ in index.photos()] == ["B.jpg", odd, "c.jpg"]
    for line, key in ((1, ""), (2, "/first"), (3, "/second")):
        index.add_product("run", line, key)
    index.add_product("bare", 4, "")
    assert (index.product("run"), index.product("none"), index.count_without_photo()) == ((2, "/first"), None, 1)
    index.close()
