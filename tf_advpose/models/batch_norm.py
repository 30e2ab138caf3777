"""Batch norm, in one operation where TensorFlow has one.

Keras writes it out: a dozen operations that each read or write the whole tensor, and under a mixed policy
in float32. Where Keras runs on TensorFlow, a training step takes the one that it has for it instead. This
is the only module here that knows which backend it runs on.
"""

import keras
from keras import layers, ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_advpose")
class BatchNormalization(layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of [B, H, W, C], with its weights, moments and results.

    Results are Keras' to float32 rounding; under a mixed policy they are rounded once, at the end.
    Moments over several devices (`synchronized`), and other backends, are left to Keras.
    """

    def call(self, inputs, training=None, mask=None):
        is_on_tensorflow = keras.backend.backend() == "tensorflow"
        if not is_on_tensorflow or not training or not self.trainable or self.synchronized:
            return super().call(inputs, training=training, mask=mask)
        empty = tf.zeros([0])  # of the moments at inference
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.cast(self.gamma, "float32"),
            offset=ops.cast(self.beta, "float32"),
            mean=empty,
            variance=empty,
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1) / count  # TensorFlow's is the estimate for the population
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        return outputs
