"""Videos, a network camera on loopback, and cameras that are none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.errors import SourceError
from edge_tagger.images import Pixels

YELLOW, BLUE = (255, 255, 0), (0, 0, 255)
FRAMES_PER_S = 10


def picture(colour: tuple[int, int, int]) -> Pixels:
    return np.full((48, 64, 3), colour, np.uint8)


class FakeCamera:
    """Gives the pictures it was made with, then stops as a camera that is unplugged does."""

    def __init__(self, pictures: Sequence[Pixels], *, pause_s: float = 0.0) -> None:
        self.left, self.pause_s, self.closed = list(pictures), pause_s, False

    def read(self) -> Pixels:
        if not self.left:
            raise SourceError("/dev/video7 was unplugged")
        time.sleep(self.pause_s)
        return self.left.pop(0)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """A function from colours of frames to a file of Motion JPEG in AVI, ten frames a second."""

    def write(colours: Sequence[tuple[int, int, int]], name: str = "clip.avi") -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FRAMES_PER_S, (64, 48))
        assert writer.isOpened()
        for colour in colours:
            writer.write(picture(colour)[..., ::-1])
        writer.release()
        return path

    return write


@pytest.fixture
def network_camera() -> Iterator[Callable[[int], str]]:
    """A function from a number of pictures to the address of a camera that sends so many of them, yellow, and ends."""
    servers = []

    def serve(pictures: int) -> str:
        _, jpeg = cv2.imencode(".jpg", picture(YELLOW)[..., ::-1])

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                for _ in range(pictures):
                    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")
                    time.sleep(0.01)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://user:secret@127.0.0.1:{server.server_port}/video.mjpg"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def fake_camera() -> type[FakeCamera]:
    return FakeCamera
