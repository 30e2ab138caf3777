"""Training steps, supervised and adversarial: who learns from what."""

import dataclasses

import drawn_people
import keras
import numpy as np
import pytest
import tensorflow as tf
from two_players import NUM_LAB, assert_close, changed, new_players, random_batch, trainable, weights

from tf_advpose.config import DiscriminatorConfig
from tf_advpose.models.generator import hourglass_layers


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_supervised_steps_lower_the_loss(policy):
    players, batch = new_players(policy), random_batch()
    step = tf.function(players.supervised_step)
    losses = [{name: float(value) for name, value in step(batch).items()} for _ in range(12)]
    for name in ("pose_loss", "heatmap_loss", "depth_loss"):
        assert losses[-1][name] < 0.7 * losses[0][name], name
    first = losses[0]
    assert first["pose_loss"] == pytest.approx(first["heatmap_loss"] + 0.1 * first["depth_loss"], rel=1e-5)
    is_scaled = isinstance(players.generator_optimizer, keras.optimizers.LossScaleOptimizer)
    assert is_scaled == (policy == "mixed_float16")
    assert {variable.dtype for variable in players.generator.variables} == {"float32"}


def test_softmax_heatmaps_learn_by_cross_entropy():
    generator = dataclasses.replace(drawn_people.small_config().generator, softmax_heatmaps=True)
    players, batch = new_players(generator=generator), random_batch()
    step = tf.function(players.supervised_step)
    losses = [float(step(batch)["heatmap_loss"]) for _ in range(12)]
    cells = batch["image"].shape[1] // 4
    assert losses[0] == pytest.approx(np.log(cells**2), rel=0.05)  # every cell as likely
    assert losses[-1] < 0.99 * losses[0]  # maps of noise are never sure


def test_depth_of_examples_that_are_not_to_train_is_not_looked_at():
    """Datasets may know the depth of wild examples; training must not."""
    batch = random_batch()
    depth = tf.where(batch["has_depth"][:, None], batch["depth"], 100.0)
    found = []
    for one in (batch, batch | {"depth": depth}):
        players = new_players(plain=True)
        players.adversarial_step(one)
        found.append(weights(players.generator) | weights(players.discriminator))
    assert not changed(*found)


def test_adversarial_step_runs_the_generator_once(monkeypatch):
    players, calls = new_players(plain=True), []
    forward = players.generator.call

    def spy(inputs, training=None, mask=None):
        calls.append(training)
        return forward(inputs, training=training, mask=mask)

    monkeypatch.setattr(players.generator, "call", spy)
    metrics = players.adversarial_step(random_batch())
    assert calls == [True]
    assert set(metrics) == {
        "pose_loss", "heatmap_loss", "depth_loss", "adversarial_loss", "discriminator_loss",
        "accuracy_real", "accuracy_fake_lab", "accuracy_fake_wild",
        "generator_gradient_norm", "discriminator_gradient_norm",
    }  # fmt: skip
    assert all(value.shape == [] and value.dtype == tf.float32 for value in metrics.values())


def test_both_players_learn_in_one_step():
    players = new_players()
    generator, discriminator = weights(players.generator), weights(players.discriminator)
    players.adversarial_step(random_batch())
    assert changed(generator, weights(players.generator)) == set(generator)
    assert changed(discriminator, weights(players.discriminator)) >= trainable(players.discriminator)


def test_compiled_by_xla_the_adversarial_step_is_the_same():
    """Every operation of both players and of the encoding compiles, and gives the same losses."""
    batch = random_batch()
    plain = new_players().adversarial_step(batch)
    players = new_players(average_decay=0.9)
    compiled = tf.function(players.adversarial_step, jit_compile=True)(batch)
    for name, value in plain.items():
        np.testing.assert_allclose(compiled[name], value, rtol=1e-4, err_msg=name)


def test_without_weight_the_discriminator_leaves_the_generator_alone():
    """With lambda 0 the generator does what it would do without any discriminator; that one learns."""
    batch = random_batch()
    alone, together = new_players(plain=True), new_players(plain=True, lambda_adversarial=0.0)
    before = weights(together.discriminator)
    alone.supervised_step(batch)
    together.adversarial_step(batch)
    assert_close(weights(alone.generator), weights(together.generator))
    assert changed(before, weights(together.discriminator))


def test_the_discriminator_is_trained_by_its_own_loss_alone():
    """However much the generator's step makes of its verdict."""
    batch = random_batch()
    found = []
    for lambda_adversarial in (0.0, 1.0):
        players = new_players(plain=True, lambda_adversarial=lambda_adversarial)
        players.adversarial_step(batch)
        found.append((weights(players.discriminator), weights(players.generator)))
    assert_close(found[0][0], found[1][0])
    assert changed(found[0][1], found[1][1])


@pytest.mark.parametrize("sources", [("image", "geometry", "maps"), ("geometry",), ("maps", "image")])
def test_the_discriminator_learns_to_tell_real_from_fake(sources):
    """With any of its branches; the generator stands still."""
    discriminator = DiscriminatorConfig(sources=sources, width=4, dense_width=32)
    players = new_players(plain=True, discriminator=discriminator, discriminator_learning_rate=3e-3)
    players.generator_optimizer.learning_rate = 0.0
    batch, step = random_batch(), tf.function(players.adversarial_step)
    metrics = [{name: float(value) for name, value in step(batch).items()} for _ in range(40)]
    assert metrics[0]["discriminator_loss"] > 0.8
    assert metrics[-1]["discriminator_loss"] < 0.3
    assert metrics[-1]["adversarial_loss"] > 1.5
    for name in ("accuracy_real", "accuracy_fake_lab", "accuracy_fake_wild"):
        assert metrics[-1][name] == 1.0, name


def test_the_discriminator_teaches_the_depth_of_wild_examples():
    """The point of it all (Sec. 3.2): without labels of depth, only the discriminator can move it."""
    batch = random_batch()
    batch["has_depth"] = tf.zeros_like(batch["has_depth"])
    updates = {}
    for lambda_adversarial in (0.0, 1.0):
        players = new_players(plain=True, lambda_adversarial=lambda_adversarial)
        head = players.generator.get_layer("depth")
        before = head.bias.numpy()
        players.adversarial_step(batch)
        updates[lambda_adversarial] = np.abs(head.bias.numpy() - before)
    np.testing.assert_array_equal(updates[0.0], 0)
    assert (updates[1.0] > 1e-5).all()


def test_steps_without_wild_examples_have_no_wild_accuracy():
    players = new_players(plain=True)
    lab = {key: value[:NUM_LAB] for key, value in random_batch().items()}
    metrics = players.adversarial_step(lab)
    assert "accuracy_fake_wild" not in metrics
    assert all(np.isfinite(value) for value in metrics.values())


def test_a_frozen_hourglass_is_left_untouched():
    """Its weights and the statistics of its batch norms (Table 2, "fix 2D"); the depth module learns."""
    players, batch = new_players(), random_batch()
    frozen = hourglass_layers(players.generator)
    for layer in frozen:
        layer.trainable = False
    names = {variable.path for layer in frozen for variable in layer.variables}
    heatmaps = players.generator(batch["image"])["heatmaps"][-1]
    before = weights(players.generator)
    players.adversarial_step(batch)
    players.supervised_step(batch)
    assert changed(before, weights(players.generator)) == set(before) - names
    np.testing.assert_array_equal(players.generator(batch["image"])["heatmaps"][-1], heatmaps)
