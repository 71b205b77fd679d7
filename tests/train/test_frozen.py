from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_tagger.images import load_resized
from edge_tagger.train import frozen as module
from edge_tagger.train.dataset import PhotoSet, plain_batches
from edge_tagger.train.frozen import FrozenOutputs
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.phases import compute_frozen, run_phase
from edge_tagger.train.prepare import prepare
from edge_tagger.train.recipe import AugmentOptions, Phase, Recipe
from edge_tagger.train.run import RunFolder
from edge_tagger.train.session import Places, Session
from edge_tagger.train.weights import read_pretrained

PHOTOS, SIZE, VIEWS = 40, 8, 2
_BYTES_PER_PHOTO = 2 * (4 * 4 * 3 + 3)


@pytest.fixture(scope="module")
def model() -> Any:
    """Pixels -> a map and its mean."""
    tf_keras.utils.set_random_seed(0)
    pixels = tf_keras.Input((SIZE, SIZE, 3))
    maps = tf_keras.layers.Conv2D(3, 2, 2, activation="relu")(pixels)
    return tf_keras.Model(pixels, [maps, tf_keras.layers.GlobalAveragePooling2D()(maps)])


@pytest.fixture()
def photos(tmp_path: Path) -> PhotoSet:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(PHOTOS)]
    for path in paths:
        cv2.imwrite(str(path), rng.integers(0, 256, (10, 10, 3), dtype=np.uint8))
    return PhotoSet(paths, np.zeros((PHOTOS, 1), np.int8))


@pytest.fixture()
def outputs(model: Any, photos: PhotoSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes FrozenOutputs of 32 photos a file, so that there are several files."""
    monkeypatch.setattr(module, "_FILE_BYTES", 1)

    def make(**changes: Any) -> FrozenOutputs:
        options = {"views": VIEWS, "options": AugmentOptions(), "seed": (1,), **changes}
        return FrozenOutputs(options.pop("model", model), options.pop("photos", photos), tmp_path / "cache", **options)

    return make


def whole(made: FrozenOutputs) -> list[Any]:
    """All tensors of all views."""
    places = np.arange(len(made.photos))
    return [tensor.copy() for view in range(made.views) for tensor in made.rows(np.full_like(places, view), places)]


def test_rows_are_what_the_model_gives_and_each_view_is_another(outputs: Any, model: Any, photos: PhotoSet) -> None:
    plain = outputs(views=1, options=None)
    plain.compute("x", keep_gb=1)
    seen = np.stack([cv2.resize(cv2.imread(str(path))[..., ::-1], (SIZE, SIZE)) for path in photos.paths])
    expected = model(seen.astype(np.float32))
    chosen = np.array([39, 0, 33])
    for tensor, right in zip(plain.rows(np.zeros(3, np.int64), chosen), expected, strict=True):
        np.testing.assert_allclose(tensor, right.numpy()[chosen], rtol=2e-3, atol=0.1)
    np.testing.assert_array_equal(np.concatenate([rows[0] for rows in plain.in_order(7)]), whole(plain)[0])
    assert plain.bytes_per_view == PHOTOS * _BYTES_PER_PHOTO

    augmented = outputs()
    augmented.compute("x", keep_gb=1)
    assert (whole(augmented)[1] != whole(augmented)[3]).mean() > 0.5


def test_what_is_there_is_not_computed_again(outputs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = outputs(), outputs()
    first.compute("x", keep_gb=1)
    monkeypatch.setattr(module, "augmented_batches", lambda *_, **__: pytest.fail("computed again"))
    second.compute("x", keep_gb=1)
    for one, other in zip(whole(first), whole(second), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "harm", ["cut off", "a byte flipped", "another shape", "another type", "no array", "a folder", "gone"]
)
def test_a_broken_file_is_computed_anew_to_the_same_values(outputs: Any, tmp_path: Path, harm: str) -> None:
    made = outputs()
    made.compute("x", keep_gb=1)
    before = whole(made)
    files = sorted((tmp_path / "cache").rglob("*.npy"))
    times = {path: path.stat().st_mtime_ns for path in files}
    assert len(files) == VIEWS * 2 * 2  # views, parts of 32 photos, tensors
    broken = next((tmp_path / "cache").rglob("view1-00000032-0-*.npy"))
    data = bytearray(broken.read_bytes())
    broken.unlink()
    if harm == "cut off":
        broken.write_bytes(data[:-5])
    elif harm == "a byte flipped":
        data[-5] ^= 1
        broken.write_bytes(data)
    elif harm == "another shape":
        np.save(broken, np.zeros((3, 3), np.float16))
    elif harm == "another type":
        np.save(broken, np.load(files[0]).astype(np.float32))
    elif harm == "no array":
        broken.write_bytes(b"PK\x03\x04")
    elif harm == "a folder":
        broken.mkdir()

    again = outputs()
    again.compute("x", keep_gb=1)
    for one, other in zip(before, whole(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted((tmp_path / "cache").rglob("*")) == sorted({*files, files[0].parent})
    changed = {path.name[:14] for path in files if path.stat().st_mtime_ns != times[path]}
    assert changed == {"view1-00000032"}  # and no other file was touched


def test_another_weight_photo_option_or_seed_is_another_key(outputs: Any, photos: PhotoSet, tmp_path: Path) -> None:
    def keys() -> set[str]:
        return {path.name for path in (tmp_path / "cache").iterdir()}

    outputs().compute("x", keep_gb=1)
    first = keys()
    other = tf_keras.models.clone_model(outputs().model)
    other.set_weights([value + (value == value.max()) for value in outputs().model.get_weights()])
    for change in (
        {"model": other},
        {"seed": (2,)},
        {"options": AugmentOptions(flip=False)},
        {"options": None, "views": 1},
        {"photos": PhotoSet(photos.paths[:-1], photos.targets[:-1])},
    ):
        known = keys()
        outputs(**change).compute("x", keep_gb=1)
        assert len(keys() - known) == 1, change
    photos.paths[5].touch()
    os.utime(photos.paths[5], ns=(1, 1))
    known = keys()
    outputs().compute("x", keep_gb=1)
    assert len(keys() - known) == 1 and first <= keys()


def test_other_things_in_the_folder_of_the_cache_stay(outputs: Any, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name in ("photos", "0123456789abcdef", "fedcba9876543210"):
        (cache / name).mkdir(parents=True)
        (cache / name / ("view0-00000000-0-00000000.npy" if name[0] == "f" else "mine.jpg")).write_text("mine")
    (cache / "mine.txt").write_text("mine")
    outputs().compute("x", keep_gb=0)
    assert {path.name for path in cache.iterdir()} >= {"photos", "0123456789abcdef", "mine.txt"}
    assert not (cache / "fedcba9876543210").exists()


def test_the_oldest_go_where_there_is_no_room(outputs: Any, tmp_path: Path) -> None:
    names = []
    for age, seed in ((200, 1), (300, 2), (100, 3)):
        made = outputs(seed=(seed,))
        made.compute("x", keep_gb=1)
        (new,) = {path.name for path in (tmp_path / "cache").iterdir()} - set(names)
        names.append(new)
        os.utime(tmp_path / "cache" / new, (10_000 - age, 10_000 - age))
    own_bytes = sum(path.stat().st_size for path in (tmp_path / "cache" / names[0]).iterdir())
    outputs(seed=(4,)).compute("x", keep_gb=3.2 * own_bytes / 1e9)  # two others and its own
    left = {path.name for path in (tmp_path / "cache").iterdir()}
    assert left & set(names) == {names[0], names[2]} and len(left) == 3
    outputs(seed=(5,)).compute("x", keep_gb=0)
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.fixture(scope="module")
def session(drawn: Path, head_recipe: Recipe, pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training that has not begun."""
    folder = tmp_path_factory.mktemp("session")
    run = RunFolder.open(folder / "run", head_recipe, resume=False)
    prepared = prepare(drawn, head_recipe, run, pretrained)
    weights = read_pretrained(pretrained, "resnet10", 2)
    return Session(head_recipe, run, prepared, weights, Places(folder / "cache"))


def test_a_phase_takes_as_many_views_as_its_cache_holds(session: Any, capsys: pytest.CaptureFixture[str]) -> None:
    phase: Phase = session.recipe.phases[0]
    channels = session.model.get_layer("features").output_shape[-1]
    training, validation = (2 * channels * len(photos) for photos in (session.photos, session.validation))
    found = compute_frozen(session, 0, replace(phase, cache_gb=(validation + 2.5 * training) / 1e9))
    assert found is not None and found.training.views == 2
    assert "holds 2 of 3 views" in capsys.readouterr().err
    stored = sum(path.stat().st_size for path in session.places.cache.rglob("*.npy"))
    assert stored <= validation + 2.5 * training
    assert compute_frozen(session, 0, replace(phase, views=0)) is None
    assert compute_frozen(session, 0, replace(phase, layers="all")) is None


def test_a_phase_without_augmentation_learns_from_photos_as_a_device_sees_them(session: Any) -> None:
    phase: Phase = replace(session.recipe.phases[0], augment=False)
    found = compute_frozen(session, 0, phase)
    assert found is not None and found.training.views == 1
    size = session.recipe.model.image_size
    pixels, _ = next(plain_batches(session.photos, size=size, batch_size=4))
    first = np.arange(4)
    kept = found.training.rows(np.zeros_like(first), first)[0]
    np.testing.assert_allclose(kept, found.parts.frozen(pixels.numpy().astype(np.float32)), rtol=2e-3, atol=1e-3)
    streamed, targets = next(session.batches(4, (1,), 0, 0, augment=False))
    order = np.random.default_rng((1, 0)).permutation(len(session.photos))[:4]
    np.testing.assert_array_equal(targets, session.photos.targets[order])
    for photo, place in zip(streamed.numpy(), order, strict=True):
        np.testing.assert_array_equal(photo, load_resized(session.photos.paths[place], size))


def test_a_phase_whose_cache_holds_no_view_computes_each_step_anew(
    session: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = session.model.get_layer("head").get_weights()[0]
    run_phase(session, 0, replace(session.recipe.phases[0], name="streamed", cache_gb=1e-9))
    assert "do not fit into cache_gb = 1e-09" in capsys.readouterr().err
    assert session.run.checkpoint("streamed").exists()
    assert (session.model.get_layer("head").get_weights()[0] != before).any()
