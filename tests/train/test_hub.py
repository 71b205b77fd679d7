from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_tagger.errors import MissingExtraError, RunError
from edge_tagger.train.backbones import BACKBONES
from edge_tagger.train.hub import find_weights


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub client without a hub: `asked` is what was asked for, `answer` what comes, or is raised."""
    fake = SimpleNamespace(asked=[], answer="/cache/model.safetensors")

    def hf_hub_download(repo_id: str, filename: str) -> str:
        fake.asked.append((repo_id, filename))
        if isinstance(fake.answer, Exception):
            raise fake.answer
        return str(fake.answer)

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(hf_hub_download=hf_hub_download))
    return fake


def test_none_is_no_weights() -> None:
    assert find_weights("none", "resnet50") is None


def test_a_file_is_itself_and_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "imagenet"
    path.touch()
    assert find_weights(str(path), "resnet10") == path
    with pytest.raises(RunError, match=r"no weights imagenett: give a .safetensors or .tflite file, imagenet or none"):
        find_weights("imagenett", "resnet50")


def test_imagenet_is_downloaded_by_the_hub_client(hub: Any) -> None:
    assert find_weights("imagenet", "resnet18") == Path("/cache/model.safetensors")
    assert hub.asked == [("timm/resnet18.a1_in1k", "model.safetensors")]


def test_offline_the_manual_step_is_named(hub: Any) -> None:
    hub.answer = OSError("cannot find the requested files in the local cache.\nmore")
    with pytest.raises(RunError) as caught:
        find_weights("imagenet", "resnet50")
    assert str(caught.value) == (
        "cannot download model.safetensors of timm/resnet50.a1_in1k from the Hugging Face hub: cannot find the "
        "requested files in the local cache; on a machine with a network run `hf download timm/resnet50.a1_in1k "
        "model.safetensors`, copy the file here and give --weights FILE"
    )


@pytest.mark.parametrize("backbone", [name for name, spec in BACKBONES.items() if spec.imagenet is None])
def test_a_backbone_without_weights_on_the_hub_says_what_to_do(hub: Any, backbone: str) -> None:
    with pytest.raises(RunError, match=rf"no ImageNet weights that fit {backbone}: .*resnet50"):
        find_weights("imagenet", backbone)
    assert hub.asked == []


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"edge-tagger\[train\]"):
        find_weights("imagenet", "resnet50")
