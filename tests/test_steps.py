"""Training steps: who learns from what, in every policy; and how both players' gradients are applied."""

import dataclasses

import drawn_people
import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_advpose import work_folder
from tf_advpose.config import Config, DiscriminatorConfig, StageConfig
from tf_advpose.models.generator import hourglass_layers
from tf_advpose.skeleton import NUM_JOINTS
from tf_advpose.training import accumulation, optimizers, steps

NUM_LAB, NUM_WILD = 2, 2
BIG_SCALE = 2.0**126  # gradients times this overflow
SMALL_SCALE = 2.0**8  # and times this do not


def random_batch(size: int = 32) -> dict[str, tf.Tensor]:
    """Lab examples, then wild ones, on a picture of noise each."""
    rng = np.random.default_rng(0)
    count = NUM_LAB + NUM_WILD
    batch = {
        "image": rng.uniform(0, 1, (count, size, size, 3)),
        "joints_2d": rng.uniform(2, size - 2, (count, NUM_JOINTS, 2)),
        "joint_weight": np.ones((count, NUM_JOINTS)),
        "depth": rng.normal(0, 0.3, (count, NUM_JOINTS)),
        "mm_per_pixel": np.full(count, 30.0),
    }
    batch = {key: tf.constant(value, tf.float32) for key, value in batch.items()}
    has_depth = tf.range(count) < NUM_LAB
    return batch | {"has_depth": has_depth, "has_scale": has_depth}


@dataclasses.dataclass
class Players:
    """Both players with an optimiser each."""

    config: Config
    generator: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer

    def supervised_step(self, batch: dict) -> dict:
        return steps.supervised_step(self.generator, self.generator_optimizer, batch, self.config, NUM_LAB)

    def adversarial_step(self, batch: dict) -> dict:
        return steps.adversarial_step(
            self.generator,
            self.discriminator,
            self.generator_optimizer,
            self.discriminator_optimizer,
            batch,
            NUM_LAB,
            self.config,
        )


def new_players(policy: str = "float32", plain: bool = False, **changes) -> Players:
    """The same players each time; a `plain` generator where its own layers do not matter."""
    config = drawn_people.small_config(policy=policy, **changes)
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        generator = drawn_people.plain_generator() if plain else work_folder.new_generator(config)
        discriminator = work_folder.new_discriminator(config)
    finally:
        keras.config.set_dtype_policy("float32")
    stage = StageConfig(steps=10, wild_share=0.5, learning_rate=1e-3)
    players = Players(
        config,
        generator,
        discriminator,
        optimizers.generator_optimizer(config, stage),
        optimizers.discriminator_optimizer(config),
    )
    players.generator_optimizer.build(generator.trainable_variables)
    players.discriminator_optimizer.build(discriminator.trainable_variables)
    return players


def weights(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy() for variable in model.variables}


def changed(before: dict, after: dict) -> set[str]:
    """The names of the variables that are no longer the same."""
    return {name for name, value in before.items() if not np.array_equal(value, after[name])}


def trainable(model: keras.Model) -> set[str]:
    return {variable.path for variable in model.trainable_variables}


def assert_close(one: dict, other: dict):
    """Equal but for the order in which sums were taken."""
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-4, atol=1e-6, err_msg=name)


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


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_gradients_are_cut_to_the_largest_norm(policy):
    """Of the gradients without the loss scale; the norm that is told is the one before."""
    variables = [keras.Variable([0.0, 0.0]), keras.Variable([0.0])]
    optimizer = optimizers.discriminator_optimizer(Config(policy=policy))
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    optimizer.build(variables)
    scale = optimizers.loss_scale(optimizer)
    gradients = [tf.constant([3.0, 0.0]) * scale, tf.constant([4.0]) * scale]
    norm = optimizers.apply_gradients(optimizer, gradients, variables, largest_norm=1.0)
    assert float(norm) == pytest.approx(5.0)
    first_moments = [variable.numpy() for variable in inner.variables if "momentum" in variable.path]
    np.testing.assert_allclose(np.concatenate(first_moments), [0.3, 0, 0.4], rtol=1e-5)  # (1 - beta_1) * g


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


def test_optimizers_are_those_of_the_public_code():
    """RMSprop 2.5e-4, rho 0.99 for the generator, Adam 1e-4, beta_1 0.5 for the discriminator."""
    config = Config()
    player = optimizers.generator_optimizer(config, config.adversarial)
    assert isinstance(player, keras.optimizers.RMSprop)
    assert (float(player.learning_rate), player.rho) == (pytest.approx(2.5e-4), 0.99)
    opponent = optimizers.discriminator_optimizer(config)
    assert isinstance(opponent, keras.optimizers.Adam)
    assert (float(opponent.learning_rate), opponent.beta_1) == (pytest.approx(1e-4), 0.5)


def test_rmsprop_steps_as_pytorchs_does():
    """sqrt(mean square) + 1e-8 below the line there: also small gradients move by the full step."""
    variable = keras.Variable([1.0, 1.0, 1.0])
    stage = StageConfig(steps=5, wild_share=0, learning_rate=0.01)
    optimizer = optimizers.generator_optimizer(Config(), stage)
    gradient, square, expected = np.array([2.0, 1e-5, 0.0]), np.zeros(3), np.ones(3)
    for _ in range(3):
        optimizers.apply_gradients(optimizer, [tf.constant(gradient, tf.float32)], [variable])
        square = 0.99 * square + 0.01 * gradient**2
        expected -= 0.01 * gradient / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(variable.numpy(), expected, atol=2e-3)
    assert expected[1] < 0.8


def test_cosine_schedule_ends_at_zero():
    stage = StageConfig(steps=4, wild_share=0, learning_rate=0.1, schedule="cosine")
    optimizer = optimizers.generator_optimizer(Config(), stage)
    variable, rates = keras.Variable(1.0), []
    for _ in range(5):
        rates.append(float(optimizer.learning_rate))
        optimizers.apply_gradients(optimizer, [tf.constant(1.0)], [variable])
    np.testing.assert_allclose(rates, 0.05 * (1 + np.cos(np.pi * np.arange(5) / 4)), atol=1e-7)
