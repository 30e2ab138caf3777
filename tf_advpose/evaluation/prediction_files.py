"""Predictions on disk: one .npz layout, for our models and for any other system.

docs/evaluation.md describes the layout. A file that holds labels is scored as it is; one without is scored
against a prepared split, whose examples it names.
"""

import os
import pathlib
import re
import zipfile
import zlib
from collections.abc import Iterable

import numpy as np

from tf_advpose import files, skeleton
from tf_advpose.evaluation.predictions import LABELS_CAMERA, NAMES, PREDICTED, Predictions
from tf_advpose.skeleton import JOINT_NAMES, NUM_JOINTS, RIGHT_SHOULDER, ROOT, THORAX

FORMAT = "tf_advpose predictions 1"
_P = NUM_JOINTS
SHAPES = {  # behind the number of examples
    "example_id": (),
    "subject": (),
    "action": (),
    "sequence": (),
    "predicted_joints_2d": (_P, 2),
    "confidence": (_P,),
    "predicted_depth": (_P,),
    "predicted_joints_3d": (_P, 3),
    "joints_2d": (_P, 2),
    "joint_weight": (_P,),
    "head_size": (),
    "has_scale": (),
    "joints_3d": (_P, 3),
    "joints_3d_universal": (_P, 3),
    "mm_per_pixel": (),
    "root_depth": (),
    "intrinsics": (9,),
    "crop_to_image": (2, 3),
}

_NUMBERS = "biuf"  # kinds of dtypes
_DAMAGE = (  # what NumPy raises for files that are none, or damaged
    OSError, EOFError, ValueError, AttributeError, TypeError, NotImplementedError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
_NEEDED = {
    "predicted_depth": ("predicted_joints_2d", *LABELS_CAMERA),
    "joints_3d": ("has_scale",),
    "joints_3d_universal": ("joints_3d",),
    "joints_2d": ("joint_weight", "head_size"),
}


def save(predictions: Predictions, path: str | os.PathLike, data: str = "") -> None:
    """Writes `predictions` to a new .npz file; `data` names the dataset and split for titles.

    Raises:
      FileExistsError: there is such a file.
    """
    if os.path.exists(path):
        raise FileExistsError(f"{path} exists; name another file or remove it.")
    with files.written_aside(path) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file,
            format=FORMAT,
            data=data,
            joint_names=np.array(JOINT_NAMES),
            crop_size=predictions.crop_size,
            total_bone_length=predictions.total_bone_length,
            **predictions.arrays(),
        )


def check_outputs(models: Iterable[str], folder: str) -> None:
    """Raises FileExistsError where `save_all` of these models would find a file that is there."""
    for name in models:
        path = _path(name, folder)
        if path.exists():
            raise FileExistsError(f"{path} exists; name another folder or remove it.")


def save_all(predictions: dict[str, Predictions], folder: str, data: str) -> None:
    """`save` of what each model predicted into `folder`, as <model>.npz; none if one is there already."""
    check_outputs(predictions, folder)
    for name, one in predictions.items():
        save(one, _path(name, folder), data)


def load(path: str | os.PathLike, labels: dict[str, np.ndarray] | None = None) -> tuple[Predictions, str]:
    """Reads a file of predictions.

    Args:
      labels: of a prepared split, for a file that holds none; examples are found by their example_id and
        come in the order of the labels.

    Returns:
      The predictions, and what `data` they are of, "" where the file does not say.

    Raises:
      FileNotFoundError, ValueError: it is no such file, lacks something, or predictions and labels do not
        belong together; says what is in the one and what in the other.
    """
    arrays = _read(path)
    data = str(arrays.pop("data", ""))
    settings = {
        name: _number(arrays.pop(name), f"{path}: {name}")
        for name in ("crop_size", "total_bone_length")
        if name in arrays
    }
    arrays = {name: _typed(name, array, str(path)) for name, array in arrays.items()}
    _check(arrays, str(path))
    if "predicted_depth" in arrays and not settings.get("crop_size", 0) > 0:
        raise ValueError(f"{path}: predicted_depth is of no use without crop_size, in pixels, above 0.")
    if "joints_2d" not in arrays and "joints_3d" not in arrays:
        if labels is None:
            raise ValueError(
                f"{path} holds predictions without labels. Name the prepared dataset that they are of."
            )
        arrays = _matched(arrays, labels, str(path))
    for name in NAMES:
        arrays.setdefault(name, np.full(len(arrays["example_id"]), ""))
    return Predictions(**arrays, **settings), data


def has_labels(path: str | os.PathLike) -> bool:
    """Whether `load` needs no labels for it. Raises as `load`."""
    arrays = _read(path)
    return "joints_2d" in arrays or "joints_3d" in arrays


def from_arrays(
    example_id: np.ndarray,
    *,
    predicted_joints_3d: np.ndarray | None = None,
    joints_3d: np.ndarray | None = None,
    joints_3d_universal: np.ndarray | None = None,
    predicted_joints_2d: np.ndarray | None = None,
    joints_2d: np.ndarray | None = None,
    joint_weight: np.ndarray | None = None,
    head_size: np.ndarray | None = None,
    index_map: tuple[int | None, ...] | None = None,
    subject: np.ndarray | None = None,
    action: np.ndarray | None = None,
    sequence: np.ndarray | None = None,
) -> Predictions:
    """`Predictions` of another system's plain arrays, to be scored or saved.

    Args:
      example_id: [N] names; a number at their end is taken for the frame's.
      predicted_joints_3d, joints_3d: [N, J, 3] mm, camera frame; the pelvis is subtracted here.
      joints_3d_universal: as `joints_3d`, of MPI-INF-3DHP's universal skeleton: its univ_annot3.
      predicted_joints_2d, joints_2d: [N, J, 2] pixels, the same for both.
      joint_weight: [N, J], 0 where a joint is not labelled in 2D. None: all are.
      head_size: [N] pixels, for PCKh.
      index_map: for each of our joints its number among the J, such as `skeleton.FROM_HUMAN36M_17`; None
        in it: the thorax, made of the shoulders. No map: the J joints are ours, in our order.

    Raises:
      ValueError: lengths or numbers of joints do not fit; names both sides.
    """
    given = {
        "predicted_joints_3d": predicted_joints_3d,
        "joints_3d": joints_3d,
        "joints_3d_universal": joints_3d_universal,
        "predicted_joints_2d": predicted_joints_2d,
        "joints_2d": joints_2d,
    }
    arrays = {
        name: _reordered(name, array, index_map) for name, array in given.items() if array is not None
    }
    arrays["example_id"] = np.asarray(example_id).astype(str)
    count = len(arrays["example_id"])
    for name, texts in (("subject", subject), ("action", action), ("sequence", sequence)):
        arrays[name] = np.full(count, "") if texts is None else np.asarray(texts).astype(str)
    if joints_2d is not None:
        weight = np.ones(np.shape(joints_2d)[:2]) if joint_weight is None else np.asarray(joint_weight)
        arrays["joint_weight"] = _reordered_weight(weight, index_map)
        arrays["head_size"] = np.zeros(count) if head_size is None else np.asarray(head_size, np.float64)
    if joints_3d is not None:
        arrays["has_scale"] = np.ones(count, bool)
    _check(arrays, "These arrays")
    for name in ("predicted_joints_3d", "joints_3d", "joints_3d_universal"):
        if name in arrays:
            arrays[name] = arrays[name] - arrays[name][:, ROOT, None]
    return Predictions(**arrays)


def _path(model: str, folder: str) -> pathlib.Path:
    """A model's file; its name is without what a file's cannot have: runs/full 2 -> runs_full_2.npz."""
    name = re.sub(r"[^\w.-]+", "_", model).strip("_.")
    return pathlib.Path(folder) / f"{name}.npz"


def _read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file of predictions {path}.")
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file}
    except _DAMAGE as error:
        raise ValueError(f"{path} is not a readable .npz file: {error}") from None
    found = str(arrays.pop("format", "none"))
    if found != FORMAT:
        raise ValueError(f"{path} has the format {found!r}, expected {FORMAT!r}.")
    names = tuple(str(name) for name in np.ravel(arrays.pop("joint_names", np.empty(0))))
    if names != JOINT_NAMES:
        raise ValueError(
            f"{path} has the joints {', '.join(names) or '(none)'}; expected are, in this order, "
            f"{', '.join(JOINT_NAMES)}. prediction_files.from_arrays reorders them."
        )
    return arrays


def _number(array: np.ndarray, what: str) -> float:
    if array.size != 1 or array.dtype.kind not in _NUMBERS:
        raise ValueError(f"{what} must be one number, got the shape {array.shape} of {array.dtype}.")
    return array.item()


def _typed(name: str, array: np.ndarray, where: str) -> np.ndarray:
    """Names as str and `has_scale` as bool, in whatever types they were stored; the others are numbers."""
    if name in ("example_id", *NAMES):
        return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array.astype(str)
    if name in SHAPES and array.dtype.kind not in _NUMBERS:
        raise ValueError(f"{where}: {name} must be of numbers, got {array.dtype}.")
    if name != "has_scale":
        return array
    if not np.isin(array, [0, 1]).all():
        raise ValueError(f"{where}: has_scale must be true or false (1 or 0) of each example.")
    return array.astype(bool)


def _check(arrays: dict[str, np.ndarray], where: str) -> None:
    """Raises ValueError where arrays are unknown, missing, or of a shape that does not fit."""
    unknown = sorted(set(arrays) - set(SHAPES))
    if unknown:
        raise ValueError(f"{where}: unknown arrays {', '.join(unknown)}; known are {', '.join(SHAPES)}.")
    if "example_id" not in arrays or not set(PREDICTED) & set(arrays):
        raise ValueError(
            f"{where} must hold example_id and one of {', '.join(PREDICTED)}. Found: {', '.join(arrays)}."
        )
    for name, needed in _NEEDED.items():
        lacking = [other for other in needed if other not in arrays]
        if name in arrays and lacking:
            raise ValueError(f"{where}: {name} is of no use without {', '.join(lacking)}.")
    count = len(np.atleast_1d(arrays["example_id"]))
    for name, array in arrays.items():
        expected = (count, *SHAPES[name])
        if array.shape != expected:
            raise ValueError(
                f"{where}: {name} has shape {array.shape}, but of {count} examples of {NUM_JOINTS} joints "
                f"it must be {expected}."
            )
    for name in ("predicted_joints_3d", "predicted_depth"):
        finite = np.isfinite(arrays.get(name, np.zeros((count, 1)))).reshape(count, -1).all(axis=1)
        if not finite.all():
            raise ValueError(f"{where}: {name} of {arrays['example_id'][finite.argmin()]} is not finite.")
    if len(np.unique(arrays["example_id"])) < count:
        names, times = np.unique(arrays["example_id"], return_counts=True)
        raise ValueError(f"{where}: example {names[times.argmax()]} is there {times.max()} times.")


def _matched(
    arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray], path: str
) -> dict[str, np.ndarray]:
    """Predictions and labels together, in the order of the labels."""
    predicted, labelled = arrays["example_id"], labels["example_id"]
    missing, foreign = np.setdiff1d(labelled, predicted), np.setdiff1d(predicted, labelled)
    if len(missing) or len(foreign):
        raise ValueError(
            f"{path} predicts {len(predicted)} examples, the split has {len(labelled)}: {len(missing)} are "
            f"not predicted{_some(missing)}, {len(foreign)} are not in the split{_some(foreign)}."
        )
    if "predicted_joints_2d" in arrays:
        raise ValueError(
            f"{path} holds predicted_joints_2d without labels, so it is not known which pixels these are. "
            "Put joints_2d, joint_weight and head_size beside them."
        )
    order = {name: number for number, name in enumerate(predicted)}
    chosen = np.array([order[name] for name in labelled])
    return {name: array[chosen] for name, array in arrays.items()} | labels


def _some(names: np.ndarray) -> str:
    return f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if len(names) else ""


def _reordered(name: str, joints: np.ndarray, index_map: tuple[int | None, ...] | None) -> np.ndarray:
    joints = np.asarray(joints, np.float64)
    if index_map is None:
        return joints
    flat = joints.ndim == 3 and joints.shape[2] == 2
    if flat:  # the thorax of 2D joints, which no 2D metric counts, is filled like that of 3D ones
        joints = np.insert(joints, 2, 0.0, axis=-1)
    try:
        reordered = skeleton.from_dataset(joints, index_map)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return reordered[..., :2] if flat else reordered


def _reordered_weight(weight: np.ndarray, index_map: tuple[int | None, ...] | None) -> np.ndarray:
    if index_map is None:
        return weight
    most = max(index for index in index_map if index is not None)
    if weight.ndim != 2 or weight.shape[1] <= most:
        raise ValueError(
            f"joint_weight: expected [N, J] of at least {most + 1} joints, as index_map says; got the "
            f"shape {weight.shape}."
        )
    reordered = weight[:, [0 if index is None else index for index in index_map]]
    if index_map[THORAX] is None:
        reordered[:, THORAX] = reordered[:, RIGHT_SHOULDER]
    return reordered
