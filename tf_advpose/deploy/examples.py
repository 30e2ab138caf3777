"""Prepared examples as the exports get them: crops in uint8, and what is known of the people in them."""

import dataclasses

import numpy as np

from tf_advpose.data import pipeline, prepared
from tf_advpose.deploy.outputs import Outputs
from tf_advpose.evaluation.predictions import LABELS, Predictions, column

BATCH_SIZE = 50
TRAINING_SPLIT = "train"


@dataclasses.dataclass(frozen=True)
class Examples:
    """N examples of a prepared split."""

    data: str
    split: str
    crops: np.ndarray  # [N, S, S, 3] uint8
    labels: dict[str, np.ndarray]  # by `LABELS`

    def predictions(self, outputs: Outputs) -> Predictions:
        """`outputs` of these crops, beside their labels."""
        return Predictions(
            crop_size=self.crops.shape[1],
            predicted_joints_2d=outputs["joints_2d"],
            predicted_depth=outputs["depth"],
            confidence=outputs["confidence"],
            **self.labels,
        )


def read(data: str, split: str, data_dir: str, image_size: int, count: int) -> Examples:
    """The first `count` examples of a prepared split, all where it has fewer.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, unknown, damaged, or lacks the split.
    """
    batches, _ = pipeline.evaluation_batches(data, split, data_dir, image_size, min(count, BATCH_SIZE))
    crops, labels = [], {name: [] for name in LABELS}
    with pipeline.damage_named(data_dir, (data, split)):
        for batch in batches.take(-(-count // BATCH_SIZE)):
            crops.append(np.rint(batch["image"].numpy() * 255).astype(np.uint8))
            for name in LABELS:
                labels[name].append(column(batch[name]))
    return Examples(
        data,
        split,
        np.concatenate(crops)[:count],
        {name: np.concatenate(values)[:count] for name, values in labels.items()},
    )


def calibration_split(data: str, data_dir: str, otherwise: str) -> str:
    """The training split of a prepared dataset, or `otherwise` where it has none.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, or unknown.
    """
    splits = prepared.open_builder(data, data_dir).info.splits
    return TRAINING_SPLIT if TRAINING_SPLIT in splits else otherwise
