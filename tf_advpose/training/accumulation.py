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

    Lab examples, the first `num_lab`, come first in each part. "depth_share" [count] is added, see
    `depth_share`; the batch may be a replica's, and have one already.
    """
    batch = dict(batch)
    share_of_all = batch.pop("depth_share", 1.0)

    def in_parts(value: tf.Tensor) -> tf.Tensor:
        shape = value.shape[1:]
        lab = tf.reshape(value[:num_lab], [count, num_lab // count, *shape])
        wild = tf.reshape(value[num_lab:], [count, (value.shape[0] - num_lab) // count, *shape])
        return tf.concat([lab, wild], axis=1)

    parts = {name: in_parts(value) for name, value in batch.items()}
    labelled = tf.reduce_sum(tf.cast(parts["has_depth"], tf.float32), axis=1)  # [count]
    return parts | {"depth_share": share_of_all * depth_share(labelled, tf.reduce_sum(labelled), count)}


def depth_share(labelled: tf.Tensor, labelled_in_all: tf.Tensor, count: int) -> tf.Tensor:
    """What a part's depth loss, a mean over its own `labelled` examples, is to be multiplied by.

    The mean over all `count` parts is then that over all examples that are labelled.
    """
    return tf.math.divide_no_nan(count * labelled, labelled_in_all)


def mean_over_parts(
    function: Callable[[Tensors], tuple[Gradients, Tensors]], parts: Tensors, count: int
) -> tuple[Gradients, Tensors]:
    """The mean of what `function`, part -> (gradients, metrics), returns for each of `parts`."""

    def add(sums, part):
        return tf.nest.map_structure(tf.add, sums, function(part))

    first = function({name: value[0] for name, value in parts.items()})
    if tf.distribute.get_replica_context().num_replicas_in_sync == 1:
        others = {name: value[1:] for name, value in parts.items()}
        sums = tf.foldl(add, others, initializer=first, parallel_iterations=1)
    else:  # replicas cannot meet, for their batch norm, within a loop of TensorFlow
        sums = first
        for number in range(1, count):
            with tf.control_dependencies(tf.nest.flatten(sums)):  # one part in memory at a time
                part = {name: tf.identity(value[number]) for name, value in parts.items()}
            sums = add(sums, part)
    return tf.nest.map_structure(lambda value: value / count, sums)
