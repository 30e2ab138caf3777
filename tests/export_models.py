"""What the tests of exports share: a small generator whose weights all matter, and examples of noise."""

import keras
import numpy as np

from tf_advpose.deploy.examples import Examples
from tf_advpose.models import build_generator
from tf_advpose.skeleton import NUM_JOINTS

SIZE = 64


def small_generator(softmax_heatmaps: bool = False) -> keras.Model:
    """With weights and batch-norm statistics that all matter to its outputs."""
    keras.utils.set_random_seed(0)
    model = build_generator(1, image_size=SIZE, width=16, depth=2, softmax_heatmaps=softmax_heatmaps)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            positive = [rng.uniform(0.5, 1.5, values.shape) for values in (gamma, variance)]
            signed = [rng.normal(0, 0.3, values.shape) for values in (beta, mean)]
            layer.set_weights([positive[0], signed[0], signed[1], positive[1]])
    # They start near zero, where every heatmap is flat.
    for name, stddev in (("stack1_heatmaps", 0.1), ("depth", 0.02)):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([rng.normal(0, stddev, kernel.shape), bias])
    return model


def random_examples(count: int, seed: int, has_scale: bool = True, head_size: float = 12.0) -> Examples:
    """Crops of noise, and people that stand before a camera at 3 m somewhere in them."""
    rng = np.random.default_rng(seed)
    text = np.array(["noise"] * count)
    labels = {
        "joints_2d": rng.uniform(0, SIZE, (count, NUM_JOINTS, 2)),
        "joint_weight": np.ones((count, NUM_JOINTS)),
        "head_size": np.full(count, head_size),
        "has_scale": np.full(count, has_scale),
        "joints_3d": rng.normal(0, 300, (count, NUM_JOINTS, 3)),
        "mm_per_pixel": np.full(count, 2.0),
        "root_depth": np.full(count, 3000.0),
        "intrinsics": np.tile([100.0, 100, 32, 32, 0, 0, 0, 0, 0], (count, 1)),
        "crop_to_image": np.tile(np.eye(2, 3), (count, 1, 1)),
        **dict.fromkeys(("example_id", "subject", "action", "sequence"), text),
    }
    crops = rng.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    return Examples("noise", "test", crops, labels)
