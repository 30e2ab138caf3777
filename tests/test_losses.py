import numpy as np
import pytest
import tensorflow as tf

from tf_advpose import losses

EXTREME = 1e4  # a logit whose sigmoid is 0 or 1 in float32


def cross_entropy(logits, label: float) -> float:
    """Mean of -log(sigmoid) or -log(1 - sigmoid), in float64."""
    sign = 1 if label else -1
    return float(np.mean(np.logaddexp(0, -sign * np.asarray(logits, np.float64))))


def test_the_heatmap_loss_is_summed_over_stacks_and_divided_by_batch_joints_and_cells():
    """First term of Eq. 2 by hand: errors 2 and 3 in one of 2 x 2 x 2 x 3 cells each."""
    target = np.zeros((2, 2, 2, 3), np.float32)
    first, second = target.copy(), target.copy()
    first[0, 1, 0, 2], second[1, 0, 0, 0] = 2.0, -3.0
    loss = losses.heatmap_loss(
        [tf.constant(first), tf.constant(second)], target, np.ones((2, 3), np.float32)
    )
    assert loss.shape == () and loss.dtype == tf.float32
    assert loss.numpy() == pytest.approx((4 + 9) / 24)


def test_unlabelled_joints_add_nothing_and_the_denominator_stays():
    rng = np.random.default_rng(0)
    target, predicted = rng.normal(size=(2, 2, 4, 4, 3)).astype(np.float32)
    weight = np.array([[1, 0, 1], [0, 1, 1]], np.float32)
    expected = (weight[:, None, None, :] * (predicted - target) ** 2).sum() / (2 * 4 * 4 * 3)
    assert losses.heatmap_loss([predicted], target, weight).numpy() == pytest.approx(expected, rel=1e-5)

    changed = np.where(weight[:, None, None, :] > 0, predicted, 99.0)
    assert losses.heatmap_loss([changed], target, weight).numpy() == pytest.approx(expected, rel=1e-5)
    assert losses.heatmap_loss([predicted], target, np.zeros_like(weight)).numpy() == 0


def test_the_heatmap_cross_entropy_by_hand():
    """Of two cells, a map says 1 : 3 where 3 : 1 was drawn; the sums of both maps do not matter.

    It is in nats, whatever the number of cells, or gradients would be of the size of Adam's epsilon.
    """
    drawn = np.array([0.3, 0.1], np.float32).reshape(1, 1, 2, 1)
    maps = np.array([1.0, 3.0], np.float32).reshape(1, 1, 2, 1)
    expected = -(0.75 * np.log(0.25) + 0.25 * np.log(0.75))
    loss = losses.heatmap_cross_entropy([maps, 9 * maps], drawn, np.ones((1, 1), np.float32))
    assert loss.numpy() == pytest.approx(2 * expected, rel=1e-5)
    half = losses.heatmap_cross_entropy([maps], drawn, np.full((1, 1), 0.5, np.float32))
    assert half.numpy() == pytest.approx(0.5 * expected, rel=1e-5)


def test_the_heatmap_cross_entropy_is_finite_where_a_map_is_certain_and_wrong():
    drawn = np.array([1.0, 0.0], np.float32).reshape(1, 1, 2, 1)
    weight = tf.ones([1, 1])
    for maps in ([0.0, 1.0], [0.0, 0.0]):
        loss = losses.heatmap_cross_entropy([np.float32(maps).reshape(1, 1, 2, 1)], drawn, weight)
        assert np.isfinite(loss) and loss > 10


def test_the_depth_loss_is_the_mean_over_the_examples_that_have_depth():
    """Second term of Eq. 2 by hand: the wild example in the middle counts in neither part."""
    predicted = tf.constant([[1.0, 2.0], [50.0, 60.0], [0.0, 0.5]])
    target = tf.constant([[1.0, 0.0], [0.0, 0.0], [3.0, 0.5]])
    loss = losses.depth_loss(predicted, target, tf.constant([True, False, True]))
    assert loss.numpy() == pytest.approx((4 + 9) / (2 * 2))


def test_a_batch_without_lab_examples_has_depth_loss_0_and_no_gradient():
    predicted = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        loss = losses.depth_loss(predicted, tf.zeros([1, 2]), tf.constant([False]))
    assert loss.numpy() == 0
    np.testing.assert_array_equal(tape.gradient(loss, predicted), [[0, 0]])


def test_equation_3_weighs_both_halves_equally_whatever_their_sizes():
    real, fake = [[0.3], [-1.2]], [[2.0], [0.0], [-0.7], [1.5], [0.1]]
    loss = losses.discriminator_loss(tf.constant(real), tf.constant(fake))
    assert loss.dtype == tf.float32
    assert loss.numpy() == pytest.approx(cross_entropy(real, 1) + cross_entropy(fake, 0), rel=1e-6)
    undecided = losses.discriminator_loss(tf.zeros([2, 1]), tf.zeros([5, 1]))
    assert undecided.numpy() == pytest.approx(2 * np.log(2))


def test_equation_4_asks_for_fakes_to_be_taken_for_real():
    fake = [[2.0], [0.0], [-0.7]]
    loss = losses.adversarial_loss(tf.constant(fake))
    assert loss.numpy() == pytest.approx(cross_entropy(fake, 1), rel=1e-6)


@pytest.mark.parametrize("logit", [EXTREME, -EXTREME])
def test_a_certain_discriminator_gives_finite_losses_and_unsaturated_gradients(logit):
    """From probabilities, log(0) would end the training."""
    logits = tf.constant([[logit]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        as_fake = losses.adversarial_loss(logits)
        as_both = losses.discriminator_loss(logits, logits)
    assert as_fake.numpy() == pytest.approx(max(-logit, 0))
    assert as_both.numpy() == pytest.approx(EXTREME)
    assert tape.gradient(as_fake, logits).numpy() == (-1.0 if logit < 0 else 0.0)
    assert tape.gradient(as_both, logits).numpy() == np.sign(logit)


def test_losses_are_float32_whatever_the_policy():
    """1 + 2^-9 is 1 in bfloat16: the squared error would vanish."""
    low = tf.bfloat16
    target = tf.fill([1, 2, 2, 1], 1 + 2.0**-9)
    loss = losses.heatmap_loss([tf.ones([1, 2, 2, 1], low)], target, tf.ones([1, 1]))
    assert loss.numpy() == pytest.approx(2.0**-18)
    depth = losses.depth_loss(tf.ones([1, 1], low), tf.fill([1, 1], 1 + 2.0**-9), tf.constant([True]))
    assert depth.numpy() == pytest.approx(2.0**-18)
    assert losses.discriminator_loss(tf.zeros([1, 1], low), tf.zeros([1, 1], low)).dtype == tf.float32
    assert losses.adversarial_loss(tf.zeros([1, 1], low)).dtype == tf.float32
