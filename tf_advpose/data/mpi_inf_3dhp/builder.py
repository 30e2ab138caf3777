"""MPI-INF-3DHP: people in and outside a studio, with 3D joints from markerless capture."""

import collections
import functools
from collections.abc import Iterator
from pathlib import Path

from tf_advpose.data import photos
from tf_advpose.data.mpi_inf_3dhp import mmpose, test_set, training_set

# Where the archives may have been unpacked, in folders of their own names.
_TEST_FOLDERS = (".", "mpi_inf_3dhp_test_set", "mpi_inf_3dhp_test_set/mpi_inf_3dhp_test_set")
_TRAINING_FOLDERS = (".", "mpi_inf_3dhp")
_MMPOSE_FOLDERS = ("annotations", ".")
_EXPECTED = (
    "TS1/annot_data.mat to TS6/annot_data.mat, S1/Seq1/annot.mat to S8/Seq2/annot.mat, or "
    "annotations/mpi_inf_3dhp_*.npz of MMPose"
)


class MpiInf3dhp(photos.PhotoDataset):
    """MPI-INF-3DHP (Mehta et al., 3DV 2017): 3D joints from markerless capture, in and outside a studio.

    Licence: non-commercial research only; photos and labels must not be passed on.
    To obtain: https://vcai.mpi-inf.mpg.de/3dhp-dataset, mpi_inf_3dhp_test_set.zip for the test split and,
    to train on it, the archive of scripts that download S1 to S8. What MMPose's
    preprocess_mpi_inf_3dhp.py makes of the dataset is read as well.

    Splits: test is the frames marked valid, 2,929 of six sequences, named TS1 to TS6; train is S1 to S8, of
    the release every fifth frame, unless set otherwise, of the eight cameras at chest height, of MMPose's
    labels all. Joints are the sixteen of MPII's order; the thorax is the middle of the shoulders. Boxes are
    tight around the joints.

    The 3D joints are annot3, what the camera saw, in its frame. The official evaluation compares with
    univ_annot3 instead, the same pose scaled about the pelvis to one height for all; it does not project
    onto the photo. Errors against annot3 are therefore not exactly the official ones.

    Left out: frames marked invalid; of the training set, cameras at other heights, whatever annot.mat holds
    beyond the documented length of a sequence, and video_2 of S6/Seq2, which is too short.
    """

    name = "mpi_inf_3dhp"
    HOMEPAGE = "https://vcai.mpi-inf.mpg.de/3dhp-dataset"
    CITATION = """@inproceedings{mehta2017monocular,
  title={Monocular 3D Human Pose Estimation In The Wild Using Improved CNN Supervision},
  author={Mehta, Dushyant and Rhodin, Helge and Casas, Dan and Fua, Pascal and Sotnychenko, Oleksandr and
          Xu, Weipeng and Theobalt, Christian},
  booktitle={International Conference on 3D Vision}, year={2017}}"""

    def __init__(self, *, train_step: int = training_set.STEP, **kwargs):
        """A builder that takes every `train_step`-th frame of the official training set."""
        self._train_step = train_step
        super().__init__(**kwargs)

    def find_layout(self, source: Path) -> tuple[photos.Reader, Path]:
        reader, start = find_layout(source)
        if reader is read_official:
            reader = functools.partial(reader, train_step=self._train_step)
        return reader, start


def find_layout(source: Path) -> tuple[photos.Reader, Path]:
    """The reader for what is in `source`, and the folder where it starts.

    Raises:
      FileNotFoundError, ValueError: `source` holds no labels that are known.
    """
    if _find(source, _TEST_FOLDERS, test_set.PATTERN) or _find(
        source, _TRAINING_FOLDERS, training_set.PATTERN
    ):
        return read_official, source
    for pattern in mmpose.PATTERNS:
        if folder := _find(source, _MMPOSE_FOLDERS, pattern):
            return mmpose.read_mmpose, folder
    patterns = [
        *(f"{folder}/{test_set.PATTERN}" for folder in _TEST_FOLDERS),
        *(f"{folder}/{training_set.PATTERN}" for folder in _TRAINING_FOLDERS),
        *(f"{folder}/{pattern}" for folder in _MMPOSE_FOLDERS for pattern in mmpose.PATTERNS),
    ]
    return photos.find_labels(source, patterns, _EXPECTED)


def read_official(
    source: Path,
    split: str,
    skipped: collections.Counter,
    train_step: int = training_set.STEP,
) -> Iterator[dict]:
    """Reads the official training and test sets, whichever of them is in the folder `source`."""
    if split == "test":
        if folder := _find(source, _TEST_FOLDERS, test_set.PATTERN):
            yield from test_set.read_test_set(folder, skipped)
    elif folder := _find(source, _TRAINING_FOLDERS, training_set.PATTERN):
        yield from training_set.read_training_set(folder, skipped, train_step)


def _find(source: Path, folders: tuple[str, ...], pattern: str) -> Path | None:
    """The first of `folders` in `source` that has files of `pattern`."""
    return next((source / folder for folder in folders if any((source / folder).glob(pattern))), None)
