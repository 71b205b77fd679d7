from __future__ import annotations

from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from edge_tagger.benchmarks.library import footprint


def install(site: Path, name: str, *requires: str, size: int = 10) -> None:
    """A distribution as pip leaves it: metadata, a RECORD, one module of `size` bytes."""
    info = site / f"{name}-1.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1", *(f"Requires-Dist: {other}" for other in requires)]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    (site / f"{name}.py").write_bytes(b"#" * size)
    (info / "RECORD").write_text(f"{name}.py,,\n{name}_gone.py,,\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def find(name: str) -> PathDistribution:
        for info in tmp_path.glob("*.dist-info"):
            if footprint._normal(info.name.partition("-1.")[0]) == footprint._normal(name):
                return PathDistribution(info)
        raise footprint.PackageNotFoundError(name)

    monkeypatch.setattr(footprint, "distribution", find)
    return tmp_path


def test_what_is_required_is_followed_and_extras_are_not(site: Path) -> None:
    install(site, "tagger", "Some.Runtime>=1.2; platform_machine != 'armv7l'", "absent>=1", 'heavy; extra == "train"')
    install(site, "some_runtime", "arrays (>=2)", "tagger")
    install(site, "arrays", size=1000)
    install(site, "heavy")
    found = footprint.required("tagger")
    assert [package.metadata["Name"] for package in found] == ["arrays", "some_runtime", "tagger"]
    assert [footprint.installed_bytes(package) for package in found] == [1000, 10, 10]


def test_the_table_has_the_libraries_of_the_device(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footprint, "IMPORTS", 1)
    footprint.main()
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["package", "version", "MB", "import", "ms"]
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert {"numpy", "opencv-python-headless", "click", "tqdm", "edge-tagger", "all"} <= set(rows)
    assert float(rows["opencv-python-headless"][2]) > 10 and float(rows["numpy"][3]) > 0
