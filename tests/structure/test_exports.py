"""What an import costs, seen from a fresh interpreter; and what the package promises to export."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import edge_tagger
from edge_tagger.cli import COMMANDS

TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}
HEAVY = {"numpy", "cv2", "ai_edge_litert", "tflite_runtime", "jinja2", "matplotlib", *TENSORFLOW}


def loaded_after(code: str) -> set[str]:
    """Top-level modules that are loaded once a fresh interpreter has run `code`."""
    code += "\nimport sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", edge_tagger.__all__)
def test_every_export_can_be_had(name: str) -> None:
    assert getattr(edge_tagger, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Tager'"):
        edge_tagger.__getattr__("Tager")


def test_the_package_is_typed_and_its_version_is_that_of_setup_cfg(root: Path) -> None:
    assert (root / "edge_tagger" / "py.typed").exists()
    assert f"version = {edge_tagger.__version__}\n" in (root / "setup.cfg").read_text(encoding="utf-8")


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import edge_tagger") & HEAVY == set()


def test_importing_the_device_library_loads_no_tensorflow(modules: dict[str, Path]) -> None:
    layers = ("edge_tagger.train", "edge_tagger.convert")
    device = [module for module in modules if not module.startswith(layers)]
    assert {"edge_tagger.tagger", "edge_tagger.evaluate"} <= set(device)
    loaded = loaded_after("import " + ", ".join(device))
    assert "numpy" in loaded
    assert loaded & TENSORFLOW == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    loaded = loaded_after(
        "from edge_tagger.cli import main\n"
        f"try:\n    main([{command!r}, '--help'])\nexcept SystemExit as end:\n    assert end.code == 0, end.code"
    )
    assert loaded & HEAVY == set()
