"""The stacked hourglass of Newell et al. (ECCV 2016), laid out as the public PyTorch MPII checkpoints.

The first stage of the generator (Sec. 3.1): image -> one heatmap a joint, after every stack.
"""

import math

import keras
from keras import layers

from tf_advpose.models.blocks import (
    SpatialSoftmax,
    Upsample2x,
    normalise_and_relu,
    output_initializer,
    residuals,
)
from tf_advpose.models.convolution import Conv2D

# Mean RGB of MPII, which the public checkpoints were trained with.
MPII_MEAN = (0.4404, 0.4440, 0.4327)
STRIDE = 4  # input pixels a heatmap cell spans
GAUSSIAN_SUM = 2 * math.pi  # of a drawn heatmap: peak 1, variance 1 cell (Sec. 4.1)


def hourglass_features(
    image,
    *,
    num_stacks: int,
    num_joints: int,
    width: int,
    width_growth: int,
    num_residuals: int,
    depth: int,
    mean: tuple[float, float, float],
    softmax_heatmaps: bool,
):
    """Applies the stacked hourglass to `image` [B, S, S, 3] in [0, 1].

    Returns:
      heatmaps: one [B, S/4, S/4, P] float32 a stack.
      features: [B, S/4, S/4, width], of the last stack.
    """
    offset = [-channel for channel in mean]
    trunk = layers.Rescaling(1.0, offset=offset, name="subtract_mean")(image)
    trunk = layers.ZeroPadding2D(3, name="stem_pad")(trunk)
    trunk = Conv2D(width // 4, 7, strides=2, name="stem_conv")(trunk)
    trunk = normalise_and_relu(trunk, "stem")
    trunk = residuals(trunk, width // 2, num_residuals, "stem_a")
    trunk = layers.MaxPooling2D(name="stem_pool")(trunk)
    trunk = residuals(trunk, width, num_residuals, "stem_b")
    trunk = residuals(trunk, width, num_residuals, "stem_c")

    heatmaps = []
    for stack in range(1, num_stacks + 1):
        name = f"stack{stack}"
        features = _hourglass(trunk, depth, width, width_growth, num_residuals, f"{name}_hg")
        features = residuals(features, width, num_residuals, f"{name}_out")
        features = Conv2D(width, 1, name=f"{name}_features_conv")(features)
        features = normalise_and_relu(features, f"{name}_features")
        head = Conv2D(
            num_joints,
            1,
            kernel_initializer=output_initializer(),
            dtype="float32",
            name=f"{name}_heatmaps",
        )
        maps = head(features)
        if softmax_heatmaps:
            maps = SpatialSoftmax(GAUSSIAN_SUM, dtype="float32", name=f"{name}_softmax")(maps)
        heatmaps.append(maps)
        if stack < num_stacks:
            trunk = layers.Add(name=f"{name}_join")(
                [
                    trunk,
                    Conv2D(width, 1, name=f"{name}_join_features")(features),
                    Conv2D(width, 1, name=f"{name}_join_heatmaps")(heatmaps[-1]),
                ]
            )
    return heatmaps, features


def _hourglass(features, depth: int, width: int, width_growth: int, num_residuals: int, name: str):
    """One hourglass: halves the resolution `depth` times and comes back, adding what it passed."""
    upper = residuals(features, width, num_residuals, f"{name}{depth}_up")
    lower = layers.MaxPooling2D(name=f"{name}{depth}_pool")(features)
    inner = width + width_growth
    lower = residuals(lower, inner, num_residuals, f"{name}{depth}_down", normalise_skip=True)
    if depth > 1:
        lower = _hourglass(lower, depth - 1, inner, width_growth, num_residuals, name)
    else:
        lower = residuals(lower, inner, num_residuals, f"{name}{depth}_bottom")
    lower = residuals(lower, width, num_residuals, f"{name}{depth}_back", normalise_skip=True)
    lower = Upsample2x(name=f"{name}{depth}_upsample")(lower)
    return layers.Add(name=f"{name}{depth}_add")([upper, lower])


def check_input_size(image_size: int, depth: int) -> None:
    """Raises ValueError where `image_size` cannot be halved as often as the network does."""
    multiple = STRIDE * 2**depth
    if image_size < multiple or image_size % multiple:
        raise ValueError(
            f"An hourglass of depth {depth} needs an image size that is a multiple of {multiple}, "
            f"got {image_size}. Change image_size or depth."
        )


def build_hourglass(
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
    """The stacked hourglass alone.

    Args:
      num_stacks: hourglasses in a row.
      image_size: side S of the input in pixels, a multiple of 4 x 2^depth.
      num_joints: P.
      width: channels of the trunk; the stem starts with a quarter of it.
      width_growth: channels more at every halving of the resolution, as Newell et al. (NIPS 2017) have;
        they cost little there, and are where a network sees all of a person at once.
      num_residuals: residual modules at each resolution.
      depth: how often each hourglass halves the resolution.
      mean: RGB in [0, 1], subtracted from the image.
      softmax_heatmaps: each map is a softmax over its cells, of the sum that a drawn heatmap has, as
        the cross-entropy of `losses` needs; without, maps are linear, as the paper's.

    Returns:
      A model [B, S, S, 3] float32 RGB in [0, 1] -> list of heatmaps [B, S/4, S/4, P] float32, one a stack.

    Raises:
      ValueError: `image_size` does not fit `depth`.
    """
    check_input_size(image_size, depth)
    image = keras.Input((image_size, image_size, 3), name="image")
    heatmaps, _ = hourglass_features(
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
    return keras.Model(image, heatmaps, name="hourglass")
