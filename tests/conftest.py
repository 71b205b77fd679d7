"""What several test modules use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of photos, weights and models beside the checkout."""
    folder = ROOT.parent / "shared"
    if not (folder / "DESIGN.md").is_file():
        pytest.skip("needs ../shared beside the checkout")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of tiny models (tests/data/make_models.py) and golden files."""
    return ROOT / "tests" / "data"
