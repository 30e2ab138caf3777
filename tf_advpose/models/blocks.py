"""The pieces that hourglass and depth module are made of."""

import keras
from keras import layers, ops

from tf_advpose.models.batch_norm import BatchNormalization
from tf_advpose.models.convolution import Conv2D

# PyTorch's batch norm, which the public checkpoints were trained with.
BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.9
# Of the layers that give heatmaps and depths: training starts near zero, which heatmaps mostly are.
OUTPUT_STDDEV = 1e-3


@keras.saving.register_keras_serializable(package="tf_advpose")
class Upsample2x(layers.Layer):
    """Nearest-neighbour upsampling by two: [B, H, W, C] -> [B, 2H, 2W, C].

    Repeats while training, as the gradient of a resize does not compile under XLA on CPUs; resizes at
    inference, as mobile delegates lack the five-dimensional tile that a repeat becomes. The two are
    equal to the bit.
    """

    def call(self, features, training=False):
        if training:
            return ops.repeat(ops.repeat(features, 2, axis=1), 2, axis=2)
        height, width = features.shape[1:3]
        return ops.image.resize(features, (2 * height, 2 * width), interpolation="nearest")


@keras.saving.register_keras_serializable(package="tf_advpose")
class SpatialSoftmax(layers.Layer):
    """Softmax over the cells of each map: [B, H, W, P] -> the same, each map of sum `total`."""

    def __init__(self, total: float, **kwargs):
        super().__init__(**kwargs)
        self.total = total

    def call(self, logits):
        height, width, joints = logits.shape[1:]
        flat = ops.reshape(logits, (-1, height * width, joints))
        return self.total * ops.reshape(ops.softmax(flat, axis=1), (-1, height, width, joints))

    def get_config(self) -> dict:
        return {**super().get_config(), "total": self.total}


def output_initializer() -> keras.initializers.Initializer:
    """For the kernels of the layers that give heatmaps and depths."""
    return keras.initializers.RandomNormal(stddev=OUTPUT_STDDEV)


def normalise_and_relu(features, name: str):
    """Batch norm, then ReLU."""
    features = BatchNormalization(
        momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, name=f"{name}_bn"
    )(features)
    return layers.ReLU(name=f"{name}_relu")(features)


def residual(features, width: int, name: str, normalise_skip: bool = False):
    """Pre-activation bottleneck of Newell et al.: 1x1, 3x3, 1x1, the middle at half the width.

    The skip path is the unnormalised input. Where the width changes it goes through a 1x1 convolution;
    with `normalise_skip` this has the normalised input, as in He et al. (ECCV 2016), so that features
    cannot grow from one change of width to the next.
    """
    normalised = normalise_and_relu(features, f"{name}_1")
    branch = Conv2D(width // 2, 1, name=f"{name}_1_conv")(normalised)
    branch = normalise_and_relu(branch, f"{name}_2")
    branch = Conv2D(width // 2, 3, padding="same", name=f"{name}_2_conv")(branch)
    branch = normalise_and_relu(branch, f"{name}_3")
    branch = Conv2D(width, 1, name=f"{name}_3_conv")(branch)
    if features.shape[-1] != width:
        skipped = normalised if normalise_skip else features
        features = Conv2D(width, 1, name=f"{name}_skip_conv")(skipped)
    return layers.Add(name=f"{name}_add")([features, branch])


def residuals(features, width: int, count: int, name: str, normalise_skip: bool = False):
    """`count` residuals in a row."""
    for index in range(count):
        features = residual(features, width, f"{name}_res{index + 1}", normalise_skip)
    return features
