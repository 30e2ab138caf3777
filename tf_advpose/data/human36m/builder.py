"""Human3.6M: people in a laboratory, with 3D joints from motion capture."""

import functools
from pathlib import Path

from tf_advpose.data import photos
from tf_advpose.data.human36m import coco, examples, mmpose, official, videopose3d, zhou

# Each reader with the folder in the source where it starts, and what it finds there.
_LAYOUTS = (
    (official.read_official, ".", official.PATTERNS),
    (official.read_official, "extracted", official.PATTERNS),
    (videopose3d.read_videopose3d, ".", (videopose3d.FILE,)),
    (coco.read_coco, ".", coco.PATTERNS),
    (zhou.read_zhou, ".", zhou.PATTERNS),
    # Labels at 10 frames a second come first: their photos are there wherever those at 50 are.
    (mmpose.read_mmpose, "annotation_body3d/fps10", mmpose.FILES),
    (mmpose.read_mmpose, "annotation_body3d/fps50", mmpose.FILES),
    (mmpose.read_mmpose, ".", mmpose.FILES),
)
_EXPECTED = (
    "S1/MyPoseFeatures and S1/Videos of the release, data_3d_h36m.npz of VideoPose3D, "
    "annotations/Human36M_subject1_data.json of 3DMPPE, images/s_01_act_02_subact_01_ca_01/matlab_meta.mat "
    "of Zhou, or annotation_body3d/fps10 (or fps50) of MMPose"
)


class Human36m(photos.PhotoDataset):
    """Human3.6M (Ionescu et al., PAMI 2014): 3D joints of people in a laboratory, four cameras.

    Licence: academic use only, by agreement with the authors; photos and labels must not be passed on.
    To obtain: register at http://vision.imar.ro/human3.6m and download, for each subject, the poses
    (D3_Positions_mono, D2_Positions) and the videos. What VideoPose3D, 3DMPPE, Zhou's pose-hg-3d and MMPose
    make of them is read as well.

    Splits: train is S1, S5, S6, S7, S8; test is S9 and S11. Of 50 frames a second, train has every fifth
    and test every 64th, counted from the start of the sequence, unless set otherwise. Actions are named by
    one spelling each (Photo, WalkDog, WalkTogether), sequences by subject, sequence and camera
    (S1_TakingPhoto_1.54138969), from any layout. Joints are the sixteen of MPII's order; the thorax is the
    middle of the shoulders. 2D joints are the projected 3D joints, with the lens distortion.
    Boxes are tight around the joints.

    Left out: camera 54138969 of S11's second Directions, whose video is corrupt; labels beyond the end of
    their video; subjects other than these seven, whose joints are withheld. Kept, as in most published
    results: S9's "Greeting", "SittingDown 1" and "Waiting 1", in parts of which the joints are shifted
    against the photo.
    """

    name = "human36m"
    HOMEPAGE = "http://vision.imar.ro/human3.6m"
    CITATION = """@article{ionescu2014human36m,
  title={Human3.6M: Large Scale Datasets and Predictive Methods for 3D Human Sensing in Natural
         Environments},
  author={Ionescu, Catalin and Papava, Dragos and Olaru, Vlad and Sminchisescu, Cristian},
  journal={IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume={36}, number={7}, pages={1325--1339}, year={2014}}"""

    def __init__(
        self,
        *,
        train_step: int = examples.STEPS["train"],
        test_step: int = examples.STEPS["test"],
        **kwargs,
    ):
        """A builder that takes every `train_step`-th frame to train, every `test_step`-th to test on."""
        self._steps = {"train": train_step, "test": test_step}
        super().__init__(**kwargs)

    def find_layout(self, source: Path) -> tuple[photos.Reader, Path]:
        reader, start = find_layout(source)
        return functools.partial(reader, steps=self._steps), start


def find_layout(source: Path) -> tuple[photos.Reader, Path]:
    """The reader, which takes every step of `examples.STEPS`, and the folder where it starts.

    Raises:
      FileNotFoundError, ValueError: `source` holds no labels that are known.
    """
    for reader, folder, patterns in _LAYOUTS:
        if any(any((source / folder).glob(pattern)) for pattern in patterns):
            return reader, source / folder
    patterns = [f"{folder}/{pattern}" for _, folder, patterns in _LAYOUTS for pattern in patterns]
    return photos.find_labels(source, patterns, _EXPECTED)
