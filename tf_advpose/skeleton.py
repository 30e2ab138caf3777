"""The sixteen joints of a pose, in MPII order, and how other datasets' joints map onto them."""

import numpy as np

JOINT_NAMES = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "pelvis",
    "thorax",
    "upper_neck",
    "head_top",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
)
NUM_JOINTS = len(JOINT_NAMES)

PELVIS = JOINT_NAMES.index("pelvis")
THORAX = JOINT_NAMES.index("thorax")
UPPER_NECK = JOINT_NAMES.index("upper_neck")
HEAD_TOP = JOINT_NAMES.index("head_top")
RIGHT_HIP = JOINT_NAMES.index("right_hip")
LEFT_HIP = JOINT_NAMES.index("left_hip")
RIGHT_SHOULDER = JOINT_NAMES.index("right_shoulder")
LEFT_SHOULDER = JOINT_NAMES.index("left_shoulder")
ROOT = PELVIS

# (child, parent): every joint but the root has one bone towards it.
BONES = (
    (2, 6), (1, 2), (0, 1),  # right leg
    (3, 6), (4, 3), (5, 4),  # left leg
    (7, 6), (8, 7), (9, 8),  # spine and head
    (12, 7), (11, 12), (10, 11),  # right arm
    (13, 7), (14, 13), (15, 14),  # left arm
)  # fmt: skip

MIRROR_PAIRS = ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))

# The limbs of Table 2, each named by the joints at the far end of its bones.
LIMB_GROUPS = {
    "upper_arms": (11, 14),
    "lower_arms": (10, 15),
    "upper_legs": (1, 4),
    "lower_legs": (0, 5),
}

# The joint groups of Table 3; PCKh leaves out pelvis and thorax.
PCKH_GROUPS = {
    "head": (9,),
    "shoulder": (12, 13),
    "elbow": (11, 14),
    "wrist": (10, 15),
    "hip": (2, 3),
    "knee": (1, 4),
    "ankle": (0, 5),
}
PCKH_JOINTS = tuple(joint for joint in range(NUM_JOINTS) if joint not in (PELVIS, THORAX))

# For each of our joints, its index in the dataset's own order. None: not annotated there,
# `with_thorax` fills it.
FROM_HUMAN36M_32 = (3, 2, 1, 6, 7, 8, 0, None, 13, 15, 27, 26, 25, 17, 18, 19)
FROM_HUMAN36M_17 = (3, 2, 1, 4, 5, 6, 0, None, 8, 10, 16, 15, 14, 11, 12, 13)
FROM_MPI_INF_3DHP_17 = (10, 9, 8, 11, 12, 13, 14, None, 1, 0, 4, 3, 2, 5, 6, 7)
FROM_MPI_INF_3DHP_28 = (25, 24, 23, 18, 19, 20, 4, None, 5, 7, 16, 15, 14, 9, 10, 11)


def mirror_order() -> np.ndarray:
    """The joint order of a mirrored person, [P] int: left and right change places."""
    order = np.arange(NUM_JOINTS)
    for right, left in MIRROR_PAIRS:
        order[[right, left]] = left, right
    return order


def with_thorax(joints: np.ndarray) -> np.ndarray:
    """Sets the thorax of `joints` [..., P, 3] to the midpoint of the shoulders, in 3D."""
    joints = joints.copy()
    joints[..., THORAX, :] = (joints[..., RIGHT_SHOULDER, :] + joints[..., LEFT_SHOULDER, :]) / 2
    return joints


def from_dataset(joints: np.ndarray, index_map: tuple[int | None, ...]) -> np.ndarray:
    """Reorders 3D `joints` [..., J, 3] of another dataset into ours [..., P, 3], thorax filled.

    Raises:
      ValueError: `joints` has fewer joints than `index_map` asks for.
    """
    needed = max(index for index in index_map if index is not None) + 1
    if joints.ndim < 2 or joints.shape[-2] < needed or joints.shape[-1] != 3:
        raise ValueError(f"Expected joints of shape [..., {needed} or more, 3], got {joints.shape}.")
    picked = joints[..., [index if index is not None else 0 for index in index_map], :]
    return with_thorax(picked)


def bone_lengths(joints: np.ndarray) -> np.ndarray:
    """Lengths of the bones of `joints` [..., P, D]: [..., len(BONES)], in the joints' unit."""
    child, parent = np.array(BONES).T
    return np.linalg.norm(joints[..., child, :] - joints[..., parent, :], axis=-1)
