"""Models that would run code or read other files where they are loaded: refused before anything loads them."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tf_keras
from click.testing import CliRunner

from edge_tagger.cli import main
from edge_tagger.convert.foreign import open_model
from edge_tagger.convert.saved_model import check_saved_model
from edge_tagger.convert.sources import read_run
from edge_tagger.errors import ModelError, RunError
from edge_tagger.train.keras import tf

SIZE = 16


def model(library: Any, *layers: Any) -> Any:
    return library.Sequential(
        [library.Input((SIZE, SIZE, 3)), *layers, library.layers.Flatten(), library.layers.Dense(3, "softmax")]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good models, whose copies are made bad, and a file of labels."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "labels.txt").write_text("coat\nshirt\nshoe\n")
    model(keras, keras.layers.Conv2D(2, 3)).save(folder / "good.keras")
    image = tf_keras.Input((SIZE, SIZE, 3))
    doubled = tf_keras.layers.Flatten()(tf.math.multiply(image, 2.0))
    tf_keras.Model(image, tf_keras.layers.Dense(3, "softmax")(doubled)).save(folder / "good.h5")
    return folder


def refused(path: Path, folder: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message), open_model(path, labels=folder / "labels.txt"):
        pass


@pytest.fixture()
def lambda_of(tmp_path: Path) -> Callable[[Any], Any]:
    """A layer whose code leaves a mark; the file of it holds that code."""
    mark = f"lambda x: (open({str(tmp_path / 'ran')!r}, 'w').close(), x)[1]"
    return lambda library: library.layers.Lambda(eval(mark), name="mine")


@pytest.mark.parametrize(
    ("library", "name", "wrap"),
    [
        (tf_keras, "m.h5", lambda layer: layer),
        (tf_keras, "m.hdf5", lambda layer: layer),
        (tf_keras, "m.H5", tf_keras.layers.TimeDistributed),
        (tf_keras, "m.h5", lambda layer: tf_keras.Sequential([tf_keras.Input((SIZE, SIZE, 3)), layer])),
        (tf_keras, "m.keras", lambda layer: layer),
        (keras, "m.h5", lambda layer: layer),
        (keras, "m.keras", keras.layers.TimeDistributed),
    ],
)
def test_the_code_of_a_lambda_layer_does_not_run(
    tmp_path: Path, folder: Path, lambda_of: Any, library: Any, name: str, wrap: Any
) -> None:
    model(library, wrap(lambda_of(library))).save(tmp_path / name.lower())
    if name != name.lower():
        (tmp_path / name.lower()).rename(tmp_path / name)
    (tmp_path / "ran").unlink(missing_ok=True)
    refused(tmp_path / name, folder, r"holds a layer or object 'Lambda' \('mine'\).*--unsafe")
    assert not (tmp_path / "ran").exists()


def test_unsafe_runs_it_and_says_so(tmp_path: Path, folder: Path, lambda_of: Any) -> None:
    model(tf_keras, lambda_of(tf_keras)).save(tmp_path / "m.h5")
    shutil.copy(tmp_path / "m.h5", tmp_path / "m.keras")  # HDF5 by another name, which Keras 2 reads all the same
    refused(tmp_path / "m.keras", folder, "'Lambda'")
    (tmp_path / "ran").unlink()
    arguments = ["convert", tmp_path / "m.h5", "--float32", "--labels", folder / "labels.txt", "--out", tmp_path]
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == 5 and not (tmp_path / "ran").exists()
    result = CliRunner().invoke(main, [*map(str, arguments), "--unsafe"])
    assert "Warning: --unsafe runs code that is inside" in result.stderr and (tmp_path / "ran").exists()


def function(module: str | None, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


ACTIVATIONS = [
    (function("os", "system"), "the function 'system' of os"),
    (function("builtins", "eval"), "the function 'eval' of builtins"),
    (function("keras.utils", "get_file"), "'get_file'"),
    (function("keras.saving", "load_model"), "'load_model'"),
    ({**function("builtins", "relu"), "registered_name": "some>other"}, "'some>other'"),
    ({"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}, "'__lambda__'"),
    ("serialize", "the activation 'serialize'"),
]
LAYERS = [
    ("subprocess", "Popen", {"args": "id"}, "'Popen' of subprocess"),
    ("keras.layers", "TFSMLayer", {"filepath": "/tmp"}, "'TFSMLayer'"),
    ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}, "'StringLookup'"),
    ("keras.layers", "TextVectorization", {"vocabulary": "/etc/passwd"}, "'TextVectorization'"),
    ("keras.src.utils.file_utils", "Conv2D", {}, "of keras.src.utils.file_utils"),
    ("keras.src.ops.numpy", "any_symbolic_tensors", {}, "'any_symbolic_tensors'"),
    ("keras.src.ops.core", "Map", {}, "'Map'"),
    (None, "TFOpLambda", {"function": "io.read_file"}, "'io.read_file'"),
    (None, "TensorFlowOpLayer", {"node_def": "ReadFile"}, "'TensorFlowOpLayer'"),
    ("keras.layers", ["Conv2D"], {}, "holds a layer"),
]


def rewritten(folder: Path, to: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    with zipfile.ZipFile(folder / "good.keras") as good, zipfile.ZipFile(to, "w") as bad:
        for name in good.namelist():
            data = good.read(name)
            if name == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            bad.writestr(name, data)
    return to


@pytest.mark.parametrize(("activation", "message"), ACTIVATIONS)
def test_a_configuration_names_no_function_but_activations(
    tmp_path: Path, folder: Path, activation: Any, message: str
) -> None:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][-1]["config"]["activation"] = activation

    refused(rewritten(folder, tmp_path / "m.keras", change), folder, message)


@pytest.mark.parametrize(("module", "name", "config", "message"), LAYERS)
def test_a_configuration_names_no_class_but_layers_that_compute(
    tmp_path: Path, folder: Path, module: str | None, name: Any, config: Any, message: str
) -> None:
    layer = {"module": module, "class_name": name, "config": config, "registered_name": None}

    def nested(whole: dict[str, Any]) -> None:
        whole["config"]["layers"][1]["config"]["kernel_initializer"] = [{"deep": layer}]

    refused(rewritten(folder, tmp_path / "m.keras", nested), folder, message)


def test_a_function_of_tensorflow_in_an_h5_is_one_that_computes(tmp_path: Path, folder: Path) -> None:
    with open_model(folder / "good.h5", labels=folder / "labels.txt") as source:
        assert source.manifest.image_size == SIZE
    shutil.copy(folder / "good.h5", tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace("math.multiply", "io.read_file")
    refused(tmp_path / "m.h5", folder, "the function of TensorFlow 'io.read_file'")


@pytest.mark.parametrize("how", ["link", "external", "virtual", "huge"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_weights_stand_in_the_file_itself(tmp_path: Path, folder: Path, how: str, suffix: str) -> None:
    weights = tmp_path / "weights.h5"
    if suffix == ".h5":
        shutil.copy(folder / "good.h5", weights)
    else:
        weights.write_bytes(zipfile.ZipFile(folder / "good.keras").read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        if how == "link":
            file["mine"] = h5py.ExternalLink(str(folder / "good.h5"), "/model_weights")
        elif how == "external":
            file.create_dataset("mine", shape=(4,), dtype="u1", external=[(str(folder / "labels.txt"), 0, 4)])
        elif how == "virtual":
            layout = h5py.VirtualLayout(shape=(3,), dtype="f4")
            layout[:] = h5py.VirtualSource(str(folder / "good.h5"), "x", shape=(3,))
            file.create_virtual_dataset("mine", layout)
        else:
            file.create_dataset("mine", shape=(1 << 20, 1 << 13), dtype="f4", chunks=(1024, 1024), compression="gzip")
    path = tmp_path / f"m{suffix}"
    if suffix == ".h5":
        weights.rename(path)
    else:
        rewritten(folder, path, lambda _config: None)
        with zipfile.ZipFile(folder / "good.keras") as good, zipfile.ZipFile(path, "w") as bad:
            for name in good.namelist():
                bad.writestr(name, weights.read_bytes() if name == "model.weights.h5" else good.read(name))
    refused(path, folder, r"unpacks to \d+ MiB" if how == "huge" else "takes .*mine from another file")


def test_damaged_and_swollen_files_are_told_in_a_line(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "m.keras"
    for config, message in (
        (b"[" * 200_000, "nested too deeply"),
        (b"{", "no readable"),
        (b" " * (65 << 20), "64 MiB"),
    ):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("config.json", config)
        refused(path, folder, message)
    path.write_bytes((folder / "good.keras").read_bytes()[:-30])
    refused(path, folder, "cannot be loaded")
    (tmp_path / "folder.keras").mkdir()
    refused(tmp_path / "folder.keras", folder, "is no file")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["weights"] = [1.0]
    refused(tmp_path / "w.h5", folder, "holds weights alone")


def after(operation: Callable[[], Any]) -> Callable[[Any], Any]:
    def then(scores: Any) -> Any:
        with tf.control_dependencies([operation()]):
            return tf.identity(scores)

    return then


RAW = tf.raw_ops
OPERATORS = {
    "EagerPyFunc": lambda y: tf.ensure_shape(tf.py_function(lambda t: t, [y], tf.float32), [None, 3]),
    "PyFunc": lambda y: tf.ensure_shape(tf.numpy_function(lambda t: t, [y], tf.float32), [None, 3]),
    "WriteFile": after(lambda: RAW.WriteFile(filename="x", contents="x")),
    "MatchingFiles": after(lambda: RAW.MatchingFiles(pattern="/*")),
    "PrintV2": after(lambda: tf.print("x", output_stream="file://x")),
    "MergeV2Checkpoints": after(lambda: RAW.MergeV2Checkpoints(checkpoint_prefixes=["x"], destination_prefix="x")),
    "RestoreV2": after(
        lambda: RAW.RestoreV2(prefix="x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0]
    ),
    "ImmutableConst": after(lambda: RAW.ImmutableConst(dtype=tf.float32, shape=[1], memory_region_name="/etc/passwd")),
    "ReadFile": lambda y: tf.cond(
        tf.reduce_sum(y) > 9, lambda: y + tf.io.decode_raw(tf.io.read_file("x"), tf.float32), lambda: y
    ),
}


def saved(to: Path, then: Callable[[Any], Any], *, table: Path | None = None) -> Path:
    module = tf.Module()
    module.weights = tf.Variable(tf.zeros([3, 3]))
    if table is not None:
        module.table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
            str(table), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        ), 0)  # fmt: skip

    @tf.function(input_signature=[tf.TensorSpec([None, SIZE, SIZE, 3])])  # type: ignore[misc]
    def serve(image: Any) -> Any:
        return {"scores": then(tf.nn.softmax(tf.reduce_mean(image, [1, 2]) @ module.weights))}

    module.serve = serve
    tf.saved_model.save(module, str(to), signatures=serve)
    return to


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_that_run_python_or_touch_files_are_refused(tmp_path: Path, folder: Path, operator: str) -> None:
    path = saved(tmp_path / "m", OPERATORS[operator])
    refused(path, folder, rf"operators that could run code, or touch files or processes: {operator}; .*--unsafe")


def test_what_runs_while_a_saved_model_is_loaded_is_looked_at_too(tmp_path: Path, folder: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    refused(
        saved(tmp_path / "table", tf.identity, table=folder / "labels.txt"), folder, "InitializeTableFromTextFileV2"
    )
    good = saved(tmp_path / "good", tf.identity)
    check_saved_model(good)

    def changed(name: str, change: Callable[[Any], None]) -> Path:
        shutil.copytree(good, tmp_path / name)
        read = saved_model_pb2.SavedModel.FromString((good / "saved_model.pb").read_bytes())
        change(read.meta_graphs[0])
        (tmp_path / name / "saved_model.pb").write_bytes(read.SerializeToString())
        return tmp_path / name

    def restores_another(graph: Any) -> None:
        (call,) = (node for node in graph.graph_def.node if node.name == graph.saver_def.restore_op_name)
        graph.graph_def.node.add(name="other", op="Const")
        call.input[0] = "other"

    def saves_at_the_start(graph: Any) -> None:
        outputs = graph.signature_def["__saved_model_init_op"].outputs
        outputs["__saved_model_init_op"].name = graph.saver_def.save_tensor_name

    def calls_a_function_of_an_operators_name(graph: Any) -> None:
        graph.graph_def.library.function.add().signature.name = "ReadFile"
        graph.graph_def.node.add(name="mine", op="ReadFile")

    def takes_a_place(graph: Any) -> None:
        for function in graph.graph_def.library.function:
            function.attr["api_implements"].s = b"mine"

    refused(changed("named", calls_a_function_of_an_operators_name), folder, "processes: ReadFile;")
    refused(changed("place", takes_a_place), folder, "processes: MergeV2Checkpoints, RestoreV2, SaveV2;")
    refused(changed("other", restores_another), folder, "processes: RestoreV2;")
    refused(changed("start", saves_at_the_start), folder, "processes: MergeV2Checkpoints, SaveV2;")


def test_a_run_may_be_anothers(tmp_path: Path, data: Path) -> None:
    shutil.copy(data / "tiny-manifest.json", tmp_path / "manifest.json")
    saved(tmp_path / "float", tf.identity)
    saved(tmp_path / "qat", OPERATORS["WriteFile"])
    with pytest.raises(ModelError, match=r"qat holds operators .*WriteFile"):
        read_run(tmp_path)
    np.save(tmp_path / "representative.npy", np.array([{"an": "object"}], object), allow_pickle=True)
    for data_of in (None, b"", b"PK\x03\x04"):
        if data_of is not None:
            (tmp_path / "representative.npy").write_bytes(data_of)
        with pytest.raises(RunError, match=r"no usable representative\.npy"):
            read_run(tmp_path, unsafe=True)
