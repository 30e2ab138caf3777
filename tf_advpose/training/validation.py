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
from tf_advpose.training.averages import Averages

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

    def __init__(
        self,
        config: Config,
        stage: str,
        work_dir: str,
        data_dir: str,
        generator: keras.Model,
        averages: Averages | None,
    ):
        """Of `generator`, and of its `averages` where they are kept."""
        self._config, self._work_dir, self._data_dir = config, work_dir, data_dir
        self._stage, self._averages = stage, averages
        self._models = {"": generator}  # by what their metrics' names end in
        if averages:
            self._models["_average"] = averages.generator
        total_bone_length = work_folder.read_total_bone_length(work_dir)
        self._predictors = {
            ending: sources.from_generator(model, stage, total_bone_length)
            for ending, model in self._models.items()
        }

    def score(self, step: int) -> dict[str, float]:
        """The metrics after `step`, by name, those of the averaged weights ending in "_average"."""
        if self._averages:
            self._averages.take()
        return {
            f"{name}{ending}": value
            for ending in self._models
            for name, value in self._score(step, ending).items()
        }

    def _score(self, step: int, ending: str) -> dict[str, float]:
        predictions = sources.collect(self._predictors[ending], _batches(self._config, self._data_dir))
        results = protocols.point_estimates(scores.score(predictions, PAPERS))
        found = {"mpjpe": results.get("mpjpe"), "pckh": results.get("pckh", {}).get("mean")}
        found = {name: value for name, value in found.items() if value is not None}
        self._keep_if_best(step, found[self._config.best_by], self._models[ending])
        return found

    def _keep_if_best(self, step: int, value: float, generator: keras.Model) -> None:
        path = pathlib.Path(self._work_dir) / self._stage / BEST_FILE
        better = VALIDATION_METRICS[self._config.best_by]
        best = json.loads(path.read_text())["value"] if path.exists() else None
        if best is None or (value != best and better(value, best) == value):
            weights = work_folder.weights_path(self._work_dir, self._stage, "generator_best")
            work_folder.save_weights(generator, weights)
            write_json(path, {"step": step, "metric": self._config.best_by, "value": value})
