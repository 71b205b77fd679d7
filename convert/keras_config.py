"""The configuration of a Keras file, looked through before Keras sees it: Keras makes whatever it names.

Keras's own safe mode is on as well, but it knows Lambda layers alone, and Keras 2 has none for `.h5`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from edge_tagger.convert.keras_names import ACTIVATIONS, APPLICATION_LAYERS, LAYERS, is_known, is_known_function
from edge_tagger.errors import ModelError

_HALF = {"mixed_float16", "mixed_bfloat16", "float16", "bfloat16"}
_FUNCTION_MODULES = {None, "builtins", "keras.activations", "tf_keras.activations"}
_TO_DO = (
    "export the model without it, as a SavedModel for example; --unsafe converts it, which runs code that is inside "
    "the file: only for a file whose maker you trust"
)


def read_config(source: str, text: str | bytes) -> Any:
    """The configuration in `text`, ready for Keras: without what is about training, and in float32 throughout.

    A mixed policy keeps its variables in float32, so that nothing is lost. Raises ModelError, which names the layer,
    where it names anything but layers that compute.
    """
    try:
        config = json.loads(text)
        _check(source, config)
        return _in_float32(config)
    except RecursionError as error:
        raise ModelError(f"{source} has a configuration that is nested too deeply; save the model again") from error
    except (TypeError, ValueError) as error:
        raise ModelError(f"{source} has no readable configuration ({error}); save the model again") from error


def custom_layers(library: Any) -> dict[str, Any]:
    """The layers of Keras's own applications that it does not find by itself."""
    applications = f"{library.__name__}.src.applications"
    found = {
        name: getattr(import_module(f"{applications}.{module}"), name, None)
        for name, module in APPLICATION_LAYERS.items()
    }
    return {name: layer for name, layer in found.items() if layer is not None}


def _check(source: str, config: Any) -> None:
    for each in _objects(config):
        if "class_name" in each:
            _check_object(source, each)
        for key, value in each.items():
            activation = key == "activation" or str(key).endswith("_activation")
            if activation and isinstance(value, str) and value not in ACTIVATIONS and value not in LAYERS:
                raise _refused(source, f"the activation {value!r}")


def _check_object(source: str, found: dict[str, Any]) -> None:
    name, module, inner = found["class_name"], found.get("module"), found.get("config")
    registered = found.get("registered_name")
    label = inner.get("name") if isinstance(inner, dict) else None
    shown = f"a layer or object {name!r}" + (f" ({label!r})" if isinstance(label, str) and label != name else "")
    if name == "function":
        if not isinstance(inner, str) or inner not in ACTIVATIONS or module not in _FUNCTION_MODULES:
            raise _refused(source, f"the function {inner!r} of {module or 'no module'}")
        if registered not in (None, "function", inner):
            raise _refused(source, f"the function {registered!r}")
        return
    if not isinstance(name, str) or not (module is None or isinstance(module, str)) or not is_known(name, module):
        raise _refused(source, shown + (f" of {module}" if module else ""))
    if registered not in (None, name, f"Custom>{name}" if name in APPLICATION_LAYERS else name):
        raise _refused(source, f"{shown}, registered as {registered!r}")
    if name in ("TFOpLambda", "SlicingOpLambda"):
        symbol = inner.get("function") if isinstance(inner, dict) else None
        if not is_known_function(symbol):
            raise _refused(source, f"the function of TensorFlow {symbol!r}")


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Each dictionary, wherever it stands. What is about training is not looked at, as it is left out."""
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(value for key, value in each.items() if key != "compile_config")
        elif isinstance(each, list):
            waiting.extend(each)


def _in_float32(config: Any) -> Any:
    if isinstance(config, list):
        return [_in_float32(each) for each in config]
    if not isinstance(config, dict):
        return config
    changed = {key: _in_float32(value) for key, value in config.items() if key != "compile_config"}
    if str(changed.get("class_name")).endswith("Policy") and isinstance(changed.get("config"), dict):
        changed["config"] = {key: _wider(value) for key, value in changed["config"].items()}
    return {key: _wider(value) if key == "dtype" else value for key, value in changed.items()}


def _wider(dtype: Any) -> Any:
    return "float32" if isinstance(dtype, str) and dtype in _HALF else dtype


def _refused(source: str, what: str) -> ModelError:
    return ModelError(f"{source} holds {what}, which could run code or read other files; {_TO_DO}")
