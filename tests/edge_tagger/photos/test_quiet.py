"""What the decoders' libraries write to stderr by themselves."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger import native_output
from edge_tagger.image_header import read_header
from edge_tagger.images import load_photo


def png(*chunks: bytes, colours: int = 2) -> bytes:
    """2 x 2 pixels of RGB (colours 2) or a palette (3), with more chunks before the picture."""
    row = bytes([0, 200, 10, 10, 10, 20, 200]) if colours == 2 else bytes([0, 0, 1])
    parts = [b"IHDR" + struct.pack(">IIBBBBB", 2, 2, 8, colours, 0, 0, 0), *chunks, b"IDAT" + zlib.compress(row * 2)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in [*parts, b"IEND"]
    )


PALETTE = b"PLTE" + bytes([200, 10, 10, 10, 20, 200])


@pytest.mark.filterwarnings("ignore:.*colour profile")
@pytest.mark.parametrize(
    "data",
    [
        png(b"iCCPx\0\0" + zlib.compress(b"abc"), b"sBIT\1"),
        png(b"tIME\0", b"gAMA\0", b"cHRM\0", b"sRGB\x09", b"pHYs\0", b"zTXtx", b"iTXt", b"tEXt", b"bKGD\1", b"hIST\1"),
        png(b"acTL" + bytes(3), b"fcTL" + bytes(3)),
        png(b"tRNS\1"),
        png(PALETTE, b"tRNS" + b"\xff" * 9, colours=3),
    ],
)
def test_a_png_with_odd_chunks_is_read_without_a_word(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    photo = load_photo(data)
    assert photo.reshape(-1, 3)[:2].tolist() == [[200, 10, 10], [10, 20, 200]]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "chunks", [[b"IHDR" + struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0)], [b"IHDR" + bytes(13)]]
)
def test_a_png_with_two_headers_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(Exception, match="one header"):
        read_header("it", png(*chunks))


def test_the_command_line_says_one_line_about_a_damaged_photo(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    jpeg = bytearray(cv2.imencode(".jpg", noise)[1].tobytes())
    jpeg[1500:1540] = b"\xff\xd3" * 20  # "Corrupt JPEG data"
    (tmp_path / "a.jpg").write_bytes(jpeg)
    (tmp_path / "b.png").write_bytes(png(PALETTE[:-1], colours=3))  # "libpng error: PLTE: invalid"
    script = (
        "import sys; from edge_tagger.cli import main; from edge_tagger import native_output\n"
        "sys.stderr.write('before\\n')\nmain(['colours', 'a.jpg', 'b.png'], standalone_mode=False)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    assert lines[0] == "before"
    assert len(lines) == 2 and "b.png" in lines[1], done.stderr


def test_only_what_libraries_write_is_hidden_whichever_thread_writes() -> None:
    script = """
import os, sys, threading
from edge_tagger import native_output

def work(thread):
    for step in range(100):
        with native_output.hidden():
            os.write(2, b"of a library\\n")
            print("ours", thread, step, file=sys.stderr)

native_output.separate()
threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
os.write(2, b"the end\\n")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.count("ours") == 400 and "of a library" not in done.stderr
    assert done.stderr.endswith("the end\n")


def test_the_library_leaves_the_descriptor_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with native_output.hidden():
        os.write(2, b"of another part of the program\n")
    assert "another part" in capfd.readouterr().err
