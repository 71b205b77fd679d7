"""What words name which source, and what is wrong with others."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edge_tagger.errors import MissingExtraError, SourceError
from edge_tagger.watch import camera
from edge_tagger.watch.camera import open_camera
from edge_tagger.watch.source import Source, parse

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="devices of Linux")


@pytest.mark.parametrize(
    ("word", "source"),
    [
        ("csi", Source("csi", "0", "CSI camera 0")),
        ("csi:1", Source("csi", "1", "CSI camera 1")),
        ("picamera", Source("csi", "0", "CSI camera 0")),
        pytest.param("2", Source("v4l2", "/dev/video2", "/dev/video2"), marks=LINUX),
        ("/dev/video99", Source("v4l2", "/dev/video99", "/dev/video99")),
        ("/dev/null", Source("v4l2", "/dev/null", "/dev/null")),
        ("rtsp://me:se@cret@cam/1", Source("network", "rtsp://me:se@cret@cam/1", "rtsp://cam/1")),
        ("http://cam/a@b", Source("network", "http://cam/a@b", "http://cam/a@b")),
    ],
)
def test_a_word_names_a_source(word: str, source: Source) -> None:
    assert parse(word) == source


def test_paths_are_folders_and_videos(tmp_path: Path) -> None:
    video = tmp_path / "clip.mkv"
    video.touch()
    assert parse(str(tmp_path)).kind == "folder"
    assert parse(str(video)).kind == "video"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("nothing.mp4", "cannot watch nothing.mp4: No such file or directory; give a camera"),
        ("ftp://me:secret@cam/1", "ftp://cam/1 is no address of a camera; known are rtsp"),
        ("a\0b", "null byte"),
    ],
)
def test_other_words_are_refused(word: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(word)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_photo_is_for_tag(tmp_path: Path) -> None:
    photo = tmp_path / "a.JPG"
    photo.touch()
    with pytest.raises(SourceError, match="it is a photo; use edge-tagger tag"):
        parse(str(photo))


def test_a_fifo_is_neither(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        parse(str(tmp_path / "pipe"))


@LINUX
def test_a_camera_that_is_not_there_is_told() -> None:
    with pytest.raises(SourceError, match=r"there is no /dev/video99; there is "):
        open_camera(parse("99"))


@LINUX
def test_a_camera_without_permission_names_the_group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    monkeypatch.setattr(camera.os, "access", lambda *_: False)  # root, as in CI, may open everything
    with pytest.raises(SourceError, match=r"permission denied; add yourself to its group \(sudo usermod -aG \w+ "):
        open_camera(Source("v4l2", str(device), "/dev/video0"))


@LINUX
def test_what_is_no_camera_is_told_without_noise(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError, match="cannot open /dev/null: another program uses it, or it is no camera"):
        open_camera(parse("/dev/null"))
    assert capfd.readouterr().err == ""


def test_a_network_camera_that_does_not_answer_is_told() -> None:
    with pytest.raises(SourceError) as caught:
        open_camera(parse("http://me:secret@127.0.0.1:9/video"))
    assert str(caught.value).startswith("cannot open http://127.0.0.1:9/video: no answer")


def test_a_csi_camera_without_picamera2_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(MissingExtraError, match="sudo apt install python3-picamera2"):
        open_camera(parse("csi"))


class FakePicamera2:
    """As much of picamera2's class as is used; it was never seen to run here."""

    left = 2

    @staticmethod
    def global_camera_info() -> list[dict[str, int]]:
        return [{"Num": 0}]

    def __init__(self, number: int) -> None:
        self.number, self.calls = number, []

    def create_video_configuration(self, main: dict[str, object]) -> dict[str, object]:
        return {"main": main}

    def configure(self, configuration: dict[str, dict[str, object]]) -> None:
        assert configuration["main"]["format"] == "BGR888"
        self.size = configuration["main"]["size"]

    def start(self) -> None:
        self.calls.append("start")

    def capture_array(self, _name: str) -> np.ndarray:
        if not self.left:
            raise RuntimeError("camera frontend has timed out")
        self.left -= 1
        return np.zeros((*self.size[::-1], 3), np.uint8)

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")


def test_a_csi_camera_is_read_by_picamera2(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("picamera2")
    module.Picamera2 = FakePicamera2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    with pytest.raises(SourceError, match=r"there is no CSI camera 1; picamera2 sees 1 cameras"):
        open_camera(parse("csi:1"))
    opened = open_camera(parse("csi"))
    assert opened.read().shape == opened.read().shape == (480, 640, 3)
    with pytest.raises(SourceError, match="CSI camera 0 gives no more pictures: camera frontend has timed out"):
        opened.read()
    opened.close()
    assert opened._camera.calls == ["start", "stop", "close"]
