"""The camera agrees with hand calculation and with real labels, and its two ways are inverse."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_advpose import camera
from tf_advpose.skeleton import FROM_HUMAN36M_17, NUM_JOINTS, ROOT, from_dataset

PINHOLE = np.array([1000.0, 1000.0, 500.0, 400.0, 0.0, 0.0, 0.0, 0.0, 0.0])
# A lens as strong as Human3.6M's.
LENS = np.array([1145.0, 1144.0, 512.0, 515.0, -0.21, 0.25, -0.003, -0.0014, -0.001])


def human36m_frames(samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three real frames: joints [3, 17, 3] mm, their labelled pixels [3, 17, 2], intrinsics [3, 9]."""
    frames = np.load(samples / "h36m_mmpose/h36m_body3d.npz")
    cameras = pickle.loads((samples / "h36m_mmpose/cameras.pkl").read_bytes())
    names = [(path.split("/")[0], path.split("/")[1].split(".")[-1]) for path in frames["imgname"]]
    intrinsics = [[cameras[name][part].ravel() for part in "fckp"] for name in names]
    intrinsics = np.array([np.concatenate(parts) for parts in intrinsics])
    return frames["S"][..., :3] * 1000.0, frames["part"][..., :2], intrinsics


def test_pinhole_by_hand():
    points = np.array([[100.0, -50.0, 2000.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(camera.project(points, PINHOLE), [[550, 375], [500, 400]])
    np.testing.assert_allclose(
        camera.back_project(np.array([[550.0, 375.0]]), np.array([2000.0]), PINHOLE), points[:1]
    )


def test_distortion_by_hand():
    """At (0.1, 0.2), r squared is 0.05; the tangential term is added once, as Human3.6M has it."""
    point = np.array([[0.1, 0.2, 1.0]])
    radial = np.array([1.0, 1, 0, 0, 1.0, 10.0, 100.0, 0, 0])  # 1 + 0.05 + 0.025 + 0.0125
    np.testing.assert_allclose(camera.project(point, radial), [[0.10875, 0.2175]])
    tangential = np.array([1.0, 1, 0, 0, 0, 0, 0, 0.01, 0.02])  # 1 + 0.01 * 0.2 + 0.02 * 0.1
    np.testing.assert_allclose(camera.project(point, tangential), [[0.1004 + 0.001, 0.2008 + 0.0005]])


coordinate = st.floats(-400, 1400)  # a photo of 1000 pixels, and crops that reach beyond its edge


@given(coordinate, coordinate, st.floats(200, 20_000))
def test_back_projection_is_the_inverse_of_projection(x, y, z):
    point = camera.back_project(np.array([[x, y]]), np.array([z]), LENS)
    assert point[0, 2] == z
    np.testing.assert_allclose(camera.project(point, LENS), [[x, y]], atol=1e-3)
    if 0 <= x <= 1000 and 0 <= y <= 1000:
        np.testing.assert_allclose(camera.project(point, LENS), [[x, y]], atol=1e-8)


def test_pixels_far_beyond_the_photo_stay_finite():
    """A crop at the photo's edge reaches beyond it; one wild joint must not end an evaluation."""
    pixels = np.stack(np.meshgrid([-2500.0, 500.0, 3500.0], [-2500.0, 500.0, 3500.0]), axis=-1).reshape(
        -1, 2
    )
    points = camera.back_project(pixels, np.full(len(pixels), 4000.0), LENS)
    np.testing.assert_allclose(camera.project(points, LENS), pixels, atol=1)


def test_pixels_that_the_lens_does_not_show_get_the_ray_of_its_edge():
    """A wide lens with barrel distortion ends somewhere; joints beyond it, of people cut off, do not."""
    barrel = np.array([400.0, 400, 320, 240, -0.42, 0.18, -0.03, 0, 0])
    pixels = np.array([[60.0, 440], [-20, 470], [-400, 900], [320, 240]])
    points = camera.back_project(pixels, np.full(4, 1000.0), barrel)
    assert np.isfinite(points).all()
    np.testing.assert_allclose(camera.project(points, barrel)[[0, 3]], pixels[[0, 3]], atol=1e-3)
    radii = np.linalg.norm(points[:, :2], axis=1) / 1000
    assert radii[1] == pytest.approx(radii[2]) and radii[0] < radii[1] < 3


def test_each_pose_has_its_own_camera():
    points = np.random.default_rng(0).normal(size=(2, NUM_JOINTS, 3)) * 300 + [0, 0, 3000]
    both = camera.project(points, np.stack([PINHOLE, LENS]))
    np.testing.assert_allclose(both[0], camera.project(points[0], PINHOLE))
    np.testing.assert_allclose(both[1], camera.project(points[1], LENS))
    back = camera.back_project(both, points[..., 2], np.stack([PINHOLE, LENS]))
    np.testing.assert_allclose(back, points, atol=1e-6)


def test_mm_per_pixel_is_what_a_pixel_spans():
    span = camera.mm_per_pixel(np.array([3000.0, 5000.0]), np.stack([PINHOLE, PINHOLE]))
    np.testing.assert_allclose(span, [3, 5])
    moved = camera.project(np.array([[span[1], 0, 5000.0]]), PINHOLE)
    np.testing.assert_allclose(moved, [[501, 400]])


@given(st.integers(0, 1000), st.floats(-180, 180), st.floats(0.3, 6), st.sampled_from([64, 128, 256]))
@settings(max_examples=50)
def test_joints_come_back_from_a_crop(seed, degrees, scale, crop_size):
    """Camera to photo to a turned and scaled crop, and back, is the identity."""
    generator = np.random.default_rng(seed)
    joints = generator.normal(scale=250, size=(1, NUM_JOINTS, 3)) + [0, 0, 4000]
    pixels = camera.project(joints, LENS[None])
    turn = np.radians(degrees)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    crop_to_image = np.concatenate([linear, generator.uniform(0, 500, size=(2, 1))], axis=1)[None]
    joints_2d = (pixels - crop_to_image[:, None, :, 2]) @ np.linalg.inv(linear).T
    root_depth = joints[:, ROOT, 2]
    mm_per_pixel = scale * camera.mm_per_pixel(root_depth, LENS[None])
    depth = (joints[..., 2] - root_depth) / (mm_per_pixel * crop_size / 2)
    back = camera.joints_from_crop(
        joints_2d, depth, mm_per_pixel, root_depth, LENS[None], crop_to_image, crop_size
    )
    np.testing.assert_allclose(back, joints, atol=1e-5)


def test_depth_of_one_is_half_the_crop():
    """A joint one unit behind the root is as far from it as the crop's edge at the root's distance."""
    identity = np.array([[[1.0, 0, 0], [0, 1.0, 0]]])
    joints_2d = np.array([[[500.0, 400.0], [500.0, 400.0], [628.0, 400.0]]])
    depth = np.array([[0.0, 1.0, 0.0]])
    joints = camera.joints_from_crop(
        joints_2d, depth, np.array([3.0]), np.array([3000.0]), PINHOLE[None], identity, crop_size=256
    )
    np.testing.assert_allclose(joints, [[[0, 0, 3000], [0, 0, 3384], [384, 0, 3000]]])


def test_real_joints_project_onto_their_labels(samples):
    joints, pixels, intrinsics = human36m_frames(samples)
    np.testing.assert_allclose(camera.project(joints, intrinsics), pixels, atol=0.05)
    # The lens matters: without it the same joints miss by more than a pixel.
    without_lens = intrinsics * [1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert np.abs(camera.project(joints, without_lens) - pixels).max() > 1


def test_real_sequences_project_onto_their_labels(samples):
    """Subject 9 seen by four cameras, every 64th frame."""
    sequences = np.load(samples / "h36m_sequences/h36m17_S9_every64_4cams.npz")
    intrinsics = sequences["intrinsics_f_c_k_p"][sequences["camera"] - 1]
    joints = sequences["joints_3d_cam"].astype(np.float64)
    np.testing.assert_allclose(camera.project(joints, intrinsics), sequences["joints_2d"], atol=0.05)


def test_real_labels_and_depths_give_the_real_joints(samples):
    """With exact pixels and depths the read-out from a crop has no floor of its own."""
    joints, pixels, intrinsics = human36m_frames(samples)
    joints = from_dataset(joints, FROM_HUMAN36M_17)
    root_depth = joints[:, ROOT, 2]
    identity = np.tile(np.eye(2, 3), (len(joints), 1, 1))
    mm_per_pixel = camera.mm_per_pixel(root_depth, intrinsics)
    back = camera.joints_from_crop(
        camera.project(joints, intrinsics),
        (joints[..., 2] - root_depth[:, None]) / (mm_per_pixel * 128)[:, None],
        mm_per_pixel,
        root_depth,
        intrinsics,
        identity,
        crop_size=256,
    )
    np.testing.assert_allclose(back, joints, atol=1e-3)
