"""The commands that README.md and pages of docs show exist, with the options that they give them."""

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from edge_tagger.cli import COMMANDS


def shown_commands(readme: str) -> list[list[str]]:
    """The words of each `edge-tagger ...` line in the code blocks, joined where a backslash continues it."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    starts = (re.sub(r"^\s*\$?\s*", "", line) for line in lines)
    return [shlex.split(line, comments=True)[1:] for line in starts if line.startswith("edge-tagger ")]


@pytest.mark.parametrize(
    ("page", "commands"),
    [
        ("README.md", {"train", "convert", "evaluate", "tag", "bench", "compare"}),
        ("docs/library.md", {"tag"}),
        ("docs/bulk.md", {"tag"}),
        ("docs/shops.md", {"tag"}),
        ("docs/bench.md", {"bench", "compare"}),
    ],
)
def test_every_command_shown_exists(root: Path, page: str, commands: set[str]) -> None:
    shown = shown_commands((root / page).read_text(encoding="utf-8"))
    assert {words[0] for words in shown} >= commands
    for words in shown:
        if words[0].startswith("-"):
            continue
        assert words[0] in COMMANDS, words
        command: click.Command = importlib.import_module(COMMANDS[words[0]][0]).command
        if isinstance(command, click.Group) and len(words) > 1:
            assert words[1] in command.commands, words
            command = command.commands[words[1]]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert options <= known | {"--help", "-h"}, words


def test_make_targets_shown_exist(root: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set(re.findall(r"(?:^|`)make ([a-z-]+)", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert shown <= targets
    assert {"demo", "test", "check"} <= targets
