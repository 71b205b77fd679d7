"""The face of the library: a photo in, its tags out."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Literal, overload

from edge_tagger.archive import associated_files
from edge_tagger.decoder import LABEL_FACET, Decoder, LabelDecoder, decode
from edge_tagger.errors import ModelError, PhotoError
from edge_tagger.images import DEFAULT_LIMITS, Limits, PhotoLike, load_resized
from edge_tagger.interpreter import Model
from edge_tagger.manifest import Manifest, find_manifest, is_intact, no_manifest, read_model
from edge_tagger.options import Options
from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.taxonomy import Scores, Tag
from edge_tagger.tensors import Normalization

if TYPE_CHECKING:
    from edge_tagger.explain.class_activation import Explainer, Explanation

__all__ = ["DEFAULT_MODEL", "LABEL_FACET", "TagScore", "TaggedPhoto", "Tagger", "decode"]

DEFAULT_MODEL = "product-tagger-int8.tflite"
# Not with pathlib, whose import takes 4 ms of a start.
_PACKAGED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models", DEFAULT_MODEL)  # noqa: PTH100,PTH118,PTH120
_MAX_THREADS = 4  # more gain little on a model that takes some milliseconds


class Tagger:
    """Tags photos with a `.tflite`: the packaged one, one that edge-tagger wrote, or any classifier with labels.

    `labels` is a text file with one label a line, in output order; it stands in for the manifest, as do labels that are
    packed in a file without one. The answer is then the five best labels (see edge_tagger.decoder.LabelDecoder).

    `max_results`, `score_threshold`, `allow`, `deny` and `locale` say which tags are wanted (edge_tagger.options);
    `threads`, `backend`, `delegate`, `delegate_options` and `normalization` how the model runs
    (edge_tagger.interpreter). Without `threads` every core that the process may use works on a photo, up to four.

    `display_names` are the names (identity -> name) that the locale has for tags.

    Tags from several threads: one photo at a time, for which the others wait; :meth:`tag_many` works on several. Use as
    a context manager, or call :meth:`close`. Raises ModelError where the file is no classifier, its manifest does not
    fit it, the labels do not, or it lacks what the options name; ManifestError where it has neither manifest nor
    labels; MissingExtraError without a runtime; ValueError for an option that cannot be. A file that was changed since
    its manifest was made is used with a warning.
    """

    def __init__(  # noqa: PLR0913
        self,
        model: str | os.PathLike[str] | bytes | None = None,
        *,
        labels: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        backend: str = "auto",
        delegate: str | os.PathLike[str] | None = None,
        delegate_options: Mapping[str, str] | None = None,
        normalization: Normalization | None = None,
        max_results: int | None = None,
        score_threshold: float | None = None,
        allow: Collection[str] = (),
        deny: Collection[str] = (),
        locale: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        options = Options(max_results, score_threshold, allow, deny, locale)
        self.threads = min(_MAX_THREADS, usable_cores()) if threads is None else threads
        self.limits = limits
        name, data = _read(model)
        self.manifest = None if labels is not None else find_manifest(data, name)
        if labels is None and self.manifest is None and not associated_files(data):
            raise no_manifest(name)
        intact = self.manifest is None or is_intact(data, self.manifest)
        if not intact:
            warnings.warn(
                f"{name} was changed after its manifest was made (its checksum differs): it is damaged, or another "
                "tool rewrote it; its scores and thresholds may be off; copy or convert it again",
                stacklevel=2,
            )
        self._open = partial(
            Model, name=name, backend=backend, delegate=delegate, delegate_options=delegate_options,
            normalization=normalization,
        )  # fmt: skip
        try:
            # What was packaged, and is as it was, is as trusted as the code beside it.
            sound = name == _PACKAGED and self.manifest is not None and intact
            self._model: Model | None = self._open(data, threads=self.threads, sound=sound)
        except ModelError as error:
            if intact:
                raise
            raise ModelError(f"{error} (its checksum differs from its manifest's: it is damaged)") from error
        self.labels: tuple[str, ...] = ()
        self.display_names: Mapping[str, str] = {}
        if self.manifest is not None:
            self.display_names = options.display_names(self.manifest, name)
            _check_fit(self._model, self.manifest)
            self._decode: Decoder | LabelDecoder = Decoder(self.manifest, options, model=name)
        else:
            self.labels = _labels(self._model, labels)
            if self._model.assumes_pixels:
                warnings.warn(
                    f"{name} takes float pixels and does not say how they are normalized; it gets 0..255 as they are. "
                    "If its answers make no sense, give mean and std: --mean 127.5 --std 127.5 for -1..1, --mean 0 "
                    "--std 255 for 0..1",
                    stacklevel=2,
                )
            self._decode = LabelDecoder(self.labels, self._model.heads, options, model=name)

    @property
    def model(self) -> Model:
        """The model in memory. Raises ModelError after :meth:`close`."""
        if self._model is None:
            raise ModelError("this Tagger is closed; make a new one")
        return self._model

    @property
    def facets(self) -> tuple[str, ...]:
        """The facets that photos are asked: those that allow and deny leave; of a model with labels alone, "label"."""
        return self._decode.facets

    def scores(self, photo: PhotoLike) -> Scores:
        """float32 [N]: the model's scores as they are, dequantized, undecoded, in output order. Raises PhotoError."""
        return self._scores(self.model, photo)

    def tag(self, photo: PhotoLike) -> TaggedPhoto:
        """The tags of a photo: a path, encoded bytes, a binary file, or a uint8 RGB array [H, W, 3]. Raises
        PhotoError."""
        return self._decode(self.scores(photo))

    def decode(self, scores: Scores) -> TaggedPhoto:
        """The tags that scores, float32 [N] as :meth:`scores` gives them, stand for: of several photos' mean, say."""
        return self._decode(scores)

    @overload
    def tag_many(
        self, photos: Iterable[PhotoLike], *, workers: int | None = None, errors: Literal["raise"] = "raise"
    ) -> Iterator[TaggedPhoto]: ...

    @overload
    def tag_many(
        self, photos: Iterable[PhotoLike], *, workers: int | None = None, errors: Literal["return"]
    ) -> Iterator[TaggedPhoto | PhotoError]: ...

    def tag_many(
        self,
        photos: Iterable[PhotoLike],
        *,
        workers: int | None = None,
        errors: Literal["raise", "return"] = "raise",
    ) -> Iterator[TaggedPhoto | PhotoError]:
        """The tags of each photo, in order, while later ones are worked on.

        `workers` threads, one for each core that the process may use unless said otherwise, decode and infer, each with
        an interpreter of its own: for the packaged model 17 MB each, until the last photo. With a delegate they share
        one. `photos` may be endless: at most four per worker are taken ahead. A photo that cannot be read raises
        PhotoError at its turn and ends the iteration; with `errors="return"` the error stands in its place. Raises
        ModelError after :meth:`close`, ValueError for an option that cannot be.
        """
        if workers is not None and workers < 1:
            raise ValueError(f"workers is {workers}; give 1 or more, or None for every core")
        if errors not in ("raise", "return"):
            raise ValueError(f'errors is {errors!r}; give "raise" or "return"')
        self.model  # noqa: B018  told now, not at the first photo
        from edge_tagger.batch import in_order  # takes some milliseconds that one photo does not need

        tag = self.tag_in_threads()

        def work(photo: PhotoLike) -> TaggedPhoto | PhotoError:
            try:
                return tag(photo)
            except PhotoError as error:
                if errors == "raise":
                    raise
                return error

        return in_order(work, photos, workers=workers or usable_cores())

    def tag_in_threads(self) -> Callable[[PhotoLike], TaggedPhoto]:
        """What :meth:`tag_many` calls: as :meth:`tag`, but of several threads that call it none waits for another.

        Each gets an interpreter of its own, which goes when the thread ends; with a delegate they share one.
        """
        own = threading.local()

        def tag(photo: PhotoLike) -> TaggedPhoto:
            model = self.model
            if model.delegate is None:
                if not hasattr(own, "model"):
                    own.model = self._open(model.data, threads=1, sound=True)
                model = own.model
            return self._decode(self._scores(model, photo))

        return tag

    def explain(self, photo: PhotoLike, tags: str | Sequence[str] = ()) -> tuple[Explanation, ...]:
        """Which places of a photo speak for each of `tags`, identities or names that only one tag has; without any, for
        those of the photo that have none below them, or each facet's best where it has none.

        The first call makes a second interpreter, which keeps all activations: 58 MB for the packaged model. Raises
        PhotoError; ModelError for an unknown tag, and for a model whose head cannot be traced.
        """
        pixels = load_resized(photo, self.model.input_size, limits=self.limits)
        asked = [tags] if isinstance(tags, str) else tags
        if not asked:
            found = self._decode(self.model.scores(pixels))
            above = {parent for tag in found for parent in tag.parents}
            asked = [tag.tag for tag in found if tag.tag not in above]
        return self._explainer.explain(pixels, asked)

    @cached_property
    def _explainer(self) -> Explainer:
        from edge_tagger.explain.class_activation import Explainer

        labels = tuple(Tag(LABEL_FACET, (label,)) for label in self.labels)
        return Explainer(self.model, labels if self.manifest is None else self.manifest.taxonomy.tags)

    def _scores(self, model: Model, photo: PhotoLike) -> Scores:
        return model.scores(load_resized(photo, model.input_size, limits=self.limits))

    def close(self) -> None:
        """Let go of the model's memory, once the photos that are worked on are done."""
        self._model = None
        self.__dict__.pop("_explainer", None)

    def __enter__(self) -> Tagger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(model: str | os.PathLike[str] | bytes | None) -> tuple[str, bytes]:
    """(name for messages, bytes)."""
    if isinstance(model, bytes):
        return "the model", model
    if model is not None:
        return os.fspath(model), read_model(model)
    if not os.path.isfile(_PACKAGED):  # noqa: PTH113
        raise ModelError(f"this installation has no packaged model ({DEFAULT_MODEL}); name a .tflite file")
    return _PACKAGED, read_model(_PACKAGED)


def _labels(model: Model, path: str | os.PathLike[str] | None) -> tuple[str, ...]:
    from edge_tagger.labels_file import embedded_labels, read_labels  # models with a manifest never need it

    if path is not None:
        return read_labels(path, model.num_scores, model.name)
    packed = embedded_labels(model.data, *(output.shape[-1] for output in model.outputs))
    if packed is None:
        raise no_manifest(model.name)
    return packed


def _check_fit(model: Model, manifest: Manifest) -> None:
    if model.num_scores != len(manifest.taxonomy):
        raise ModelError(
            f"{model.name} gives {model.num_scores} scores and its manifest names {len(manifest.taxonomy)} tags; "
            "convert the model again"
        )
    if model.input_size != manifest.image_size:
        raise ModelError(
            f"{model.name} takes {model.input_size} px and its manifest says {manifest.image_size} px; "
            "convert the model again"
        )
