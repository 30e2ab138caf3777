"""Metrics against slow implementations of their definitions, one pose at a time, on arbitrary poses."""

import tracemalloc

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from tf_advpose import metrics

MILLIMETRES = st.floats(-2000, 2000, width=32)


@st.composite
def weighted_poses(draw):
    """Two sets of poses, and which joints count: any number of either, many coordinates alike."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 17)))
    coordinates = st.one_of(MILLIMETRES, st.sampled_from([0.0, 100.0]))
    predicted = draw(hnp.arrays(np.float32, (*shape, 3), elements=coordinates))
    target = draw(hnp.arrays(np.float32, (*shape, 3), elements=coordinates))
    weight = draw(hnp.arrays(np.float32, shape, elements=st.sampled_from([0.0, 1.0, 1.0])))
    return predicted, target, weight


def one_by_one(align, predicted, target, weight):
    """Distances after `align` of each pose's joints that count, NaN for the others."""
    values = np.full(weight.shape, np.nan)
    for pose in range(len(values)):
        joints = np.flatnonzero(weight[pose])
        if len(joints):
            source = predicted[pose, joints].astype(float)
            goal = target[pose, joints].astype(float)
            for joint, place, true_place in zip(joints, align(source, goal), goal, strict=True):
                values[pose, joint] = (
                    sum((a - b) ** 2 for a, b in zip(place, true_place, strict=True)) ** 0.5
                )
    return values


def scaled(source, goal):
    squares = sum(float(point @ point) for point in source)
    return source * (
        sum(float(a @ b) for a, b in zip(source, goal, strict=True)) / squares if squares else 0
    )


def superimposed(source, goal, with_scale):
    """Kabsch's rotation as SciPy computes it, with the scale that follows from it."""
    centred, true_centred = source - source.mean(axis=0), goal - goal.mean(axis=0)
    if not centred.any():
        return np.zeros_like(source) + goal.mean(axis=0)
    with np.errstate(all="ignore"):
        rotation, _ = Rotation.align_vectors(true_centred, centred)
    turned = rotation.apply(centred)
    scale = np.sum(turned * true_centred) / np.sum(centred**2) if with_scale else 1.0
    return scale * turned + goal.mean(axis=0)


@given(weighted_poses())
def test_mpjpe_is_its_definition(poses):
    np.testing.assert_allclose(
        metrics.mpjpe(*poses), one_by_one(lambda source, goal: source, *poses), rtol=1e-6, atol=1e-9
    )


@given(weighted_poses())
def test_n_mpjpe_is_its_definition(poses):
    np.testing.assert_allclose(metrics.n_mpjpe(*poses), one_by_one(scaled, *poses), rtol=1e-6, atol=1e-6)


@given(weighted_poses(), st.booleans())
@pytest.mark.filterwarnings("ignore:Optimal rotation is not uniquely")
def test_pa_mpjpe_leaves_the_error_that_kabsch_leaves(poses, with_scale):
    """Sums of squares, for collinear and mirrored poses have several best rotations."""
    ours = metrics.pa_mpjpe(*poses, scale=with_scale)
    reference = one_by_one(lambda source, goal: superimposed(source, goal, with_scale), *poses)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(reference))
    squares = [np.sqrt(np.nansum(values**2, axis=1)) for values in (ours, reference)]
    np.testing.assert_allclose(*squares, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("with_scale", [True, False])
def test_pa_mpjpe_of_poses_with_one_best_rotation_agrees_joint_by_joint(with_scale):
    generator = np.random.default_rng(7)
    target = generator.normal(scale=300, size=(50, 16, 3))
    predicted = target + generator.normal(scale=150, size=target.shape)
    weight = generator.random(target.shape[:2]) > 0.2
    ours = metrics.pa_mpjpe(predicted, target, weight, scale=with_scale)
    reference = one_by_one(
        lambda source, goal: superimposed(source, goal, with_scale), predicted, target, weight
    )
    np.testing.assert_allclose(ours, reference, rtol=1e-6)


@given(weighted_poses(), st.floats(1, 300))
def test_shares_count_thresholds_one_by_one(poses, threshold):
    distances = one_by_one(lambda source, goal: source, *poses)
    # A distance that rounding may put on either side of a threshold proves nothing.
    grid = np.append(np.arange(0, 151, 5), threshold)
    close = np.abs(distances[..., None] - grid).min(axis=-1) < 1e-6
    hits, shares = metrics.pck3d(*poses[:2], threshold, poses[2]), metrics.auc3d(*poses)
    for place in np.ndindex(distances.shape):
        if np.isnan(distances[place]):
            assert np.isnan(hits[place]) and np.isnan(shares[place])
        elif not close[place]:
            assert hits[place] == (distances[place] < threshold)
            np.testing.assert_allclose(
                shares[place], sum(distances[place] < step for step in range(0, 151, 5)) / 31
            )


@given(st.integers(0, 500), st.booleans())
@settings(max_examples=25)
def test_no_rotation_is_better_than_the_one_found(seed, mirrored):
    """A search over all rotations, from several starts, ends no lower; not even for a mirrored pose."""
    generator = np.random.default_rng(seed)
    target = generator.normal(scale=300, size=(6, 3))
    predicted = target * [-1, 1, 1] if mirrored else target + generator.normal(scale=200, size=(6, 3))
    predicted, target = predicted - predicted.mean(axis=0), target - target.mean(axis=0)
    best = np.sum(metrics.pa_mpjpe(predicted[None], target[None], scale=False) ** 2)

    def squares(vector):
        return np.sum((Rotation.from_rotvec(vector).apply(predicted) - target) ** 2)

    starts = Rotation.random(4, random_state=seed).as_rotvec()
    found = min(scipy.optimize.minimize(squares, start).fun for start in starts)
    assert best <= found + 1e-3
    if mirrored:
        assert best > 1000


@pytest.mark.parametrize("metric", [metrics.pa_mpjpe, metrics.n_mpjpe, metrics.mpjpe])
def test_mirrored_poses_keep_their_error(metric):
    """Mirroring both poses changes nothing; mirroring one is never forgiven."""
    generator = np.random.default_rng(3)
    target = generator.normal(scale=300, size=(20, 16, 3))
    predicted = target + generator.normal(scale=50, size=target.shape)
    mirror = np.array([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(metric(predicted * mirror, target * mirror), metric(predicted, target))
    assert (metric(target * mirror, target).mean(axis=1) > 50).all()


@pytest.mark.parametrize("metric", [metrics.mpjpe, metrics.pa_mpjpe, metrics.n_mpjpe, metrics.auc3d])
def test_memory_does_not_grow_with_the_poses(metric):
    """500,000 poses of 17 joints stay below 1 GiB beside the input where 50,000 need less than a tenth."""
    joints = np.random.default_rng(0).normal(size=(50_000, 17, 3)).astype(np.float32)
    weight = np.ones(joints.shape[:2], np.float32)
    tracemalloc.start()
    metric(joints, joints, weight)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    result = joints.shape[0] * joints.shape[1] * 8
    assert peak < 4 * result + 30 * 2**20 < 0.1 * 2**30


def test_chunks_are_seamless_and_errors_count_through(monkeypatch):
    generator = np.random.default_rng(1)
    predicted, target = generator.normal(scale=300, size=(2, 23, 16, 3))
    weight = generator.random((23, 16)) > 0.3
    whole = [metric(predicted, target, weight) for metric in (metrics.mpjpe, metrics.pa_mpjpe)]
    monkeypatch.setattr(metrics, "CHUNK_POSES", 5)
    parts = [metric(predicted, target, weight) for metric in (metrics.mpjpe, metrics.pa_mpjpe)]
    np.testing.assert_array_equal(whole, parts)
    predicted[17, 4] = np.inf
    with pytest.raises(ValueError, match="joint 4 of pose 17"):
        metrics.mpjpe(predicted, target)
    assert metrics.mpjpe(predicted[:0], target[:0]).shape == (0, 16)


def test_thresholds_may_be_met_exactly():
    target, predicted = np.zeros((1, 2, 2)), np.array([[[5.0, 0.0], [0.0, 5.1]]])
    distances = metrics.pckh_distances(predicted, target, np.array([10.0]))
    np.testing.assert_array_equal(metrics.within(distances, 0.5), [[0, 0]])
    np.testing.assert_array_equal(metrics.within(distances, 0.5, inclusive=True), [[1, 0]])


def test_rigid_alignment_does_not_scale():
    target = np.random.default_rng(5).normal(scale=300, size=(4, 16, 3))
    target -= target.mean(axis=1, keepdims=True)
    moved = 1.1 * target @ Rotation.from_rotvec([0.3, -1.0, 2.0]).as_matrix() + 1000.0
    np.testing.assert_allclose(metrics.pa_mpjpe(moved, target), 0, atol=1e-9)
    expected = 0.1 * np.linalg.norm(target, axis=-1)
    np.testing.assert_allclose(metrics.pa_mpjpe(moved, target, scale=False), expected)
