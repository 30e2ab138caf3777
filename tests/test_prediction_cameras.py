"""Where people stand before the camera: known answers, whatever is known of the camera."""

import numpy as np
import pytest
from standing_person import STANDING

from tf_advpose import camera
from tf_advpose.deploy.runtime import Pose
from tf_advpose.prediction.cameras import Camera, absolute_joints, parse_intrinsics
from tf_advpose.skeleton import NUM_JOINTS, ROOT, bone_lengths

PLACE = np.array([400.0, -200.0, 3500.0])
CROP_SIDE = 700.0


def seen_by(intrinsics: np.ndarray) -> Pose:
    """What a perfect network finds of `STANDING` at `PLACE`."""
    joints = STANDING + PLACE
    pixel = PLACE[2] / intrinsics[:2].mean()  # mm
    return Pose(
        joints_2d=camera.project(joints, intrinsics),
        depth=STANDING[:, 2] / (CROP_SIDE / 2 * pixel),
        confidence=np.ones(NUM_JOINTS),
        joints_3d=STANDING,
        box=np.array([0, 0, 560, 560.0]),
    )


@pytest.mark.parametrize(
    "known",
    [
        Camera(fixed=(1145.0, 1143.0, 512.5, 515.4, -0.2, 0.24, -0.002, -0.0009, -0.001)),
        Camera(fixed=(900.0, 900.0, 320.0, 240.0)),
        Camera(focal_mm=28.0),
        Camera(),
    ],
)
def test_a_person_of_the_known_size_is_found_where_they_stand(known):
    """Perspective included: no joint is off by a millimetre."""
    intrinsics = known.intrinsics(640, 480)
    found = absolute_joints(seen_by(intrinsics), CROP_SIDE, bone_lengths(STANDING).sum(), intrinsics)
    np.testing.assert_allclose(found, STANDING + PLACE, atol=0.1)


def test_a_person_taken_to_be_larger_is_farther_away():
    intrinsics = Camera().intrinsics(640, 480)
    pose, length = seen_by(intrinsics), bone_lengths(STANDING).sum()
    once, twice = (absolute_joints(pose, CROP_SIDE, length * factor, intrinsics) for factor in (1, 2))
    np.testing.assert_allclose(twice, 2 * once)


def test_joints_on_one_spot_and_absurd_depths_stay_finite():
    intrinsics = Camera().intrinsics(640, 480)
    pose = seen_by(intrinsics)
    spot = Pose(np.full((NUM_JOINTS, 2), 9.0), np.zeros(NUM_JOINTS), pose.confidence, STANDING, pose.box)
    assert np.isfinite(absolute_joints(spot, CROP_SIDE, 4000.0, intrinsics)).all()
    near = Pose(pose.joints_2d, pose.depth - 50 * (np.arange(NUM_JOINTS) != ROOT), *[pose.confidence] * 3)
    found = absolute_joints(near, CROP_SIDE, 4000.0, intrinsics)
    assert np.isfinite(found).all() and (found[:, 2] > 0).all()


def test_intrinsics_of_what_is_known():
    """A 35 mm film is 36 x 24 mm; 55 degrees span the longer side; the centre is the picture's."""
    np.testing.assert_allclose(Camera(focal_mm=50.0).intrinsics(3600, 2400)[:4], [5000, 5000, 1800, 1200])
    assumed = Camera().intrinsics(480, 640)
    np.testing.assert_allclose(np.degrees(2 * np.arctan(320 / assumed[0])), 55)
    np.testing.assert_allclose(assumed[2:], [240, 320, 0, 0, 0, 0, 0])
    assert Camera().describe() == {"from": "assumed", "field_of_view_degrees": 55.0}
    assert parse_intrinsics("1,2.5,3,4") == (1, 2.5, 3, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Camera(28.0, (1, 1, 1, 1)), "not both"),
        (lambda: Camera(-3.0), r"above 0 mm and finite, got -3\.0"),
        (lambda: Camera(float("inf")), "and finite, got inf"),
        (lambda: Camera(float("nan")), "above 0 mm"),
        (lambda: Camera(fixed=(1000.0, 1000.0)), "fx, fy, cx, cy in pixels.*got 1000.0, 1000.0"),
        (lambda: Camera(fixed=(0.0, 1000.0, 5.0, 5.0)), "fx and fy above 0"),
        (lambda: Camera(fixed=(1000.0, float("inf"), 5.0, 5.0)), "fx and fy above 0"),
        (lambda: parse_intrinsics("1,2,a"), "--intrinsics=1,2,a: expected numbers"),
    ],
)
def test_what_is_no_camera_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
