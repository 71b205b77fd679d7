"""What a model knows of itself, as JSON inside its `.tflite`.

The manifest is the file `edge_tagger.json` in a zip archive that stands behind the flatbuffer, where TFLite Metadata
keeps its associated files (https://ai.google.dev/edge/litert/conversion/tensorflow/metadata). Entries are stored
uncompressed with fixed dates, so that the same manifest gives the same bytes. `model_crc32` is the crc32 of the
flatbuffer before the archive: it tells a file that others rewrote.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_tagger.archive import associated_files, flatbuffer_bytes
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.json_fields import Fields, parse_json
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

MANIFEST_FILE = "edge_tagger.json"
FORMAT = 1
MAX_MODEL_BYTES = 2**31  # a flatbuffer's places are signed 32-bit numbers
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
# Language, then script or region where they matter: de, pt-BR, zh-Hant, es-419 (a part of BCP 47, RFC 5646).
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")


@dataclass(frozen=True)
class Manifest:
    """The contract between a model and whoever runs it. Thresholds stand in output order.

    `display_names` are translations, locale -> tag's identity -> name; a tag without one shows its own name.
    """

    name: str
    image_size: int
    taxonomy: Taxonomy
    thresholds: tuple[float, ...]
    description: str = ""
    licence: str = ""
    version: str = "1"
    author: str = ""
    display_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    feature_map: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    model_crc32: int | None = None

    def __post_init__(self) -> None:
        if len(self.thresholds) != len(self.taxonomy):
            raise ValueError(f"{len(self.thresholds)} thresholds for {len(self.taxonomy)} tags")
        for tag, threshold in zip(self.taxonomy.tags, self.thresholds, strict=True):
            if not (math.isfinite(threshold) and 0 <= threshold <= 1):
                raise ValueError(f"the threshold of {tag.id!r} is {threshold!r}; it must lie in 0..1")
        if self.model_crc32 is not None and not 0 <= self.model_crc32 < 2**32:
            raise ValueError(f"model_crc32 is {self.model_crc32}; it must lie in 0..2^32 - 1")
        if not 1 <= self.image_size <= 4096:
            raise ValueError(f"image_size is {self.image_size}; it must lie in 1..4096")
        known = {tag.id for tag in self.taxonomy.tags}
        for locale, names in self.display_names.items():
            check_display_names(locale, names)
            if unknown := next((identity for identity in names if identity not in known), None):
                raise ValueError(f"display_names.{locale} names {unknown!r}, which is no tag of this model")

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain JSON values."""
        return {
            "format": FORMAT,
            "name": self.name,
            "description": self.description,
            "licence": self.licence,
            "version": self.version,
            "author": self.author,
            "display_names": {locale: dict(names) for locale, names in self.display_names.items()},
            "input": {"size": self.image_size, "colour": "RGB", "range": [0, 255], "resize": "stretch-bilinear"},
            "facets": [
                {
                    "name": facet.name,
                    "columns": list(facet.columns),
                    "exclusive": facet.exclusive,
                    "separator": facet.separator,
                    "none": facet.none,
                }
                for facet in self.taxonomy.facets
            ],
            "tags": [
                {"id": tag.id, "threshold": threshold}
                for tag, threshold in zip(self.taxonomy.tags, self.thresholds, strict=True)
            ],
            "feature_map": self.feature_map,
            "provenance": dict(self.provenance),
            "metrics": dict(self.metrics),
            "model_crc32": self.model_crc32,
        }

    @classmethod
    def from_json(cls, value: Any) -> Manifest:
        """The manifest of :meth:`to_json`. Raises ManifestError for anything else.

        Files from before there were authors and display names have neither.
        """
        try:
            read = Fields(value)
            if read.whole("format") != FORMAT:
                raise ManifestError(
                    f"the manifest has format {read.whole('format')}, this edge-tagger reads {FORMAT}; "
                    "update edge-tagger"
                )
            tags = read.each("tags")
            translated = read.inside("display_names", {})
            return cls(
                name=read.text("name"),
                description=read.text("description"),
                licence=read.text("licence"),
                version=read.text("version"),
                author=read.text("author", ""),
                display_names={
                    locale: {tag: names.text(tag) for tag in names.value}
                    for locale, names in ((locale, translated.inside(locale)) for locale in translated.value)
                },
                image_size=read.inside("input").whole("size"),
                taxonomy=Taxonomy(
                    tuple(map(_facet, read.each("facets"))), tuple(Tag.from_id(tag.text("id")) for tag in tags)
                ),
                thresholds=tuple(tag.number("threshold") for tag in tags),
                feature_map=read.text_or_none("feature_map"),
                provenance=read.plain("provenance"),
                metrics=read.plain("metrics"),
                model_crc32=read.whole_or_none("model_crc32"),
            )
        except ValueError as error:
            raise ManifestError(f"the manifest is broken: {_brief(error)}; convert the model again") from error


def _facet(read: Fields) -> Facet:
    return Facet(
        name=read.text("name"),
        columns=read.texts("columns"),
        exclusive=read.flag("exclusive"),
        separator=read.text_or_none("separator"),
        none=read.text_or_none("none"),
    )


def _brief(error: ValueError) -> str:
    """What it says: one line, and short whatever it quotes."""
    said = " ".join(str(error).split())
    return said if len(said) <= 300 else f"{said[:300]}..."


def read_manifest(model: str | os.PathLike[str] | bytes) -> Manifest:
    """The manifest inside a `.tflite`. Raises ManifestError where there is none or a broken one, ModelError where
    there is no such file."""
    data, name = (model, "the model") if isinstance(model, bytes) else (read_model(model), str(model))
    manifest = find_manifest(data, name)
    if manifest is None:
        raise no_manifest(name)
    return manifest


def find_manifest(data: bytes, name: str) -> Manifest | None:
    """The manifest inside the bytes of a `.tflite`, which messages call `name`, or None where there is none. Raises
    ManifestError for a broken one."""
    text = associated_files(data).get(MANIFEST_FILE)
    if text is None:
        return None
    try:
        return Manifest.from_json(parse_json(text))
    except ManifestError as error:
        raise ManifestError(f"{name}: {error}") from error
    except ValueError as error:
        raise ManifestError(f"{name}: the manifest is not JSON ({_brief(error)}); convert the model again") from error


def no_manifest(name: str) -> ManifestError:
    """What to say of a file that has none."""
    return ManifestError(
        f"{name} has no {MANIFEST_FILE} inside, so its tags and data columns are unknown: another tool wrote it, or it "
        "was cut off; use a file that `edge-tagger convert` wrote, or name its labels with --labels where the command "
        "has it"
    )


def read_model(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a `.tflite`. Raises ModelError where it cannot be read or does not start as one."""
    try:  # not with pathlib, whose import takes 4 ms of a start
        status = os.stat(path)  # noqa: PTH116
        if stat.S_ISDIR(status.st_mode):
            raise ModelError(f"{path} is a folder; give a .tflite file")
        if not stat.S_ISREG(status.st_mode):  # a FIFO would block, a device might never end
            raise ModelError(f"{path} is not a regular file; give a .tflite file")
        if status.st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{path} takes {status.st_size} bytes, more than a .tflite can ({MAX_MODEL_BYTES})")
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL byte in the path
        raise ModelError(f"cannot read the model {str(path)!r}: {error}") from error
    if data[4:8] != b"TFL3":
        raise ModelError(f"{path} is not a .tflite file: it does not carry the mark TFL3 at byte 4")
    return data


def is_intact(data: bytes, manifest: Manifest) -> bool:
    """Whether the flatbuffer is the one that the manifest was written for."""
    flatbuffer = memoryview(data)[: flatbuffer_bytes(data)]
    return manifest.model_crc32 is None or zlib.crc32(flatbuffer) == manifest.model_crc32


def pack(flatbuffer: bytes, manifest: Manifest, files: Mapping[str, bytes] | None = None) -> bytes:
    """The `.tflite` with the manifest, its crc32 filled in, and `files` (name -> content) packed behind it.

    The same arguments give the same bytes.
    """
    import zipfile  # takes milliseconds that only those who write models need
    from io import BytesIO

    described = {**manifest.to_json(), "model_crc32": zlib.crc32(flatbuffer)}
    text = json.dumps(described, ensure_ascii=False, indent=1, sort_keys=False, allow_nan=False).encode()
    buffer = BytesIO(flatbuffer)
    buffer.seek(0, os.SEEK_END)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, content in {**(files or {}), MANIFEST_FILE: text}.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content)
    return buffer.getvalue()


def check_display_names(locale: str, names: Mapping[str, str]) -> None:
    """Raises ValueError where a label file could not hold the names or its locale says nothing to a phone."""
    if not _LOCALE.fullmatch(locale):
        raise ValueError(f"display_names has the locale {locale!r}; write it as de, pt-BR or zh-Hant")
    for identity, name in names.items():
        if not name.strip() or len(name.splitlines()) != 1:
            raise ValueError(f"display_names.{locale} calls {identity!r} {name!r}; give one line of text")
