"""All frames of a video, the newest ones of a camera, and what ends them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.errors import SourceError
from edge_tagger.images import Pixels
from edge_tagger.watch.camera import open_camera
from edge_tagger.watch.frames import NewestFrames, Reconnecting, video_frames
from edge_tagger.watch.source import parse

YELLOW, BLUE = (255, 255, 0), (0, 0, 255)
UNPLUGGED = "/dev/video7 was unplugged"


def pictures(number: int) -> list[Pixels]:
    """Each is filled with its own number."""
    return [np.full((4, 4, 3), value % 256, np.uint8) for value in range(number)]


def test_a_video_gives_every_frame_at_its_time_in_rgb(video: Callable[..., Path]) -> None:
    frames = list(video_frames(parse(str(video([YELLOW] * 5 + [BLUE] * 5)))))
    assert [frame.number for frame in frames] == list(range(1, 11))
    assert [round(frame.at_s, 3) for frame in frames] == [number / 10 for number in range(10)]
    assert sum(frame.dropped for frame in frames) == 0
    np.testing.assert_allclose(frames[0].pixels[20, 20], YELLOW, atol=8)
    np.testing.assert_allclose(frames[-1].pixels[20, 20], BLUE, atol=8)


def test_a_video_that_is_cut_off_gives_what_it_has_and_says_so(video: Callable[..., Path]) -> None:
    path = video([YELLOW] * 50)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = []
    with pytest.raises(SourceError) as caught:
        frames.extend(frame.number for frame in video_frames(parse(str(path))))
    said = str(caught.value)
    assert said.startswith(f"{path} ends after ")
    assert said.endswith(" of 50 frames: it is cut off or damaged; copy it again")
    assert frames == list(range(1, int(said.removeprefix(f"{path} ends after ").split()[0]) + 1))
    assert 10 < len(frames) < 40


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    with pytest.raises(SourceError, match="as a video; it is damaged or cut off, or of a kind that OpenCV lacks"):
        next(video_frames(parse(str(path))))


def test_the_newest_frame_is_taken_and_older_ones_are_dropped(fake_camera: type[Any]) -> None:
    camera = fake_camera(pictures(6))
    all_read = threading.Event()

    class Slow:
        """A camera whose last picture waits until the test has taken the first."""

        def read(self) -> Pixels:
            if len(camera.left) == 5:
                assert first_taken.wait(5)
            if not camera.left:
                all_read.set()
                assert rest_taken.wait(5)
            return camera.read()

        def close(self) -> None:
            camera.close()

    first_taken, rest_taken = threading.Event(), threading.Event()
    with NewestFrames(Slow) as newest:
        frames = iter(newest)
        first = next(frames)
        first_taken.set()
        assert all_read.wait(5)
        last = next(frames)
        rest_taken.set()
        assert (first.number, first.dropped, first.pixels[0, 0, 0]) == (1, 0, 0)
        assert (last.number, last.dropped, last.pixels[0, 0, 0]) == (6, 4, 5)
        assert last.at_s > first.at_s == 0
        with pytest.raises(SourceError, match=UNPLUGGED):
            next(frames)
    assert camera.closed


def test_a_camera_that_cannot_be_opened_is_told_where_its_frames_are_taken() -> None:
    with NewestFrames(lambda: open_camera(parse("/dev/video99"))) as newest, pytest.raises(SourceError):
        next(iter(newest))


def test_closing_ends_the_iteration_and_the_thread(fake_camera: type[Any]) -> None:
    camera = fake_camera(pictures(10_000), pause_s=0.001)
    newest = NewestFrames(lambda: camera)
    frames = iter(newest)
    next(frames)
    newest.close()
    assert list(frames) == []
    assert camera.closed
    assert not any(thread.name == "edge-tagger camera" for thread in threading.enumerate())


def test_a_camera_is_opened_again_after_longer_and_longer_pauses(fake_camera: type[Any]) -> None:
    opened = [fake_camera(pictures(1)), None, None, fake_camera(pictures(2)), fake_camera(pictures(3))]
    told: list[str] = []
    waited: list[float] = []

    def open_next() -> Any:
        camera = opened.pop(0)
        if camera is None:
            raise SourceError("no answer")
        return camera

    camera = Reconnecting(open_next, told.append, wait=waited.append)
    values = [int(camera.read()[0, 0, 0]) for _ in range(6)]
    assert values == [0, 0, 1, 0, 1, 2]
    assert waited == [1, 2, 4, 1]
    assert told == [
        f"{UNPLUGGED}; trying again in 1 s",
        "no answer; trying again in 2 s",
        "no answer; trying again in 4 s",
        "the camera is back",
        f"{UNPLUGGED}; trying again in 1 s",
        "the camera is back",
    ]


def test_a_camera_that_cannot_be_opened_the_first_time_is_not_tried_again() -> None:
    def refuse() -> Any:
        raise SourceError("a wrong address")

    with pytest.raises(SourceError, match="a wrong address"):
        Reconnecting(refuse, print, wait=lambda _: None)


def test_a_network_camera_gives_frames_until_it_ends(network_camera: Callable[[int], str]) -> None:
    source = parse(network_camera(20))
    with NewestFrames(lambda: open_camera(source)) as newest:
        taken = []
        with pytest.raises(SourceError, match=f"{source.name} gives no more pictures"):
            taken.extend(newest)
    assert taken[-1].number == 20
    assert sum(frame.dropped + 1 for frame in taken) == 20
    np.testing.assert_allclose(taken[0].pixels[20, 20], YELLOW, atol=8)
    assert "secret" not in source.name
