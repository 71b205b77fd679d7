"""What `--weights` names: a file, the published ImageNet weights of a backbone, or none."""

from __future__ import annotations

from pathlib import Path

from edge_tagger.errors import MissingExtraError, RunError
from edge_tagger.train.backbones import BACKBONES, HubFile

IMAGENET, NONE = "imagenet", "none"


def find_weights(name: str, backbone: str) -> Path | None:
    """The file of pretrained weights that `name` stands for; None for "none".

    "imagenet" is downloaded from the Hugging Face hub into its client's cache, and taken from there the next time.
    Raises RunError where there is no such file, where a backbone's weights are not on the hub, or where the download
    fails; MissingExtraError without huggingface_hub.
    """
    if name == NONE:
        return None
    if name == IMAGENET:
        spec = BACKBONES[backbone]
        if spec.imagenet is None:
            raise RunError(f"the hub has no ImageNet weights that fit {backbone}: {spec.imagenet_advice}")
        return _download(spec.imagenet)
    path = Path(name)
    if not path.is_file():
        raise RunError(f"there are no weights {name}: give a .safetensors or .tflite file, {IMAGENET} or {NONE}")
    return path


def _download(source: HubFile) -> Path:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise MissingExtraError(
            f'downloading weights needs huggingface_hub ({error}); install it with: pip install "edge-tagger[train]"'
        ) from error
    try:
        return Path(hf_hub_download(source.repository, source.file))
    except Exception as error:  # the client lets errors of its HTTP library through
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RunError(
            f"cannot download {source.file} of {source.repository} from the Hugging Face hub: {reason.rstrip('.')}; "
            f"on a machine with a network run `hf download {source.repository} {source.file}`, "
            "copy the file here and give --weights FILE"
        ) from error
