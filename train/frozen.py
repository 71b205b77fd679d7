"""What the frozen part of a model puts out for photos, computed once and kept on disk: float16, bounded, checked."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import OutputError
from edge_tagger.progress import Progress
from edge_tagger.reading import read_array
from edge_tagger.train.checkpoint import save_array
from edge_tagger.train.dataset import PhotoSet, augmented_batches, plain_batches
from edge_tagger.train.keras import tf
from edge_tagger.train.recipe import AugmentOptions

Outputs = NDArray[np.float16]
_BATCH = 32
_FILE_BYTES = 64 * 10**6
_FILE_PHOTOS = 4096  # what a stopped run loses at most
_HOME = re.compile("[0-9a-f]{16}")
_FILE = re.compile(r"\.?view[0-9]+-[0-9]+-[0-9]+-[0-9a-f]{8}\.npy(\.[a-z0-9_]{8})?")  # or one that is being written


@dataclass
class FrozenOutputs:
    """The outputs of `model` (pixels -> a list of tensors) for `views` augmented views of each photo, or for the photo
    as a device sees it where `options` is None.

    They lie in `folder`, in a folder named after all that they depend on: weights, photos (path, size, time of the last
    change), options and seed. A file that is missing, cut off or has another checksum is computed anew.
    """

    model: Any
    photos: PhotoSet
    folder: Path
    views: int = 1
    options: AugmentOptions | None = None
    seed: tuple[int, ...] = ()
    _open: dict[tuple[int, int], list[Outputs]] = field(default_factory=dict, init=False, repr=False)

    @property
    def bytes_per_view(self) -> int:
        return self._bytes_per_photo * len(self.photos)

    def compute(self, name: str, *, keep_gb: float) -> None:
        """Make the files that are not there; what others left in the folder is removed, the oldest first, until all of
        it fits into `keep_gb`. `name` stands beside the progress bar. Raises OutputError, RunError."""
        try:
            self._home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the cache {self._home}: {error.strerror}; choose another --cache"
            ) from error
        _make_room(self.folder, self._home, int(keep_gb * 1e9) - self.views * self.bytes_per_view)
        with Progress(self.views * len(self.photos), name, unit="photo") as bar:
            for view in range(self.views):
                for start in range(0, len(self.photos), self._step):
                    self._open[view, start] = self._found(view, start) or self._made(view, start, bar)

    def rows(self, views: NDArray[np.int64], photos: NDArray[np.int64]) -> list[Outputs]:
        """Each tensor for the photos at these places, each in its view; parallel [B] -> [B, ...]."""
        starts = photos // self._step * self._step
        picked = [
            [tensor[photo - start] for tensor in self._open[view, start]]
            for view, start, photo in zip(views.tolist(), starts.tolist(), photos.tolist(), strict=True)
        ]
        return [np.stack(tensors) for tensors in zip(*picked, strict=True)]

    def in_order(self, batch_size: int = _BATCH) -> Iterator[list[Outputs]]:
        """All photos in order, in their first view."""
        for start in range(0, len(self.photos), batch_size):
            places = np.arange(start, min(start + batch_size, len(self.photos)))
            yield self.rows(np.zeros_like(places), places)

    @cached_property
    def _shapes(self) -> list[tuple[int, ...]]:
        return [tuple(output.shape[1:]) for output in self.model.outputs]

    @cached_property
    def _bytes_per_photo(self) -> int:
        return sum(2 * int(np.prod(shape)) for shape in self._shapes)

    @cached_property
    def _step(self) -> int:
        return int(np.clip(_FILE_BYTES // self._bytes_per_photo, _BATCH, _FILE_PHOTOS))

    @cached_property
    def _home(self) -> Path:
        digest = hashlib.sha256(repr((self._shapes, self.model.input_shape, self.options, self.seed)).encode())
        for value in self.model.get_weights():
            digest.update(value.tobytes())
        for path in self.photos.paths:
            stat = path.stat()
            digest.update(os.fsencode(path) + f"\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
        return self.folder / digest.hexdigest()[:16]

    @cached_property
    def _forward(self) -> Any:
        @tf.function(reduce_retracing=True, autograph=False)
        def forward(pixels: Any) -> Any:
            outputs = self.model(tf.cast(pixels, tf.float32), training=False)
            largest = np.float32(np.finfo(np.float16).max)
            return [tf.cast(tf.clip_by_value(o, -largest, largest), tf.float16) for o in tf.nest.flatten(outputs)]

        return forward

    def _part(self, start: int) -> PhotoSet:
        part = slice(start, start + self._step)
        return PhotoSet(self.photos.paths[part], self.photos.targets[part])

    def _found(self, view: int, start: int) -> list[Outputs]:
        """The tensors, a file each, mapped into memory; none where one of them is missing or broken."""
        tensors = []
        for place, shape in enumerate(self._shapes):
            whole = None
            for path in self._home.glob(f"view{view}-{start:08d}-{place}-*.npy"):
                whole = _mapped(path, (len(self._part(start)), *shape))
            if whole is None:
                return []
            tensors.append(whole)
        return tensors

    def _made(self, view: int, start: int, bar: Progress) -> list[Outputs]:
        part, size = self._part(start), self.model.input_shape[1]
        if self.options is None:
            batches = plain_batches(part, size=size, batch_size=_BATCH)
        else:
            seed = (*self.seed, view, start)
            batches = augmented_batches(part, size=size, batch_size=_BATCH, options=self.options, seed=seed)
        parts = []
        for pixels, _ in batches:
            parts.append([tensor.numpy() for tensor in self._forward(pixels)])
            bar.update(len(pixels))
        for place, tensors in enumerate(zip(*parts, strict=True)):
            tensor = np.concatenate(tensors)
            save_array(self._home / f"view{view}-{start:08d}-{place}-{zlib.crc32(tensor.data):08x}.npy", tensor)
        return self._found(view, start)


def _mapped(path: Path, shape: tuple[int, ...]) -> Outputs | None:
    """The array in `path`, or None, and the file removed, where it is not whole."""
    try:
        tensor: Outputs = read_array(path, kind=np.float16, shape=shape, mapped=True)
        if f"{zlib.crc32(tensor.data):08x}" == path.stem[-8:]:
            return tensor
    except (OSError, ValueError):
        pass
    _remove(path)
    return None


def _remove(path: Path) -> None:
    """Raises OutputError."""
    try:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise OutputError(f"cannot remove {path} from the cache: {error.strerror}; remove it yourself") from error


def _is_cache(path: Path) -> bool:
    """Whether a folder is one of these: --cache may name a folder that holds other things too, which are not ours."""
    if path.is_symlink() or not path.is_dir() or not _HOME.fullmatch(path.name):
        return False
    return all(_FILE.fullmatch(file.name) for file in path.iterdir())


def _make_room(folder: Path, own: Path, allowed_bytes: int) -> None:
    """Remove other caches in `folder`, the oldest first, until they take at most `allowed_bytes`."""
    others = sorted(
        (path for path in folder.iterdir() if path != own and _is_cache(path)), key=lambda p: p.stat().st_mtime
    )
    sizes = [sum(file.stat().st_size for file in path.iterdir()) for path in others]
    for place, path in enumerate(others):
        if sum(sizes[place:]) <= max(allowed_bytes, 0):
            return
        shutil.rmtree(path, ignore_errors=True)
