"""What the tests of drawings share: a person who stands before a grey wall."""

import numpy as np

from tf_advpose.skeleton import JOINT_NAMES


def standing_person() -> np.ndarray:
    """Stands facing the camera, the right arm stretched towards it: [P, 3] mm, root-relative."""
    heights = {"ankle": 900, "knee": 450, "hip": 0, "shoulder": -500, "elbow": -250, "wrist": 0}
    joints = {f"right_{part}": (-150, y, 0) for part, y in heights.items()}
    joints |= {f"left_{part}": (150, y, 0) for part, y in heights.items()}
    heights = {"pelvis": 0, "thorax": -500, "upper_neck": -550, "head_top": -800}
    joints |= {part: (0, y, 0) for part, y in heights.items()}
    joints |= {"right_elbow": (-150, -500, -250), "right_wrist": (-150, -500, -500)}
    return np.array([joints[name] for name in JOINT_NAMES], float)


STANDING = standing_person()


def flat_image(value: int = 90, size: int = 256) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


def joints_in_image() -> np.ndarray:
    """`STANDING` seen from its left and above, so that no bone hides another, in pixels."""
    return np.stack(
        [128 + STANDING[:, 0] * 0.3 - STANDING[:, 2] * 0.1, 120 + STANDING[:, 1] * 0.12], axis=-1
    )
