"""Batch norm in one operation is Keras' batch norm."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_advpose.models.batch_norm import BatchNormalization

SHAPE = (3, 4, 4, 8)


def outcome(kind: type, policy: str, compiled: bool = False, scale: float = 1.0) -> dict[str, np.ndarray]:
    """What a layer gives for a random batch, its gradients, and what it has gathered."""
    rng = np.random.default_rng(0)
    inputs = tf.constant(scale * rng.normal(3, 2, SHAPE), tf.float32)
    weight = tf.constant(rng.normal(size=SHAPE), tf.float32)
    layer = kind(momentum=0.9, epsilon=1e-5, dtype=policy)
    layer.build(SHAPE)
    layer.gamma.assign(np.linspace(0.5, 2, SHAPE[-1]))
    layer.beta.assign(np.linspace(-1, 1, SHAPE[-1]))

    @tf.function(jit_compile=compiled)
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * weight)
        sources = {"inputs": inputs, "gamma": layer.gamma.value, "beta": layer.beta.value}
        return outputs, tape.gradient(loss, sources)

    outputs, gradients = run(inputs)
    assert outputs.dtype == layer.compute_dtype
    found = {"outputs": tf.cast(outputs, tf.float32), **gradients}
    found |= {"mean": layer.moving_mean, "variance": layer.moving_variance}
    return {name: np.asarray(value) for name, value in found.items()}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_it_gives_what_keras_gives(policy, compiled):
    """Results, gradients and moving statistics, which are of the biased variance."""
    ours, theirs = (
        outcome(kind, policy, compiled) for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    unit = {"float32": 2e-6, "mixed_bfloat16": 2**-8, "mixed_float16": 2**-11}[policy]
    for name, value in theirs.items():
        exact = name not in ("outputs", "inputs")  # float32 under every policy
        tolerance = 4 * (2e-6 if exact else unit) * np.abs(value).max()
        np.testing.assert_allclose(ours[name], value, rtol=0, atol=tolerance, err_msg=name)


def test_statistics_are_gathered_of_numbers_whose_squares_float16_cannot_hold():
    found = outcome(BatchNormalization, "mixed_float16", scale=1000.0)
    assert found["variance"].mean() == pytest.approx(0.9 + 0.1 * 4e6, rel=0.3)


def test_it_takes_one_operation_and_only_where_it_trains():
    """At inference, frozen, and over several devices it is Keras' own, which exports and synchronises."""

    def operations(layer, training):
        function = tf.function(lambda inputs: layer(inputs, training=training))
        graph = function.get_concrete_function(tf.TensorSpec([None, *SHAPE[1:]])).graph
        return {operation.type for operation in graph.get_operations()}

    frozen, synchronised = BatchNormalization(), BatchNormalization(synchronized=True)
    frozen.trainable = False
    assert "FusedBatchNormV3" in operations(BatchNormalization(), True)
    for layer, training in ((BatchNormalization(), False), (frozen, True), (synchronised, True)):
        assert "FusedBatchNormV3" not in operations(layer, training)


def test_weights_are_those_of_keras(tmp_path):
    """Files and checkpoints of a model with Keras' layer fit one with ours, and the other way round."""
    models = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        image = keras.Input(SHAPE[1:])
        models.append(keras.Model(image, kind(name="norm")(image)))
    ours, theirs = models
    theirs.set_weights([np.full(SHAPE[-1], value, "f4") for value in (1, 2, 3, 4)])
    theirs.save_weights(tmp_path / "keras.weights.h5")
    ours.load_weights(tmp_path / "keras.weights.h5")
    np.testing.assert_equal(ours.get_weights(), theirs.get_weights())
    ours.set_weights([2 * value for value in ours.get_weights()])
    path = tf.train.Checkpoint(model=ours).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(model=theirs).read(path).assert_consumed()
    np.testing.assert_equal(ours.get_weights(), theirs.get_weights())
