"""Tags the photos of a source that the journal does not have yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from edge_tagger.batch import in_order
from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.record import Record, Stamp
from edge_tagger.bulk.source import Source
from edge_tagger.colours.dominant import dominant_colours
from edge_tagger.colours.palette import Palette
from edge_tagger.errors import EdgeTaggerError, PhotoError
from edge_tagger.images import PhotoLike, load_covering
from edge_tagger.progress import Progress
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.tagger import Tagger, usable_cores


@dataclass
class Counts:
    """Photos that were tagged now, that the journal had already (`kept`), and of the others those whose file is not as
    it was when the journal got them (`changed`); `failed` could not be tagged, `refused` were not even read."""

    tagged: int = 0
    kept: int = 0
    changed: int = 0
    failed: int = 0
    refused: int = 0

    @property
    def total(self) -> int:
        return self.tagged + self.kept + self.failed + self.refused


@dataclass(frozen=True)
class _Todo:
    key: str
    path: str
    stamp: Stamp | None


@dataclass
class Job:
    """One run over a source. `workers` as in Tagger.tag_many; with a `palette` dominant colours are found too, in the
    same pixels. `counts` is filled as it goes on."""

    tagger: Tagger
    source: Source
    journal: Journal
    workers: int | None = None
    palette: Palette | None = None
    counts: Counts = field(default_factory=Counts)
    _waiting: set[str] = field(default_factory=set)

    def run(self) -> Counts:
        """Tag what is not done, or whose file is another than when it was done, and what failed; show progress.

        A photo that cannot be read is recorded with its error. Raises what Source.items, Tagger.tag_many and Journal
        raise; the journal then has what was done before.
        """
        tag = self.tagger.tag_in_threads()

        def work(photo: _Todo) -> tuple[str, Record]:
            try:
                return photo.key, self._record(photo, tag)
            except PhotoError as error:
                return photo.key, Record(photo.stamp, error=str(error))

        with Progress(None, "tag", unit="photos") as progress:
            for key, record in in_order(work, self._todo(progress), workers=self.workers or usable_cores()):
                if record.tagged is not None or record != self.journal.get(key):
                    self.journal.append(key, record)  # what fails every night is kept once
                self._waiting.discard(key)
                self.counts.tagged += record.tagged is not None
                self.counts.failed += record.tagged is None
                if self.counts.tagged + self.counts.failed == 1:
                    _count_meanwhile(self.source, progress)
                progress.update(1, **({"failed": self.counts.failed} if self.counts.failed else {}))
        return self.counts

    def _record(self, photo: _Todo, tag: Callable[[PhotoLike], TaggedPhoto]) -> Record:
        if self.palette is None:
            return Record(photo.stamp, tag(photo.path))
        pixels = load_covering(photo.path, self.tagger.model.input_size, limits=self.tagger.limits)
        return Record(photo.stamp, tag(pixels), colours=dominant_colours(pixels, palette=self.palette))

    def _todo(self, progress: Progress) -> Iterator[_Todo]:
        for item in self.source.items(self.journal.index):
            self.counts.refused += bool(item.refused)
            key, stamp = item.key, Stamp.of(item.path)
            if item.refused or key in self._waiting or self._is_done(key, stamp):
                progress.skip(1)
            else:
                self._waiting.add(key)
                yield _Todo(key, item.path, stamp)

    def _is_done(self, key: str, stamp: Stamp | None) -> bool:
        if self.journal.has_from_now(key):  # another row has the same photo
            return True
        known = self.journal.get(key)
        if known is None or known.tagged is None:
            return False
        self.counts.kept += known.stamp == stamp
        self.counts.changed += known.stamp != stamp
        return known.stamp == stamp


def _count_meanwhile(source: Source, progress: Progress) -> None:
    """Find out how many photos there are beside the first ones that are tagged."""

    def count() -> None:
        with suppress(EdgeTaggerError):  # the run will come upon it, and tell
            progress.expect(source.count())

    threading.Thread(target=count, name="edge-tagger-count", daemon=True).start()
