"""Every error that edge-tagger raises on purpose, each with the exit code that the command line ends with.

::

    EdgeTaggerError            1
    ├── RecipeError            3   a recipe has an unknown key or a value that cannot be
    ├── MappingError           3   a mapping of tags to shops' categories cannot be used
    ├── PaletteError           3   a palette of colours cannot be used
    ├── CatalogueError         4   a CSV or folder of photos cannot be used
    │   └── PhotoError         4   one photo cannot be read
    ├── ModelError             5   a .tflite cannot be used
    │   └── ManifestError      5   it holds no manifest, or a broken one
    ├── OutputError            6   a result cannot be written
    ├── RunError               7   a run folder cannot be used or resumed; a training went wrong
    ├── MissingExtraError      8   a command needs packages that are not installed
    ├── DeviceError            9   a benchmark cannot run where it was asked to
    ├── SourceError            10  a camera, a video or a folder cannot be watched, or stopped too early
    ├── VerificationError      1   a converted file is worth less than its source
    └── ComparisonError        1   two benches have nothing in common, or a limit cannot be judged

Exit code 2 is click's own, for a wrong option; 130 says that Ctrl-C ended the command, 143 that SIGTERM did, 129 that
its terminal went (SIGHUP).
"""

from __future__ import annotations

from edge_tagger.terminal import printable


class EdgeTaggerError(Exception):
    """Base of the tree. The message is one line: what was wrong with what, what is allowed, what to do.

    It may name files and quote what is in them: line ends, and what else would move a terminal, are written as escapes.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class RecipeError(EdgeTaggerError):
    exit_code = 3


class MappingError(EdgeTaggerError):
    exit_code = 3


class PaletteError(EdgeTaggerError):
    exit_code = 3


class CatalogueError(EdgeTaggerError):
    exit_code = 4


class PhotoError(CatalogueError):
    pass


class ModelError(EdgeTaggerError):
    exit_code = 5


class ManifestError(ModelError):
    pass


class OutputError(EdgeTaggerError):
    exit_code = 6


class RunError(EdgeTaggerError):
    exit_code = 7


class MissingExtraError(EdgeTaggerError):
    exit_code = 8


class DeviceError(EdgeTaggerError):
    exit_code = 9


class SourceError(EdgeTaggerError):
    exit_code = 10


class VerificationError(EdgeTaggerError):
    exit_code = 1


class ComparisonError(EdgeTaggerError):
    exit_code = 1
