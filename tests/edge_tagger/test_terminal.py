from __future__ import annotations

import io
import json
from typing import Any

import pytest

from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.terminal import Styled, echo, echo_json, json_text, printable

# What moves a terminal, turns letters round, begins a line, or cannot be encoded.
EVIL = [
    "\x1b]0;PWN\a",
    "\x9b2J",
    "\x7f",
    "\r",
    "\n",
    "\x0b",
    "\u2028",
    "\u202e",
    "\u200f",
    "\u2066",
    "\udcff",
    "\ue000",
]


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_that_comes_from_outside_moves_a_terminal(evil: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # strict, as standard output is
    echo("Größe 服 👟", f"a{evil}b", file=stream)
    echo_json({f"a{evil}b": [evil]}, file=stream)
    echo_json({f"a{evil}b": [evil]}, indent=2, file=stream)
    stream.flush()
    text = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
    lines = text.split("\n")
    assert all(line.isprintable() for line in lines) and len(lines) == 2 + 1 + 5 + 1
    assert lines[0] == "Größe 服 👟" and lines[1].startswith("a\\") and lines[1].endswith("b")
    assert json.loads(lines[2]) == json.loads("".join(lines[3:])) == {f"a{evil}b": [evil]}


def test_our_own_escape_sequences_stay() -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    echo(Styled("\x1b[1mbold\x1b[0m"), "\x1b[1m", file=stream)
    assert stream.getvalue() == "\x1b[1mbold\x1b[0m\n\\x1b[1m\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_letters_that_a_terminal_lacks_are_escaped(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    echo("größe 服", file=stream)
    echo_json({"name": "größe 服 👟"}, file=stream)
    stream.flush()
    plain, value = stream.buffer.getvalue().decode(encoding).splitlines()  # type: ignore[attr-defined]
    assert plain == ("gr\\xf6\\xdfe \\u670d" if encoding == "ascii" else "größe \\u670d")
    assert json.loads(value) == {"name": "größe 服 👟"}


def test_json_keeps_letters() -> None:
    value: dict[str, Any] = {"größe": ["服", "a\tb", "\u202e", "\U000e0041"]}
    text = json_text(value)
    assert "größe" in text and "服" in text and r"\u202e" in text and text.isprintable() and json.loads(text) == value


def test_tags_are_printed_as_lines() -> None:
    tag = TagScore("colour/a\nb", "colour\x1b", "a\nb", 0.5, None, ())
    assert str(tag) == r"a\nb 0.50" and str(TaggedPhoto((tag,))) == r"colour\x1b  a\nb  0.50"
    assert printable("plain") == "plain"
