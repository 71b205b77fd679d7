from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.catalogue.split import Split, split_catalogue
from edge_tagger.errors import CatalogueError
from edge_tagger.taxonomy import Facet

KIND = Facet("kind", ("kind",))


def sides(split: Split, groups: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for group, name in zip(groups, split.names, strict=True):
        found.setdefault(group, set()).add(name)
    return found


def test_look_alikes_stay_together_and_the_seed_decides(draw, write_csv) -> None:
    rows = []
    for n in range(40):
        draw(f"{n}.png", n)
        draw(f"{n}-again.png", n, brighter=6)
        rows += [[f"{n}.png", "AB"[n % 2]], [f"{n}-again.png", "AB"[n % 2]]]
    catalogue = read_catalogue(write_csv(["image", "kind"], rows))
    split = split_catalogue(catalogue, [KIND], seed=3)
    assert split.lookalikes.tolist() == [n // 2 for n in range(80)]
    assert all(len(names) == 1 for names in sides(split, split.lookalikes.tolist()).values())
    assert Counter(split.names) == {"train": 64, "val": 8, "test": 8}
    assert {photo.values["kind"] for photo in split.of("val")} == {"A", "B"}
    assert split.leaks == () and split.of("nothing") == ()
    assert split_catalogue(catalogue, [KIND], seed=3).names == split.names
    assert split_catalogue(catalogue, [KIND], seed=4).names != split.names


def test_a_group_column_joins_what_the_pictures_do_not(draw, write_csv) -> None:
    rows = []
    for n in range(30):
        draw(f"{n}.png", n)
        rows.append([f"{n}.png", "A", f"g{n // 3}" if n < 24 else ""])
    draw("29.png", 0)  # a copy of the first photo
    split = split_catalogue(read_catalogue(write_csv(["image", "kind", "g"], rows)), [KIND], group_column="g")
    assert split.groups.tolist()[:6] == [0, 0, 0, 1, 1, 1]
    assert split.groups[29] == 0
    assert len(set(split.groups.tolist())) == 8 + 5
    assert all(len(names) == 1 for names in sides(split, split.groups.tolist()).values())


def test_a_split_column_is_kept_but_for_the_twins_of_later_splits(draw, write_csv) -> None:
    for n in range(8):
        draw(f"{n}.png", n)
    draw("copy-of-0.png", 0)
    draw("like-1.png", 1, brighter=6)
    draw("like-2.png", 2, brighter=6)
    rows = [
        ["0.png", "train", ""],  # same file in val
        ["1.png", "train", ""],  # look-alike in test
        ["2.png", "val", ""],  # look-alike in test
        ["3.png", "train", "g"],  # its group is in val
        ["4.png", "train", ""],
        ["5.png", "val", "g"],
        ["6.png", "", ""],  # in no split
        ["7.png", "extra", ""],
        ["copy-of-0.png", "val", ""],
        ["like-1.png", "test", ""],
        ["like-2.png", "test", ""],
    ]
    catalogue = read_catalogue(write_csv(["image", "s", "g"], rows))
    split = split_catalogue(catalogue, [], split_column="s", group_column="g")
    assert split.names == (*["left out"] * 4, "train", "val", "left out", "extra", "val", "test", "test")
    told = [(leak.photo.place[-1], leak.split, leak.other_split, leak.reason) for leak in split.leaks]
    assert told == [
        ("2", "train", "val", "same file"),
        ("3", "train", "test", "same look"),
        ("4", "val", "test", "same look"),
        ("5", "train", "val", "same group"),
    ]


def test_broken_photos_are_named_and_leave_the_rest_in_order(draw, write_csv, tmp_path: Path) -> None:
    rows = [["missing.jpg", "train"], ["text.jpg", "val"]]
    for n in range(4):
        draw(f"{n}.png", n)
        rows.append([f"{n}.png", "train" if n else "val"])
    (tmp_path / "text.jpg").write_text("no photo")
    split = split_catalogue(read_catalogue(write_csv(["image", "s"], rows)), [], split_column="s")
    assert [photo.path.name for photo in split.photos] == ["0.png", "1.png", "2.png", "3.png"]
    assert [(photo.place, reason.split(" is ")[0].split(" does ")[0]) for photo, reason in split.unreadable] == [
        ("products.csv:2", str(tmp_path / "missing.jpg")),
        ("products.csv:3", str(tmp_path / "text.jpg")),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split_column": "nope"}, "no column 'nope'"),
        ({"group_column": "nope"}, "no column 'nope'"),
        ({"split_column": "s"}, "no photo in split 'val'"),
        ({"fractions": (0.5, 0.1, 0.1)}, "sum to 1"),
        ({"fractions": (1.0, 0.0, 0.0)}, "no photo in split 'val'"),
    ],
)
def test_what_cannot_be_split_is_said(draw, write_csv, options: dict[str, object], message: str) -> None:
    for n in range(3):
        draw(f"{n}.png", n)
    catalogue = read_catalogue(write_csv(["image", "s"], [[f"{n}.png", "train"] for n in range(3)]))
    with pytest.raises(CatalogueError, match=message):
        split_catalogue(catalogue, [], **options)


def test_no_readable_photo_at_all_is_an_error(write_csv) -> None:
    with pytest.raises(CatalogueError, match=r"none of the 1 photos .*missing\.jpg does not exist"):
        split_catalogue(read_catalogue(write_csv(["image"], [["missing.jpg"]])), [])
