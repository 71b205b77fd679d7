from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from edge_tagger.errors import ModelError
from edge_tagger.labels_file import MAX_LABELS_BYTES, embedded_labels, read_labels

NAMES = ("crane", "Schuh, müde", "crane", "靴")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.txt"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, end: str, path: Path) -> None:
    path.write_bytes((end.join(NAMES) + 3 * end).encode(encoding))
    assert read_labels(path, 4, "m.tflite") == NAMES


def test_utf_16_of_the_other_byte_order(path: Path) -> None:
    path.write_bytes(b"\xfe\xff" + "\n".join(NAMES).encode("utf-16-be"))
    assert read_labels(path, 4, "m.tflite") == NAMES


def test_a_line_ends_where_editors_end_it(path: Path) -> None:
    path.write_text("a\u2028b\nc\x0bd\n", encoding="utf-8")
    assert read_labels(path, 2, "m.tflite") == ("a\u2028b", "c\x0bd")


@pytest.mark.parametrize(
    ("lines", "labels"),
    [
        ("0  background\n1  tench\n", ("background", "tench")),
        ("1: tench\n0: background\n", ("background", "tench")),  # by number, as Coral's tools read it
        ("1 litre\n2 litre\n", ("1 litre", "2 litre")),
        ("0 a\n0 b\n", ("0 a", "0 b")),
        ("0 a\nb\n", ("0 a", "b")),
        ("0\n1\n", ("0", "1")),
    ],
)
def test_numbers_are_taken_off_where_they_can_be_nothing_else(lines: str, labels: tuple[str, ...], path: Path) -> None:
    path.write_text(lines)
    assert read_labels(path, 2, "m.tflite") == labels


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Schuh, müde".encode("latin-1"), r"are not UTF-8 \(byte 8 is 0xfc\); save them as UTF-8"),
        (b"\xff\xfea\x00\x00\xd8", r"are not UTF-16 \(byte 4 is 0x00\)"),
        ("a\nb".encode("utf-16-le"), r"a NUL character \(character 1\)"),
        (b"a\n\nb\n", "a blank line 2"),
        (b"\n\n", "has 0 labels and m.tflite gives 2 scores"),
        (b"a\nb\nc", "has 3 labels and m.tflite gives 2 scores"),
    ],
)
def test_what_is_refused(content: bytes, reason: str, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        read_labels(path, 2, "m.tflite")


def test_what_is_no_file(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="are a folder"):
        read_labels(tmp_path, 2, "m.tflite")
    with pytest.raises(ModelError, match="cannot read the labels"):
        read_labels(path, 2, "m.tflite")
    with pytest.raises(ModelError, match="cannot read"):
        read_labels(Path("nul\0.txt"), 2, "m.tflite")
    os.mkfifo(path)
    with pytest.raises(ModelError, match="not a regular file"):
        read_labels(path, 2, "m.tflite")


def test_a_huge_file_is_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_LABELS_BYTES + 1)
    with pytest.raises(ModelError, match=f"take {MAX_LABELS_BYTES + 1} bytes"):
        read_labels(path, 2, "m.tflite")


def test_labels_inside_the_file(data: Path) -> None:
    two = (data / "two-heads-uint8.tflite").read_bytes()
    assert embedded_labels(two, 2, 3) == ("bright", "dark", "red", "green", "blue")
    assert embedded_labels(two, 3, 2) is None
    assert embedded_labels(two, 5) is None
    one = embedded_labels((data / "logits-float32.tflite").read_bytes(), 8)
    assert one is not None and one[4] == "colour/Warm/Red"
    assert embedded_labels((data / "bare-int8.tflite").read_bytes(), 8) is None


def test_without_metadata_the_one_file_that_fits(data: Path) -> None:
    def packed(**files: str) -> bytes:
        buffer = io.BytesIO((data / "bare-int8.tflite").read_bytes())
        buffer.seek(0, io.SEEK_END)
        with zipfile.ZipFile(buffer, "a") as archive:
            for name, content in files.items():
                archive.writestr(f"{name}.txt", content)
        return buffer.getvalue()

    eight = "\n".join("abcdefgh")
    assert embedded_labels(packed(labels=eight, licence="as it is"), 8) == tuple("abcdefgh")
    assert embedded_labels(packed(labels=eight, names=eight), 8) is None
    assert embedded_labels(packed(labels=eight), 7) is None
