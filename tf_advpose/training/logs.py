"""What a stage writes down while it runs: scalars and pictures, for TensorBoard and as JSON lines."""

import json
import pathlib

import keras
import tensorflow as tf

from tf_advpose import heatmaps, visualize
from tf_advpose.files import written_aside
from tf_advpose.training.steps import Batch, Metrics
from tf_advpose.training.work_folder import METRICS_FILE

NUM_PICTURES = 8


class StageLog:
    """Writes into a stage's folder. A context manager."""

    def __init__(self, folder: pathlib.Path, first_step: int):
        """Goes on behind `first_step`: lines of a run that got further before it was interrupted go."""
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = tf.summary.create_file_writer(str(folder))
        self._path = folder / METRICS_FILE
        # Behind the last newline is what a full disk left of a line, or nothing.
        lines = self._path.read_text().split("\n")[:-1] if self._path.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= first_step]
        with written_aside(self._path) as aside:
            aside.write_text("".join(line + "\n" for line in kept))

    def __enter__(self) -> "StageLog":
        return self

    def __exit__(self, *_):
        self._writer.close()

    def scalars(self, step: int, metrics: Metrics) -> None:
        """Logs the metrics of one step."""
        values = {name: float(value) for name, value in metrics.items()}
        with self._path.open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        with self._writer.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def pictures(self, step: int, batch: Batch, generator: keras.Model) -> None:
        """Logs the last crops of a batch with the joints that the generator finds in them."""
        images = batch["image"][-NUM_PICTURES:]
        joints_2d, _ = heatmaps.decode(generator(images, training=False)["heatmaps"][-1])
        drawn = [
            visualize.draw_joints(tf.image.convert_image_dtype(image, tf.uint8).numpy(), joints)
            for image, joints in zip(images, joints_2d.numpy(), strict=True)
        ]
        with self._writer.as_default(step):
            tf.summary.image("predicted_joints", drawn, max_outputs=NUM_PICTURES)
