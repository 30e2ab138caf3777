"""The official training set of MPI-INF-3DHP: S1 to S8, two sequences each, with annot.mat and videos."""

import collections
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io

from tf_advpose.data import photos, video
from tf_advpose.data.mpi_inf_3dhp import examples
from tf_advpose.skeleton import FROM_MPI_INF_3DHP_28

PATTERN = "S[1-8]/Seq[12]/annot.mat"
STEP = 5  # of 25 or 50 frames a second, by the sequence
# Only so many rows of annot.mat are labels.
LENGTHS = {
    ("S1", "Seq1"): 6416, ("S1", "Seq2"): 12430, ("S2", "Seq1"): 6502, ("S2", "Seq2"): 6081,
    ("S3", "Seq1"): 12488, ("S3", "Seq2"): 12283, ("S4", "Seq1"): 6171, ("S4", "Seq2"): 6675,
    ("S5", "Seq1"): 12820, ("S5", "Seq2"): 12312, ("S6", "Seq1"): 6188, ("S6", "Seq2"): 6145,
    ("S7", "Seq1"): 6239, ("S7", "Seq2"): 6320, ("S8", "Seq1"): 6468, ("S8", "Seq2"): 6054,
}  # fmt: skip
NUM_CAMERAS = 14
CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)  # those at chest height, which the literature trains on
SHORT_VIDEOS = {("S6", "Seq2", 2): "S6/Seq2/video_2.avi: the video is too short"}
NUM_JOINTS = 28


def read_training_set(source: Path, skipped: collections.Counter, step: int) -> Iterator[dict]:
    """Reads every `step`-th frame of the folder `source` of S1 to S8; sequences not there are counted.

    Raises:
      FileNotFoundError, ValueError: a file is missing or of another form, or 2D and 3D joints disagree.
    """
    for (subject, sequence), length in LENGTHS.items():
        folder = source / subject / sequence
        path = folder / "annot.mat"
        if not path.is_file():
            skipped[f"sequence {subject}/{sequence} is not there"] += 1
            continue
        cameras = read_calibration(folder / "camera.calibration")
        pixels, joints = _load_mat(path)
        for number in CAMERAS:
            frames = np.arange(0, min(length, len(joints[number])), step)
            if reason := SHORT_VIDEOS.get((subject, sequence, number)):
                skipped[reason] += len(frames)
                continue
            film = folder / f"imageSequence/video_{number}.avi"
            within = frames < video.length(film)
            if not within.all():
                skipped["labels beyond the end of their video"] += int(np.sum(~within))
            frames = frames[within]
            labels = examples.people(
                pixels[number][frames],
                joints[number][frames],
                cameras[number],
                FROM_MPI_INF_3DHP_28,
                f"{path}, camera {number}",
            )
            name = f"{subject}_{sequence}_Cam{number}"
            for frame, person in zip(frames.tolist(), labels, strict=True):
                yield {
                    "image": photos.VideoFrame(film, frame),
                    **person,
                    "example_id": f"{name}_{frame + 1:06d}",
                    "subject": subject,
                    "sequence": name,
                }


def read_calibration(path: Path) -> dict[int, np.ndarray]:
    """Reads the intrinsics [9] of the cameras, by number, of a camera.calibration; lenses do not distort.

    Raises:
      FileNotFoundError, ValueError: the file is missing, or lacks one of the fourteen cameras.
    """
    if not path.is_file():
        raise FileNotFoundError(f"The cameras of the labels are missing: {path}.")
    cameras, number = {}, None
    for line in path.read_text(errors="replace").splitlines():
        key, *values = line.split() or [""]
        try:
            if key == "name":
                number = int(values[0])
            elif key == "intrinsic":
                matrix = np.array(values, np.float64).reshape(4, 4)
                cameras[number] = np.array(
                    [matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *np.zeros(5)]
                )
        except (ValueError, IndexError):
            raise ValueError(
                f"{path}: expected a number or a 4 x 4 matrix, found {line.strip()!r}."
            ) from None
    if lacking := set(range(NUM_CAMERAS)) - set(cameras):
        raise ValueError(
            f"{path}: no intrinsic matrix of camera {min(lacking)}, expected those of 0 to 13."
        )
    return cameras


def _load_mat(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """annot2 [N, 28, 2] and annot3 [N, 28, 3] of each camera."""
    shapes = {"annot2": NUM_JOINTS * 2, "annot3": NUM_JOINTS * 3}
    try:
        values = scipy.io.loadmat(path, variable_names=tuple(shapes))
        cells = {key: values[key] for key in shapes}
    except Exception as error:  # SciPy raises many kinds, depending on what in the file is wrong
        raise ValueError(f"{path} is not a MATLAB 5 file with annot2 and annot3: {error!r}") from None
    for key in shapes:
        if cells[key].shape != (NUM_CAMERAS, 1):
            raise ValueError(f"{path}: {key} has shape {cells[key].shape}, expected {(NUM_CAMERAS, 1)}.")
    for key, columns in shapes.items():
        for number, cell in enumerate(cells[key][:, 0]):
            shape = (len(cells["annot3"][number, 0]), columns)
            if cell.shape != shape:
                raise ValueError(
                    f"{path}: {key} of camera {number} has shape {cell.shape}, expected {shape}."
                )
    return tuple([cell.reshape(len(cell), NUM_JOINTS, -1) for cell in cells[key][:, 0]] for key in shapes)
