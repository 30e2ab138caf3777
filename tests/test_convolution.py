"""The convolution that trains quickly is Keras' convolution."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_advpose.models.convolution import Conv2D

SHAPE, FILTERS = (3, 8, 8, 6), 5


def outcome(kind: type, policy: str, compiled: bool = False, **arguments) -> dict[str, np.ndarray]:
    """What a layer gives for a random batch, and its gradients."""
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=SHAPE), tf.float32)
    layer = kind(FILTERS, dtype=policy, **arguments)
    layer.build(SHAPE)
    layer.set_weights([rng.normal(size=value.shape) for value in layer.get_weights()])

    @tf.function(jit_compile=compiled)
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_mean(tf.square(tf.cast(outputs, tf.float32)))
        sources = {"inputs": inputs, "kernel": layer.kernel.value, "bias": layer.bias.value}
        return outputs, tape.gradient(loss, sources)

    outputs, gradients = run(inputs)
    assert outputs.dtype == layer.compute_dtype
    return {"outputs": tf.cast(outputs, tf.float32).numpy(), **tf.nest.map_structure(np.asarray, gradients)}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    "arguments",
    [{"kernel_size": 1}, {"kernel_size": 1, "strides": 2}, {"kernel_size": 3, "padding": "same"}],
    ids=str,
)
def test_it_gives_what_keras_gives(policy, compiled, arguments):
    ours, theirs = (outcome(kind, policy, compiled, **arguments) for kind in (Conv2D, keras.layers.Conv2D))
    unit = {"float32": 2e-6, "mixed_bfloat16": 2**-8, "mixed_float16": 2**-11}[policy]
    for name, value in theirs.items():
        np.testing.assert_allclose(
            ours[name], value, rtol=0, atol=8 * unit * np.abs(value).max(), err_msg=name
        )


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_gradients_are_of_quick_operations_and_inference_is_keras(kernel_size):
    layer = Conv2D(FILTERS, kernel_size, padding="same")

    def operations(training: bool) -> set[str]:
        def gradients(inputs):
            with tf.GradientTape() as tape:
                outputs = layer(inputs, training=training)
            return tape.gradient(outputs, layer.trainable_variables)

        graph = tf.function(gradients).get_concrete_function(tf.TensorSpec([None, *SHAPE[1:]])).graph
        return {operation.type for operation in graph.get_operations()}

    training, inference = operations(training=True), operations(training=False)
    assert "BiasAddGrad" in inference and "Conv2DBackpropFilter" in inference
    assert "BiasAddGrad" not in training
    assert ("Conv2DBackpropFilter" in training) == (kernel_size == 3)


def test_weights_are_those_of_keras(tmp_path):
    models = []
    for kind in (Conv2D, keras.layers.Conv2D):
        image = keras.Input(SHAPE[1:])
        models.append(keras.Model(image, kind(FILTERS, 3, name="conv")(image)))
    ours, theirs = models
    theirs.save_weights(tmp_path / "keras.weights.h5")
    ours.load_weights(tmp_path / "keras.weights.h5")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
