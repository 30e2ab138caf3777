"""Runs the three stages, and owns what changes while they run: models, optimisers, step, logs."""

import pathlib

import keras
import tensorflow as tf

from tf_advpose.config import STAGES, Config
from tf_advpose.data import pipeline
from tf_advpose.models.generator import hourglass_layers
from tf_advpose.progress import ProgressBar
from tf_advpose.training import steps, work_folder
from tf_advpose.training.logs import StageLog
from tf_advpose.training.optimizers import discriminator_optimizer, generator_optimizer

CHECKPOINTS_KEPT = 2


class Trainer:
    """Trains a generator through the stages of a configuration, in a work folder.

    A stage that is interrupted goes on from its last checkpoint when it is run again with the same
    configuration; a finished one is not run again.
    """

    def __init__(self, config: Config, work_dir: str, data_dir: str, start_from: str | None = None):
        """Opens or starts the run in `work_dir`, on datasets prepared in `data_dir`.

        Args:
          start_from: work folder of another run; see `work_folder.take_over_stages`.

        Raises:
          FileExistsError: `work_dir` holds another run.
          FileNotFoundError, ValueError: a dataset is missing, or a setting impossible.
        """
        work_folder.check_same_run(work_dir, config)
        self.config, self.work_dir, self.data_dir = config, work_dir, data_dir
        for name in (config.lab, config.wild):
            pipeline.open_split(name, "train", data_dir)
        if config.discriminator.sources and pipeline.num_wild(config, "adversarial") == config.batch_size:
            raise ValueError(
                "The discriminator needs lab examples, but adversarial.wild_share = "
                f"{config.adversarial.wild_share} leaves none in a batch of {config.batch_size}."
            )
        if start_from:
            work_folder.stages_in_common(config, start_from)
        total_bone_length = pipeline.mean_total_bone_length(config.lab, data_dir)
        keras.utils.set_random_seed(config.seed)
        keras.config.set_dtype_policy(config.policy)
        try:
            self.generator = work_folder.new_generator(config)
            self.discriminator = (
                work_folder.new_discriminator(config) if config.discriminator.sources else None
            )
        finally:
            keras.config.set_dtype_policy("float32")
        work_folder.create(work_dir, config, total_bone_length)
        if start_from:
            work_folder.take_over_stages(work_dir, start_from)

    def run(self) -> None:
        """Runs every stage that is not finished yet.

        Raises:
          ValueError: a prepared dataset is damaged.
        """
        with pipeline.damage_named(self.data_dir, (self.config.lab, "train"), (self.config.wild, "train")):
            for stage in STAGES:
                if self.config.stage(stage).steps:
                    self.run_stage(stage)

    def run_stage(self, stage: str) -> None:
        """Runs one stage to its end, or loads its weights where it is finished."""
        final = work_folder.weights_path(self.work_dir, stage, "generator")
        if final.is_file():
            work_folder.load_weights(self.generator, final)
            return
        self._freeze(stage)
        folder = pathlib.Path(self.work_dir) / stage
        total = self.config.stage(stage).steps
        step_function, state = self._step_function(stage)
        checkpoint = tf.train.Checkpoint(step=tf.Variable(0, dtype=tf.int64), **state)
        manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), CHECKPOINTS_KEPT)
        checkpoint.restore(manager.latest_checkpoint)
        first = int(checkpoint.step)
        batches = iter(pipeline.training_batches(self.config, stage, self.data_dir, first))
        with StageLog(folder, first) as log, ProgressBar(stage, total, first) as bar:
            for step in range(first + 1, total + 1):
                batch = next(batches)
                metrics = step_function(batch)
                checkpoint.step.assign(step)
                bar.advance()
                if step % self.config.log_every == 0 or step == total:
                    log.scalars(step, metrics)
                if step % self.config.checkpoint_every == 0 and step < total:
                    log.pictures(step, batch, self.generator)
                    manager.save(step)
            log.pictures(total, batch, self.generator)
        if "discriminator" in state:
            work_folder.save_weights(
                self.discriminator, work_folder.weights_path(self.work_dir, stage, "discriminator")
            )
        work_folder.save_weights(self.generator, final)

    def _step_function(self, stage: str):
        """The compiled step of a stage, batch -> metrics, and what its checkpoint holds."""
        config, settings = self.config, self.config.stage(stage)
        player = generator_optimizer(config, settings)
        player.build(self.generator.trainable_variables)
        state = {"generator": self.generator, "generator_optimizer": player}
        if stage != "adversarial" or self.discriminator is None:

            @tf.function(reduce_retracing=True, jit_compile=config.jit_compile)
            def supervised(batch):
                return steps.supervised_step(self.generator, player, batch, config)

            return supervised, state

        opponent = discriminator_optimizer(config)
        opponent.build(self.discriminator.trainable_variables)
        num_lab = config.batch_size - pipeline.num_wild(config, stage)
        state |= {"discriminator": self.discriminator, "discriminator_optimizer": opponent}

        @tf.function(reduce_retracing=True, jit_compile=config.jit_compile)
        def adversarial(batch):
            return steps.adversarial_step(
                self.generator, self.discriminator, player, opponent, batch, num_lab, config
            )

        return adversarial, state

    def _freeze(self, stage: str) -> None:
        """Freezes the 2D module where the configuration says so (Table 2, "fix 2D")."""
        frozen = self.config.freeze_hourglass and stage != "pretrain_2d"
        for layer in hourglass_layers(self.generator):
            layer.trainable = not frozen
