"""TensorFlow's C++ side writes notes to standard error that no setting turns off. They are held back here."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from edge_tagger.errors import EdgeTaggerError


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what is written to file descriptor 2 inside; it is shown only where an exception that is
    none of ours leaves the block."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except (EdgeTaggerError, KeyboardInterrupt):
            raise
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
