"""Mixed precision: what stays float32, losses that agree, and overflows that one player has."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from two_players import changed, new_players, random_batch, trainable, weights

from tf_advpose.training import steps

BIG_SCALE = 2.0**126  # gradients times this overflow
SMALL_SCALE = 2.0**8  # and times this do not


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_loss_curves_agree_in_every_policy(policy):
    """Within a tenth of where float32 starts, over the same steps of both players."""
    batch, curves = random_batch(), []
    for one in ("float32", policy):
        step = tf.function(new_players(one).adversarial_step)
        curves.append([float(step(batch)["pose_loss"]) for _ in range(10)])
    float32, mixed = np.array(curves)
    assert float32[-1] < 0.8 * float32[0]
    np.testing.assert_allclose(mixed, float32, atol=0.1 * float32[0])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_what_must_be_exact_is_float32_in_every_policy(policy):
    """Heatmaps, depths and logits, and what batch norm gathers."""
    players, batch = new_players(policy), random_batch()
    predicted = players.generator(batch["image"], training=True)
    outputs = [*predicted["heatmaps"], predicted["depth"]]
    fake = steps.encode_pose(predicted["heatmaps"][-1], predicted["depth"], batch["joint_weight"])
    outputs += [players.discriminator({"image": batch["image"], **fake})["logit"], *fake.values()]
    assert {output.dtype for output in outputs} == {tf.float32}
    assert {variable.dtype for variable in players.generator.non_trainable_variables} == {"float32"}
    # Statistics of numbers whose squares float16 cannot hold.
    norm = keras.layers.BatchNormalization(momentum=0.0, dtype=policy)
    norm(tf.constant([[1000.0], [3000.0]]), training=True)
    np.testing.assert_allclose(norm.moving_variance, [1e6], rtol=1e-2)


@pytest.mark.parametrize("who", ["generator", "discriminator"])
def test_an_overflow_skips_the_step_of_that_player_alone(who):
    """Each has its own loss scale; one that is too large is halved, and nothing else happens to it."""
    players = new_players("mixed_float16", plain=True)
    other = {"generator": "discriminator", "discriminator": "generator"}[who]
    scale = getattr(players, f"{who}_optimizer").dynamic_scale
    scale.assign(BIG_SCALE)
    getattr(players, f"{other}_optimizer").dynamic_scale.assign(SMALL_SCALE)
    before = {name: weights(getattr(players, name)) for name in (who, other)}
    players.adversarial_step(random_batch())
    after = {name: weights(getattr(players, name)) for name in (who, other)}
    assert not changed(before[who], after[who]) & trainable(getattr(players, who))
    assert float(scale) == BIG_SCALE / 2
    moved = changed(before[other], after[other]) & trainable(getattr(players, other))
    assert moved == trainable(getattr(players, other))
    assert all(np.isfinite(value).all() for part in after.values() for value in part.values())
    assert float(getattr(players, f"{other}_optimizer").dynamic_scale) == SMALL_SCALE
