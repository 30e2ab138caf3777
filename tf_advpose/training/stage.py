"""One stage: its optimisers, its compiled step, and the loop that runs it and writes down what happens."""

import contextlib
import pathlib
import sys
from collections.abc import Callable

import keras
import tensorflow as tf

from tf_advpose import work_folder
from tf_advpose.config import Config
from tf_advpose.data import pipeline
from tf_advpose.progress import ProgressBar
from tf_advpose.training import guards, steps
from tf_advpose.training.averages import Averages
from tf_advpose.training.checkpoints import Checkpoints
from tf_advpose.training.distribution import Devices
from tf_advpose.training.logs import StageLog
from tf_advpose.training.optimizers import discriminator_optimizer, generator_optimizer, loss_scale
from tf_advpose.training.schedules import learning_rate, rate_of_step
from tf_advpose.training.validation import Validation


class Stage:
    """A stage of a run on its way, with all that changes while it runs."""

    def __init__(
        self,
        name: str,
        config: Config,
        generator: keras.Model,
        discriminator: keras.Model | None,
        work_dir: str,
        data_dir: str,
        devices: Devices,
    ):
        """`discriminator`: trained in the stage `adversarial`, and only there."""
        self.name, self.config, self.generator = name, config, generator
        self.discriminator = discriminator if name == "adversarial" else None
        self._devices = devices
        self._work_dir, self._data_dir = work_dir, data_dir
        self._folder = pathlib.Path(work_dir) / name
        self._total = config.stage(name).steps
        with devices.scope():
            self._optimizer = generator_optimizer(config, config.stage(name))
            self._optimizer.build(generator.trainable_variables)
            state = {"generator": generator, "generator_optimizer": self._optimizer}
            if self.discriminator:
                self._opponent = discriminator_optimizer(config)
                self._opponent.build(discriminator.trainable_variables)
                state |= {"discriminator": discriminator, "discriminator_optimizer": self._opponent}
        self._checkpoints = Checkpoints(self._folder / work_folder.CHECKPOINTS, **state)
        self._averages = self._validation = None
        if config.average_decay:
            self._averages = Averages(generator, self._optimizer, config, name, data_dir)
        if config.validate_on and devices.is_chief:
            self._validation = Validation(config, name, work_dir, data_dir, generator, self._averages)
        self.step = tf.function(
            devices.on_all(self._step), reduce_retracing=True, jit_compile=config.jit_compile
        )

    def run(self, asked_to_stop: Callable[[], bool]) -> bool:
        """Runs the stage from its last checkpoint to its end.

        A step whose loss is not finite is written down, and the stage goes back to the last checkpoint,
        once: what a machine's fault has caused does not happen again.

        Returns:
          False where it was asked to stop before the end; a checkpoint is saved then.

        Raises:
          FloatingPointError: a loss is not finite a second time.
          ValueError: no checkpoint can be read.
        """
        try:
            return self._run_on(asked_to_stop)
        except guards.NotFinite as problem:
            _print_line(f"{self._record(problem)} Going back to the last checkpoint, once.")
        try:
            return self._run_on(asked_to_stop)
        except guards.NotFinite as problem:
            raise FloatingPointError(
                f"{self._record(problem)} It is the second time. Look at those examples, lower "
                "learning_rate, or set largest_gradient."
            ) from None

    def save_weights(self) -> None:
        """Writes the final weights of a stage that has come to its end."""
        if self.discriminator:
            self._save(self.discriminator, "discriminator")
        if self._averages:
            self._averages.take()
            self._save(self._averages.generator, "generator_average")
        self._save(self.generator, "generator")  # the last, for it says that the stage is finished

    def batches(self, first_step: int = 0) -> tf.data.Dataset:
        """The stage's training batches behind `first_step`, spread over the devices."""
        return self._devices.batches(
            lambda share: pipeline.training_batches(
                self.config, self.name, self._data_dir, first_step, share
            )
        )

    def _run_on(self, asked_to_stop: Callable[[], bool]) -> bool:
        first = self._last_checkpoint()
        batches = iter(self.batches(first))
        intervals = (self.config.log_every, self.config.checkpoint_every, self.config.validate_every)
        guard = guards.Guard(gradients_may_overflow=self.config.policy == "mixed_float16")
        writes = self._devices.is_chief
        with (
            StageLog(self._folder, first, self.config) if writes else contextlib.nullcontext() as log,
            ProgressBar(self.name, self._total, first) as bar,
        ):
            for step in range(first + 1, self._total + 1):
                batch = next(batches)
                metrics = self.step(batch)
                guard.add(step, metrics)
                bar.advance()
                at_end = step == self._total
                stopping = self._devices.anyone(asked_to_stop()) and not at_end
                to_log, to_save, to_validate = (step % every == 0 or at_end for every in intervals)
                is_read = to_log or to_save or to_validate or stopping
                verdict = guard.check() if is_read else ""
                if writes and verdict:
                    bar.say(f"{self.name}, step {step}: {verdict}")
                    log.text(step, "verdict", verdict)
                if writes and to_log:
                    log.scalars(step, {**metrics, **self._settings_of(step)})
                if to_validate and self._validation:
                    log.validation(step, self._validation.score(step))
                if writes and to_save:
                    log.pictures(step, self._devices.first(batch), self.generator)
                if writes and (to_save or stopping) and not at_end:
                    self._checkpoints.save(step)
                if stopping:
                    return False
        return True

    def _last_checkpoint(self) -> int:
        """Goes back to it, or makes the first one; returns its step."""
        step = self._checkpoints.restore(_print_line)
        if step is None:
            step = 0
            if self._devices.is_chief:
                self._checkpoints.save(step)
        self._devices.agree(
            "stage and step to go on from; they need one --work_dir that all of them see",
            f"{self.name}, {step}",
        )
        return step

    def _step(self, batch: steps.Batch) -> steps.Metrics:
        num_lab = self.config.batch_size - pipeline.num_wild(self.config, self.name)
        num_lab //= self._devices.count
        if self.discriminator is None:
            return steps.supervised_step(self.generator, self._optimizer, batch, self.config, num_lab)
        return steps.adversarial_step(
            self.generator, self.discriminator, self._optimizer, self._opponent, batch, num_lab, self.config
        )

    def _settings_of(self, step: int) -> dict[str, float]:
        """What is logged beside a step's metrics: its learning rate, and the loss scales after it."""
        settings = {"learning_rate": rate_of_step(learning_rate(self.config.stage(self.name)), step)}
        if self.config.policy == "mixed_float16":
            settings["generator_loss_scale"] = loss_scale(self._optimizer)
            if self.discriminator:
                settings["discriminator_loss_scale"] = loss_scale(self._opponent)
        return settings

    def _record(self, problem: guards.NotFinite) -> str:
        """Saves what is known of `problem`, and says where."""
        ids = pipeline.training_example_ids(self.config, self.name, self._data_dir, problem.step)
        line = f"{self.name}, {problem}; examples {', '.join(ids)}"
        if not self._devices.is_chief:
            return f"{line}."
        return f"{line}; see {guards.save_evidence(self._folder, problem, ids)}."

    def _save(self, model: keras.Model, player: str) -> None:
        work_folder.save_weights(model, work_folder.weights_path(self._work_dir, self.name, player))


def _print_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
