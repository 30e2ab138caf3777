"""From a pose in a picture to where the person stands before the camera, as far as that is known."""

import dataclasses

import numpy as np

from tf_advpose import camera
from tf_advpose.deploy.runtime import Pose
from tf_advpose.skeleton import ROOT, bone_lengths

DEFAULT_FIELD_OF_VIEW = 55.0  # degrees, along the longer side of the picture: a phone's main camera or so
FULL_FRAME_DIAGONAL = float(np.hypot(36.0, 24.0))  # mm; what "35 mm equivalent" is measured by
NEAREST = 0.05  # of the pelvis's distance: no joint is nearer


@dataclasses.dataclass(frozen=True)
class Camera:
    """What is known of the camera that took the pictures.

    At most one of the two is given; without them it is taken to see `DEFAULT_FIELD_OF_VIEW`.
    """

    focal_mm: float | None = None  # 35 mm equivalent, as phones write into their photos
    fixed: tuple[float, ...] | None = None  # intrinsics: fx, fy, cx, cy in pixels, or nine as in `camera`

    def __post_init__(self):
        if self.focal_mm is not None and self.fixed is not None:
            raise ValueError("Give the focal length in millimetres or the intrinsics, not both.")
        if self.focal_mm is not None and not 0 < self.focal_mm < np.inf:
            raise ValueError(f"The focal length must be above 0 mm and finite, got {self.focal_mm}.")
        if self.fixed is not None and (
            len(self.fixed) not in (4, 9) or not np.isfinite(self.fixed).all() or min(self.fixed[:2]) <= 0
        ):
            raise ValueError(
                "Intrinsics are fx, fy, cx, cy in pixels, with or without k1, k2, k3, p1, p2; fx and fy "
                f"above 0; got {', '.join(map(str, self.fixed))}."
            )

    def intrinsics(self, width: int, height: int) -> np.ndarray:
        """Those of a picture of this size: [9]."""
        if self.fixed is not None:
            return np.array([*self.fixed, *[0.0] * (9 - len(self.fixed))])
        if self.focal_mm is not None:
            focal = self.focal_mm / FULL_FRAME_DIAGONAL * np.hypot(width, height)
        else:
            focal = max(width, height) / 2 / np.tan(np.radians(DEFAULT_FIELD_OF_VIEW / 2))
        return np.array([focal, focal, width / 2, height / 2, 0, 0, 0, 0, 0])

    def describe(self) -> dict:
        """Where the intrinsics come from."""
        if self.fixed is not None:
            return {"from": "intrinsics", "intrinsics": list(self.fixed)}
        if self.focal_mm is not None:
            return {"from": "focal_mm", "focal_mm": self.focal_mm}
        return {"from": "assumed", "field_of_view_degrees": DEFAULT_FIELD_OF_VIEW}


def parse_intrinsics(text: str) -> tuple[float, ...]:
    """Numbers from "fx,fy,cx,cy" or all nine; raises ValueError where they are none."""
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise ValueError(f"--intrinsics={text}: expected numbers with commas between them.") from None


def absolute_joints(
    pose: Pose, crop_side: float, total_bone_length: float, intrinsics: np.ndarray
) -> np.ndarray:
    """Where the joints of a person of the training set's mean size are: [P, 3] mm, camera frame.

    The rays of the joints' pixels are cut at the depths found. All coordinates are then in proportion to
    the pelvis's distance, which is the one at which the bones together have the length they should.

    Args:
      pose: of a picture with these `intrinsics` [9].
      crop_side: of the crop that it was found in, in pixels of the picture.
      total_bone_length: millimetres.
    """
    focal = intrinsics[:2].mean()
    behind_pelvis = (pose.depth - pose.depth[ROOT]).astype(np.float64) * (crop_side / 2)  # pixels
    joints = camera.back_project(
        pose.joints_2d.astype(np.float64), np.maximum(focal + behind_pelvis, NEAREST * focal), intrinsics
    )
    length = bone_lengths(joints).sum()
    return joints * (total_bone_length / length if length > 0 else 0.0)
