"""The formats of a converted file, what each takes and gives, and how a file is named after it."""

from __future__ import annotations

from dataclasses import dataclass

from edge_tagger.errors import ModelError


@dataclass(frozen=True)
class Format:
    """`io` are the types that input and output can have, the default first. An `integer` format has integer operators
    only; one that is `calibrated` needs representative photos where the model brings no ranges of its own. It
    is verified on at most so many photos: LiteRT has no fast kernels for int16x8, which takes seconds for each."""

    io: tuple[str, ...]
    integer: bool = False
    calibrated: bool = False
    verified_on: int = 1000


FORMATS = {
    "float32": Format(("float32",)),
    "float16": Format(("float32",)),
    "dynamic": Format(("float32",)),
    "int8": Format(("uint8", "float32"), integer=True, calibrated=True),
    # TensorFlow gives it int16 or float32 input, never uint8.
    "int16x8": Format(("float32",), integer=True, calibrated=True, verified_on=50),
}


def io_of(kind: str, wanted: str | None) -> str:
    """The type of input and output of a format: what is `wanted`, or its default. Raises ModelError."""
    choices = FORMATS[kind].io
    if wanted is not None and wanted not in choices:
        raise ModelError(
            f"a {kind} file cannot have {wanted} input and output; it can have {' or '.join(choices)}; "
            "leave --io out, or convert to int8"
        )
    return wanted or choices[0]


def file_name(name: str, kind: str, io: str) -> str:
    """`product-tagger-int8.tflite`; `product-tagger-int8-float32-io.tflite` where the type is not the default.

    Raises ModelError for a name that leads to another folder or that no command takes as an argument.
    """
    if not name or name[0] in ".-" or set(name) & set("/\\\0"):
        raise ModelError(f"the name {name!r} cannot be a file's: no / or \\, no . or - at its beginning; give --name")
    return f"{name}-{kind}{'' if io == FORMATS[kind].io[0] else f'-{io}-io'}.tflite"
