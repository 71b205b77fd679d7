import re
from pathlib import Path

import pytest

from edge_tagger.errors import OutputError
from edge_tagger.train.demo_report import Answer, Latency, ModelRow, ShownPhoto, Step, named_scores, write_report
from edge_tagger.train.synthetic import draw_catalogue

EVALUATED = {
    "path": "demo-int8.tflite",
    "size_bytes": 81_000,
    "map_macro": 0.97,
    "map_micro": 0.98,
    "facets": {
        "product": {"top1": 0.96, "levels": {"department": {"top1": 0.99}, "type": {"top1": 0.96}}},
        "details": {"map": 0.95, "f1": 0.91},
        "pattern": {"top1": None, "levels": {"pattern": {"top1": None}}},
    },
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return draw_catalogue(tmp_path / "drawn", photos=1, size=32).parent / "images/00000.jpg"


def _write(path: Path, photo: Path) -> str:
    answers = (Answer("type", ("Bag",), ("Boot",)), Answer("details", (), ()), Answer("colour", ("red",), None))
    write_report(
        path,
        models=[
            ModelRow("float32", 300_000, {"type top-1": 0.961}, None),
            ModelRow("<int8>", 81_000, named_scores(EVALUATED), Latency(1.25, 1.5, 3.0, 41_000_000)),
        ],
        gallery=[ShownPhoto(photo, answers)],
        steps=[Step("draw", 1.5), Step("train", 60.0)],
        facts={"CPU": "a & b"},
    )
    return path.read_text(encoding="utf-8")


def test_scores_are_named_by_facet_and_level() -> None:
    assert named_scores(EVALUATED) == {
        "department top-1": 0.99, "type top-1": 0.96, "details F1": 0.91, "macro mAP": 0.97, "micro mAP": 0.98,
    }  # fmt: skip


def test_the_page_holds_figures_photos_and_mistakes(tmp_path: Path, photo: Path) -> None:
    page = _write(tmp_path / "report.html", photo)
    for expected in ("0.910", "1.25 ms", "41 MB", "81 kB", "Bag → Boot", "61.5 s", "1 of 1 photos", "not labelled"):
        assert expected in page
    assert "&lt;int8&gt;" in page
    assert "a &amp; b" in page


def test_the_page_needs_no_other_file(tmp_path: Path, photo: Path) -> None:
    page = _write(tmp_path / "report.html", photo)
    assert all(source.startswith("data:image/jpeg;base64,") for source in re.findall(r'(?:src|href)="([^"]*)"', page))
    assert "http" not in page


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path, photo: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        _write(tmp_path / "missing" / "report.html", photo)


def test_an_unknown_truth_is_no_mistake() -> None:
    assert not Answer("colour", ("red",), None).is_wrong
    assert Answer("details", ("bow",), ()).is_wrong
    assert not Answer("details", ("bow", "logo"), ("logo", "bow")).is_wrong


def test_a_score_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        ModelRow("int8", 1, {"type top-1": 96.0}, None)
