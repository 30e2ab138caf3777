"""Drawings: joints where they are, sides in their colours, people upright from every side."""

import numpy as np
import pytest
from standing_person import STANDING, flat_image, joints_in_image

from tf_advpose import drawing
from tf_advpose.skeleton import JOINT_NAMES, NUM_JOINTS

INDEX = {name: joint for joint, name in enumerate(JOINT_NAMES)}


def test_limbs_have_the_colours_of_their_sides():
    image = flat_image()
    joints_2d = joints_in_image()
    drawn = drawing.draw_joints(image, joints_2d)
    for child, parent in (("right_knee", "right_hip"), ("left_knee", "left_hip"), ("thorax", "pelvis")):
        x, y = joints_2d[[INDEX[child], INDEX[parent]]].mean(axis=0).astype(int)
        np.testing.assert_array_equal(drawn[y, x], drawing.side_colour(INDEX[child]))
    assert drawing.side_colour(INDEX["right_knee"]) != drawing.side_colour(INDEX["left_knee"])
    np.testing.assert_array_equal(image, flat_image())


def test_joint_is_drawn_centred_on_its_pixel():
    """The centre of the top-left pixel is (0.5, 0.5)."""
    weight = np.zeros(NUM_JOINTS)
    weight[4] = 1
    joints_2d = np.full((NUM_JOINTS, 2), np.nan)
    joints_2d[4] = 101.25, 60.75
    drawn = drawing.draw_joints(flat_image(), joints_2d, weight)
    rows, columns = np.nonzero((drawn > 200).all(axis=-1))
    assert len(rows) > 5
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], joints_2d[4], atol=0.3)


def test_bones_of_unlabelled_joints_are_left_out():
    weight = np.zeros(NUM_JOINTS)
    untouched = drawing.draw_joints(flat_image(), joints_in_image(), weight)
    np.testing.assert_array_equal(untouched, flat_image())
    weight[[INDEX["left_hip"], INDEX["left_ankle"]]] = 1
    drawn = drawing.draw_joints(flat_image(), joints_in_image(), weight)
    assert not (drawn == drawing.LEFT).all(axis=-1).any()


def test_joints_far_outside_do_no_harm():
    joints_2d = joints_in_image()
    joints_2d[0] = 1e12, -1e12
    drawn = drawing.draw_joints(flat_image(), joints_2d)
    assert (drawn == drawing.LEFT).all(axis=-1).any()


def test_a_heatmap_lights_its_place_in_its_colour():
    heatmaps = np.zeros((64, 64, NUM_JOINTS), np.float32)
    heatmaps[10, 40, INDEX["left_wrist"]] = 1.0
    heatmaps[50, 20, INDEX["right_wrist"]] = 1.0
    drawn = drawing.draw_heatmaps(flat_image(), heatmaps).astype(int)
    blue, orange = drawn[..., 2] - drawn[..., 0], drawn[..., 0] - drawn[..., 2]
    for difference, cell in ((blue, (10, 40)), (orange, (50, 20))):
        row, column = np.unravel_index(difference.argmax(), difference.shape)
        assert (row // 4, column // 4) == cell
    assert (drawn[:20, :20] == drawn[0, 0, 0]).all() and drawn[0, 0, 0] < 90


def centre_of(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """The mean place (x, y) of a colour in a picture."""
    rows, columns = np.nonzero((picture == colour).all(axis=-1))
    assert len(rows) > 20
    return np.array([columns.mean(), rows.mean()])


def test_who_faces_the_camera_has_their_right_side_on_the_left_of_the_front_view():
    picture = drawing.draw_skeleton(STANDING, 200)
    assert centre_of(picture, drawing.RIGHT)[0] < 100 < centre_of(picture, drawing.LEFT)[0]


def test_from_the_side_and_from_above_an_arm_stretched_forward_is_seen():
    """The right one, towards the camera: on the left from the right side, below from above."""
    for degrees, elevation, axis in ((drawing.SIDE_DEGREES, 10.0, 0), (0.0, 90.0, 1)):
        picture = drawing.draw_skeleton(STANDING, 200, degrees, elevation)
        rows, columns = np.nonzero((picture == drawing.RIGHT).all(axis=-1))
        places = (columns, rows)[axis]
        far = places.min() if axis == 0 else 200 - places.max()
        assert far == pytest.approx(50, abs=4), (degrees, elevation)


def test_a_drawn_skeleton_stands_on_its_floor():
    """An eighth of the height above the lower edge, whatever its size."""
    for scale in (0.5, 1.0):
        picture = drawing.draw_skeleton(STANDING * scale, 400, elevation=0.0)
        rows, _ = np.nonzero((picture == drawing.LEFT).all(axis=-1))
        assert rows.max() == pytest.approx(350, abs=4)
