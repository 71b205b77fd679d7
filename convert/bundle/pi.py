"""A .tar.gz for a Raspberry Pi or any Linux device: the model, a script that tags photos, and what to install."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from importlib import resources
from pathlib import Path

from edge_tagger.convert.bundle.contents import MODEL_FILE, Contents, read_contents
from edge_tagger.errors import OutputError
from edge_tagger.files import write_bytes

SUFFIX = ".tar.gz"
# The lines of setup.cfg that tag.py needs; a test holds the two together.
REQUIREMENTS = """\
ai-edge-litert>=1.2; platform_machine != "armv7l" and platform_machine != "armv6l"
tflite-runtime>=2.14; platform_machine == "armv7l" or platform_machine == "armv6l"
numpy>=1.24; platform_machine != "armv7l" and platform_machine != "armv6l"
numpy>=1.24,<2; platform_machine == "armv7l" or platform_machine == "armv6l"
opencv-python-headless>=4.8; platform_machine != "armv7l" and platform_machine != "armv6l"
opencv-python-headless>=4.8,<4.12; platform_machine == "armv7l" or platform_machine == "armv6l"
"""
README = """\
{name}: product photos in, tags out ({count} tags)

    python3 -m venv venv
    venv/bin/pip install -r requirements.txt
    venv/bin/python tag.py photo.jpg

tag.py --json prints one JSON object a line; its exit code is 4 where a photo could not be read. 64-bit systems
(aarch64, x86-64) need Python 3.10 or later; 32-bit ARM needs Python 3.9 to 3.11, for which tflite-runtime has wheels.
model.tflite holds its own manifest (edge_tagger.json): put another file that edge-tagger converted in its place, or
name one with --model. The edge-tagger package has the same answers, clearer errors, and tools to measure and compare.

Licence of the model: {licence}
"""
_DATE_S = 315_532_800  # 1980-01-01 UTC: tar warns about earlier dates, zip knows none


def bundle_pi(model: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Write the `.tflite` at `model`, tag.py, requirements.txt and a README.txt to `out`; return `out`.

    The archive holds one folder, named after the model. The same model, name and version give the same bytes. Raises
    what :func:`read_contents` raises, and OutputError where `out` does not end in .tar.gz or cannot be written.
    """
    target = Path(out)
    if not target.name.endswith(SUFFIX):
        raise OutputError(f"{target} does not end in {SUFFIX}; name the bundle {target.name}{SUFFIX}")
    contents = read_contents(model)
    write_bytes(target, _archive(contents.stem, _files(contents)))
    return target


def _files(contents: Contents) -> dict[str, bytes]:
    manifest = contents.manifest
    readme = README.format(
        name=manifest.name, count=len(manifest.taxonomy), licence=manifest.licence or "not named in its manifest"
    )
    return {
        "README.txt": readme.encode(),
        MODEL_FILE: contents.data,
        "requirements.txt": REQUIREMENTS.encode(),
        "tag.py": resources.files("edge_tagger.convert.bundle").joinpath("tag_on_pi.py").read_bytes(),
    }


def _archive(folder: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    # gzip's header holds a time and a name, tar's an owner and a time for each entry: all fixed here.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=_DATE_S) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), _DATE_S, 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
