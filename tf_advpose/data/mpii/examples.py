"""How MPII labels a person, which is the same in every layout of its labels."""

from pathlib import Path

import numpy as np

from tf_advpose.skeleton import HEAD_TOP, UPPER_NECK

PERSON_HEIGHT = 200.0  # pixels that `scale` 1 stands for
CENTRE_SHIFT = 15.0  # the labelled centre is that of the trunk; times scale, downwards
HEAD_SIZE_SHARE = 0.6  # of the head rectangle's diagonal
# The authors placed the head joints in the head rectangle, 0.8 of its diagonal apart.
HEAD_SIZE_PER_HEAD_BONE = HEAD_SIZE_SHARE / 0.8
FIRST_PIXEL_CENTRE = 0.5  # labels count from 1, ours from 0.5

# Why people are left out.
NO_JOINT = "no joint is labelled"
NO_CENTRE = "no centre or scale is labelled"
SHARED_PHOTO = "shares a photo with someone in validation"


def person(
    photo: Path,
    number: int,
    joints: np.ndarray,
    joint_weight: np.ndarray,
    centre: tuple[float, float],
    scale: float,
    head_size: float | None,
) -> dict:
    """The arguments of `schema.make_example` for person `number`, from 1, in `photo`.

    Args:
      joints: [P, 2], pixels that count from 1.
      joint_weight: [P], 1 where a joint is labelled, else 0.
      centre, scale: as MPII has them.
      head_size: pixels, 0 where unknown. None: 0.75 of the head bone, 0 where that is not labelled.
    """
    x, y = centre[0], centre[1] + CENTRE_SHIFT * scale
    side = PERSON_HEIGHT * scale
    box = np.array([x - side / 2, y - side / 2, side, side], np.float64)
    box[:2] -= FIRST_PIXEL_CENTRE
    if head_size is None:
        labelled = joint_weight[HEAD_TOP] and joint_weight[UPPER_NECK]
        head_bone = np.linalg.norm(joints[HEAD_TOP] - joints[UPPER_NECK]) if labelled else 0
        head_size = HEAD_SIZE_PER_HEAD_BONE * head_bone
    return {
        "image": photo,
        "joints_2d": joints - FIRST_PIXEL_CENTRE,
        "joint_weight": joint_weight,
        "box": box,
        "head_size": float(head_size),
        "example_id": f"{photo.stem}_{number}",
    }


def rectangle_size(corner: np.ndarray, opposite: np.ndarray) -> np.ndarray:
    """Head sizes [...] of head rectangles with these corners [..., 2]."""
    return HEAD_SIZE_SHARE * np.linalg.norm(opposite - corner, axis=-1)


def find(source: Path, *names: str) -> Path:
    """The first of `names` that lies beside the label file `source` or one folder up; else beside it."""
    folders = (source.parent, source.resolve().parents[1])
    paths = [folder / name for folder in folders for name in names]
    return next((path for path in paths if path.exists()), paths[0])
