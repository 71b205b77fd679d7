"""Globs by the rules of folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.bulk.globs import matches


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ph/a.jpg", "ph/deep/er/b.jpg", "ph/x.txt", "ph/.dot.jpg", "ph/__MACOSX/._a.jpg", "ph/.git/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(pattern: str) -> set[str]:
    return {f"{found.path}{' refused' if found.refused else ''}" for found in matches(pattern)}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("ph/*.jpg", {"ph/a.jpg"}),
        ("./ph/*", {"./ph/a.jpg", "./ph/x.txt"}),
        ("ph/?.[j]pg", {"ph/a.jpg"}),
        ("*/a.jpg", {"ph/a.jpg"}),
        ("ph/*/*/*.jpg", {"ph/deep/er/b.jpg"}),
        ("ph/**/*.jpg", {"ph/a.jpg", "ph/deep/er/b.jpg"}),
        ("**/b.jpg", {"ph/deep/er/b.jpg"}),
        ("ph/**/er/*.jpg", {"ph/deep/er/b.jpg"}),
        ("ph/**", {"ph/a.jpg", "ph/deep/er/b.jpg"}),
        ("ph/**/*.none", set()),
        # Hidden names count where the pattern spells them.
        ("ph/.*.jpg", {"ph/.dot.jpg"}),
        ("ph/__MACOSX/.*", {"ph/__MACOSX/._a.jpg"}),
        ("ph/.git/*.jpg", {"ph/.git/c.jpg"}),
        ("ph/**/.git/*.jpg", {"ph/.git/c.jpg"}),
    ],
)
def test_a_pattern_names_photos(pattern: str, expected: set[str]) -> None:
    assert names(pattern) == expected


@pytest.mark.parametrize("pattern", ["ph/*", "ph/*/*.jpg", "ph/**/*.jpg", "**/*.jpg"])
def test_links_out_and_loops_are_refused_each_for_itself(shop: Path, pattern: str) -> None:
    (shop / "ph" / "out.jpg").symlink_to(shop / "elsewhere" / "d.jpg")
    (shop / "ph" / "in.jpg").symlink_to("a.jpg")
    (shop / "ph" / "there").symlink_to(shop / "elsewhere")
    for name in ("round", "again", "back"):  # Python's glob would follow these to 3^40 names
        (shop / "ph" / name).symlink_to(shop / "ph")
    found = names(pattern)
    recursive = "**" in pattern
    if pattern != "ph/*":
        assert {f"ph/{name} refused" for name in ("round", "again", "back", "there")} <= found
    if pattern != "ph/*/*.jpg":
        assert {"ph/a.jpg", "ph/in.jpg"} <= found
        assert ("ph/out.jpg" if pattern == "**/*.jpg" else "ph/out.jpg refused") in found  # it lies in `.`
    assert len(found) < 12 and (not recursive or "ph/deep/er/b.jpg" in found)


def test_names_of_any_bytes_are_matched() -> None:
    odd = os.fsdecode(b"ph/h\xe9.jpg")
    Path(odd).write_bytes(b"x")
    assert odd in {found.path for found in matches("ph/*.jpg")} & {found.path for found in matches("ph/**/*.jpg")}


@pytest.mark.parametrize("pattern", ["ph/*/*/*.jpg", "ph/**/*.jpg"])
def test_a_folder_that_cannot_be_read_is_told(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ph/shut").mkdir()
    real = os.scandir

    def scandir(path: str) -> Any:
        if "shut" in os.fspath(path):
            raise PermissionError(13, "Permission denied")
        return real(path)

    Path("ph/shut/in").mkdir()
    monkeypatch.setattr("edge_tagger.bulk.globs.os.scandir", scandir)
    found = list(matches(pattern))
    assert next(each.refused for each in found if each.is_folder).endswith("Permission denied")
    assert "ph/deep/er/b.jpg" in {each.path for each in found}
