"""The multi-source discriminator (Sec. 3.2): is this pose the ground truth of this image?"""

from collections.abc import Sequence

import keras
from keras import layers

SOURCES = ("image", "geometry", "maps")
LEAK = 0.2


def build_discriminator(
    sources: Sequence[str] = SOURCES,
    *,
    image_size: int = 256,
    num_joints: int = 16,
    width: int = 64,
    dense_width: int = 512,
    spectral_norm: bool = False,
) -> keras.Model:
    """The discriminator D, with any of its three branches (Fig. 2).

    Image and maps are embedded by strided 3x3 convolutions, the geometric descriptor by dense layers;
    the embeddings are concatenated and three dense layers decide (Sec. 5). There is no batch norm: real
    and predicted poses would differ by their statistics alone.

    Args:
      sources: some of "image", "geometry", "maps".
      image_size: side S of the image in pixels.
      num_joints: P.
      width: channels of the first convolution; they double at each halving, up to eight times.
      dense_width: units of the dense layers.
      spectral_norm: bound every layer's spectral norm.

    Returns:
      A model of the chosen ones of
        "image": [B, S, S, 3] in [0, 1],
        "geometry": [B, 6, P, P],
        "maps": [B, S/4, S/4, 2 P]
      -> {"logit": [B, 1] float32}, positive for real.

    Raises:
      ValueError: no source, or an unknown or repeated one.
    """
    if not sources or len(set(sources)) != len(sources) or not set(sources) <= set(SOURCES):
        raise ValueError(f"Expected one or more of the sources {SOURCES}, each once; got {tuple(sources)}.")
    shapes = {
        "image": (image_size, image_size, 3),
        "geometry": (6, num_joints, num_joints),
        "maps": (image_size // 4, image_size // 4, 2 * num_joints),
    }
    inputs = {source: keras.Input(shapes[source], name=source) for source in sources}

    def weighted(layer):
        if not spectral_norm:
            return layer
        return layers.SpectralNormalization(layer, dtype=layer.dtype_policy, name=f"{layer.name}_sn")

    def dense(features, units, name):
        features = weighted(layers.Dense(units, name=name))(features)
        return layers.LeakyReLU(LEAK, name=f"{name}_relu")(features)

    def convolve(features, name):
        channels, index = width, 1
        while min(features.shape[1:3]) > 4:
            conv = layers.Conv2D(channels, 3, strides=2, padding="same", name=f"{name}_conv{index}")
            features = layers.LeakyReLU(LEAK, name=f"{name}_relu{index}")(weighted(conv)(features))
            channels, index = min(2 * channels, 8 * width), index + 1
        return layers.Flatten(name=f"{name}_flat")(features)

    embeddings = []
    for source in sources:
        if source == "geometry":
            embedding = layers.Flatten(name="geometry_flat")(inputs[source])
            embedding = dense(embedding, dense_width, "geometry_fc1")
        else:
            embedding = convolve(inputs[source], source)
        embeddings.append(dense(embedding, dense_width, f"{source}_embed"))

    joined = layers.Concatenate(name="join")(embeddings) if len(embeddings) > 1 else embeddings[0]
    joined = dense(joined, dense_width, "fc1")
    joined = dense(joined, dense_width, "fc2")
    logit = weighted(layers.Dense(1, dtype="float32", name="logit"))(joined)
    return keras.Model(inputs, {"logit": logit}, name="discriminator")
