"""Builds a whole run and takes a step of each stage, to say beforehand what it will cost."""

import resource
import sys
import time

import keras
import tensorflow as tf

from tf_advpose.config import STAGES
from tf_advpose.training.trainer import Trainer

TIMED_STEPS = 3  # behind the first, in which the step is compiled


def report(trainer: Trainer) -> str:
    """The cost of a new run, from its first step on; the work folder of `trainer` is of no use afterwards.

    Stages that it takes over cost nothing. What its work folder holds is no matter, for each of several
    workers has one of its own.

    The time of a step holds what the input takes beyond it; it is that of this machine as busy as it is.
    """
    lines = [_describe(model) for model in (trainer.generator, trainer.discriminator) if model]
    total = 0.0
    for name in STAGES:
        steps = trainer.config.stage(name).steps
        if steps and name not in trainer.taken_over:
            to_compile, seconds = _time_steps(trainer, name)
            total += steps * seconds / 3600
            lines.append(
                f"{name}: {seconds:.3f} s a step, {steps} steps, {steps * seconds / 3600:.2f} hours "
                f"(the first step: {to_compile:.0f} s)"
            )
    lines.append(f"all stages: {total:.2f} hours")
    lines.append(f"most memory in use: {_peak_memory() / 2**30:.2f} GiB")
    return "\n".join(lines)


def _describe(model: keras.Model) -> str:
    trainable = sum(variable.value.shape.num_elements() for variable in model.trainable_variables)
    return f"{model.name}: {model.count_params():,} parameters, {trainable:,} of them trained"


def _time_steps(trainer: Trainer, name: str) -> tuple[float, float]:
    """Seconds of the first step, and of one of those behind it."""
    stage = trainer.new_stage(name)
    batches = iter(stage.batches())
    times = [time.perf_counter()]
    for _ in range(1 + TIMED_STEPS):
        metrics = stage.step(next(batches))
        float(metrics["pose_loss"])  # waits for the step
        times.append(time.perf_counter())
    return times[1] - times[0], (times[-1] - times[1]) / TIMED_STEPS


def _peak_memory() -> int:
    """Bytes: of the first GPU where there is one, else of this process."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
