"""Palettes of users, what is wrong with them, and what the packaged one calls well-known colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_tagger.colours.difference import ciede2000, lab_of
from edge_tagger.colours.palette import Palette, Shade, built_in
from edge_tagger.errors import PaletteError


def named(palette: Palette, hex_code: str) -> str:
    rgb = np.frombuffer(bytes.fromhex(hex_code), np.uint8)
    return palette.nearest(lab_of(rgb)[np.newaxis])[0].name


def written(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mine.toml", '[colours]\nInk = ["#101020", "#202040"]\nPaper = "FEFEFA"\n[groups]\nInk = "Dark"\n'),
        ("mine.csv", "name,hex,group\nInk,#101020,Dark\nInk,#202040,\nPaper,FEFEFA,\n"),
        ("excel.CSV", "\ufeffhex, name ,group\r\n#101020,Ink,Dark\r\n#202040,Ink,Dark\r\nfefefa, Paper,\r\n"),
    ],
)
def test_a_palette_is_read_from_toml_and_csv(tmp_path: Path, name: str, text: str) -> None:
    palette = Palette.read(written(tmp_path, name, text))
    assert palette.shades == (Shade("Ink", "#101020"), Shade("Ink", "#202040"), Shade("Paper", "#fefefa"))
    assert palette.names == ("Ink", "Paper")
    assert (palette.group("Ink"), palette.group("Paper")) == ("Dark", "Paper")
    assert named(palette, "1c1c38") == "Ink"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", '[colors]\nInk = "#101020"\n', "unknown key 'colors'; allowed: colours, groups"),
        ("a.toml", "colours = 3\n", "[colours] must be a table"),
        ("a.toml", "[colours]\n", "it has 0 colours"),
        ("a.toml", '[colours]\nInk = "navy"\n', "the colour of 'Ink' is 'navy'; write #rrggbb"),
        ("a.toml", "[colours]\nInk = 101020\n", "the colour of 'Ink' is 101020; write #rrggbb"),
        ("a.toml", '[colours]\nInk = "#101020"\nNavy = "#101020"\n', "#101020 is called 'Ink' and 'Navy'"),
        ("a.toml", '[colours]\nInk = "#101020"\n[groups]\nInc = "Dark"\n', "no colour has that name"),
        ("a.toml", '[colours]\nInk = "#101020"\n[groups]\nInk = 3\n', "the group of 'Ink' is 3"),
        ("a.toml", "[colours\n", "line 1"),
        ("a.csv", "name;hex\nInk;#101020\n", "no column 'name'; its first line must be name,hex"),
        ("a.csv", "name,hex\nInk\n", "line 2 has not as many cells as the first"),
        ("a.csv", "name,hex\n,#101020\n", "'' is no name"),
        ("a.csv", "", "no column 'name'"),
        ("a.csv", b"name,hex\nGr\xfcn,#208040\n", "is not UTF-8"),
        ("a.txt", "", "neither a .toml nor a .csv"),
    ],
)
def test_a_palette_that_cannot_be_used_says_why(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    path = written(tmp_path, name, text)
    with pytest.raises(PaletteError) as caught:
        Palette.read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_palette_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PaletteError, match=r"cannot read the palette .*none\.toml: No such file"):
        Palette.read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("hex_code", "name"),
    [
        ("ff0000", "Red"), ("008000", "Green"), ("0000ff", "Blue"), ("000080", "Navy Blue"), ("ffff00", "Yellow"),
        ("ffa500", "Orange"), ("800080", "Purple"), ("ffc0cb", "Pink"), ("808080", "Grey"), ("000000", "Black"),
        ("ffffff", "White"), ("800000", "Maroon"), ("808000", "Olive"), ("c0c0c0", "Silver"), ("008080", "Teal"),
        ("8b4513", "Brown"), ("40e0d0", "Turquoise Blue"), ("ff69b4", "Pink"), ("dc143c", "Red"), ("4169e1", "Blue"),
        ("228b22", "Green"), ("add8e6", "Light Blue"), ("87ceeb", "Light Blue"), ("d8bfd8", "Lavender"),
    ],
)  # fmt: skip
def test_the_packaged_palette_calls_the_colours_of_css_by_their_names(hex_code: str, name: str) -> None:
    assert named(built_in(), hex_code) == name


def test_shades_of_different_names_in_the_packaged_palette_are_told_apart() -> None:
    shades = built_in().shades
    labs = np.stack([shade.lab for shade in shades])
    apart = ciede2000(labs[:, np.newaxis], labs)
    names = np.array([shade.name for shade in shades])
    assert apart[names[:, np.newaxis] != names].min() > 6


def test_the_groups_of_the_packaged_palette_are_the_catalogues() -> None:
    palette = built_in()
    assert {palette.group(name) for name in palette.names} == {
        "Black", "Blue", "Brown", "Green", "Grey", "Metallic", "Orange", "Pink", "Purple", "Red", "White", "Yellow",
    }  # fmt: skip
