"""Metrics: known answers, public reference values, invariances, and joints that do not count."""

import gzip
import json

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tf_advpose import metrics
from tf_advpose.skeleton import JOINT_NAMES, NUM_JOINTS, PCKH_GROUPS, PCKH_JOINTS

ALL_3D = (metrics.mpjpe, metrics.pa_mpjpe, metrics.n_mpjpe, metrics.pck3d, metrics.auc3d)


def random_poses(seed: int, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    target = generator.normal(scale=400.0, size=(count, NUM_JOINTS, 3))
    return target + generator.normal(scale=80.0, size=target.shape), target


def random_rotation(seed: int) -> np.ndarray:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return rotation * np.sign(np.linalg.det(rotation))


def test_known_distances():
    target = np.zeros((1, 3, 3))
    predicted = np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 150.0], [0.0, 149.0, 0.0]]])
    np.testing.assert_allclose(metrics.mpjpe(predicted, target), [[5, 150, 149]])
    np.testing.assert_array_equal(metrics.pck3d(predicted, target), [[1, 0, 1]])
    np.testing.assert_array_equal(metrics.pck3d(predicted, target, threshold=5.0), [[0, 0, 0]])
    # 5 mm is nearer than 29 of the 31 thresholds, from 10 mm on; 149 mm than one; 150 mm than none.
    np.testing.assert_allclose(metrics.auc3d(predicted, target), [[29 / 31, 0, 1 / 31]])
    np.testing.assert_allclose(metrics.auc3d(target, target), np.full((1, 3), 30 / 31))


def test_known_pckh_is_strict_and_relative_to_each_head():
    target = np.zeros((2, 2, 2))
    predicted = np.array([[[9.9, 0.0], [0.0, 10.0]], [[9.9, 0.0], [0.0, 4.0]]])
    hits = metrics.pckh(predicted, target, head_size=np.array([20.0, 10.0]))
    np.testing.assert_array_equal(hits, [[1, 0], [0, 1]])


def test_joints_on_the_other_side():
    """Strictly nearer to the partner's target, for pairs that are labelled and far enough apart."""
    right, left = JOINT_NAMES.index("right_knee"), JOINT_NAMES.index("left_knee")
    target = np.zeros((3, NUM_JOINTS, 2))
    target[:, left, 0] = 10.0
    predicted = np.zeros_like(target)
    predicted[:, [right, left], 0] = 5.1, 5.0
    weight = np.ones((3, NUM_JOINTS))
    weight[1, right] = 0
    wrong = metrics.on_other_side(predicted, target, np.array([10.0, 1.0, 10.1]), weight)
    np.testing.assert_array_equal(wrong[:, [right, left]], [[1, 0], [np.nan] * 2, [np.nan] * 2])
    others = np.delete(np.arange(NUM_JOINTS), [right, left])
    assert np.isnan(wrong[:, others]).all(), "no partner, or one in the same place"


def test_known_velocity():
    """Poses that move alike have no velocity error, wherever they are; a jump counts for one frame."""
    target = np.zeros((4, 1, 3))
    predicted = np.full((4, 1, 3), 500.0)
    predicted[2:, 0, 1] += 7.0
    np.testing.assert_allclose(metrics.velocity_error(predicted, target), [[0], [7], [0]])


def test_alignments_undo_what_they_name_and_no_more():
    _, target = random_poses(0)
    target -= target[:, :1]
    turned = 0.3 * target @ random_rotation(1)
    moved = turned + [10.0, -2000.0, 5000.0]
    np.testing.assert_allclose(metrics.pa_mpjpe(moved, target), 0, atol=1e-8)
    np.testing.assert_allclose(metrics.n_mpjpe(0.3 * target, target), 0, atol=1e-8)
    assert metrics.n_mpjpe(turned, target).mean() > 100
    assert metrics.mpjpe(0.3 * target, target).mean() > 100


@pytest.mark.parametrize("axis", range(3))
def test_procrustes_does_not_undo_a_reflection(axis):
    _, target = random_poses(2)
    mirrored = target.copy()
    mirrored[..., axis] *= -1
    assert metrics.pa_mpjpe(mirrored, target).mean() > 50


@given(st.integers(0, 1000), st.floats(0.01, 100), hnp.arrays(float, 3, elements=st.floats(-1e4, 1e4)))
@settings(max_examples=30)
def test_procrustes_ignores_similarities_of_the_prediction(seed, scale, shift):
    predicted, target = random_poses(seed)
    moved = scale * predicted @ random_rotation(seed) + shift
    np.testing.assert_allclose(
        metrics.pa_mpjpe(moved, target), metrics.pa_mpjpe(predicted, target), rtol=1e-6, atol=1e-6
    )
    np.testing.assert_allclose(
        metrics.n_mpjpe(scale * predicted, target), metrics.n_mpjpe(predicted, target), rtol=1e-6, atol=1e-6
    )


@given(st.integers(0, 1000))
@settings(max_examples=30)
def test_procrustes_is_the_best_similarity(seed):
    """No similarity near the one found has a smaller squared error."""
    predicted, target = random_poses(seed, count=1)
    best = np.sum(metrics.pa_mpjpe(predicted, target) ** 2)
    generator = np.random.default_rng(seed)
    for _ in range(20):
        nearly_one = np.linalg.qr(np.eye(3) + 0.05 * generator.normal(size=(3, 3)))[0]
        nearly_one *= np.sign(np.diag(nearly_one))  # a small rotation, not a reflection
        other = generator.uniform(0.9, 1.1) * predicted @ nearly_one + generator.normal(scale=5.0, size=3)
        assert np.sum((other - target) ** 2) >= best


@pytest.mark.parametrize("metric", ALL_3D)
def test_joints_of_weight_zero_are_not_looked_at(metric):
    predicted, target = random_poses(3)
    weight = (np.random.default_rng(3).random(predicted.shape[:2]) > 0.4).astype(np.float32)
    weight[0] = 0
    out = weight == 0
    values = metric(predicted, target, weight=weight)
    np.testing.assert_array_equal(np.isnan(values), out)
    spoiled_prediction = np.where(out[..., None], np.nan, predicted)
    spoiled_target = np.where(out[..., None], np.inf, target)
    np.testing.assert_array_equal(metric(spoiled_prediction, spoiled_target, weight=weight), values)


def test_alignment_with_weights_is_the_alignment_of_the_joints_that_count():
    predicted, target = random_poses(4)
    weight = np.ones(predicted.shape[:2])
    weight[:, 11:] = 0
    for metric in (metrics.pa_mpjpe, metrics.n_mpjpe):
        np.testing.assert_allclose(
            metric(predicted, target, weight)[:, :11], metric(predicted[:, :11], target[:, :11])
        )


def test_each_pose_is_aligned_on_its_own():
    predicted, target = random_poses(5)
    for metric in ALL_3D:
        together = metric(predicted, target)
        alone = np.concatenate([metric(predicted[i : i + 1], target[i : i + 1]) for i in range(5)])
        np.testing.assert_allclose(together, alone)


line = np.linspace(-500, 500, NUM_JOINTS)[:, None] * [0.6, 0.8, 0.0]


@pytest.mark.parametrize(
    "degenerate",
    [np.zeros((NUM_JOINTS, 3)), np.full((NUM_JOINTS, 3), 123.4), line, line * [0.0, 1.0, 0.0]],
    ids=["zero", "coincident", "collinear", "on an axis"],
)
def test_degenerate_poses_have_finite_errors(degenerate):
    """A generator that puts all joints on one spot or line must not end an evaluation."""
    _, target = random_poses(6)
    degenerate = np.broadcast_to(degenerate, target.shape)
    for metric in ALL_3D:
        assert np.isfinite(metric(degenerate, target)).all()
        assert np.isfinite(metric(target, degenerate)).all()
    np.testing.assert_allclose(metrics.pa_mpjpe(degenerate, 2 * degenerate), 0, atol=1e-6)


def test_coincident_prediction_is_moved_to_the_centre():
    _, target = random_poses(7)
    spread = np.linalg.norm(target - target.mean(axis=1, keepdims=True), axis=-1)
    np.testing.assert_allclose(metrics.pa_mpjpe(np.ones_like(target), target), spread)


def test_single_precision_loses_nothing_that_matters():
    predicted, target = random_poses(8)
    single = metrics.pa_mpjpe(predicted.astype(np.float32), target.astype(np.float32))
    np.testing.assert_allclose(single, metrics.pa_mpjpe(predicted, target), atol=1e-3)


@pytest.mark.parametrize("metric", ALL_3D)
def test_mistakes_are_refused(metric):
    predicted, target = random_poses(9)
    with pytest.raises(ValueError, match="one shape"):
        metric(predicted[:, :15], target)
    with pytest.raises(ValueError, match="one shape"):
        metric(predicted[0], target[0])
    with pytest.raises(ValueError, match="weight of shape"):
        metric(predicted, target, weight=np.ones(5))
    predicted[2, 3] = np.nan
    with pytest.raises(ValueError, match="joint 3 of pose 2"):
        metric(predicted, target)


def test_pckh_refuses_a_pose_without_a_head_size():
    joints = np.zeros((2, NUM_JOINTS, 2))
    with pytest.raises(ValueError, match="head_size of pose 1"):
        metrics.pckh(joints, joints, np.array([10.0, 0.0]))
    weight = np.ones((2, NUM_JOINTS))
    weight[1] = 0
    hits = metrics.pckh(joints, joints, np.array([10.0, 0.0]), weight=weight)
    np.testing.assert_array_equal(hits[0], 1)
    assert np.isnan(hits[1]).all()


def test_agrees_with_public_implementations(samples):
    """Reference figures of VideoPose3D and mmpose on the same arrays."""
    given_values = np.load(samples / "metrics/mpjpe_reference.npz")
    predicted, target, mask = given_values["pred"], given_values["gt"], given_values["mask"]
    relative = predicted - predicted[:, :1], target - target[:, :1]
    ours = {
        "mpjpe_camera": metrics.mpjpe(predicted, target).mean(),
        "mpjpe_root_aligned": metrics.mpjpe(*relative).mean(),
        "p_mpjpe": metrics.pa_mpjpe(predicted, target).mean(),
        "p_mpjpe_each": metrics.pa_mpjpe(predicted, target).mean(axis=1),
        "n_mpjpe_root_aligned": metrics.n_mpjpe(*relative).mean(),
        "velocity_error": metrics.velocity_error(*relative).mean(),
        "mmpose_none": np.nanmean(metrics.mpjpe(*relative, mask)),
        # mmpose aligns with all joints and leaves out the masked ones afterwards.
        "mmpose_procrustes": metrics.pa_mpjpe(*relative)[mask].mean(),
        "mmpose_scale": metrics.n_mpjpe(*relative)[mask].mean(),
    }
    for name, value in ours.items():
        np.testing.assert_allclose(value, given_values[name], rtol=1e-6, atol=1e-9, err_msg=name)


def test_agrees_with_pckh_of_public_predictions(samples):
    """A public hourglass on MPII's 2958 validation persons, scored by its author's own script."""
    predicted = scipy.io.loadmat(samples / "mpii_pckh/preds_bearpaw_hg_s1_b1.mat")["preds"]
    with gzip.open(samples / "mpii/mpii_annotations.json.gz") as file:
        people = [person for person in json.load(file) if person["isValidation"]]
    target = np.array([person["joint_self"] for person in people])[..., :2]
    weight = (target != 0).any(axis=-1)
    with h5py.File(samples / "mpii/valid.h5") as file:
        head_size = file["normalize"][:]
    expected = json.loads((samples / "mpii_pckh/expected_pckh_bearpaw_hg_s1_b1.json").read_text())
    expected = expected["preds_bearpaw_hg_s1_b1.mat"]

    by_joint = 100 * np.nanmean(metrics.pckh(predicted, target, head_size, weight=weight), axis=0)
    # The script's labels differ from these in 13 joints, ankles among them.
    for group, joints in PCKH_GROUPS.items():
        tolerance = 0.03 if group == "ankle" else 1e-4
        np.testing.assert_allclose(by_joint[list(joints)].mean(), expected[group.title()], atol=tolerance)
    np.testing.assert_allclose(
        by_joint[list(PCKH_JOINTS)].mean(), expected["Mean_bearpaw_unweighted"], atol=0.005
    )
