"""How the generator's learning rate goes over a stage."""

import keras
import tensorflow as tf

from tf_advpose.config import StageConfig


def learning_rate(stage: StageConfig) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The rate of a stage: a number where it stays, else a function of the steps that are done."""
    schedules = keras.optimizers.schedules
    rate = stage.learning_rate
    if stage.schedule == "cosine":
        rate = schedules.CosineDecay(rate, decay_steps=stage.steps)
    elif stage.schedule == "step":
        # Keras changes the value behind a boundary, not at it.
        ends = [step - 1 for step in stage.drops]
        rates = [stage.learning_rate * stage.drop_factor**count for count in range(len(ends) + 1)]
        rate = schedules.PiecewiseConstantDecay(ends, rates)
    return WarmUp(rate, stage.warm_up) if stage.warm_up else rate


def rate_of_step(rate: float | keras.optimizers.schedules.LearningRateSchedule, step: int) -> float:
    """The learning rate that the step number `step`, from 1 on, is taken with."""
    return float(rate(step - 1)) if callable(rate) else rate


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule, or rate, multiplied by a factor that grows evenly to 1 over the first `steps`."""

    def __init__(self, rate: float | keras.optimizers.schedules.LearningRateSchedule, steps: int):
        self._rate, self._steps = rate, steps

    def __call__(self, step):
        share = tf.minimum((tf.cast(step, tf.float32) + 1) / self._steps, 1.0)
        return share * (self._rate(step) if callable(self._rate) else self._rate)
