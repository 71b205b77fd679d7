"""What is printed for people, logs and programs."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import pytest

from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.watch.loop import Answer
from edge_tagger.watch.show import Block, JsonLines, Log, position


def photo(name: str = "Yellow") -> TaggedPhoto:
    return TaggedPhoto((TagScore(f"colour/{name}", "colour", name, 0.912, 0.5, ()),), ("colour",))


def answer(at_s: float, *, changed: bool = False, dropped: int = 0, name: str = "Yellow") -> Answer:
    return Answer(photo(name), round(10 * at_s) + 1, at_s, changed, 12.34, 7.6, dropped)


@pytest.mark.parametrize(("at_s", "text"), [(0, "0:00.0"), (9.96, "0:10.0"), (59.99, "1:00.0"), (3725.5, "62:05.5")])
def test_positions(at_s: float, text: str) -> None:
    assert position(at_s) == text


def test_a_log_has_a_line_for_each_change() -> None:
    out, told = io.StringIO(), io.StringIO()
    log = Log(out, told, live=False)
    log.answer(answer(0, changed=True))
    log.answer(answer(0.1))
    log.answer(answer(62.4, changed=True, dropped=3, name="Red"))
    log.tell("the camera is back")
    assert out.getvalue().splitlines() == [
        "0:00.0  colour Yellow 0.91  (12.3 frames/s, latency 8 ms)",
        "1:02.4  colour Red 0.91  (12.3 frames/s, latency 8 ms, 3 dropped)",
    ]
    assert told.getvalue() == "the camera is back\n"


@pytest.mark.parametrize(("every_s", "lines"), [(None, 1), (0.5, 5), (0, 21), (60, 1)])
def test_a_log_has_a_line_every_so_often(every_s: float | None, lines: int) -> None:
    out = io.StringIO()
    log = Log(out, out, live=True, every_s=every_s)
    for frame in range(21):
        log.answer(answer(frame / 10, changed=frame == 0))
    assert len(out.getvalue().splitlines()) == lines


def test_json_lines_hold_the_answer_and_the_rate() -> None:
    out = io.StringIO()
    show = JsonLines(out, out, source="clip.avi", live=False)
    show.answer(answer(1.5, changed=True, dropped=2))
    assert json.loads(out.getvalue()) == {
        "source": "clip.avi", "frame": 16, "at_s": 1.5, "changed": True, "frames_per_s": 12.34, "latency_ms": 7.6,
        "dropped": 2, **photo().to_json(),
    }  # fmt: skip


def test_json_lines_of_a_live_source_tell_the_time_with_its_zone() -> None:
    out = io.StringIO()
    show = JsonLines(out, out, source="inbox", live=True)
    show.photo(Path("inbox/a.jpg"), photo())
    found = json.loads(out.getvalue())
    assert datetime.fromisoformat(found.pop("time")).tzinfo is not None
    assert found == {"source": "inbox", "photo": "inbox/a.jpg", **photo().to_json()}


def screen(text: str) -> list[str]:
    """The lines that a terminal shows after the codes that a block writes."""
    lines = [""]
    while text:
        if text.startswith("\x1b["):
            end = next(place for place, letter in enumerate(text[2:], 2) if letter.isalpha())
            if text[end] == "A":
                row = len(lines) - 1 - int(text[2:end])
                lines = [*lines[:row], ""]
            else:
                assert text[: end + 1] == "\x1b[J"
            text = text[end + 1 :]
        else:
            if text[0] == "\n":
                lines.append("")
            elif text[0] != "\r":
                lines[-1] += text[0]
            text = text[1:]
    return lines


def test_a_block_is_drawn_in_its_place_and_lines_stand_above_it() -> None:
    out, now_s = io.StringIO(), [0.0]
    block = Block(out, live=False, clock=lambda: now_s[0])
    for frame in range(30):
        now_s[0] = frame / 100
        block.answer(answer(now_s[0], name="Red" if frame == 29 else "Yellow"))
    assert out.getvalue().count("colour") == 3  # ten times a second at most
    block.tell("the camera is back")
    block.close()
    assert screen(out.getvalue()) == [
        "the camera is back", "  colour  Red  0.91", "  12.3 frames/s, latency 8 ms   0:00.3", "",
    ]  # fmt: skip


def test_a_block_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out = io.StringIO()
    block = Block(out, live=True)
    block.answer(answer(0, name="A very long name of a colour"))
    assert max(map(len, out.getvalue().splitlines())) == 19


def test_photos_stand_below_each_other_in_a_block() -> None:
    out = io.StringIO()
    block = Block(out, live=True)
    block.photo(Path("a.jpg"), photo())
    block.photo(Path("b.jpg"), photo("Red"))
    block.close()
    assert screen(out.getvalue()) == ["a.jpg", "  colour  Yellow  0.91", "b.jpg", "  colour  Red  0.91", ""]
