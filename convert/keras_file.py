"""A Keras file, `.keras` or `.h5`, loaded so that nothing in it runs and nothing but it is read.

The file that Keras sees is a copy that holds only what was looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from edge_tagger.convert.keras_config import custom_layers, read_config
from edge_tagger.errors import ModelError

_MAX_CONFIG_BYTES = 64 << 20
_MAX_WEIGHTS_BYTES = 4 << 30
_CONFIG, _METADATA = "config.json", "metadata.json"
_WEIGHTS = ("model.weights.h5", "model.weights.npz")
_SHOWN_CHARACTERS = 200


def load_keras(path: Path, *, unsafe: bool = False) -> Any:
    """The model in a Keras file, uncompiled: Keras 3 first, as it has the `.keras` format; then Keras 2, whose `.h5`
    files it does not always read. `unsafe` lets code that is inside the file run.

    Raises ModelError where neither can load it, or where it holds what could run code or read other files.
    """
    import keras
    import tf_keras

    problems = []
    with tempfile.TemporaryDirectory(prefix="edge-tagger-") as folder:
        copy = path if unsafe else _safe_copy(path, Path(folder))
        for library in (keras, tf_keras):
            try:
                with library.utils.custom_object_scope(custom_layers(library)):
                    return library.models.load_model(copy, compile=False, safe_mode=not unsafe)
            except Exception as error:  # whatever a stranger's configuration may do to Keras; it is told as one line
                problems.append(f"{library.__name__} {library.__version__}: {brief(error, hidden=folder)}")
    raise ModelError(f"{path} cannot be loaded ({'; '.join(problems)}); save it again, or export it as a SavedModel")


def brief(error: Exception, *, hidden: str | None = None) -> str:
    """The first line, and not all of one that quotes a whole model; without the name of a folder of ours."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return (text.replace(hidden + os.sep, "") if hidden else text)[:_SHOWN_CHARACTERS]


def _safe_copy(path: Path, folder: Path) -> Path:
    import h5py

    if not path.is_file():
        raise ModelError(f"{path} is no file; a Keras model is one file, a SavedModel a folder with saved_model.pb")
    try:
        if zipfile.is_zipfile(path):
            return _copy_zip(path, folder / "model.keras")
        if h5py.is_hdf5(path):
            return _copy_hdf5(path, folder / "model.h5")
    except ModelError:
        raise
    except Exception as error:  # HDF5, zip and zlib have many of their own for a damaged file
        raise ModelError(f"{path} cannot be loaded ({brief(error)}); save it again") from error
    raise ModelError(f"{path} cannot be loaded: it is neither a zip file nor HDF5, as Keras files are; save it again")


def _copy_zip(path: Path, copy: Path) -> Path:
    """The configuration as it was read, and the weights; other members are for layers that read files."""
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(copy, "w") as made:
        config = read_config(str(path), _member(path, given, _CONFIG, _MAX_CONFIG_BYTES))
        made.writestr(_CONFIG, json.dumps(config))
        made.writestr(_METADATA, _member(path, given, _METADATA, _MAX_CONFIG_BYTES))
        weights = [name for name in _WEIGHTS if name in given.namelist()]
        if not weights:
            raise ModelError(f"{path} holds no weights ({' or '.join(_WEIGHTS)}); save the model again")
        _refuse_large(path, given.getinfo(weights[0]).file_size)
        plain = copy.with_name(weights[0])
        with given.open(weights[0]) as packed, plain.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        if plain.suffix == ".h5":
            _check_hdf5(path, plain)
        else:
            with zipfile.ZipFile(plain) as arrays:
                _refuse_large(path, sum(each.file_size for each in arrays.infolist()))
        made.write(plain, weights[0])
    plain.unlink()
    return copy


def _member(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    if name not in archive.namelist():
        raise ModelError(f"{path} holds no {name}, as a Keras file does; save the model again")
    if archive.getinfo(name).file_size > most:
        raise ModelError(f"{path} holds a {name} of over {most >> 20} MiB; it is no model's")
    return archive.read(name)


def _copy_hdf5(path: Path, copy: Path) -> Path:
    import h5py

    _check_hdf5(path, path)
    with h5py.File(path) as given:
        if "model_config" not in given.attrs:
            raise ModelError(f"{path} holds weights alone, no model_config; save the whole model: model.save(...)")
        config = read_config(str(path), given.attrs["model_config"])
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as made:
        made.attrs["model_config"] = json.dumps(config)
        made.attrs.pop("training_config", None)
    return copy


def _check_hdf5(path: Path, file: Path) -> None:
    """Raises ModelError where HDF5 would read another file, or unpack more than any model's weights."""
    import h5py

    total = 0
    with h5py.File(file) as opened:
        waiting, seen = [opened["/"]], set()
        while waiting:
            group = waiting.pop()
            for name in group:
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.ExternalLink):
                    raise _reaches_out(path, f"{group.name}/{name}")
                if isinstance(link, h5py.SoftLink):
                    continue  # what it names stands in this file, and is looked at there
                found = group[name]
                place = h5py.h5o.get_info(found.id).addr
                if place in seen:
                    continue
                seen.add(place)
                if isinstance(found, h5py.Group):
                    waiting.append(found)
                elif isinstance(found, h5py.Dataset):
                    if found.external or found.is_virtual:
                        raise _reaches_out(path, str(found.name))
                    total += found.size * found.dtype.itemsize if found.shape is not None else 0
    _refuse_large(path, total)


def _refuse_large(path: Path, size_bytes: int) -> None:
    if size_bytes > _MAX_WEIGHTS_BYTES:
        raise ModelError(f"{path} unpacks to {size_bytes >> 20} MiB of weights; at most {_MAX_WEIGHTS_BYTES >> 30} GiB")


def _reaches_out(path: Path, name: str) -> ModelError:
    return ModelError(f"{path} takes {name} from another file; save the model again, in one file")
