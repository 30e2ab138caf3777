"""A batch in parts, one after the other, teaches what it teaches at once."""

import numpy as np
import pytest
import tensorflow as tf
from two_players import assert_close, new_players, random_batch, weights

from tf_advpose.training import accumulation


@pytest.mark.parametrize("step", ["supervised_step", "adversarial_step"])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_batch_in_parts_teaches_what_it_teaches_at_once(step, compiled):
    """Where there is no batch norm: weights after two steps, and every metric."""
    batch = random_batch()
    if step == "supervised_step":
        batch["has_depth"] = tf.constant([True, False, True, False])  # all labels of depth in one part
    found = []
    for parts in (1, 2):
        players = new_players(plain=True, accumulation=parts)
        players.generator.get_layer("stem_bn").trainable = False
        function = tf.function(getattr(players, step), jit_compile=compiled)
        metrics = [function(batch), function(batch)][1]
        values = {name: float(value) for name, value in metrics.items()}
        found.append(values | weights(players.generator) | weights(players.discriminator))
    assert found[0].keys() == found[1].keys()
    assert_close(*found)


def test_a_batch_in_parts_keeps_lab_before_wild():
    batch = {"has_depth": tf.constant([True] * 4 + [False] * 2), "number": tf.range(6)}
    parts = accumulation.split(batch, 4, 2)
    assert parts["number"].numpy().tolist() == [[0, 1, 4], [2, 3, 5]]
    np.testing.assert_allclose(parts["depth_share"], [1, 1])


def test_statistics_of_batch_norm_move_once_a_part():
    """Though the generator goes over each part twice."""
    batch, moved = random_batch(), []
    for step in ("supervised_step", "adversarial_step"):
        players = new_players(plain=True, accumulation=2)
        getattr(players, step)(batch)
        moved.append([variable.numpy() for variable in players.generator.non_trainable_variables])
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
