"""Reads the public PyTorch MPII checkpoints (bearpaw, anibali) into the hourglass.

PyTorch is needed to open the files, and for nothing else.
"""

import os
import re

import keras
import numpy as np

_HOURGLASS_PARTS = {"up": 0, "down": 1, "back": 2, "bottom": 3}
_STEM_LAYERS = {"a": "layer1", "b": "layer2", "c": "layer3"}
_STACK_LAYERS = {
    "features_conv": "fc.{}.0",
    "features_bn": "fc.{}.1",
    "heatmaps": "score.{}",
    "join_features": "fc_.{}",
    "join_heatmaps": "score_.{}",
}
_RESIDUAL_LAYERS = {
    "1_bn": "bn1",
    "1_conv": "conv1",
    "2_bn": "bn2",
    "2_conv": "conv2",
    "3_bn": "bn3",
    "3_conv": "conv3",
    "skip_conv": "downsample.0",
}


def load_pytorch_hourglass(model: keras.Model, path: str | os.PathLike) -> None:
    """Sets the weights of the hourglass in `model` from a PyTorch checkpoint.

    Args:
      model: from `build_hourglass`, or `build_generator`, whose depth module is left as it is.
      path: a bare state_dict, or a dictionary that holds one under "state_dict"; names may be prefixed
        with "module.".

    Raises:
      ImportError: PyTorch is not installed.
      FileNotFoundError: no such file.
      ValueError: the file holds no state_dict, or one of another architecture; no weight is changed.
    """
    state = _read_state_dict(path)
    targets = {layer: _torch_name(layer.name) for layer in model.layers if layer.weights}
    targets = {layer: name for layer, name in targets.items() if name is not None}
    weights = {layer: _layer_weights(layer, name, state, path) for layer, name in targets.items()}
    unused = sorted({key.rpartition(".")[0] for key in state} - set(targets.values()))
    if unused:
        raise ValueError(
            f"{path} holds layers that the model lacks: {', '.join(unused[:4])}"
            f"{', ...' if len(unused) > 4 else ''}. Build the model with the checkpoint's number of stacks."
        )
    for layer, values in weights.items():
        layer.set_weights(values)


def _read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"Checkpoint not found: {path}")
    try:
        import torch
    except ImportError:
        raise ImportError("Reading PyTorch checkpoints needs PyTorch: pip install torch") from None
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        # Its message is a page long, and advises to run whatever the file holds.
        raise ValueError(
            f"{path} is not a readable PyTorch checkpoint ({type(error).__name__}). Expected a state_dict, "
            "not a whole pickled model."
        ) from None
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    is_mapping = isinstance(state, dict) and len(state) > 0
    if not is_mapping or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError(f"{path} holds no state_dict, neither bare nor under the key 'state_dict'.")
    return {
        key.removeprefix("module."): value.numpy()
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }


def _torch_name(name: str) -> str | None:
    """The PyTorch module that belongs to the layer `name` of ours; None for the depth module's."""
    if name in ("stem_conv", "stem_bn"):
        return {"stem_conv": "conv1", "stem_bn": "bn1"}[name]
    residual, _, part = name.partition("_res")
    block, _, layer = part.partition("_")
    if match := re.fullmatch(r"stem_([abc])", residual):
        return f"{_STEM_LAYERS[match[1]]}.{int(block) - 1}.{_RESIDUAL_LAYERS[layer]}"
    if match := re.fullmatch(r"stack(\d+)_out", residual):
        return f"res.{int(match[1]) - 1}.{int(block) - 1}.{_RESIDUAL_LAYERS[layer]}"
    if match := re.fullmatch(r"stack(\d+)_hg(\d+)_([a-z]+)", residual):
        stack, level = int(match[1]) - 1, int(match[2]) - 1
        group = f"hg.{stack}.hg.{level}.{_HOURGLASS_PARTS[match[3]]}"
        return f"{group}.{int(block) - 1}.{_RESIDUAL_LAYERS[layer]}"
    if match := re.fullmatch(r"stack(\d+)_(\w+)", name):
        return _STACK_LAYERS[match[2]].format(int(match[1]) - 1)
    return None


def _layer_weights(
    layer: keras.layers.Layer, name: str, state: dict[str, np.ndarray], path: str | os.PathLike
) -> list[np.ndarray]:
    """The values for `layer.set_weights`, checked against its shapes."""
    is_norm = isinstance(layer, keras.layers.BatchNormalization)
    suffixes = ("weight", "bias", "running_mean", "running_var") if is_norm else ("weight", "bias")
    missing = [f"{name}.{suffix}" for suffix in suffixes if f"{name}.{suffix}" not in state]
    if missing:
        raise ValueError(
            f"{path} lacks {missing[0]}, needed by layer {layer.name}. Build the model with "
            "the checkpoint's number of stacks, or check that this is a stacked hourglass of pytorch-pose."
        )
    values = [state[f"{name}.{suffix}"] for suffix in suffixes]
    if not is_norm:
        values[0] = values[0].transpose(2, 3, 1, 0)  # [out, in, h, w] -> [h, w, in, out]
    for value, variable in zip(values, layer.weights, strict=True):
        if value.shape != tuple(variable.shape):
            raise ValueError(
                f"{path}: {name} gives layer {layer.name} weights of shape {value.shape}, the model's are "
                f"{tuple(variable.shape)}. Build the model with the checkpoint's width and joint count."
            )
    return values
