"""The one way to a terminal. What comes from outside (names of files, labels, cells, lines of a device) cannot move it.

Every line that the commands show goes through :func:`echo`, every value that they print as JSON through
:func:`echo_json`; tests/structure holds that. It is the same where standard output is a pipe or a file, for what is
read today by a program is shown tomorrow by `cat`.
"""

from __future__ import annotations

import sys
from typing import Any, TextIO


class Styled(str):
    """Text with escape sequences of our own, which :func:`echo` lets through."""

    __slots__ = ()


def printable(text: str) -> str:
    r"""`text` with everything written as an escape (`\x1b`, `\u202e`, `\udcff`) that could move a terminal, turn the
    order of letters, begin a line of its own, or not be encoded at all."""
    if text.isprintable() or isinstance(text, Styled):
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def echo(*lines: str, err: bool = False, file: TextIO | None = None) -> None:
    """Print lines to standard output, to standard error (`err`) or to `file`. A line end inside of one is escaped.

    Letters that the stream's encoding lacks are escaped as well. Raises OSError where it cannot be written.
    """
    import click  # here, for `import edge_tagger` needs none of it

    stream = file or (sys.stderr if err else sys.stdout)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = "\n".join(map(printable, lines))
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), file=file, err=err)


def echo_json(value: Any, *, indent: int | None = None, file: TextIO | None = None) -> None:
    """Print a value as JSON: one line, or several where there is an `indent`. Raises OSError as :func:`echo`."""
    import json

    stream = file or sys.stdout
    text = json_text(value, indent=indent)
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    echo(*text.split("\n"), file=file)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON in which letters stay letters, and what is not printable is escaped as JSON does it."""
    import json  # here, for `import edge_tagger` needs none of it

    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
