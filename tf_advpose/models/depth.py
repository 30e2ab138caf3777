"""The depth regression module: second stage of the generator (Sec. 3.1)."""

from keras import layers

from tf_advpose.models.blocks import output_initializer, residual
from tf_advpose.models.convolution import Conv2D

NUM_MODULES = 3  # Sec. 5: three sequential residual and downsampling modules


def regress_depth(features, heatmaps, *, num_joints: int, width: int, width_growth: int):
    """Regresses a depth a joint from image features and heatmaps.

    Args:
      features: [B, H, W, C], of the last stack.
      heatmaps: [B, H, W, P], of the last stack.
      width: channels that the two are brought to.
      width_growth: channels more at every halving of the resolution.

    Returns:
      [B, P] float32, half-crop units, relative to the root.
    """
    merged = layers.Add(name="depth_merge")(
        [
            Conv2D(width, 1, name="depth_features")(features),
            Conv2D(width, 1, name="depth_heatmaps")(heatmaps),
        ]
    )
    for index in range(1, NUM_MODULES + 1):
        grown = width + (index - 1) * width_growth
        merged = residual(merged, grown, f"depth_res{index}", normalise_skip=True)
        merged = layers.MaxPooling2D(name=f"depth_pool{index}")(merged)
    pooled = layers.GlobalAveragePooling2D(dtype="float32", name="depth_average")(merged)
    return layers.Dense(num_joints, kernel_initializer=output_initializer(), dtype="float32", name="depth")(
        pooled
    )
