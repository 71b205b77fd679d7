"""A recipe: all options of one training, as frozen dataclasses. No TensorFlow here.

Read and written as TOML by edge_tagger.train.recipe_file, checked by edge_tagger.train.recipe_rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_tagger.taxonomy import Facet

LOSSES = ("binary_crossentropy", "effective_number", "focal", "asymmetric")
POOLS = ("mean", "mean+max")
PRECISIONS = ("float32", "bfloat16")
SECOND_HEAD = "second_head"  # the layers of a phase that trains one
TEACHERS = ("labels", "kernel")
HISTOGRAM_BINS = 9 * 12 * 11  # of the whole grid of edge_tagger.train.histogram


@dataclass(frozen=True)
class DataOptions:
    """Which columns hold what. Without a `split` column photos are split by `fractions` (train, val, test), by group;
    without a `group` column the groups are the near-duplicates. Tags with fewer than `min_count` photos in the
    training split are dropped. `encoding` is that of a CSV, found out where it is not said."""

    image: str = "image"
    split: str | None = None
    group: str | None = None
    min_count: int = 10
    fractions: tuple[float, ...] = (0.8, 0.1, 0.1)
    encoding: str | None = None


@dataclass(frozen=True)
class ModelOptions:
    """`taps` are earlier stages whose maps the head sees too, pooled (colour and texture are there, not at the end);
    `pool` is how each map is pooled: "mean" or "mean+max". `palette` is a number of learnt colours whose shares of the
    photo and of its middle the head sees as well, `histogram` one of fixed bins of colour (see that module), `hidden`
    one of units between all that and the tags; 0: none."""

    backbone: str = "resnet50v2"
    stages: int = 3
    image_size: int = 160
    taps: tuple[int, ...] = ()
    pool: str = "mean"
    palette: int = 0
    histogram: int = 0
    hidden: int = 0


@dataclass(frozen=True)
class AugmentOptions:
    """`crop` is the largest share of each side that is cut away, `brightness` the largest change of all pixels, `hue`
    the largest turn of the colour circle (a share of it; refused where a colour facet is learnt). With
    `interpolation` each view is resized by a method drawn at random, so that it does not matter how a device does."""

    flip: bool = True
    crop: float = 0.15
    brightness: float = 0.15
    hue: float = 0.0
    interpolation: bool = True


@dataclass(frozen=True)
class LossOptions:
    """`kind` is one of "binary_crossentropy", "effective_number" (`beta`), "focal" (`gamma`), "asymmetric" (`gamma`,
    `margin`). `siblings` and `coherent`: see edge_tagger.train.losses; docs/training.md has them compared."""

    kind: str = "binary_crossentropy"
    beta: float = 0.999
    gamma: float = 2.0
    margin: float = 0.05
    siblings: float = 0.0
    coherent: bool = False


@dataclass(frozen=True)
class Phase:
    """One stretch of training. `layers` names what learns: "head", "all", a first stage ("stage3": it and all after
    it), or "second_head": one beside the head that the weights bring (see edge_tagger.train.second_head).
    What lies before it is computed once for `views` augmented views of each photo and kept on disk, as many
    as `cache_gb` holds; 0 views, or a cache too small for one: each step computes it anew, on a fresh view. Without
    `augment` the one view is the photo as a device sees it.
    The learning rate falls from its start to nothing along a half cosine, after `warmup` (a share of all steps).
    `average` is the decay of an exponential moving average of the weights, which the phase ends with; 0: none.
    `mixup` above 0 teaches the head pairs of photos too, their pooled features and answers mixed in shares drawn from a
    Beta distribution of that parameter ("mixup", Zhang et al., 2018, on features as in "Manifold Mixup", Verma et al.,
    2019): the smaller, the nearer to one of the two.
    `members` copies learn one after the other from the same start, each with its own order, views and dropout, and the
    phase ends with the mean of their weights ("Model soups", Wortsman et al., 2022); it costs as many times as much.
    `teacher` is whose answers are learnt: "labels", or "kernel", where what the head reads is frozen (see
    edge_tagger.train.kernel; with mixup 1 the pairs lie anywhere between two photos)."""

    name: str
    layers: str = "all"
    epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup: float = 0.05
    augment: bool = True
    views: int = 2
    cache_gb: float = 8.0
    dropout: float = 0.0
    average: float = 0.0
    mixup: float = 0.0
    members: int = 1
    teacher: str = "labels"


@dataclass(frozen=True)
class QuantizeOptions:
    """Quantization-aware training of the float model: `steps` of distillation from it (0: calibrated ranges only)."""

    steps: int = 200
    batch_size: int = 16
    learning_rate: float = 1e-5
    layers: str = "all"
    calibration_photos: int = 128


@dataclass(frozen=True)
class Recipe:
    """`precision` is that of products and sums in training: "float32", or "bfloat16", which takes half the time on CPUs
    with instructions for it (avx512_bf16, amx_bf16) and on others more; weights are float32 in both. `thresholds` is
    what they are tuned for: "best F1", "precision >= P" or "recall >= R". `display_names` translate tags, locale ->
    identity -> name: a table [display_names.de] with lines like "colour/Red" = "Rot"."""

    name: str
    facets: tuple[Facet, ...]
    description: str = ""
    licence: str = ""
    author: str = ""
    version: str = "1"
    display_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    seed: int = 0
    precision: str = "float32"
    thresholds: str = "best F1"
    data: DataOptions = field(default_factory=DataOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    phases: tuple[Phase, ...] = (Phase("train"),)
    quantize: QuantizeOptions = field(default_factory=QuantizeOptions)
