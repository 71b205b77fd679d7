from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.benchmarks.accuracy import AccuracyBench
from edge_tagger.benchmarks.device_bench import Job
from edge_tagger.benchmarks.devices.fake import FakeDevice
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.benchmarks.photos import PhotoSet
from edge_tagger.benchmarks.plan import make_plan
from edge_tagger.benchmarks.results import Extra, Report
from edge_tagger.benchmarks.runner import run
from edge_tagger.benchmarks.tables import format_report
from edge_tagger.catalogue.source import Catalogue, read_catalogue
from edge_tagger.errors import CatalogueError
from edge_tagger.evaluate import evaluate

DATA = Path(__file__).resolve().parents[1] / "data"
TINY, BARE, NONE = (DATA / name for name in ("tiny-uint8.tflite", "bare-int8.tflite", "two-inputs.tflite"))
PLAN = make_plan(num_runs=2, warmup_runs=0)


@pytest.fixture
def photos(products: Path, tmp_path: Path) -> PhotoSet:
    told: list[str] = []
    return PhotoSet(read_catalogue(products), tmp_path, tell=told.append)


def bench(photos: PhotoSet, *models: Path, device: Any = "local") -> Report:
    return run(models, Job(plan=PLAN, accuracy=AccuracyBench(photos)), devices=[device])


def extra(report: Report, kind: str) -> Extra:
    (found,) = report.of_kind(kind)
    return found


def test_figures_are_those_of_evaluate_and_scores_are_bit_equal_here(photos: PhotoSet, products: Path) -> None:
    content = extra(bench(photos, TINY), "accuracy").content
    assert (content["photos"], content["bit_equal"], content["largest_difference"]) == (6, True, 0.0)
    expected = evaluate([TINY], read_catalogue(products))["models"][0]
    assert content["figures"] == {name: value for name, value in expected.items() if name != "difference"}
    assert content["figures"]["facets"]["colour"]["top1"] == 1.0


def test_a_model_without_manifest_is_compared_and_has_no_figures(photos: PhotoSet) -> None:
    content = extra(bench(photos, BARE), "accuracy").content
    assert content["bit_equal"] and content["figures"] is None and "edge_tagger.json" in content["figures_unavailable"]


def test_columns_that_are_missing_or_unknown_have_no_figure(products: Path, tmp_path: Path) -> None:
    text = products.read_text().replace("light", "lamp")
    products.write_text(text)
    set_of = PhotoSet(read_catalogue(products), tmp_path, tell=print)
    report = bench(set_of, TINY)
    figures = extra(report, "accuracy").content["figures"]
    assert figures["facets"]["light"] == {"map": None, "f1": None} and figures["facets"]["colour"]["top1"] == 1.0
    assert "tiny-uint8.tflite: light is not measured: there is no such column" in format_report(report)
    products.write_text(text.replace("colour", "farbe").replace("group", "art"))
    content = extra(bench(PhotoSet(read_catalogue(products), tmp_path, tell=print), TINY), "accuracy").content
    assert content["figures"] is None and "no label to measure it by" in content["figures_unavailable"]


def test_what_is_no_classifier_is_measured_all_the_same(photos: PhotoSet) -> None:
    report = bench(photos, NONE)
    assert len(report.results) == 1 and not report.failures
    for kind in ("accuracy", "split"):
        why = extra(report, kind).unavailable
        assert why is not None and "2 inputs" in why


def test_scores_that_differ_are_told_by_how_much(photos: PhotoSet, worker: Any) -> None:
    """A device whose first score is two steps of 1/256 higher."""
    local = bench(photos, TINY)

    def answer(words: list[str], folder: Path) -> Ended:
        ended: Ended = worker(words, folder)
        request = worker.requests[-1] if worker.requests else {}
        if words[0] != "sh" and request["mode"] == "scores":
            from edge_tagger.interpreter import Model

            model = Model(TINY)
            pixels = np.load(folder / request["photos"])
            stored = np.stack([np.rint(model.scores(photo) * 256) for photo in pixels]).clip(0, 250).astype(np.uint8)
            stored[0, 0] += 2
            np.savez(folder / request["scores"], **{"0": stored})
        return ended

    worker.changed = {"decode_ms": [1.0], "resize_ms": [1.0], "invoke_ms": [1.0], "scores_ms": None}
    report = bench(photos, TINY, device=FakeDevice(answer=answer))
    content = extra(report, "accuracy").content
    assert content["bit_equal"] is False and content["largest_difference"] >= 2 / 256 * 0.99
    assert extra(local, "accuracy").content["bit_equal"] is True


@pytest.mark.parametrize("written", [b"", b"PK\x03\x04 cut off", None])
def test_scores_that_cannot_be_read_are_the_device_s_fault(
    written: bytes | None, photos: PhotoSet, worker: Any
) -> None:
    def answer(words: list[str], folder: Path) -> Ended:
        ended: Ended = worker(words, folder)
        if words[0] != "sh" and worker.requests[-1]["mode"] == "scores":
            target = folder / worker.requests[-1]["scores"]
            if written is None:
                np.savez(target, **{"0": np.zeros((6, 3), np.uint8)})  # of another model
            else:
                target.write_bytes(written)
        return ended

    (failure,) = bench(photos, TINY, device=FakeDevice(answer=answer)).failures
    assert "cannot be read" in failure.message and failure.exit_code == 9


def test_resume_measures_again_with_other_photos(products: Path, tmp_path: Path) -> None:
    def measure(most: int, *, resume: bool) -> Report:
        whole = read_catalogue(products)
        some = Catalogue(whole.source, whole.columns, whole.photos[:most])
        job = Job(plan=PLAN, accuracy=AccuracyBench(PhotoSet(some, tmp_path, tell=print)))
        return run([TINY], job, json_path=tmp_path / "bench.json", resume=resume)

    first = measure(6, resume=False)
    assert measure(6, resume=True).extras == first.extras, "times of the split would differ"
    again = measure(4, resume=True)
    assert extra(again, "accuracy").content["photos"] == 4 and extra(again, "split").content["photos"] == 4
    assert again.results == first.results


def test_timed_runs_get_the_photos(photos: PhotoSet, worker: Any) -> None:
    bench(photos, TINY, device=FakeDevice(answer=worker))
    request = worker.requests[0]
    assert request["photos"].endswith(".npy") and request["codes"] == list(range(256))


def test_the_way_from_the_jpeg_is_split_into_its_steps(photos: PhotoSet) -> None:
    content = extra(bench(photos, TINY), "split").content
    assert content["photos"] == 6
    assert all(len(content[step]) == 42 and min(content[step]) > 0
               for step in ("decode_ms", "resize_ms", "invoke_ms", "scores_ms", "total_ms"))  # fmt: skip
    assert content["total_ms"][0] == pytest.approx(
        sum(content[step][0] for step in content if step.endswith("_ms") and step != "total_ms")
    )


def test_without_a_manifest_scores_are_not_decoded(photos: PhotoSet) -> None:
    content = extra(bench(photos, BARE), "split").content
    assert content["scores_ms"] is None and min(content["total_ms"]) > 0


def test_without_opencv_the_split_is_unavailable(photos: PhotoSet, worker: Any) -> None:
    def answer(words: list[str], folder: Path) -> Ended:
        if words[0] != "sh" and '"mode": "split"' in (folder / words[2]).read_text():
            (folder / words[3]).write_text('{"error": {"kind": "unavailable", "message": "OpenCV cannot be imported"}}')
            return Ended(1, "", "")
        ended: Ended = worker(words, folder)
        if words[0] != "sh" and worker.requests[-1]["mode"] == "scores":
            np.savez(folder / worker.requests[-1]["scores"], **{"0": np.zeros((6, 8), np.uint8)})
        return ended

    report = bench(photos, TINY, device=FakeDevice(answer=answer))
    assert extra(report, "split").unavailable == "OpenCV cannot be imported" and not report.failures


def test_photos_that_cannot_be_read_are_told_and_left_out(products: Path, tmp_path: Path) -> None:
    (products.parent / "0.jpg").write_bytes(b"no photo")
    told: list[str] = []
    photos = PhotoSet(read_catalogue(products), tmp_path, tell=told.append)
    assert len(photos.at(8).photos) == 5 and photos.at(8).pixels.shape == (5, 8, 8, 3)
    photos.at(16)
    assert len(told) == 1 and told[0].startswith("products.csv:2")
    assert [path.name for path in photos.jpegs(8, most=2)] == ["1.jpg", "2.jpg"]
    for number in range(1, 6):
        (products.parent / f"{number}.jpg").unlink()
    with pytest.raises(CatalogueError, match="none of the 6 photos"):
        PhotoSet(read_catalogue(products), tmp_path, tell=told.append).at(8)
