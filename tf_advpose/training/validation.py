"""Scores the generator now and then on a split that is not trained on, and keeps its best weights."""

import json
import pathlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from tf_advpose import work_folder
from tf_advpose.config import VALIDATION_METRICS, Config
from tf_advpose.data import pipeline
from tf_advpose.evaluation import protocols, scores, sources
from tf_advpose.evaluation.conventions import PAPERS
from tf_advpose.files import write_json
from tf_advpose.training.averages import averaged_generator

BEST_FILE = "best.json"


def check_labels(config: Config, data_dir: str) -> None:
    """Looks for what `best_by` needs among the first examples of `validate_on`, before any step.

    Raises:
      FileNotFoundError, ValueError: no such dataset or split, no such label, or a damaged record.
    """
    batch = next(_batches(config, data_dir))
    labelled = {"mpjpe": batch["has_scale"], "pckh": batch["head_size"] > 0}
    known = [name for name in labelled if labelled[name].numpy().any()]
    if config.best_by not in known:
        raise ValueError(
            f"{config.validate_on} has no labels for best_by = {config.best_by!r}; it has them for: "
            f"{', '.join(known) or 'none'}."
        )


def _batches(config: Config, data_dir: str) -> Iterator[dict[str, tf.Tensor]]:
    """Those of `validate_on`; a damaged record is a ValueError that names the file."""
    name, _, split = config.validate_on.partition(":")
    with pipeline.damage_named(data_dir, (name, split)):
        yield from pipeline.evaluation_batches(
            name, split, data_dir, config.generator.image_size, config.batch_size
        )[0]


class Validation:
    """What `validate_on` and `best_by` of a configuration ask for."""

    def __init__(self, config: Config, stage: str, work_dir: str, data_dir: str):
        self._config, self._stage, self._work_dir, self._data_dir = config, stage, work_dir, data_dir

    def score(
        self, step: int, generator: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> dict[str, float]:
        """The metrics after `step`, by name, those of the averaged weights ending in "_average"."""
        found = self._score(step, generator)
        if self._config.average_decay:
            averaged = averaged_generator(generator, optimizer, self._config, self._stage, self._data_dir)
            of_averaged = self._score(step, averaged)
            found |= {f"{name}_average": value for name, value in of_averaged.items()}
        return found

    def _score(self, step: int, generator: keras.Model) -> dict[str, float]:
        total_bone_length = work_folder.read_total_bone_length(self._work_dir)
        model = sources.from_generator(generator, self._stage, total_bone_length)
        predictions = sources.collect(model, _batches(self._config, self._data_dir))
        results = protocols.point_estimates(scores.score(predictions, PAPERS))
        found = {"mpjpe": results.get("mpjpe"), "pckh": results.get("pckh", {}).get("mean")}
        found = {name: value for name, value in found.items() if value is not None}
        self._keep_if_best(step, found[self._config.best_by], generator)
        return found

    def _keep_if_best(self, step: int, value: float, generator: keras.Model) -> None:
        path = pathlib.Path(self._work_dir) / self._stage / BEST_FILE
        better = VALIDATION_METRICS[self._config.best_by]
        best = json.loads(path.read_text())["value"] if path.exists() else None
        if best is None or (value != best and better(value, best) == value):
            weights = work_folder.weights_path(self._work_dir, self._stage, "generator_best")
            work_folder.save_weights(generator, weights)
            write_json(path, {"step": step, "metric": self._config.best_by, "value": value})
