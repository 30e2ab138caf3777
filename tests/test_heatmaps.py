import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_advpose import heatmaps
from tf_advpose.models import hourglass

SIZE = 32
CROP = SIZE * heatmaps.STRIDE
INSIDE = 12.0  # crop pixels from the edge, from where drawing and decoding are the identity


def test_a_drawn_joint_is_a_gaussian_of_peak_1_and_sigma_1_cell():
    """x counts columns, y counts rows, and the centre of the first cell is at (2, 2) crop pixels."""
    drawn = heatmaps.draw(tf.constant([[[4 * 5 + 2.0, 4 * 2 + 2.0]]]), 8).numpy()
    assert drawn.shape == (1, 8, 8, 1) and drawn.dtype == np.float32
    row, column = np.mgrid[:8, :8]
    expected = np.exp(-((column - 5) ** 2 + (row - 2) ** 2) / 2)
    np.testing.assert_allclose(drawn[0, :, :, 0], expected, atol=1e-6)


@settings(max_examples=30)
@given(
    x=st.floats(INSIDE, CROP - INSIDE, width=32),
    y=st.floats(INSIDE, CROP - INSIDE, width=32),
    peak=st.floats(0.0625, 8.0, width=32),
)
def test_drawing_and_decoding_is_the_identity_inside_the_crop(x, y, peak):
    """Within 0.05 pixels, however high the peak."""
    joints_2d, confidence = heatmaps.decode(peak * heatmaps.draw(tf.constant([[[x, y]]]), SIZE))
    np.testing.assert_allclose(joints_2d[0, 0], [x, y], atol=0.05)
    assert peak * np.exp(-0.25) - 1e-5 <= confidence[0, 0] <= peak + 1e-5


def test_joints_of_a_batch_are_decoded_each_for_itself():
    joints_2d = np.random.default_rng(0).uniform(INSIDE, CROP - INSIDE, (3, 16, 2)).astype(np.float32)
    decoded, _ = heatmaps.decode(heatmaps.draw(joints_2d, SIZE))
    np.testing.assert_allclose(decoded, joints_2d, atol=0.05)


@pytest.mark.parametrize("offset", [0.0, -1.0])
def test_maps_that_are_nowhere_positive_give_the_highest_cells_centre(offset):
    values = np.full((2, 16, 12, 1), offset, np.float32)
    values[1] -= 1.0
    values[1, 10, 3] = offset  # the highest cell; the first map is flat, where the first cell wins
    joints_2d, confidence = heatmaps.decode(values)
    np.testing.assert_allclose(joints_2d[:, 0], [[2.0, 2.0], [4 * 3 + 2.0, 4 * 10 + 2.0]])
    np.testing.assert_allclose(confidence[:, 0], [offset, offset])


def test_decoding_averages_positive_cells_within_the_window_only():
    """Negative cells have no weight, and a second peak beyond the window does not pull."""
    values = np.zeros((1, 24, 24, 1), np.float32)
    values[0, 8, 10], values[0, 8, 11], values[0, 9, 10] = 2.0, 1.0, -5.0
    values[0, 8, 10 + heatmaps.WINDOW + 1] = 1.9
    joints_2d, confidence = heatmaps.decode(values)
    np.testing.assert_allclose(joints_2d[0, 0], [4 * (10 + 1 / 3) + 2, 4 * 8 + 2], rtol=1e-6)
    assert confidence[0, 0] == 2.0


def test_decoding_is_float32_whatever_the_policy():
    """bfloat16 has 8 bits: positions summed in it would be whole pixels off."""
    drawn = heatmaps.draw(tf.constant([[[241.0, 203.0]]]), 64)
    joints_2d, confidence = heatmaps.decode(tf.cast(drawn, tf.bfloat16))
    assert joints_2d.dtype == confidence.dtype == tf.float32
    np.testing.assert_allclose(joints_2d[0, 0], [241.0, 203.0], atol=0.05)


def test_gradients_flow_through_the_averaging_to_the_window_alone():
    """The derivative of a weighted mean: (cell - mean) / total weight, 0 where weights are not positive."""
    values = np.random.default_rng(1).uniform(-0.2, 0.4, (1, 20, 20, 1)).astype(np.float32)
    values[0, 9, 6] = 1.0
    tensor = tf.constant(values)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        joints_2d, _ = heatmaps.decode(tensor)
        x = joints_2d[0, 0, 0]
    gradient = tape.gradient(x, tensor)[0, :, :, 0].numpy()

    row, column = np.mgrid[:20, :20]
    near = (abs(row - 9) <= heatmaps.WINDOW) & (abs(column - 6) <= heatmaps.WINDOW)
    weight = np.where(near, np.maximum(values[0, :, :, 0], 0), 0)
    centres = heatmaps.STRIDE * (column + 0.5)
    expected = np.where(weight > 0, (centres - x) / weight.sum(), 0)
    np.testing.assert_allclose(gradient, expected, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-38])
def test_gradients_are_finite_where_nothing_is_learnt_yet(value):
    tensor = tf.fill([1, 16, 16, 2], value)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        joints_2d, confidence = heatmaps.decode(tensor)
        total = tf.reduce_sum(joints_2d) + tf.reduce_sum(confidence)
    gradient = tape.gradient(total, tensor)
    assert np.isfinite(joints_2d).all() and np.isfinite(gradient).all()


def test_the_network_and_the_heatmaps_agree_on_the_stride():
    """models/ imports no TensorFlow, so the number stands in both places."""
    assert heatmaps.STRIDE == hourglass.STRIDE
