import numpy as np
import tensorflow as tf

from tf_advpose import encoding, heatmaps
from tf_advpose.skeleton import NUM_JOINTS

SIZE = 32
HALF_CROP = SIZE * heatmaps.STRIDE / 2


def random_pose(seed: int, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """joints_2d well inside the crop, and depth."""
    rng = np.random.default_rng(seed)
    joints_2d = rng.uniform(12, 2 * HALF_CROP - 12, (count, NUM_JOINTS, 2))
    return joints_2d.astype(np.float32), rng.uniform(-1, 1, (count, NUM_JOINTS)).astype(np.float32)


def test_equation_1_by_hand():
    """Two joints: signed differences row minus column, then their squares."""
    descriptor = encoding.geometric_descriptor(tf.constant([[[1.0, 2.0, -3.0], [0.5, 4.0, 1.0]]]))
    assert descriptor.shape == (1, 6, 2, 2)
    np.testing.assert_allclose(
        descriptor[0],
        [
            [[0, 0.5], [-0.5, 0]],
            [[0, -2], [2, 0]],
            [[0, -4], [4, 0]],
            [[0, 0.25], [0.25, 0]],
            [[0, 4], [4, 0]],
            [[0, 16], [16, 0]],
        ],
    )


def test_the_descriptor_forgets_where_the_person_stands():
    joints = tf.constant(np.random.default_rng(0).normal(size=(2, NUM_JOINTS, 3)).astype(np.float32))
    moved = joints + tf.constant([3.0, -1.0, 0.5])
    np.testing.assert_allclose(
        encoding.geometric_descriptor(moved), encoding.geometric_descriptor(joints), atol=1e-5
    )


def test_a_depth_map_is_the_joints_depth_times_its_heatmap():
    joints_2d, depth = random_pose(1)
    drawn = heatmaps.draw(joints_2d, SIZE)
    maps = encoding.depth_maps(drawn, tf.constant(depth))
    np.testing.assert_array_equal(maps[1, :, :, 5], drawn[1, :, :, 5] * depth[1, 5])
    assert maps.shape == drawn.shape


def test_a_pose_is_encoded_in_half_crop_units():
    """x, y and z share one scale: 1 is half the crop's width."""
    joints_2d, depth = random_pose(2)
    encoded = encoding.encode_pose(heatmaps.draw(joints_2d, SIZE), depth, tf.ones([2, NUM_JOINTS]))
    joints = np.concatenate([joints_2d / HALF_CROP, depth[..., None]], axis=-1)
    np.testing.assert_allclose(encoded["geometry"], encoding.geometric_descriptor(joints), atol=0.01)
    assert encoded["geometry"].shape == (2, 6, NUM_JOINTS, NUM_JOINTS)
    assert encoded["maps"].shape == (2, SIZE, SIZE, 2 * NUM_JOINTS)


def test_joints_left_out_show_in_neither_source():
    """Otherwise a joint outside the crop, which no label describes, tells real from fake."""
    joints_2d, depth = random_pose(3)
    drawn = heatmaps.draw(joints_2d, SIZE)
    visible = np.ones((2, NUM_JOINTS), np.float32)
    visible[0, 4] = visible[1, 0] = visible[1, 15] = 0
    for redraw in (False, True):
        full = encoding.encode_pose(drawn, depth, tf.ones_like(visible), redraw=redraw)
        masked = encoding.encode_pose(drawn, depth, visible, redraw=redraw)
        pairs = visible[:, None, :, None] * visible[:, None, None, :]
        channels = np.concatenate([visible, visible], axis=1)[:, None, None, :]
        np.testing.assert_array_equal(masked["geometry"], full["geometry"] * pairs)
        np.testing.assert_array_equal(masked["maps"], full["maps"] * channels)


def test_what_lies_under_a_left_out_joint_makes_no_difference():
    """Real and fake agree in all but one joint: leaving it out makes them equal."""
    joints_2d, depth = random_pose(4)
    other_2d, other_depth = joints_2d.copy(), depth.copy()
    other_2d[:, 7], other_depth[:, 7] = 20.0, 9.0
    visible = np.ones((2, NUM_JOINTS), np.float32)
    visible[:, 7] = 0
    real = encoding.encode_pose(heatmaps.draw(joints_2d, SIZE), depth, visible)
    fake = encoding.encode_pose(heatmaps.draw(other_2d, SIZE), other_depth, visible)
    for source in ("geometry", "maps"):
        np.testing.assert_array_equal(real[source], fake[source])


def test_redrawing_hides_the_texture_of_predicted_heatmaps():
    """The maps are those of a real pose at the decoded joints; the descriptor stays as it was."""
    joints_2d, depth = random_pose(5)
    noise = np.random.default_rng(6).uniform(0, 0.05, (2, SIZE, SIZE, NUM_JOINTS)).astype(np.float32)
    predicted = 0.7 * heatmaps.draw(joints_2d, SIZE) + noise
    visible = tf.ones([2, NUM_JOINTS])
    plain = encoding.encode_pose(predicted, depth, visible)
    redrawn = encoding.encode_pose(predicted, depth, visible, redraw=True)
    clean = heatmaps.draw(heatmaps.decode(predicted)[0], SIZE)
    np.testing.assert_allclose(plain["maps"][..., :NUM_JOINTS], predicted)
    np.testing.assert_allclose(redrawn["maps"][..., :NUM_JOINTS], clean)
    np.testing.assert_allclose(redrawn["maps"][..., NUM_JOINTS:], clean * depth[:, None, None, :])
    np.testing.assert_array_equal(redrawn["geometry"], plain["geometry"])


def test_gradients_reach_heatmaps_and_depth_through_both_sources():
    joints_2d, depth = random_pose(7, count=1)
    drawn, depth = heatmaps.draw(joints_2d, SIZE), tf.constant(depth)
    visible = tf.ones([1, NUM_JOINTS])
    for source in ("geometry", "maps"):
        for redraw in (False, True):
            with tf.GradientTape() as tape:
                tape.watch([drawn, depth])
                encoded = encoding.encode_pose(drawn, depth, visible, redraw=redraw)
                loss = tf.reduce_sum(tf.square(encoded[source] - 0.1))
            for gradient in tape.gradient(loss, [drawn, depth]):
                assert np.isfinite(gradient).all() and np.abs(gradient).max() > 1e-3, (source, redraw)


def test_the_encoding_is_float32_whatever_the_policy():
    joints_2d, depth = random_pose(8)
    drawn = tf.cast(heatmaps.draw(joints_2d, SIZE), tf.bfloat16)
    encoded = encoding.encode_pose(drawn, tf.cast(depth, tf.bfloat16), tf.ones([2, NUM_JOINTS]))
    assert {value.dtype for value in encoded.values()} == {tf.float32}
