from __future__ import annotations

import os
from pathlib import Path

from edge_tagger.convert.utf8_path import utf8_path


def test_a_name_that_is_not_utf8_gets_a_link_for_as_long_as_it_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"run-\xe9")
    folder.mkdir()
    with utf8_path(folder) as name:
        assert name.isascii() and Path(name).resolve() == folder.resolve()
        Path(name, "file").write_text("x")
    assert not Path(name).exists() and (folder / "file").read_text() == "x"
    with utf8_path(tmp_path) as name:
        assert name == str(tmp_path)
