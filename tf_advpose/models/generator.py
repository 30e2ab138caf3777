"""The generator: stacked hourglass and depth module as one model (Sec. 3.1)."""

import re

import keras

from tf_advpose.models.depth import regress_depth
from tf_advpose.models.hourglass import MPII_MEAN, check_input_size, hourglass_features

DEPTH_PREFIX = "depth"  # the names of the depth module's layers start with it


def build_generator(
    num_stacks: int = 2,
    *,
    image_size: int = 256,
    num_joints: int = 16,
    width: int = 256,
    width_growth: int = 0,
    num_residuals: int = 1,
    depth: int = 4,
    mean: tuple[float, float, float] = MPII_MEAN,
    softmax_heatmaps: bool = False,
) -> keras.Model:
    """The 3D pose estimator G. Arguments and errors as `build_hourglass`.

    Returns:
      A model [B, S, S, 3] float32 RGB in [0, 1] ->
        "heatmaps": list of [B, S/4, S/4, P] float32, one a stack,
        "depth": [B, P] float32, half-crop units, relative to the root.
    """
    check_input_size(image_size, depth)
    image = keras.Input((image_size, image_size, 3), name="image")
    heatmaps, features = hourglass_features(
        image,
        num_stacks=num_stacks,
        num_joints=num_joints,
        width=width,
        width_growth=width_growth,
        num_residuals=num_residuals,
        depth=depth,
        mean=mean,
        softmax_heatmaps=softmax_heatmaps,
    )
    joint_depth = regress_depth(
        features, heatmaps[-1], num_joints=num_joints, width=width, width_growth=width_growth
    )
    return keras.Model(image, {"heatmaps": heatmaps, "depth": joint_depth}, name="generator")


def hourglass_layers(generator: keras.Model) -> list[keras.layers.Layer]:
    """The layers of `generator` that belong to its 2D module, the stacked hourglass."""
    return [layer for layer in generator.layers if not layer.name.startswith(DEPTH_PREFIX)]


def layers_of_stacks(generator: keras.Model, num_stacks: int) -> list[keras.layers.Layer]:
    """The layers of `generator` that one of `num_stacks` stacks has too, if its own are as many or more."""

    def has(name: str) -> bool:
        stack = re.match(r"stack(\d+)_(join)?", name)
        return not stack or int(stack[1]) < num_stacks + (not stack[2])

    return [layer for layer in generator.layers if has(layer.name)]
