"""MPI-INF-3DHP: people in and outside a studio, with 3D joints from markerless capture."""

import collections
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from tf_advpose import camera
from tf_advpose.data import mmpose, photos
from tf_advpose.skeleton import FROM_MPI_INF_3DHP_17, THORAX, from_dataset

TEST_SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
# Focal lengths and centre in pixels. The release names no intrinsics: these fit its 2D to its 3D joints.
TEST_INTRINSICS = {
    "TS1": (1500.05, 1500.6, 1017.4, 1043.0),
    "TS2": (1503.8, 1501.3, 1015.2, 1038.7),
    "TS3": (1500.05, 1500.6, 1017.4, 1043.0),
    "TS4": (1500.05, 1500.6, 1017.4, 1043.0),
    "TS5": (1683.5, 1671.9, 939.9, 560.2),
    "TS6": (1684.0, 1672.7, 939.8, 560.1),
}
ACTIVITIES = (
    "Standing/Walking", "Exercising", "Sitting", "Reaching/Crouching", "On the Floor", "Sports",
    "Miscellaneous",
)  # fmt: skip

# The lens distortion that the intrinsics leave out moves joints by up to two pixels.
MAX_PROJECTION_ERROR = 10.0  # pixels

_MMPOSE_FILES = {
    "train": ("mpi_inf_3dhp_train.npz",),
    "test": ("mpi_inf_3dhp_test_valid.npz", "mpi_inf_3dhp_test.npz"),
}


class MpiInf3dhp(photos.PhotoDataset):
    """MPI-INF-3DHP (Mehta et al., 3DV 2017): 3D joints from markerless capture, in and outside a studio.

    Licence: non-commercial research only; photos and labels must not be passed on.
    To obtain: https://vcai.mpi-inf.mpg.de/3dhp-dataset, mpi_inf_3dhp_test_set.zip, for the test split.
    What MMPose's preprocess_mpi_inf_3dhp.py makes of the dataset is read as well, train and test.

    Splits: test is the frames marked valid, 2,929 of six sequences, named TS1 to TS6; train, only in
    MMPose's layout, is S1 to S8. Joints are the sixteen of MPII's order; the thorax is the middle of the
    shoulders. Boxes are tight around the joints.

    The 3D joints are annot3, what the camera saw, in its frame. The official evaluation compares with
    univ_annot3 instead, the same pose scaled about the pelvis to one height for all; it does not project
    onto the photo. Errors against annot3 are therefore not exactly the official ones.

    Left out: frames marked invalid.
    """

    name = "mpi_inf_3dhp"
    HOMEPAGE = "https://vcai.mpi-inf.mpg.de/3dhp-dataset"
    CITATION = """@inproceedings{mehta2017monocular,
  title={Monocular 3D Human Pose Estimation In The Wild Using Improved CNN Supervision},
  author={Mehta, Dushyant and Rhodin, Helge and Casas, Dan and Fua, Pascal and Sotnychenko, Oleksandr and
          Xu, Weipeng and Theobalt, Christian},
  booktitle={International Conference on 3D Vision}, year={2017}}"""

    @staticmethod
    def find_layout(source: Path) -> tuple[photos.Reader, Path]:
        # The archive may have been unpacked into a folder of its own name.
        unpacked = "mpi_inf_3dhp_test_set/"
        patterns = [f"{unpacked * depth}TS[1-6]/annot_data.mat" for depth in range(3)]
        files = [file for split in ("test", "train") for file in _MMPOSE_FILES[split]]
        patterns += [folder + file for folder in ("", "annotations/") for file in files]
        expected = "TS1/annot_data.mat to TS6/annot_data.mat, or annotations/mpi_inf_3dhp_*.npz of MMPose"
        labels = photos.find_labels(source, patterns, expected)
        if labels.suffix == ".npz":
            return read_mmpose, labels.parent
        return read_test_set, labels.parents[1]


def read_test_set(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads the official test set, the folder `source` of TS1 to TS6; split "train" is empty.

    Sequences that are not there are counted in `skipped`.

    Raises:
      ValueError: an annot_data.mat is of another form, or its 2D and 3D joints disagree.
    """
    if split != "test":
        return
    for sequence in TEST_SEQUENCES:
        path = source / sequence / "annot_data.mat"
        if not path.is_file():
            skipped[f"sequence {sequence} is not there"] += 1
            continue
        pixels, joints, valid, activities = _load_mat(path)
        skipped["frames marked invalid"] += int(np.sum(~valid))
        intrinsics = np.array([*TEST_INTRINSICS[sequence], *np.zeros(5)])
        for row in np.flatnonzero(valid):
            yield {
                "image": path.parent / f"imageSequence/img_{row + 1:06d}.jpg",
                **_labels(pixels[row], joints[row], intrinsics, f"{path}, row {row}"),
                "example_id": f"{sequence}_{row + 1:06d}",
                "subject": sequence,
                "action": ACTIVITIES[activities[row] - 1],
                "sequence": sequence,
            }


def read_mmpose(source: Path, split: str, skipped: collections.Counter) -> Iterator[dict]:
    """Reads MMPose's layout: .npz labels and cameras_<split>.pkl, photos there or in ../images.

    Nothing is left out, so `skipped` stays as it is. Activities are not part of the layout.

    Raises:
      FileNotFoundError, ValueError: a file is missing or of another form, or 2D and 3D disagree.
    """
    path = next((source / file for file in _MMPOSE_FILES[split] if (source / file).is_file()), None)
    if path is None:
        return
    images = source.parent / "images" if source.name == "annotations" else source
    cameras = mmpose.read_cameras(source / f"cameras_{split}.pkl")
    for row, (name, pixels, joints) in enumerate(zip(*mmpose.read_labels(path), strict=True)):
        sequence = name.rpartition("_")[0]
        if sequence not in cameras:
            raise ValueError(
                f"{path}, row {row}: cameras_{split}.pkl has no camera {sequence!r} of {name}."
            )
        yield {
            "image": images / name,
            **_labels(pixels, joints, cameras[sequence], f"{path}, row {row}"),
            "example_id": Path(name).stem,
            "subject": sequence.partition("_")[0],
            "sequence": sequence,
        }


def _labels(pixels: np.ndarray, joints: np.ndarray, intrinsics: np.ndarray, where: str) -> dict:
    """The labels in our order of `pixels` [17, 2] and `joints` [17, 3] mm, camera frame."""
    projected = camera.project(joints, intrinsics)
    error = np.abs(projected - pixels).max()
    if not error <= MAX_PROJECTION_ERROR:
        raise ValueError(
            f"{where}: the 2D joints are {error:.1f} pixels off the projected 3D joints, which should be "
            "annot3 in the camera frame."
        )
    absolute = from_dataset(joints, FROM_MPI_INF_3DHP_17)
    joints_2d = camera.project(absolute, intrinsics)
    for joint, index in enumerate(FROM_MPI_INF_3DHP_17):
        if joint != THORAX:
            joints_2d[joint] = pixels[index]
    return {"joints_2d": joints_2d, "joints_3d_absolute": absolute, "intrinsics": intrinsics}


def _load_mat(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """annot2 [N, 17, 2], annot3 [N, 17, 3], valid_frame [N] bool, activity_annotation [N] int."""
    keys = {"annot2": (1, 17, 2), "annot3": (1, 17, 3), "valid_frame": (1,), "activity_annotation": (1,)}
    try:
        with h5py.File(path) as file:
            arrays = {key: file[key][:] for key in keys}
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is not a MATLAB 7.3 file with {', '.join(keys)}: {error}") from None
    count = len(arrays["valid_frame"])
    for key, shape in keys.items():
        if arrays[key].shape != (count, *shape):
            raise ValueError(f"{path}: {key} has shape {arrays[key].shape}, expected {(count, *shape)}.")
    valid = arrays["valid_frame"][:, 0] == 1
    activities = arrays["activity_annotation"][:, 0].astype(int)
    if not np.isin(activities[valid], range(1, len(ACTIVITIES) + 1)).all():
        raise ValueError(f"{path}: activity_annotation of valid frames must be 1 to {len(ACTIVITIES)}.")
    return arrays["annot2"][:, 0], arrays["annot3"][:, 0], valid, activities
