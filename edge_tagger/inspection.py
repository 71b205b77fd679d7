"""What is inside a `.tflite` of any kind, made by edge-tagger or not: for people and as JSON. Nothing is run."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from edge_tagger.archive import associated_files
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.interpreter import Contents, read_contents, runtime_name
from edge_tagger.labels_file import embedded_labels
from edge_tagger.manifest import MANIFEST_FILE, Manifest, is_intact, read_manifest, read_model
from edge_tagger.tensors import Tensor
from edge_tagger.terminal import printable

_LISTED = 8


@dataclass(frozen=True)
class Inspection:
    """`files` are the packed ones, (name, bytes). `intact` is None without a manifest; `manifest_error` says what is
    wrong with a broken one; `labels` are those that others packed, which are used where there is no manifest."""

    path: str
    size_bytes: int
    runtime: str
    contents: Contents
    files: tuple[tuple[str, int], ...]
    manifest: Manifest | None
    manifest_error: str | None
    intact: bool | None
    labels: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The whole inspection as plain JSON values; the manifest as a summary (the file itself holds it all)."""
        return {
            "path": self.path,
            "size_bytes": self.size_bytes,
            "runtime": self.runtime,
            "inputs": [{**asdict(tensor), "shape": list(tensor.shape)} for tensor in self.contents.inputs],
            "outputs": [{**asdict(tensor), "shape": list(tensor.shape)} for tensor in self.contents.outputs],
            "operators": dict(self.contents.operators),
            "tensors": {
                "per_channel": self.contents.tensors_per_channel,
                "per_tensor": self.contents.tensors_per_tensor,
                "unquantized": self.contents.tensors_unquantized,
            },
            "files": [{"name": name, "size_bytes": size_bytes} for name, size_bytes in self.files],
            "manifest": None if self.manifest is None else _summary(self.manifest),
            "manifest_error": self.manifest_error,
            "intact": self.intact,
            "labels": None if self.labels is None else len(self.labels),
            "signatures": list(self.contents.signatures),
        }

    def __str__(self) -> str:
        contents = self.contents
        total = sum(count for _, count in contents.operators)
        tensors = (
            f"{contents.tensors_per_channel} quantized per channel, {contents.tensors_per_tensor} per tensor, "
            f"{contents.tensors_unquantized} not quantized"
        )
        files = ", ".join(f"{name} ({size_bytes} bytes)" for name, size_bytes in self.files) or "none"
        lines = [
            ("file", f"{self.path}, {self.size_bytes} bytes"),
            ("runtime", self.runtime),
            *(("input", _tensor_line(tensor)) for tensor in contents.inputs),
            *(("output", _tensor_line(tensor)) for tensor in contents.outputs),
            ("operators", f"{total}: " + ", ".join(f"{name} x{count}" for name, count in contents.operators)),
            ("tensors", tensors),
            ("packed files", files),
            *self._signature_lines(),
            *self._manifest_lines(),
        ]
        return "\n".join(f"{name:14}{printable(text)}" for name, text in lines)

    def _signature_lines(self) -> list[tuple[str, str]]:
        names = self.contents.signatures
        return [("signatures", f"{', '.join(names)}; the first graph is what runs")] if len(names) > 1 else []

    def _manifest_lines(self) -> list[tuple[str, str]]:
        if self.manifest is None:
            none = "none; use --labels with the commands that tag"
            if self.labels is not None:
                none = f"none; its {len(self.labels)} packed labels are used: {', '.join(self.labels[:_LISTED])}"
            return [("manifest", self.manifest_error or none)]
        manifest, counts = self.manifest, Counter(tag.facet for tag in self.manifest.taxonomy.tags)
        lines = [
            ("manifest", " ".join(filter(None, (manifest.name, manifest.version, manifest.licence)))),
            ("", manifest.description),
            ("", "" if self.intact else "the model was rewritten after the manifest was made; convert it again"),
        ]
        for facet in manifest.taxonomy.facets:
            kind = "exclusive" if facet.exclusive else "any-of"
            lines.append(("facet", f"{facet.name}: {counts[facet.name]} tags, {kind}, from {', '.join(facet.columns)}"))
        if manifest.display_names:
            lines.append(("names in", ", ".join(manifest.display_names)))
        lines += [("provenance", f"{name}: {_short(value)}") for name, value in manifest.provenance.items()]
        lines += [("metrics", f"{name}: {value}") for name, value in manifest.metrics.items()]
        return [(name, text) for name, text in lines if text]


def inspect_model(path: str | os.PathLike[str]) -> Inspection:
    """Look into a `.tflite`. Raises ModelError for a file that is damaged or none; a broken manifest is reported."""
    data = read_model(path)
    contents = read_contents(path)
    files = associated_files(data)
    manifest, problem = None, None
    if MANIFEST_FILE in files:
        try:
            manifest = read_manifest(data)
        except ManifestError as error:
            problem = str(error)
    return Inspection(
        path=os.fspath(path),
        size_bytes=len(data),
        runtime=runtime_name(),
        contents=contents,
        files=tuple((name, len(content)) for name, content in files.items()),
        manifest=manifest,
        manifest_error=problem,
        intact=None if manifest is None else is_intact(data, manifest),
        labels=_packed_labels(data, contents) if manifest is None else None,
    )


def _packed_labels(data: bytes, contents: Contents) -> tuple[str, ...] | None:
    """None too where the metadata are damaged: `check` says what is wrong with them."""
    try:
        return embedded_labels(data, *(output.shape[-1] for output in contents.outputs if output.shape))
    except ModelError:
        return None


def _short(value: Any) -> str:
    """A list of more than a few values as their number: 128 hashes tell people nothing."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_short(each)}" for name, each in value.items()) + "}"
    return f"{len(value)} values" if isinstance(value, list) and len(value) > _LISTED else str(value)


def _tensor_line(tensor: Tensor) -> str:
    quantization = "" if tensor.scale is None else f", scale {tensor.scale:.8g}, zero point {tensor.zero_point}"
    return f"{tensor.name} {tensor.dtype} {list(tensor.shape)}{quantization}"


def _summary(manifest: Manifest) -> dict[str, Any]:
    counts = Counter(tag.facet for tag in manifest.taxonomy.tags)
    return {
        **{name: value for name, value in manifest.to_json().items() if name != "tags"},
        "facets": [
            {
                "name": facet.name,
                "exclusive": facet.exclusive,
                "columns": list(facet.columns),
                "tags": counts[facet.name],
            }
            for facet in manifest.taxonomy.facets
        ],
        "tags": len(manifest.taxonomy),
    }
