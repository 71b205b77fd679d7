"""From a source and a recipe to the photos, splits, tags and targets of a run. No TensorFlow here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from edge_tagger.catalogue.alike import find_alike
from edge_tagger.catalogue.labels import Targets, encode
from edge_tagger.catalogue.source import Catalogue, read_catalogue
from edge_tagger.catalogue.split import Split, split_catalogue
from edge_tagger.catalogue.vocabulary import Vocabulary, build_vocabulary
from edge_tagger.errors import CatalogueError, RunError
from edge_tagger.files import write_json
from edge_tagger.images import load_resized
from edge_tagger.manifest import Manifest
from edge_tagger.reading import utf8_name
from edge_tagger.terminal import echo
from edge_tagger.train.checkpoint import save_array
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.run import RunFolder
from edge_tagger.train.source_data import check_unchanged, file_sha256, fingerprint

MAX_UNREADABLE_SHARE = 0.05
_MAX_NAMED = 3
_VERSIONS_OF = ("edge-tagger", "tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")


@dataclass(frozen=True)
class Prepared:
    """All readable photos of a run: paths, splits and targets int8 [n, N], parallel."""

    paths: Sequence[Path]
    splits: Sequence[str]
    targets: Targets

    def of(self, split: str) -> tuple[list[Path], Targets]:
        """Paths and targets of one split."""
        chosen = [place for place, name in enumerate(self.splits) if name == split]
        return [self.paths[place] for place in chosen], self.targets[chosen]


def prepare(
    source: Path, recipe: Recipe, run: RunFolder, weights: Path | None, *, accept_changed_data: bool = False
) -> Prepared:
    """Read, check and split the source and write it into the run; or take what a run to be resumed has.

    Raises CatalogueError where the source cannot be used or over 5 % of its photos cannot be read, RunError where a run
    to be resumed was begun from other weights, is damaged, or, unless `accept_changed_data`, was begun from other data.
    """
    stored = run.read_photos()
    if stored is not None:
        _check_weights(run, weights)
        if not accept_changed_data:
            check_unchanged(source, recipe, run)
        _check_stored(run, recipe, stored)
        return Prepared(*stored)
    catalogue = read_catalogue(source, image_column=recipe.data.image, encoding=recipe.data.encoding)
    first, second, third = recipe.data.fractions
    split = split_catalogue(
        catalogue,
        recipe.facets,
        split_column=recipe.data.split,
        group_column=recipe.data.group,
        fractions=(first, second, third),
        seed=recipe.seed,
    )
    _tell_unreadable(split, len(catalogue))
    _tell_alike(recipe, catalogue)
    vocabulary = build_vocabulary(recipe.facets, split.of("train"), min_count=recipe.data.min_count)
    targets = encode(vocabulary.taxonomy, split.photos)
    source_sha256 = fingerprint(source, catalogue.photos)
    provenance = _provenance(source, source_sha256, recipe, split, vocabulary, weights)
    write_json(run.path / "provenance.json", provenance)
    run.write_manifest(
        Manifest(
            name=recipe.name,
            description=recipe.description,
            licence=recipe.licence,
            version=recipe.version,
            author=recipe.author,
            display_names=_known_names(recipe, vocabulary),
            image_size=recipe.model.image_size,
            taxonomy=vocabulary.taxonomy,
            thresholds=(0.5,) * len(vocabulary.taxonomy),
        )
    )
    rows = [
        (Path(os.path.realpath(photo.path)), name, int(group), photo.place)
        for photo, name, group in zip(split.photos, split.names, split.groups, strict=True)
    ]
    prepared = Prepared([row[0] for row in rows], list(split.names), targets)
    save_array(run.representative_path, _representative(prepared, recipe))
    columns = dict.fromkeys(column for facet in recipe.facets for column in facet.columns)
    run.write_photos(rows, targets, {column: [photo.values[column] for photo in split.photos] for column in columns})
    return prepared


def _check_stored(run: RunFolder, recipe: Recipe, stored: tuple[Sequence[Path], Sequence[str], Targets]) -> None:
    """Before anything is trained. Raises RunError where the files of the run do not belong together."""
    taxonomy, (_, splits, targets) = run.read_manifest().taxonomy, stored
    if targets.shape[1] != len(taxonomy) or taxonomy.facets != recipe.facets:
        raise RunError(f"{run.path}: manifest.json is not that of targets.npy and the recipe; begin a new run")
    if missing := {"train", "val"} - set(splits):
        raise RunError(f"{run.path}: photos.csv has no photo in split {min(missing)!r}; begin a new run")
    run.read_representative(recipe.model.image_size)


def _check_weights(run: RunFolder, weights: Path | None) -> None:
    begun_from = run.read_provenance()["weights_sha256"]
    if begun_from != (file_sha256(weights) if weights else None):
        raise RunError(
            f"{run.path} was begun from {'other' if begun_from else 'no'} weights; resume it with the same --weights"
        )


def _tell_unreadable(split: Split, photos: int) -> None:
    bad = split.unreadable
    if not bad:
        return
    named = "; ".join(f"{photo.place}: {reason}" for photo, reason in bad[:_MAX_NAMED])
    told = f"{len(bad)} of {photos} photos cannot be read ({named}{'; …' if len(bad) > _MAX_NAMED else ''})"
    if len(bad) > MAX_UNREADABLE_SHARE * photos:
        raise CatalogueError(
            f"{told}; at most {MAX_UNREADABLE_SHARE:.0%} may be left out: `edge-tagger data check` lists them, "
            "mend them first"
        )
    echo(f"Warning: {told}; they are left out, `edge-tagger data check` lists all", err=True)


def _tell_alike(recipe: Recipe, catalogue: Catalogue) -> None:
    found = find_alike(recipe.facets, catalogue.photos)
    if found:
        more = f"; and {len(found) - _MAX_NAMED} more" if len(found) > _MAX_NAMED else ""
        named = "; ".join(map(str, found[:_MAX_NAMED]))
        echo(f"Warning: {named}{more} (`edge-tagger data check` lists all)", err=True)


def _known_names(recipe: Recipe, vocabulary: Vocabulary) -> dict[str, Mapping[str, str]]:
    """The recipe's translations of tags that the model has; tells of others, which may be misspelt or too rare."""
    known = {tag.id for tag in vocabulary.taxonomy.tags}
    unknown = sorted({identity for names in recipe.display_names.values() for identity in names} - known)
    if unknown:
        named = ", ".join(unknown[:_MAX_NAMED]) + ("; …" if len(unknown) > _MAX_NAMED else "")
        echo(
            f"Warning: display_names translates {len(unknown)} tags that this model does not have ({named}): they are "
            f"misspelt or have under {recipe.data.min_count} photos in the training split",
            err=True,
        )
    return {
        locale: {identity: name for identity, name in names.items() if identity in known}
        for locale, names in recipe.display_names.items()
    }


def _representative(prepared: Prepared, recipe: Recipe) -> Any:
    """uint8 [n, S, S, 3]: photos of the training split, each tag in turn so that rare ones are there too.

    The first is black and the second white in two corners: their range makes an int8 input of scale 1, zero point 0.
    """
    paths, targets = prepared.of("train")
    rng = np.random.default_rng(recipe.seed)
    wanted = min(recipe.quantize.calibration_photos, len(paths))
    queues = [rng.permutation(np.flatnonzero(column == 1)).tolist() for column in targets.T]
    chosen: dict[int, None] = {}
    while len(chosen) < wanted and any(queues):
        for queue in queues:
            while queue:
                place = queue.pop()
                if place not in chosen:
                    chosen[place] = None
                    break
            if len(chosen) == wanted:
                break
    photos = np.stack([load_resized(paths[place], recipe.model.image_size) for place in chosen])
    photos[0, :2, :2], photos[0, -2:, -2:] = 0, 255
    return photos


def _provenance(
    source: Path, source_sha256: str, recipe: Recipe, split: Split, vocabulary: Vocabulary, weights: Path | None
) -> dict[str, Any]:
    return {
        "source": utf8_name(source),
        "source_sha256": source_sha256,
        "photos": {name: split.names.count(name) for name in sorted(set(split.names))},
        "unreadable": len(split.unreadable),
        "look_alikes_left_out": len(split.leaks),
        "tags_dropped": {tag.id: count for tag, count in vocabulary.dropped},
        "weights": utf8_name(weights) if weights else None,
        "weights_sha256": file_sha256(weights) if weights else None,
        "recipe": recipe.name,
        "model": asdict(recipe.model),
        "seed": recipe.seed,
        "versions": {name: _version(name) for name in _VERSIONS_OF},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
