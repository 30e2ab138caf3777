"""The generator with the moving averages of its weights, and batch norm that fits them."""

import keras
import numpy as np
import tensorflow as tf

from tf_advpose import work_folder
from tf_advpose.config import Config
from tf_advpose.data import pipeline

NUM_BATCHES = 30  # that batch norm gathers its statistics from


class Averages:
    """A copy of a generator in float32 that takes over the moving averages of its weights when asked.

    Batch norm gathers its statistics anew each time, from the first batches of the stage, all of the same
    weight, for those of the last weights do not fit (Izmailov et al., UAI 2018). Layers that are frozen
    keep theirs.
    """

    def __init__(
        self,
        generator: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        config: Config,
        stage: str,
        data_dir: str,
    ):
        """Of the averages of `generator`'s weights that `optimizer` keeps."""
        self._last, self._optimizer = generator, optimizer
        self._config, self._stage, self._data_dir = config, stage, data_dir
        self.generator = work_folder.new_generator(config)
        for layer in self.generator.layers:
            layer.trainable = generator.get_layer(layer.name).trainable
        self._gathering = [
            layer
            for layer in self.generator.layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        for layer in self._gathering:
            layer.momentum = 0.0  # it has the moments of the last batch

        @tf.function(reduce_retracing=True)
        def see(image):
            self.generator(image, training=True)

        self._see = see

    def take(self) -> None:
        """Gives `generator` the averages as they are now."""
        self.generator.set_weights(self._averages())
        if not self._gathering:
            return
        moments = [
            variable for layer in self._gathering for variable in (layer.moving_mean, layer.moving_variance)
        ]
        gathered = [np.zeros(variable.shape) for variable in moments]
        batches = pipeline.training_batches(self._config, self._stage, self._data_dir)
        for batch in batches.take(NUM_BATCHES):
            self._see(batch["image"])
            for total, variable in zip(gathered, moments, strict=True):
                total += variable.numpy() / NUM_BATCHES
        for total, variable in zip(gathered, moments, strict=True):
            variable.assign(total)

    def _averages(self) -> list[np.ndarray]:
        """All weights, those that are trained averaged; the generator that is trained keeps what it has."""
        variables = self._last.trainable_variables
        last = [variable.numpy() for variable in variables]
        self._optimizer.finalize_variable_values(variables)
        try:
            return self._last.get_weights()
        finally:
            for variable, value in zip(variables, last, strict=True):
                variable.assign(value)
