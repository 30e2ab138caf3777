"""What a model predicted, beside its labels: the one structure that all scores are computed from."""

import dataclasses

import numpy as np

from tf_advpose import camera
from tf_advpose.skeleton import ROOT, bone_lengths

LABELS_2D = ("joints_2d", "joint_weight", "head_size")
LABELS_3D = ("has_scale", "joints_3d", "joints_3d_universal")
LABELS_CAMERA = ("mm_per_pixel", "root_depth", "intrinsics", "crop_to_image")
NAMES = ("subject", "action", "sequence")  # "" where there is none
LABELS = ("example_id", *NAMES, *LABELS_2D, *LABELS_3D, *LABELS_CAMERA)
PREDICTED = ("predicted_joints_2d", "confidence", "predicted_depth", "predicted_joints_3d")


def column(values: np.typing.ArrayLike) -> np.ndarray:
    """A column of a batch, a tensor or an array, in NumPy; texts, which are bytes there, as str."""
    array = np.asarray(values)
    return np.array([text.decode() for text in array]) if array.dtype == object else array


@dataclasses.dataclass(frozen=True)
class Predictions:
    """N examples: what a model predicted of each, and their labels, which keep their batch names.

    A network predicts joints in crop pixels and depths; another system may predict millimetres. What is
    not known is None.
    """

    example_id: np.ndarray  # [N] str
    subject: np.ndarray  # [N] str, as the next two
    action: np.ndarray
    sequence: np.ndarray

    predicted_joints_2d: np.ndarray | None = None  # [N, P, 2] pixels, those of joints_2d
    confidence: np.ndarray | None = None  # [N, P]
    predicted_depth: np.ndarray | None = None  # [N, P] half-crop units
    predicted_joints_3d: np.ndarray | None = None  # [N, P, 3] mm, root-relative, of other systems

    joints_2d: np.ndarray | None = None  # [N, P, 2] crop pixels where there is a crop
    joint_weight: np.ndarray | None = None  # [N, P]
    head_size: np.ndarray | None = None  # [N] pixels, those of joints_2d; 0 where unknown
    has_scale: np.ndarray | None = None  # [N] bool; the rest means something only where it is set
    joints_3d: np.ndarray | None = None  # [N, P, 3] mm, root-relative
    joints_3d_universal: np.ndarray | None = None  # the same of MPI-INF-3DHP's universal skeleton, or zeros
    mm_per_pixel: np.ndarray | None = None  # [N]
    root_depth: np.ndarray | None = None  # [N] mm
    intrinsics: np.ndarray | None = None  # [N, 9]
    crop_to_image: np.ndarray | None = None  # [N, 2, 3]

    crop_size: int = 0  # 0: there is no crop
    total_bone_length: float = 0.0  # mm, mean of the training set; 0: unknown

    def __len__(self) -> int:
        return len(self.example_id)

    def where(self, chosen: np.ndarray) -> "Predictions":
        """The examples that `chosen` names, [N] bool or numbers in any order."""
        return dataclasses.replace(self, **{name: value[chosen] for name, value in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields that are known and have a value for each example."""
        fields = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: value for name, value in fields if isinstance(value, np.ndarray)}


def joints_from_camera(predictions: Predictions) -> np.ndarray:
    """The predicted joints by the `camera` read-out: [N, P, 3] mm, camera frame, root-relative.

    The pelvis's true distance is given; the rays of the predicted pixels are cut at the predicted depths.
    """
    absolute = absolute_from_camera(predictions)
    return absolute - absolute[:, ROOT, None]


def absolute_from_camera(predictions: Predictions) -> np.ndarray:
    """As `joints_from_camera`, but where the camera saw them; the pelvis is at its true distance."""
    return camera.joints_from_crop(
        predictions.predicted_joints_2d.astype(np.float64),
        _relative_depth(predictions),
        predictions.mm_per_pixel,
        predictions.root_depth,
        predictions.intrinsics,
        predictions.crop_to_image,
        predictions.crop_size,
    )


def true_root(predictions: Predictions) -> np.ndarray:
    """Where the pelvis truly is, camera frame: [N, 3] mm."""
    labels = dataclasses.replace(
        predictions,
        predicted_joints_2d=predictions.joints_2d,
        predicted_depth=np.zeros(predictions.joint_weight.shape),
    )
    return absolute_from_camera(labels)[:, ROOT]


def joints_from_bones(predictions: Predictions) -> np.ndarray:
    """The predicted joints by the `bones` read-out: [N, P, 3] mm, root-relative.

    Nothing of the camera is given. The skeleton of crop pixels and depths, which share one scale, is
    enlarged until its bones together have the length that the training set's have on average.

    Raises:
      ValueError: that length is not known.
    """
    if not predictions.total_bone_length:
        raise ValueError("The scale 'bones' needs the training set's total_bone_length in millimetres.")
    x_y = predictions.predicted_joints_2d / (predictions.crop_size / 2)
    joints = np.concatenate([x_y, predictions.predicted_depth[..., None]], axis=-1).astype(np.float64)
    predicted_length = bone_lengths(joints).sum(axis=-1)
    # An untrained generator puts all joints on one spot: no scale makes a skeleton of that.
    length = predictions.total_bone_length
    scale = np.where(predicted_length > 0, length / np.maximum(predicted_length, 1e-9), 0.0)
    return scale[:, None, None] * (joints - joints[:, ROOT, None])


def depth_in_mm(predictions: Predictions) -> np.ndarray:
    """The predicted depths by the true scale, whatever the read-out: [N, P] mm, root-relative."""
    half_crop_mm = predictions.crop_size / 2 * predictions.mm_per_pixel
    return _relative_depth(predictions) * half_crop_mm[:, None]


def _relative_depth(predictions: Predictions) -> np.ndarray:
    depth = predictions.predicted_depth.astype(np.float64)
    return depth - depth[:, ROOT, None]
