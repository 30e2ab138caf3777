"""What a stage writes down while it runs: scalars and pictures, for TensorBoard and as JSON lines."""

import dataclasses
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from tf_advpose import drawing, heatmaps
from tf_advpose.config import Config
from tf_advpose.files import written_aside
from tf_advpose.training.steps import Batch, Metrics
from tf_advpose.work_folder import METRICS_FILE, VALIDATION_FILE

NUM_PICTURES = 8


class StageLog:
    """Writes into a stage's folder. A context manager."""

    def __init__(self, folder: pathlib.Path, first_step: int, config: Config):
        """Goes on behind `first_step`: lines of a run that got further before it was interrupted go."""
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = tf.summary.create_file_writer(str(folder))
        self._folder = folder
        for name in (METRICS_FILE, VALIDATION_FILE):
            _drop_lines(folder / name, first_step)
        settings = json.dumps(dataclasses.asdict(config), indent=2)
        self.text(first_step, "config", f"```\n{settings}\n```")

    def __enter__(self) -> "StageLog":
        return self

    def __exit__(self, *_):
        self._writer.close()

    def scalars(self, step: int, metrics: Metrics) -> None:
        """Logs the metrics of one step."""
        self._log(METRICS_FILE, step, metrics)

    def validation(self, step: int, scores: dict[str, float]) -> None:
        """Logs what the generator scored after `step`."""
        self._log(VALIDATION_FILE, step, scores, "validation/")

    def text(self, step: int, name: str, text: str) -> None:
        """Logs a text, for TensorBoard alone."""
        with self._writer.as_default(step):
            tf.summary.text(name, text)

    def pictures(self, step: int, batch: Batch, generator: keras.Model) -> None:
        """Logs the last crops of a batch, with the labelled skeleton and beside that the predicted one."""
        last = {name: value[-NUM_PICTURES:] for name, value in batch.items()}
        predicted, _ = heatmaps.decode(generator(last["image"], training=False)["heatmaps"][-1])
        images = tf.image.convert_image_dtype(last["image"], tf.uint8).numpy()
        labels = zip(last["joints_2d"].numpy(), last["joint_weight"].numpy(), strict=True)
        draw = drawing.draw_joints
        drawn = [
            np.concatenate([draw(image, *label), draw(image, joints)], axis=1)
            for image, label, joints in zip(images, labels, predicted.numpy(), strict=True)
        ]
        with self._writer.as_default(step):
            # A list of arrays would become int32, of which TensorBoard makes black.
            tf.summary.image("labelled_and_predicted", np.stack(drawn), max_outputs=NUM_PICTURES)

    def _log(self, file_name: str, step: int, metrics: Metrics, prefix: str = "") -> None:
        values = {name: float(value) for name, value in metrics.items()}
        with (self._folder / file_name).open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        with self._writer.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(prefix + name, value)


def _drop_lines(path: pathlib.Path, behind: int) -> None:
    """Drops the lines of steps later than `behind`, and what a full disk left of a line."""
    if path.exists():
        # Behind the last newline is half a line, or nothing.
        lines = path.read_text().split("\n")[:-1]
        kept = [line for line in lines if json.loads(line)["step"] <= behind]
        with written_aside(path) as aside:
            aside.write_text("".join(line + "\n" for line in kept))
