"""The generator with the moving averages of its weights, and batch norm that fits them."""

import keras

from tf_advpose import work_folder
from tf_advpose.config import Config
from tf_advpose.data import pipeline

NUM_BATCHES = 30  # that batch norm gathers its statistics from


def averaged_generator(
    generator: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    config: Config,
    stage: str,
    data_dir: str,
) -> keras.Model:
    """A copy of `generator` in float32 with the moving averages of its weights, which `optimizer` keeps.

    Batch norm gathers its statistics anew, from the first batches of the stage, all of the same weight, for
    those of the last weights do not fit (Izmailov et al., UAI 2018). Layers that are frozen keep theirs.
    """
    averaged = work_folder.new_generator(config)
    averaged.set_weights(_averages(generator, optimizer))
    for layer in averaged.layers:
        layer.trainable = generator.get_layer(layer.name).trainable
    gathering = [layer for layer in averaged.layers if isinstance(layer, keras.layers.BatchNormalization)]
    batches = pipeline.training_batches(config, stage, data_dir).take(NUM_BATCHES)
    for number, batch in enumerate(batches):
        for layer in gathering:
            layer.momentum = number / (number + 1)
        averaged(batch["image"], training=True)
    return averaged


def _averages(generator: keras.Model, optimizer: keras.optimizers.Optimizer) -> list:
    """The weights of `generator`, those that are trained averaged; it keeps what it has."""
    variables = generator.trainable_variables
    last = [variable.numpy() for variable in variables]
    optimizer.finalize_variable_values(variables)
    try:
        return generator.get_weights()
    finally:
        for variable, value in zip(variables, last, strict=True):
            variable.assign(value)
