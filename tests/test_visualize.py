"""Pictures: joints where they are, sides in their colours, people upright, files complete."""

import cv2
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tf_advpose import visualize
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS

INDEX = {name: joint for joint, name in enumerate(JOINT_NAMES)}


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


def test_limbs_have_the_colours_of_their_sides():
    image = flat_image()
    joints_2d = joints_in_image()
    drawn = visualize.draw_joints(image, joints_2d)
    for child, parent in (("right_knee", "right_hip"), ("left_knee", "left_hip"), ("thorax", "pelvis")):
        x, y = joints_2d[[INDEX[child], INDEX[parent]]].mean(axis=0).astype(int)
        np.testing.assert_array_equal(drawn[y, x], visualize.side_colour(INDEX[child]))
    assert visualize.side_colour(INDEX["right_knee"]) != visualize.side_colour(INDEX["left_knee"])
    np.testing.assert_array_equal(image, flat_image())


def test_joint_is_drawn_centred_on_its_pixel():
    """The centre of the top-left pixel is (0.5, 0.5)."""
    weight = np.zeros(NUM_JOINTS)
    weight[4] = 1
    joints_2d = np.full((NUM_JOINTS, 2), np.nan)
    joints_2d[4] = 101.25, 60.75
    drawn = visualize.draw_joints(flat_image(), joints_2d, weight)
    coloured = np.ptp(sheet.astype(int), axis=-1) > 60
    rows = np.array_split(coloured[sheet.shape[0] % 180 :], 2)  # below the titles, two rows of 1.5 inches
    shown = [[bool(cell.any()) for cell in np.array_split(row, 10, axis=1)] for row in rows]
    # Input and heatmaps are grey here; the second row has no true skeletons.
    assert shown == [[False] * 2 + [True] * 8, [False] * 2 + [True] * 6 + [False] * 2]


def test_curves_are_written(tmp_path):
    steps = np.arange(10)
    path = tmp_path / "curves.png"
    visualize.plot_curves(
        {"loss": {"D": (steps, steps), "G": (steps, -steps)}, "MPJPE mm": {"wild": (steps, steps**2)}},
        path,
        "step",
    )
    picture = cv2.imread(str(path))
    assert picture.shape[1] > 1.5 * picture.shape[0]  # two panels side by side
    assert picture.std() > 5
