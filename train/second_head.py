"""A second head beside the one that trained weights bring: both read the same features, and the mean of their logits is
the answer, an ensemble (Lakshminarayanan et al., "Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles", 2017) that a `.tflite` holds as one head with the hidden units of both.

The kept head is widened to the model's shapes: to what it does not read, and to units that it does not have, its
weights are 0. The second head takes the units that are left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import RunError
from edge_tagger.train.deploy import parts_of
from edge_tagger.train.head import start_head
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.resnet import Weights, get_weights, set_weights


def widened(weights: Weights, model: Any) -> Weights:
    """`weights`, with a head for the tags of `model`, its head and hidden units in the model's shapes.

    Raises RunError where the model's head does not read all that theirs does, or has no more units than theirs.
    """
    kernel = weights["head.kernel"]
    hidden = weights.get("hidden.kernel", np.zeros((len(kernel), 0), np.float32))
    units, own_read = hidden.shape[1], model.get_layer("features").output_shape[-1]
    read, own_units = len(kernel) - units, model.get_layer("head").input_shape[-1] - own_read
    new = not any(map(_of_histogram, weights))
    added = sum(channels for part, channels in parts_of(model).items() if new and _of_histogram(part))
    if read != own_read - added or units >= own_units:
        raise RunError(
            f"the head of the weights reads {read} features through {units} hidden units, and a second one beside it "
            f"would read {own_read - added}, and {added} of the histogram, through {own_units}; take its recipe's "
            f"taps, pool and palette, and hidden of more than {units}"
        )
    head = np.zeros((own_read + own_units, kernel.shape[1]), np.float32)
    head[:read], head[own_read : own_read + units] = kernel[:read], kernel[read:]
    bias = weights.get("hidden.bias", np.zeros(0, np.float32))
    return {
        **weights,
        "head.kernel": head,
        "hidden.kernel": np.pad(hidden, ((0, own_read - read), (0, own_units - units))),
        "hidden.bias": np.pad(bias, (0, own_units - units)),
    }


def take_head(model: Any, seed: int, bias: NDArray[np.float32], *, heads: int = 1) -> Weights:
    """The model's head and hidden units, which give way to a head that knows nothing, of the units that they left:
    all of them, or its share where so many `heads` are to come. Raises RunError where that is none."""
    kept = {name: value for name, value in get_weights(model).items() if name.startswith(("head.", "hidden."))}
    left = np.flatnonzero(~kept["hidden.kernel"].any(0))
    own = left[: len(left) // heads]
    if not len(own):
        raise RunError(f"{len(left)} hidden units are left for {heads} heads beside the first; give hidden more units")
    fresh = tf_keras.initializers.GlorotUniform(seed)(kept["hidden.kernel"].shape).numpy()
    others = np.delete(np.arange(fresh.shape[1]), own)  # at 0 they are never on, and learn nothing
    fresh[:, others] = 0
    model.get_layer("hidden").set_weights([fresh, np.zeros_like(kept["hidden.bias"])])
    start_head(model, seed, bias)
    kernel, _ = model.get_layer("head").get_weights()
    kernel[others - fresh.shape[1]] = 0
    model.get_layer("head").set_weights([kernel, bias])
    return kept


def put_beside(model: Any, kept: Weights) -> None:
    """The head that take_head took, beside the one that has learnt since: logits are the mean of theirs."""
    own = get_weights(model)
    both: Weights = {
        name: (own[name] + value) * np.float32(0.5) for name, value in kept.items() if name.startswith("head.")
    }
    both |= {name: own[name] + value for name, value in kept.items() if name.startswith("hidden.")}
    set_weights(model, both)


def _of_histogram(name: str) -> bool:
    return name.startswith("histogram.")
