"""What an export says of itself."""

import dataclasses
import pathlib
import subprocess

import keras
import tensorflow as tf

from tf_advpose.config import Config
from tf_advpose.data.schema import CROP_MARGIN
from tf_advpose.skeleton import BONES, JOINT_NAMES, ROOT

UNITS = {
    "images": "square RGB crops, uint8",
    "image": "square RGB crop, float32 in [0, 1]",
    "bytes": "a photo as JPEG or PNG; its orientation tag is not applied",
    "box": "(x, y, width, height) of the person in photo pixels",
    "mm_per_pixel": "millimetres one crop pixel spans at the root's depth",
    "joints_2d": "pixels of what was given, crop or photo, x right, y down; the centre of the top-left "
    "pixel is (0.5, 0.5)",
    "depth": "half the crop's width at the root's depth is 1; relative to the root, positive away from the "
    "camera",
    "confidence": "the heatmap's peak, about 1 for a joint that is surely found",
    "joints_3d": "millimetres, relative to the root; x right, y down, z away from the camera",
    "total_bone_length": "millimetres, all bones together, mean over the training set",
    "crop_margin": "the crop's side, in longer sides of the person's box; the two share their centre",
}


def describe(
    config: Config,
    stage: str,
    total_bone_length: float,
    weights: str = "last",
    initial_hourglass: str | None = None,
) -> dict:
    """What a user of an export has to know, to be stored inside it as JSON.

    Args:
      config: of the training run.
      stage: whose weights are exported.
      total_bone_length: millimetres, mean over the lab training set.
      weights: which of that stage's, one of `work_folder.GENERATOR_WEIGHTS`.
      initial_hourglass: what took the place of the first stage, see `work_folder.initial_hourglass`.
    """
    return {
        "joint_names": list(JOINT_NAMES),
        "bones": [list(bone) for bone in BONES],  # (child, parent)
        "root": JOINT_NAMES[ROOT],
        "image_size": config.generator.image_size,
        "crop_margin": CROP_MARGIN,
        "total_bone_length": total_bone_length,
        "units": UNITS,
        "stage": stage,
        "weights": weights,
        "initial_hourglass": initial_hourglass,
        "config": dataclasses.asdict(config),
        # Of the export, not of the training.
        "code_version": code_version(),
        "tensorflow_version": tf.__version__,
        "keras_version": keras.__version__,
    }


def code_version() -> str:
    """The commit of this code, marked "-dirty" where it was changed since; "unknown" outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(
            command, cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
