from __future__ import annotations

import pickle

from edge_tagger.errors import ModelError


def test_a_message_is_one_line_that_any_terminal_can_show() -> None:
    error = ModelError("a\nb\x1b[2J \u202e \udcff größer 服 👟")
    assert str(error) == r"a\nb\x1b[2J \u202e \udcff größer 服 👟"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
