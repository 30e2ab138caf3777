"""A batch computed in parts, one after the other, for memory that does not hold it at once.

The mean of the parts' gradients is that of the whole batch, apart from batch norm, which sees each part for
itself. A discriminator with spectral norm estimates its norms once a part.
"""

from collections.abc import Callable

import tensorflow as tf

Gradients = dict[int, tf.Tensor]  # by the number of the variable, of those that the loss reaches
Tensors = dict[str, tf.Tensor]


def split(batch: Tensors, num_lab: int, count: int) -> Tensors:
    """The batch as `count` parts of the same shares: [B, ...] -> [count, B / count, ...].

    Lab examples, the first `num_lab`, come first in each part. "depth_share" [count] is added: a part's
    depth loss, a mean over its own labels, times that is its share in the whole batch's mean.
    """

    def in_parts(value: tf.Tensor) -> tf.Tensor:
        shape = value.shape[1:]
        lab = tf.reshape(value[:num_lab], [count, num_lab // count, *shape])
        wild = tf.reshape(value[num_lab:], [count, (value.shape[0] - num_lab) // count, *shape])
        return tf.concat([lab, wild], axis=1)

    parts = {name: in_parts(value) for name, value in batch.items()}
    labelled = tf.reduce_sum(tf.cast(parts["has_depth"], tf.float32), axis=1)  # [count]
    return parts | {"depth_share": tf.math.divide_no_nan(count * labelled, tf.reduce_sum(labelled))}


def mean_over_parts(
    function: Callable[[Tensors], tuple[Gradients, Tensors]], parts: Tensors, count: int
) -> tuple[Gradients, Tensors]:
    """The mean of what `function`, part -> (gradients, metrics), returns for each of `parts`."""

    def add(sums, part):
        return tf.nest.map_structure(tf.add, sums, function(part))

    first = function({name: value[0] for name, value in parts.items()})
    others = {name: value[1:] for name, value in parts.items()}
    sums = tf.foldl(add, others, initializer=first, parallel_iterations=1)
    return tf.nest.map_structure(lambda value: value / count, sums)
