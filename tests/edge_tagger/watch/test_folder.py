"""Photos that arrive in a folder: whole ones, each once."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from edge_tagger.errors import SourceError
from edge_tagger.watch.folder import ArrivingPhotos


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def arriving(folder: Path, clock: Clock, *, existing: bool = False) -> ArrivingPhotos:
    return ArrivingPhotos(folder, existing=existing, still_s=1.0, poll_s=0.5, clock=clock, wait=clock.wait)


def polled(photos: ArrivingPhotos, clock: Clock, times: int = 4) -> list[str]:
    names = []
    for _ in range(times):
        names += [path.name for path in photos.poll()]
        clock.wait(0.5)
    return names


def test_each_photo_comes_once_when_it_has_stood_still(tmp_path: Path, clock: Clock) -> None:
    photos = arriving(tmp_path, clock)
    (tmp_path / "b.jpg").write_bytes(b"1")
    assert photos.poll() == []
    clock.wait(0.6)
    assert photos.poll() == []
    clock.wait(0.6)
    assert photos.poll() == [tmp_path / "b.jpg"]
    assert polled(photos, clock) == []


def test_a_photo_that_grows_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    photos, path = arriving(tmp_path, clock), tmp_path / "a.jpg"
    for _ in range(10):
        with path.open("ab") as file:
            file.write(b"part")
        assert photos.poll() == []
        clock.wait(0.9)
    clock.wait(0.2)
    assert photos.poll() == [path]


def test_an_empty_file_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    photos, path = arriving(tmp_path, clock), tmp_path / "a.jpg"
    path.touch()
    assert polled(photos, clock, 20) == []
    path.write_bytes(b"1")
    assert polled(photos, clock) == ["a.jpg"]


def test_a_photo_that_is_written_anew_comes_again(tmp_path: Path, clock: Clock) -> None:
    photos, path = arriving(tmp_path, clock), tmp_path / "latest.jpg"
    path.write_bytes(b"1")
    assert polled(photos, clock) == ["latest.jpg"]
    path.write_bytes(b"22")
    assert polled(photos, clock) == ["latest.jpg"]
    path.unlink()
    assert polled(photos, clock) == []
    path.write_bytes(b"22")
    assert polled(photos, clock) == ["latest.jpg"]


def test_photos_that_are_there_already_come_only_where_wanted(tmp_path: Path, clock: Clock) -> None:
    for place, name in enumerate(("new.png", "old.webp")):
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, (100 - place, 100 - place))
    assert polled(arriving(tmp_path, clock), clock) == []
    assert polled(arriving(tmp_path, clock, existing=True), clock) == ["old.webp", "new.png"]


def test_what_is_no_photo_is_passed_over(tmp_path: Path, clock: Clock) -> None:
    photos = arriving(tmp_path, clock)
    for name in (".upload.jpg", "notes.txt", "a.jpg.part"):
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "a.JPEG").write_bytes(b"1")
    assert polled(photos, clock) == ["a.JPEG"]


def test_what_only_looks_like_a_photo_comes_and_ends_nothing(tmp_path: Path, clock: Clock) -> None:
    photos = arriving(tmp_path, clock)
    (tmp_path / "a.jpg").symlink_to("a.jpg")
    (tmp_path / "b.jpg").symlink_to("c.jpg")
    (tmp_path / "c.jpg").symlink_to("b.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("__MACOSX", "@eaDir"):
        (tmp_path / name).mkdir()
    (tmp_path / "last.jpg").write_bytes(b"1")
    assert set(polled(photos, clock)) == {"a.jpg", "b.jpg", "c.jpg", "pipe.jpg", "last.jpg"}


def test_iterating_waits_between_polls(tmp_path: Path, clock: Clock) -> None:
    photos = arriving(tmp_path, clock)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"1")
    assert sorted(path.name for path in islice(photos, 2)) == ["a.jpg", "b.jpg"]
    assert clock.now_s == 1.0


def test_a_folder_that_goes_is_told(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    photos = arriving(folder, clock)
    folder.rmdir()
    with pytest.raises(SourceError, match=r"cannot watch .*inbox: No such file or directory"):
        photos.poll()
