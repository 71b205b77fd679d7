from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge_tagger.errors import MissingExtraError, OutputError, RunError
from edge_tagger.measure import Measured
from edge_tagger.train.report import thumbnails
from edge_tagger.train.report.page import write_report


class Page(HTMLParser):
    """A page that is read wholly: elements that are left open or closed wrongly are an error."""

    VOID = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(dict(attrs))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self._open, f"<{tag}/> is not closed in HTML"
        self._note(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, tag
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.text += f" {data}"

    def _note(self, attributes: dict[str, str | None]) -> None:
        self.links += [attributes[name] or "" for name in ("src", "href", "xlink:href") if name in attributes]
        self.ids += [attributes["id"] or ""] if "id" in attributes else []
        self.tags += [attributes["data-tag"] or ""] if "data-tag" in attributes else []


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "recipe.toml").write_text('name = "a < b"\n')
    lines = [{"phase": phase, "epoch": 0, "loss": 0.5, "map_macro": 0.25} for phase in ("head", "stage & more")]
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "provenance.json").write_text(json.dumps({"source": "photos.csv", "versions": {"numpy": "2.0"}}))
    (folder / "manifest.json").write_text(json.dumps({"metrics": {"val_map_macro": 0.87654321}}))
    return folder


def test_the_page_stands_alone_and_is_well_formed(
    tmp_path: Path, measured: Measured, float_model: Measured, run: Path
) -> None:
    path = write_report(tmp_path / "new" / "report", [float_model, measured], run=run, title="A < B")
    page = Page(path)
    assert path == tmp_path / "new" / "report" / "index.html"
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "url(http" not in path.read_text() and "@import" not in path.read_text()
    assert page.links.count("#tags") == 1 and any(link.startswith("data:") for link in page.links)
    for expected in ("A < B", "stage & more", 'name = "a < b"', "versions · numpy", "val_map_macro", "0.8765"):
        assert expected in page.text


def test_tags_stand_worst_first_with_their_figures(tmp_path: Path, measured: Measured) -> None:
    page = Page(write_report(tmp_path, [measured], title="one"))
    assert page.tags[:3] == ["colour/Blue", "colour/Red", "only/One"]
    words = " ".join(page.text.split())
    assert "colour Blue 6 5 4 80.0 66.7 72.7" in words
    assert "details <b>& 3 3 2 too few to tell 0.500" in words
    assert "Blue → Red 2" in words and "Red → Blue 1" in words and "3 of 12 photos wrong" in words
    assert "colour 3 of 3" in words and "missed <b>& 0.20" in words
    assert words.count("No mistakes.") == 2  # of the facet with one tag: no confusion, no gallery
    assert "Differences by tag" not in words and "Training" not in words and "baseline" not in words
    assert "<b>&amp;" not in (tmp_path / "index.html").read_text()


def test_differences_are_to_the_first_model(tmp_path: Path, measured: Measured, float_model: Measured) -> None:
    third = replace(measured, name="models/tagger-qat.tflite")
    words = " ".join(Page(write_report(tmp_path, [float_model, measured, third], title="three")).text.split())
    assert "float32 baseline int8 qat" in words
    assert "colour 12 photos 100.0 75.0 \N{MINUS SIGN}25.0 75.0 \N{MINUS SIGN}25.0" in words
    assert "size of the file 8.00 MB 2.00 MB 2.00 MB" in words
    for pair in ("float32 → int8", "float32 → qat", "int8 → qat"):
        assert pair in words
    assert "0 tags gain, 2 lose" in words and "0 tags gain, 0 lose; 0.0 points" in words


def test_models_of_one_file_name_keep_their_folders(tmp_path: Path, measured: Measured) -> None:
    models = [replace(measured, name=f"{folder}/$x{{&.tflite") for folder in "ab"]
    text = Page(write_report(tmp_path, models, title="two")).text
    assert "a/$x{&.tflite → b/$x{&.tflite" in text


def test_photos_that_are_gone_or_too_many_are_named(
    tmp_path: Path, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured.photos[11].path.unlink()
    assert measured.photos[11].place in Page(write_report(tmp_path, [measured], title="gone")).text
    monkeypatch.setattr(thumbnails, "_MAX_BYTES", 0)
    page = Page(write_report(tmp_path, [measured], title="full"))
    assert not any(link.startswith("data:") for link in page.links)
    assert measured.photos[5].place in page.text


def test_photos_without_labels_make_a_page_of_dashes(tmp_path: Path, measured: Measured) -> None:
    blank = [replace(photo, values={"colour": "", "details": "", "only": ""}) for photo in measured.photos]
    unlabelled = Measured.of(measured.name, 1, measured.manifest, blank, measured.scores)
    words = " ".join(Page(write_report(tmp_path, [unlabelled, unlabelled], title="blank")).text.split())
    assert "mAP macro average precision of the scores, mean over the tags \N{EN DASH} \N{EN DASH}" in words
    assert words.count("too few to tell") == len(measured.manifest.taxonomy)


def test_what_stands_in_the_way_is_told_and_leaves_nothing(
    tmp_path: Path, measured: Measured, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with pytest.raises(RunError, match=r"no recipe\.toml"):
        write_report(out, [measured], run=tmp_path, title="no run")
    (run / "metrics.jsonl").write_text('{"phase": "head"')
    with pytest.raises(RunError, match="is broken"):
        write_report(out, [measured], run=run, title="cut off")
    assert list(out.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        write_report(tmp_path / "file", [measured], title="a file")
    with pytest.raises(ValueError, match="at least one"):
        write_report(out, [], title="none")
    for module in ("edge_tagger.charts", "edge_tagger.train.page"):
        monkeypatch.setattr(f"{module}.find_spec", lambda _: None)
        with pytest.raises(MissingExtraError, match=r"edge-tagger\[train\]"):
            write_report(out, [measured], title="no packages")


def test_a_run_that_has_only_its_recipe(tmp_path: Path, measured: Measured) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.toml").write_text('name = "young"\n')
    page = Page(write_report(tmp_path, [measured], run=run, title="young"))
    assert 'name = "young"' in page.text and "curves" not in page.ids
