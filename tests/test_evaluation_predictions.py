"""Read-outs of millimetres from crops, with known answers."""

import dataclasses

import numpy as np
import pytest
from evaluated_people import CROP_SIZE, moved, perfect_predictions, random_people

from tf_advpose.evaluation import predictions as reading
from tf_advpose.evaluation import protocols
from tf_advpose.evaluation.conventions import Conventions
from tf_advpose.skeleton import FROM_HUMAN36M_17, NUM_JOINTS, ROOT, bone_lengths, from_dataset


def test_camera_read_out_is_exact():
    people = random_people()
    np.testing.assert_allclose(reading.joints_from_camera(people), people.joints_3d, atol=1e-4)


@pytest.mark.parametrize("scale", ["camera", "bones"])
def test_a_common_depth_offset_is_no_error(scale):
    """Depth is relative to the root's, whatever the generator says of the root itself."""
    people = random_people()
    results = protocols.evaluate(moved(people, predicted_depth=0.3), Conventions(scale=scale))
    expected = protocols.evaluate(people, Conventions(scale=scale))
    np.testing.assert_allclose(results["mpjpe"], expected["mpjpe"], atol=1e-4)
    np.testing.assert_allclose(results["depth_error"], 0, atol=1e-9)


def test_bones_read_out_is_the_scaled_skeleton():
    people = random_people()
    skeleton = np.random.default_rng(1).normal(scale=200, size=(6, NUM_JOINTS, 3))
    units = skeleton / 1000  # half-crop units; one unit is 1000 mm
    people = dataclasses.replace(
        people,
        predicted_joints_2d=(units[..., :2] + [1.0, 0.7]) * CROP_SIZE / 2,
        predicted_depth=units[..., 2],
        total_bone_length=5000.0,
    )
    joints = reading.joints_from_bones(people)
    np.testing.assert_allclose(bone_lengths(joints).sum(axis=-1), 5000.0)
    scale = 5000.0 / bone_lengths(skeleton).sum(axis=-1)
    np.testing.assert_allclose(joints, scale[:, None, None] * (skeleton - skeleton[:, ROOT, None]))


def test_bones_read_out_of_joints_on_one_spot_is_finite():
    people = random_people()
    people = dataclasses.replace(
        people,
        predicted_joints_2d=np.full_like(people.predicted_joints_2d, 128.0),
        predicted_depth=np.zeros_like(people.predicted_depth),
    )
    np.testing.assert_array_equal(reading.joints_from_bones(people), 0)
    assert np.isfinite(protocols.evaluate(people, Conventions(scale="bones"))["mpjpe"])


def test_bones_read_out_needs_their_length():
    with pytest.raises(ValueError, match="total_bone_length"):
        reading.joints_from_bones(dataclasses.replace(random_people(), total_bone_length=0.0))


def test_depth_alignment_keeps_the_places_across():
    """A pose that is seen 10 pixels too far right is wrong by that much everywhere, the pelvis too."""
    people = moved(random_people(), predicted_joints_2d=np.array([10.0, 0.0]))
    by_root = protocols.evaluate(people)
    by_depth = protocols.evaluate(people, Conventions(root_align="depth"))
    shift = 10 * people.mm_per_pixel.mean()
    np.testing.assert_allclose(by_depth["mpjpe"], shift, rtol=0.1)
    assert by_root["mpjpe"] < 0.3 * shift
    for name in ("pa_mpjpe", "n_mpjpe", "pck3d", "auc3d", "depth_error"):
        assert by_depth[name] == by_root[name], f"{name} is root-relative whatever root_align"


def test_real_poses_read_out_by_camera_and_by_bones(samples):
    """By camera the read-out has no floor; by bones, perspective and body size cost some 2 to 4 cm."""
    sequences = np.load(samples / "h36m_sequences/h36m17_S9_every64_4cams.npz")
    exact = sequences["pose_source"] == "exact"
    joints = from_dataset(sequences["joints_3d_cam"].astype(np.float64), FROM_HUMAN36M_17)
    people = perfect_predictions(joints, sequences["intrinsics_f_c_k_p"][sequences["camera"] - 1])
    assert exact.any()
    for chosen in (exact, ~exact):
        some = people.where(chosen)
        assert np.abs(reading.joints_from_camera(some) - some.joints_3d).max() < 0.1
    length = bone_lengths(joints).sum(axis=-1).mean()
    people = dataclasses.replace(people, total_bone_length=length)
    by_bones = protocols.evaluate(people, Conventions(scale="bones"))
    assert by_bones["scale"] == "bones"
    assert 15 < by_bones["mpjpe"] < 40


def test_real_pixels_read_out_by_camera(samples):
    """The same from the file's own 2D joints, which include the lens: no joint is off by 0.1 mm."""
    sequences = np.load(samples / "h36m_sequences/h36m17_S9_every64_4cams.npz")
    exact = sequences["pose_source"] == "exact"
    joints = from_dataset(sequences["joints_3d_cam"][exact].astype(np.float64), FROM_HUMAN36M_17)
    intrinsics = sequences["intrinsics_f_c_k_p"][sequences["camera"][exact] - 1]
    people = perfect_predictions(joints, intrinsics)
    pixels = sequences["joints_2d"][exact].astype(np.float64)
    order = [0 if index is None else index for index in FROM_HUMAN36M_17]
    to_crop = np.linalg.inv(people.crop_to_image[:, :, :2])
    in_crop = np.einsum("nij,npj->npi", to_crop, pixels[:, order] - people.crop_to_image[:, None, :, 2])
    labelled = [joint for joint, index in enumerate(FROM_HUMAN36M_17) if index is not None]
    from_file = people.predicted_joints_2d.copy()
    from_file[:, labelled] = in_crop[:, labelled]
    read = reading.joints_from_camera(dataclasses.replace(people, predicted_joints_2d=from_file))
    errors = np.linalg.norm(read - people.joints_3d, axis=-1)
    assert errors.max() < 0.1
