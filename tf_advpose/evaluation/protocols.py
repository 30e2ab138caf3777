"""From a generator and labelled batches to the numbers of the paper's tables.

A crop alone does not say how large a person is. Two named read-outs make millimetres of what the
generator predicts, and every result says which was used:

  camera: the pelvis's true distance and the camera's intrinsics are given, as in the paper's Protocol #1
    ("after aligning the depth of the root joints", Sec. 5). The rays of the predicted pixels are cut at
    the predicted depths.
  bones: nothing about the camera is given. The skeleton of crop pixels and depths, which share one
    scale, is enlarged until its bones together have the mean length of the training set.

Either way errors are root-relative: the predicted pelvis is laid onto the true one.
"""

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from tf_advpose import camera, metrics
from tf_advpose.heatmaps import decode
from tf_advpose.skeleton import LIMB_GROUPS, PCKH_GROUPS, PCKH_JOINTS, ROOT, bone_lengths

SCALES = ("camera", "bones")
PREDICTED = ("predicted_joints_2d", "confidence", "predicted_depth")


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a generator predicted for N examples, beside their labels, which keep their batch names."""

    crop_size: int
    predicted_joints_2d: np.ndarray  # [N, P, 2] crop pixels
    predicted_depth: np.ndarray  # [N, P] half-crop units
    confidence: np.ndarray  # [N, P]
    joints_2d: np.ndarray  # [N, P, 2] crop pixels
    joint_weight: np.ndarray  # [N, P]
    head_size: np.ndarray  # [N] crop pixels, 0 where unknown
    has_scale: np.ndarray  # [N] bool; the next five mean something only where it is set
    joints_3d: np.ndarray  # [N, P, 3] mm, root-relative
    mm_per_pixel: np.ndarray  # [N]
    root_depth: np.ndarray  # [N] mm
    intrinsics: np.ndarray  # [N, 9]
    crop_to_image: np.ndarray  # [N, 2, 3]
    example_id: np.ndarray  # [N] str, as the rest
    subject: np.ndarray
    action: np.ndarray
    sequence: np.ndarray

    def where(self, chosen: np.ndarray) -> "Predictions":
        """The predictions of the examples that `chosen` [N] bool names."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return Predictions(
            fields.pop("crop_size"), **{name: value[chosen] for name, value in fields.items()}
        )


def collect(generator: keras.Model, batches: Iterable[dict]) -> Predictions:
    """Runs `generator` over finite labelled `batches` and keeps predictions and labels, no images.

    Args:
      generator: image [B, S, S, 3] float32 in [0, 1] -> {"heatmaps": one a stack, "depth": [B, P]}.
      batches: dictionaries of `image` and the labels that `Predictions` names.

    Raises:
      ValueError: there is no batch, or a prediction is not finite; names the example.
    """

    @tf.function(reduce_retracing=True)
    def predict(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        outputs = generator(image, training=False)
        return *decode(outputs["heatmaps"][-1]), tf.cast(outputs["depth"], tf.float32)

    names = {field.name for field in dataclasses.fields(Predictions)} - {"crop_size"}
    collected: dict[str, list[np.ndarray]] = {}
    crop_size = 0
    for batch in batches:
        crop_size = batch["image"].shape[1]
        part = {
            name: output.numpy() for name, output in zip(PREDICTED, predict(batch["image"]), strict=True)
        }
        part |= {name: _numpy(batch[name]) for name in names - part.keys()}
        for name in PREDICTED:
            finite = np.isfinite(part[name]).reshape(len(part[name]), -1).all(axis=1)
            if not finite.all():
                raise ValueError(
                    f"The generator's prediction for {part['example_id'][finite.argmin()]} is not finite; "
                    "its training has diverged. Evaluate an earlier stage."
                )
        for name, value in part.items():
            collected.setdefault(name, []).append(value)
    if not collected:
        raise ValueError("There is no example to evaluate: the split is empty.")
    return Predictions(crop_size, **{name: np.concatenate(values) for name, values in collected.items()})


def joints_from_camera(predictions: Predictions) -> np.ndarray:
    """The predicted joints by the `camera` read-out: [N, P, 3] mm, camera frame, root-relative."""
    absolute = camera.joints_from_crop(
        predictions.predicted_joints_2d,
        predictions.predicted_depth,
        predictions.mm_per_pixel,
        predictions.root_depth,
        predictions.intrinsics,
        predictions.crop_to_image,
        predictions.crop_size,
    )
    return absolute - absolute[:, ROOT, None]


def joints_from_bones(predictions: Predictions, total_bone_length: float) -> np.ndarray:
    """The predicted joints by the `bones` read-out: [N, P, 3] mm, root-relative.

    `total_bone_length` is the training set's mean of all bones' lengths together, millimetres.
    """
    x_y = predictions.predicted_joints_2d / (predictions.crop_size / 2)
    joints = np.concatenate([x_y, predictions.predicted_depth[..., None]], axis=-1).astype(np.float64)
    predicted_length = bone_lengths(joints).sum(axis=-1)
    # An untrained generator puts all joints on one spot: no scale makes a skeleton of that.
    scale = np.where(predicted_length > 0, total_bone_length / np.maximum(predicted_length, 1e-9), 0.0)
    return scale[:, None, None] * (joints - joints[:, ROOT, None])


def evaluate(
    predictions: Predictions, scale: str = "camera", total_bone_length: float | None = None
) -> dict:
    """Scores `predictions`, 3D where the scale is known and 2D where a head size is.

    Args:
      predictions: of one split.
      scale: "camera" or "bones", the read-out that gives millimetres.
      total_bone_length: millimetres, for "bones".

    Returns:
      "examples": how many there are.
      Where any has 2D labels and a head size: "pckh", PCKh@0.5 in percent by `PCKH_GROUPS`, and "mean",
        the plain mean of `PCKH_JOINTS`, as in Table 3.
      Where any has 3D labels, over those: "examples_3d"; "scale"; "mpjpe", "pa_mpjpe", "n_mpjpe" and
        "depth_error" (z alone, millimetres by the true scale whichever read-out) in mm, means over
        examples and joints; "pck3d" and "auc3d" in percent over the 14 joints without pelvis and
        thorax; "mpjpe_by_limb" by `LIMB_GROUPS` (Table 2); "by_action": for each action its number of
        "examples", "mpjpe" and "pa_mpjpe" (Table 1).

    Raises:
      ValueError: an unknown scale, "bones" without a length, or no label to score against.
    """
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {SCALES}, got {scale!r}.")
    if scale == "bones" and not total_bone_length:
        raise ValueError("The scale 'bones' needs the training set's total_bone_length in millimetres.")
    results = {"examples": len(predictions.example_id)}
    measured = predictions.where((predictions.head_size > 0) & predictions.joint_weight.any(axis=1))
    if len(measured.example_id):
        results["pckh"] = _pckh(measured)
    scaled = predictions.where(predictions.has_scale)
    if len(scaled.example_id):
        joints_3d = (
            joints_from_camera(scaled)
            if scale == "camera"
            else joints_from_bones(scaled, total_bone_length)
        )
        results |= {"scale": scale, "examples_3d": len(scaled.example_id)} | _score_3d(scaled, joints_3d)
    if len(results) == 1:
        raise ValueError(
            "There is nothing to score: no example has 3D labels, or 2D labels and a head size."
        )
    return results


def _pckh(predictions: Predictions) -> dict[str, float]:
    hits = metrics.pckh(
        predictions.predicted_joints_2d,
        predictions.joints_2d,
        predictions.head_size,
        weight=predictions.joint_weight,
    )
    # A joint that is never labelled has no score, nor has a group of such joints.
    labelled = ~np.isnan(hits).all(axis=0)
    score = {joint: 100 * float(np.nanmean(hits[:, joint])) for joint in np.flatnonzero(labelled)}
    groups = PCKH_GROUPS | {"mean": PCKH_JOINTS}
    return {
        group: float(np.mean([score[joint] for joint in joints if joint in score]))
        for group, joints in groups.items()
        if any(joint in score for joint in joints)
    }


def _score_3d(predictions: Predictions, joints_3d: np.ndarray) -> dict:
    target = predictions.joints_3d
    mpjpe = metrics.mpjpe(joints_3d, target)
    pa_mpjpe = metrics.pa_mpjpe(joints_3d, target)
    half_crop_mm = predictions.crop_size / 2 * predictions.mm_per_pixel
    depth = predictions.predicted_depth - predictions.predicted_depth[:, ROOT, None]
    pck_joints = list(PCKH_JOINTS)
    actions = {action: predictions.action == action for action in np.unique(predictions.action) if action}
    return {
        "mpjpe": float(mpjpe.mean()),
        "pa_mpjpe": float(pa_mpjpe.mean()),
        "n_mpjpe": float(metrics.n_mpjpe(joints_3d, target).mean()),
        "depth_error": float(np.abs(depth * half_crop_mm[:, None] - target[..., 2]).mean()),
        "pck3d": 100 * float(metrics.pck3d(joints_3d, target)[:, pck_joints].mean()),
        "auc3d": 100 * float(metrics.auc3d(joints_3d, target)[:, pck_joints].mean()),
        "mpjpe_by_limb": {
            limb: float(mpjpe[:, list(joints)].mean()) for limb, joints in LIMB_GROUPS.items()
        },
        "by_action": {
            str(action): {
                "examples": int(chosen.sum()),
                "mpjpe": float(mpjpe[chosen].mean()),
                "pa_mpjpe": float(pa_mpjpe[chosen].mean()),
            }
            for action, chosen in actions.items()
        },
    }


def _numpy(value: tf.Tensor | np.ndarray) -> np.ndarray:
    array = np.asarray(value)
    return np.array([text.decode() for text in array]) if array.dtype == object else array
