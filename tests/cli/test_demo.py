import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main
from edge_tagger.cli.demo_folder import MARK, DemoSettings, open_demo
from edge_tagger.errors import OutputError

SETTINGS = DemoSettings(photos=100, recipe="demo", seed=0)
TINY_RECIPE = """
name = "tiny"
[data]
split = "split"
min_count = 1
[facets.category]
levels = ["department", "type"]
[facets.details]
column = "details"
separator = "|"
none = "none"
[model]
backbone = "resnet10"
stages = 1
image_size = 32
[[phases]]
name = "train"
[quantize]
steps = 1
batch_size = 8
calibration_photos = 8
"""


@dataclass(frozen=True)
class Demo:
    """A demo that was run once for all tests here."""

    out: Path
    arguments: list[str]
    first: Result


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "tiny.toml").write_text(TINY_RECIPE)
    arguments = ["demo", "--out", str(folder / "out"), "--photos", "100", "--recipe", str(folder / "tiny.toml")]
    return Demo(folder / "out", arguments, CliRunner().invoke(main, arguments))


def test_the_whole_path_ends_in_a_report(demo: Demo) -> None:
    assert demo.first.exit_code == 0, demo.first.output
    page = (demo.out / "report.html").read_text(encoding="utf-8")
    for expected in ("float32", "float16", "int8", "type top-1", "details F1", "data:image/jpeg;base64,", " ms</td>"):
        assert expected in page
    assert {path.name for path in (demo.out / "models").iterdir()} == {
        "tiny-float32.tflite", "tiny-float16.tflite", "tiny-int8.tflite",
    }  # fmt: skip
    assert len(json.loads((demo.out / "evaluation.json").read_text())["models"]) == 3
    assert json.loads((demo.out / MARK).read_text())["finished"] is True


def test_a_stopped_demo_goes_on_with_what_it_has(demo: Demo) -> None:
    mark = json.loads((demo.out / MARK).read_text())
    (demo.out / MARK).write_text(json.dumps({**mark, "finished": False}))
    drawn = (demo.out / "catalogue" / "products.csv").stat().st_mtime_ns
    weights = (demo.out / "run" / "weights.safetensors").read_bytes()
    (demo.out / "report.html").unlink()
    again = CliRunner().invoke(main, demo.arguments)
    assert again.exit_code == 0, again.output + str(again.exception)
    assert (demo.out / "catalogue" / "products.csv").stat().st_mtime_ns == drawn
    assert (demo.out / "run" / "weights.safetensors").read_bytes() == weights
    assert (demo.out / "report.html").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = CliRunner().invoke(main, ["demo", "--out", str(tmp_path)])
    assert done.exit_code == 6
    assert "not an earlier demo" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("mark", ["{", "[]", '{"settings": {}}'])
def test_a_broken_mark_is_no_licence_to_clear(tmp_path: Path, mark: str) -> None:
    (tmp_path / MARK).write_text(mark)
    (tmp_path / "kept").write_text("")
    with pytest.raises(OutputError, match="not an earlier demo"), open_demo(tmp_path, SETTINGS):
        pass
    assert (tmp_path / "kept").exists()


def test_a_stopped_demo_keeps_its_files_a_finished_one_is_cleared(tmp_path: Path) -> None:
    out = tmp_path / "new" / "demo"
    with pytest.raises(KeyboardInterrupt), open_demo(out, SETTINGS):
        (out / "catalogue").mkdir()
        raise KeyboardInterrupt
    with open_demo(out, SETTINGS):
        assert (out / "catalogue").exists()
    with open_demo(out, SETTINGS):
        assert not (out / "catalogue").exists()


def test_another_setting_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_demo(tmp_path / "demo", SETTINGS):
        (tmp_path / "demo" / "catalogue").mkdir()
        raise KeyboardInterrupt
    with open_demo(tmp_path / "demo", DemoSettings(photos=200, recipe="demo", seed=0)):
        assert not (tmp_path / "demo" / "catalogue").exists()


def test_a_file_in_the_way_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(OutputError, match="choose another --out"), open_demo(tmp_path / "demo", SETTINGS):
        pass
