from __future__ import annotations

import pytest

from edge_tagger.runtimes import compiled_for


@pytest.mark.parametrize(
    ("operator", "what"),
    [
        ("edgetpu-custom-op", "Edge TPU"), ("ethos-u", "Ethos-U"), ("FlexErf", "--backend tensorflow"),
        ("DISPATCH_OP", "NPU ahead of time"), ("QNN_Context", "Qualcomm"), ("MyOwn", "custom operator MyOwn"),
    ],
)  # fmt: skip
def test_what_a_file_was_made_for(operator: str, what: str) -> None:
    assert what in str(compiled_for(f"Encountered unresolved custom op: {operator}.\nSee instructions: https://x"))
    assert compiled_for("Node 3 failed to prepare") is None
