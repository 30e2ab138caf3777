"""Runs the three stages one after the other on the models that it owns."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Callable

import keras

from tf_advpose import work_folder
from tf_advpose.config import STAGES, Config
from tf_advpose.data import pipeline
from tf_advpose.locks import only_run
from tf_advpose.models.generator import hourglass_layers
from tf_advpose.training import initial_hourglass, initial_weights, validation
from tf_advpose.training.distribution import Devices
from tf_advpose.training.stage import Stage


class Trainer:
    """Trains a generator through the stages of a configuration, in a work folder.

    A stage that is interrupted goes on from its last checkpoint when it is run again with the same
    configuration; a finished one is not run again.
    """

    def __init__(
        self,
        config: Config,
        work_dir: str,
        data_dir: str,
        start_from: str | None = None,
        hourglass_from: str | None = None,
        devices: Devices | None = None,
    ):
        """Opens or starts the run in `work_dir`, on datasets prepared in `data_dir`.

        Args:
          start_from: work folder of another run; see `work_folder.take_over_stages`.
          hourglass_from: a checkpoint or work folder that takes the place of the first stage; see
            `initial_hourglass.load`.
          devices: what it trains on; None: one device.

        Raises:
          FileExistsError: `work_dir` holds another run.
          FileNotFoundError, ValueError: a dataset or `config.initial_weights` is missing, or a setting
            impossible, or not the same on all workers.
          ImportError: PyTorch is needed for `hourglass_from`.
        """
        work_folder.check_same_run(work_dir, config)
        self.config, self.work_dir, self.data_dir = config, work_dir, data_dir
        self._devices = devices or Devices()
        self._devices.check(config)
        examples = [pipeline.open_split(name, "train", data_dir)[2] for name in (config.lab, config.wild)]
        if config.validate_on:
            validation.check_labels(config, data_dir)
        no_lab = pipeline.num_wild(config, "adversarial") == config.batch_size
        if config.discriminator.sources and config.adversarial.steps and no_lab:
            raise ValueError(
                "The discriminator needs lab examples, but adversarial.wild_share = "
                f"{config.adversarial.wild_share} leaves none in a batch of {config.batch_size}."
            )
        if hourglass_from and (start_from or not config.stage(STAGES[0]).steps):
            raise ValueError(f"An initial hourglass stands for {STAGES[0]}, which is left out already.")
        loads_hourglass = hourglass_from and not initial_hourglass.is_taken(work_dir, hourglass_from)
        self.taken_over = [STAGES[0]] if hourglass_from else []  # stages that others have trained
        if start_from:
            self.taken_over = work_folder.stages_in_common(config, start_from)
        try:
            total_bone_length = work_folder.read_total_bone_length(work_dir)
        except FileNotFoundError:  # a new run
            total_bone_length = pipeline.mean_total_bone_length(config.lab, data_dir)
        settings = json.dumps([dataclasses.asdict(config), examples, total_bone_length])
        self._devices.agree("settings and data", settings)
        keras.utils.set_random_seed(config.seed)
        keras.config.set_dtype_policy(config.policy)
        try:
            with self._devices.scope():
                self.generator = work_folder.new_generator(config)
                self.discriminator = (
                    work_folder.new_discriminator(config) if config.discriminator.sources else None
                )
        finally:
            keras.config.set_dtype_policy("float32")
        self._devices.synchronise(self.generator)
        if config.initial_weights and not work_folder.has_begun(work_dir):
            initial_weights.load(self.generator, config.initial_weights)
        if loads_hourglass:
            initial_hourglass.load(self.generator, hourglass_from)
        if self._devices.is_chief:
            work_folder.create(work_dir, config, total_bone_length)
            if start_from:
                work_folder.take_over_stages(work_dir, start_from)
            if loads_hourglass:
                initial_hourglass.keep(work_dir, self.generator, hourglass_from)
        self._devices.agree("work folder", "opened")

    def run(self, asked_to_stop: Callable[[], bool] = lambda: False) -> bool:
        """Runs every stage that is not finished yet; no other process may at the same time.

        Args:
          asked_to_stop: looked at after each step; a checkpoint is saved when it says so.

        Returns:
          Whether all of them are finished.

        Raises:
          BlockingIOError: another process trains in this work folder.
          FloatingPointError: a loss was not finite, twice.
          ValueError: no checkpoint of a stage can be read, or a prepared dataset is damaged.
        """
        stages = (stage for stage in STAGES if self.config.stage(stage).steps)
        with (
            self._alone(),
            pipeline.damage_named(self.data_dir, (self.config.lab, "train"), (self.config.wild, "train")),
        ):
            finished = all(self.run_stage(stage, asked_to_stop) for stage in stages)
        self._devices.agree("end", str(finished))  # the others wait for what the chief writes
        return finished

    def run_stage(self, name: str, asked_to_stop: Callable[[], bool] = lambda: False) -> bool:
        """Runs one stage to its end, or loads its weights where it is finished. As `run`."""
        final = work_folder.weights_path(self.work_dir, name, "generator")
        if final.is_file():
            work_folder.load_weights(self.generator, final)
            return True
        stage = self.new_stage(name)
        if not stage.run(asked_to_stop):
            return False
        if self._devices.is_chief:
            stage.save_weights()
        return True

    def new_stage(self, name: str) -> Stage:
        """A stage, to be run from the present weights."""
        self._freeze(name)
        return Stage(
            name,
            self.config,
            self.generator,
            self.discriminator,
            self.work_dir,
            self.data_dir,
            self._devices,
        )

    def _alone(self) -> contextlib.AbstractContextManager:
        """Within it no other process writes to the work folder."""
        if not self._devices.is_chief:
            return contextlib.nullcontext()
        return only_run(pathlib.Path(self.work_dir) / work_folder.CONFIG_FILE)

    def _freeze(self, stage: str) -> None:
        """Freezes the 2D module where the configuration says so (Table 2, "fix 2D")."""
        frozen = self.config.freeze_hourglass and stage != "pretrain_2d"
        for layer in hourglass_layers(self.generator):
            layer.trainable = not frozen
