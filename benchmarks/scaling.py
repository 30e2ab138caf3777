"""Counts what a training step computes and what several devices exchange in it, for docs/scaling.md.

  python benchmarks/scaling.py --presets=full_2s,full_4s

Nothing is timed: the counts are those of the networks. Prints Markdown.
"""

import math
import pathlib
import sys

from absl import app, flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import keras

from tf_advpose import presets, work_folder

FLAGS = flags.FLAGS
flags.DEFINE_list("presets", ["full_2s", "full_4s"], "Presets to count.")

MOMENTS = 3  # that Keras' batch norm exchanges forward, a collective each: sum, sum of squares, count
GRADIENTS = 2  # and backward: those of both sums


def multiply_adds(model: keras.Model) -> int:
    """Of a forward pass over one example: convolutions and dense layers."""
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
        places = layer.output.shape[1:-1]  # of the kernel
        return math.prod(places) * math.prod(layer.kernel.shape)
    return 0


def count(preset: str) -> dict[str, float]:
    """What a preset costs, by name."""
    config = presets.from_preset(preset)
    generator, discriminator = work_folder.new_generator(config), work_folder.new_discriminator(config)
    forward, judged = multiply_adds(generator), multiply_adds(discriminator)
    lab_share = 1 - config.adversarial.wild_share
    channels = [
        layer.gamma.shape[0]
        for layer in generator.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    weights = [_trainable(model) for model in (generator, discriminator)]
    return {
        "generator forward, G multiply-adds an example": forward / 1e9,
        "discriminator forward, G multiply-adds an example": judged / 1e9,
        # Forward, and backward twice: to the inputs and to the weights.
        "supervised step, G multiply-adds an example": 3 * forward / 1e9,
        # Besides: real and predicted poses to train the discriminator, predicted ones through it and back.
        "adversarial step, G multiply-adds an example": (3 * forward + (3 * (lab_share + 1) + 2) * judged)
        / 1e9,
        "generator, trained parameters": weights[0],
        "discriminator, trained parameters": weights[1],
        "gradients of a supervised step, MB": 4 * weights[0] / 1e6,
        "gradients of an adversarial step, MB": 4 * sum(weights) / 1e6,
        "layers of batch norm": len(channels),
        "collectives of batch norm a step": len(channels) * (MOMENTS + GRADIENTS),
        "batch norm, MB a step": 4 * sum(channels) * (MOMENTS + GRADIENTS) / 1e6,
    }


def _trainable(model: keras.Model) -> int:
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def main(_) -> None:
    counts = [count(preset) for preset in FLAGS.presets]
    print("| |", " | ".join(FLAGS.presets), "|\n|---|" + "---:|" * len(counts))
    for name in counts[0]:
        values = (one[name] for one in counts)
        print(
            f"| {name} |",
            " | ".join(f"{one:,}" if isinstance(one, int) else f"{one:,.2f}" for one in values),
            "|",
        )


if __name__ == "__main__":
    app.run(main)
