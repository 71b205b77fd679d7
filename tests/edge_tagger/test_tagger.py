from __future__ import annotations

import gc
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, repeat
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import pytest

from edge_tagger import Tagger, read_manifest
from edge_tagger import tagger as tagger_module
from edge_tagger.archive import split_model
from edge_tagger.errors import ManifestError, ModelError, PhotoError
from edge_tagger.images import Limits
from edge_tagger.manifest import Manifest, pack
from edge_tagger.runtimes import Runtime
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

YELLOW = np.full((20, 30, 3), (255, 255, 0), np.uint8)


def test_a_photo_gets_its_tags(data: Path) -> None:
    with Tagger(data / "tiny-uint8.tflite", threads=1) as tagger:
        tagged = tagger.tag(YELLOW)
    assert [tag.tag for tag in tagged.tags] == ["colour/Warm", "colour/Warm/Yellow", "light/bright"]
    warm, yellow = tagged.path("colour")
    assert yellow.name == "Yellow" and yellow.parents == ("colour/Warm",) and yellow.threshold == 0.5
    assert warm.score >= yellow.score > 0.9
    assert str(tagged) == "colour  Warm > Yellow  0.98\nlight   bright  0.95"
    assert json.loads(json.dumps(tagged.to_json()))["tags"][1] == {
        "tag": "colour/Warm/Yellow",
        "facet": "colour",
        "name": "Yellow",
        "score": yellow.score,
        "threshold": 0.5,
        "parents": ["colour/Warm"],
    }


def test_scores_are_raw(data: Path) -> None:
    tagger = Tagger(data / "tiny-float32.tflite", threads=1)
    scores = tagger.scores(np.full((8, 8, 3), (255, 0, 0), np.uint8))
    assert scores.dtype == np.float32 and scores.shape == (8,)
    assert scores[4] > scores[3]  # Red above Warm: nothing lifted the parent


def test_the_manifest_is_the_golden_one(data: Path) -> None:
    manifest = read_manifest(data / "tiny-float32.tflite")
    assert manifest.to_json() == json.loads((data / "tiny-manifest.json").read_text())
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_labels_stand_in_for_a_manifest(data: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(["cool", "blue", "green", "warm", "red", "a/b, yellow", "bright", "dark"]) + "\n\n")
    tagged = Tagger(data / "bare-int8.tflite", labels=labels).tag(YELLOW)
    assert len(tagged.tags) == 5
    assert {tag.name for tag in tagged.tags[:2]} == {"warm", "a/b, yellow"}
    assert tagged.tags[0].threshold is None and tagged.tags[0].facet == "label"
    assert [tag.score for tag in tagged.tags] == sorted((tag.score for tag in tagged.tags), reverse=True)
    assert "a/b, yellow" in str(tagged)


@pytest.mark.parametrize(("content", "reason"), [(b"a\nb\n", "2 labels"), (b"\xff\n" * 8, "not UTF-8")])
def test_bad_labels(content: bytes, reason: str, data: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        Tagger(data / "bare-int8.tflite", labels=tmp_path / "labels.txt")
    with pytest.raises(ModelError, match="cannot read the labels"):
        Tagger(data / "bare-int8.tflite", labels=tmp_path / "none.txt")


def test_a_model_without_manifest_is_named(data: Path) -> None:
    with pytest.raises(ManifestError, match=r"bare-int8\.tflite has no edge_tagger\.json.*--labels"):
        Tagger(data / "bare-int8.tflite")


def test_a_manifest_that_does_not_fit(data: Path) -> None:
    flatbuffer = split_model((data / "tiny-uint8.tflite").read_bytes())[0]
    manifest = read_manifest(data / "tiny-uint8.tflite")
    with pytest.raises(ModelError, match="takes 8 px and its manifest says 16 px"):
        Tagger(pack(flatbuffer, replace(manifest, image_size=16)))
    two = Taxonomy((Facet("type", ("class",)),), (Tag("type", ("a",)), Tag("type", ("b",))))
    with pytest.raises(ModelError, match="8 scores and its manifest names 2 tags"):
        Tagger(pack(flatbuffer, Manifest("two", 8, two, (0.5, 0.5))))


def test_a_rewritten_model_warns(data: Path, tmp_path: Path) -> None:
    whole = (data / "tiny-float32.tflite").read_bytes()
    place = whole.index(np.float32(-12).tobytes())
    path = tmp_path / "rewritten.tflite"
    path.write_bytes(whole[:place] + np.float32(-11).tobytes() + whole[place + 4 :])
    with pytest.warns(UserWarning, match=r"rewritten\.tflite was changed after"):
        Tagger(path)


def test_bad_photos_and_a_closed_tagger(data: Path, tmp_path: Path) -> None:
    tagger = Tagger(data / "tiny-uint8.tflite")
    with pytest.raises(PhotoError, match="does not exist"):
        tagger.tag(tmp_path / "none.jpg")
    tagger.close()
    with pytest.raises(ModelError, match="closed"):
        tagger.tag(YELLOW)


def test_a_damaged_file_is_told_by_its_checksum_before_the_runtime_sees_it(data: Path, tmp_path: Path) -> None:
    whole = bytearray((data / "tiny-float32.tflite").read_bytes())
    whole[200:400] = bytes(200)
    path = tmp_path / "damaged.tflite"
    path.write_bytes(whole)
    with (
        pytest.warns(UserWarning, match=r"damaged\.tflite was changed after .* damaged"),
        patch("edge_tagger.tagger.Model", side_effect=ModelError("refused")),
        pytest.raises(ModelError, match=r"refused \(its checksum differs"),
    ):
        Tagger(path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_file_is_told_before_the_runtime_sees_it(kept: float, data: Path, tmp_path: Path) -> None:
    whole = (data / "tiny-uint8.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(whole[: int(len(whole) * kept)])
    with patch("edge_tagger.tagger.Model", side_effect=AssertionError), pytest.raises(ManifestError, match="cut off"):
        Tagger(tmp_path / "cut.tflite")


def test_options_reach_the_answer(data: Path) -> None:
    model = data / "tiny-uint8.tflite"
    assert [tag.tag for tag in Tagger(model, max_results=1).tag(YELLOW)] == ["colour/Warm"]
    assert [tag.tag for tag in Tagger(model, allow=["light"]).tag(YELLOW)] == ["light/bright"]
    assert Tagger(model, score_threshold=0.99).tag(YELLOW).tags == ()
    assert "colour/Warm/Yellow" not in Tagger(model, deny=["colour/Warm/Yellow"]).tag(YELLOW)
    with pytest.raises(ModelError, match=r"tiny-uint8\.tflite has no display names for 'de'; it has none"):
        Tagger(model, locale="de")
    with pytest.raises(PhotoError, match="megapixels"):
        Tagger(model, limits=Limits(max_pixels=10)).tag(YELLOW)
    assert 1 <= Tagger(model).threads <= 4 and Tagger(model, threads=3).threads == 3


def test_labels_inside_a_model_of_others_are_used(data: Path) -> None:
    tagged = Tagger(data / "two-heads-uint8.tflite").tag(YELLOW)
    assert {tag.name for tag in tagged} == {"bright", "dark", "red", "green", "blue"}
    logits = Tagger(data / "logits-float32.tflite", max_results=99)
    tagged = logits.tag(YELLOW)
    assert sum(tag.score for tag in tagged) == pytest.approx(1) and tagged.tags[0].name == "colour/Warm/Yellow"
    assert np.ptp(logits.scores(YELLOW)) > 1  # raw


def files_of(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{place}.png" for place in range(count)]
    for place, path in enumerate(paths):
        colour = np.array([(0, 0, 255), (0, 255, 255), (255, 0, 0), (0, 255, 0)][place % 4], np.uint8)
        cv2.imwrite(str(path), np.full((5 + place, 9, 3), colour))
    return paths


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_many_photos_get_the_tags_that_each_gets(workers: int | None, data: Path, tmp_path: Path) -> None:
    paths = files_of(tmp_path, 30)
    photos = [*paths, paths[1].read_bytes(), YELLOW]
    with Tagger(data / "tiny-uint8.tflite") as tagger:
        assert list(tagger.tag_many(iter(photos), workers=workers)) == [tagger.tag(photo) for photo in photos]


def test_a_bad_photo_among_many_is_raised_or_returned_at_its_turn(data: Path, tmp_path: Path) -> None:
    paths = files_of(tmp_path, 12)
    paths[7].write_bytes(b"no photo")
    with Tagger(data / "tiny-uint8.tflite") as tagger:
        results = tagger.tag_many(paths)
        assert len(list(islice(results, 7))) == 7
        with pytest.raises(PhotoError, match=r"7\.png"):
            next(results)
        assert list(results) == []
        found = list(tagger.tag_many(paths, errors="return"))
        assert [isinstance(each, PhotoError) for each in found] == [place == 7 for place in range(12)]
        assert len(found) == 12 and tagger.tag(paths[0]) == found[0]


def test_tag_many_takes_from_an_endless_source_and_leaves_no_thread(data: Path) -> None:
    with Tagger(data / "tiny-uint8.tflite") as tagger:
        for place, _ in enumerate(tagger.tag_many(repeat(YELLOW), workers=2)):
            if place == 20:
                break
        gc.collect()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("edge-tagger")]


def test_tag_many_says_what_is_wrong(data: Path) -> None:
    tagger = Tagger(data / "tiny-uint8.tflite")
    with pytest.raises(ValueError, match="workers is 0"):
        tagger.tag_many([YELLOW], workers=0)
    with pytest.raises(ValueError, match="errors is 'ignore'"):
        tagger.tag_many([YELLOW], errors="ignore")  # type: ignore[call-overload]
    results = tagger.tag_many(repeat(YELLOW))
    next(results)
    tagger.close()
    with pytest.raises(ModelError, match="closed"):
        list(results)
    with pytest.raises(ModelError, match="closed"):
        tagger.tag_many([])


def test_one_tagger_serves_several_threads_and_may_be_closed_among_them(data: Path) -> None:
    tagger = Tagger(data / "tiny-uint8.tflite")
    expected, wrong, closed = tagger.tag(YELLOW), [], []

    def serve() -> None:
        try:
            while True:
                if tagger.tag(YELLOW) != expected:
                    wrong.append(YELLOW)
                if list(tagger.tag_many([YELLOW] * 3, workers=2)) != [expected] * 3:
                    wrong.append(YELLOW)
        except ModelError as error:
            closed.append(str(error))

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    tagger.close()
    for thread in threads:
        thread.join(timeout=30)
    assert wrong == [] and len(closed) == 4 and all("closed" in error for error in closed)


def test_a_model_is_looked_through_once_and_the_packaged_one_only_if_it_was_changed(data: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copy(tagger_module._PACKAGED, tmp_path))
    photo = np.zeros((8, 8, 3), np.uint8)
    with patch.object(Runtime, "rehearse", autospec=True) as rehearse:
        for model, times in ((None, 0), (copied, 1), (data / "tiny-uint8.tflite", 1)):
            rehearse.reset_mock()
            with Tagger(model) as tagger:
                assert len(list(tagger.tag_many([photo] * 4, workers=2))) == 4
            assert rehearse.call_count == times
        rehearse.reset_mock()
        with patch.object(tagger_module, "is_intact", return_value=False), pytest.warns(UserWarning, match="damaged"):
            Tagger().close()
        assert rehearse.call_count == 1


def test_ctrl_c_ends_tag_many_at_once(data: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    code = (
        "import sys, numpy, itertools; from edge_tagger import Tagger\n"
        f"tagger = Tagger({str(data / 'tiny-uint8.tflite')!r})\n"
        "for place, _ in enumerate(tagger.tag_many(itertools.repeat(numpy.zeros((400, 400, 3), numpy.uint8)))):\n"
        "    if place == 20: print('on', flush=True)\n"
    )
    process = start([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"on\n"
    process.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert process.returncode != 0


@pytest.mark.shared
def test_tag_many_keeps_its_memory(data: Path, shared: Path) -> None:
    """5,000 photos take no more than the first 500 did. (20,000 and 1,000 were measured: 66.8 MB each.)"""
    photos = sorted((shared / "data" / "fashion-products" / "images").iterdir())[:500]
    code = (
        "import sys, resource, itertools; from edge_tagger import Tagger\n"
        "photos = itertools.islice(itertools.cycle(sys.argv[2:]), 5_000)\n"
        "for number, _ in enumerate(Tagger(sys.argv[1]).tag_many(photos), 1):\n"
        "    if number in (500, 5_000): print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, data / "tiny-uint8.tflite", *photos], capture_output=True, text=True, check=True
    )
    first, last = map(int, done.stdout.split())
    assert last <= 1.02 * first


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, edge_tagger; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"numpy", "cv2", "ai_edge_litert", "tflite_runtime", "tensorflow", "imagesize", "click"}


def test_tagging_never_loads_tensorflow(data: Path) -> None:
    code = (
        "import sys, numpy; from edge_tagger import Tagger\n"
        f"Tagger({str(data / 'tiny-uint8.tflite')!r}).tag(numpy.zeros((4, 4, 3), numpy.uint8))\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('tensorflow', 'tf_keras')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
