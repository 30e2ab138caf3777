"""One training step of each kind. Pure functions: models and optimisers come in, metrics go out.

`batch` is as in `tf_advpose.data.pipeline`; metrics are scalar float32 tensors by name.
"""

import keras
import tensorflow as tf

from tf_advpose import heatmaps, losses
from tf_advpose.config import Config
from tf_advpose.encoding import encode_pose
from tf_advpose.training import accumulation
from tf_advpose.training.accumulation import Gradients
from tf_advpose.training.optimizers import apply_gradients

Batch = dict[str, tf.Tensor]
Metrics = dict[str, tf.Tensor]


def pose_loss(predicted: dict, batch: Batch, target: tf.Tensor, config: Config):
    """L_pose of Eq. 2, a scalar, and its two terms as metrics; softmax heatmaps have the cross-entropy.

    Args:
      predicted: the generator's outputs.
      target: [B, S/4, S/4, P], the true heatmaps.
    """
    softmax = config.generator.softmax_heatmaps
    of_heatmaps = losses.heatmap_cross_entropy if softmax else losses.heatmap_loss
    heatmap_loss = of_heatmaps(predicted["heatmaps"], target, batch["joint_weight"])
    depth_loss = losses.depth_loss(predicted["depth"], batch["depth"], batch["has_depth"])
    if "depth_share" in batch:  # one of several parts
        depth_loss *= batch["depth_share"]
    total = heatmap_loss + config.depth_weight * depth_loss
    return total, {"heatmap_loss": heatmap_loss, "depth_loss": depth_loss}


def supervised_step(
    generator: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    batch: Batch,
    config: Config,
    num_lab: int = 0,
) -> Metrics:
    """Updates the generator by L_pose (Eq. 2).

    Args:
      batch: its first `num_lab` are the lab examples, which matters to a batch in parts alone.
    """

    def gradients_of(part: Batch) -> tuple[Gradients, Metrics]:
        with tf.GradientTape() as tape:
            predicted = generator(part["image"], training=True)
            loss, metrics = pose_loss(predicted, part, _true_heatmaps(part, predicted), config)
            scaled = optimizer.scale_loss(loss)
        return _gradients(tape, scaled, generator), {"pose_loss": loss, **metrics}

    if config.accumulation == 1:
        gradients, metrics = gradients_of(batch)
    else:
        parts = accumulation.split(batch, num_lab, config.accumulation)
        gradients, metrics = accumulation.mean_over_parts(gradients_of, parts, config.accumulation)
    norm = _update(generator, optimizer, gradients, config)
    return {**metrics, "generator_gradient_norm": norm}


def adversarial_step(
    generator: keras.Model,
    discriminator: keras.Model,
    generator_optimizer: keras.optimizers.Optimizer,
    discriminator_optimizer: keras.optimizers.Optimizer,
    batch: Batch,
    num_lab: int,
    config: Config,
) -> Metrics:
    """Updates the discriminator by Eq. 3, then the generator by Eq. 5, on one generator forward pass.

    A batch in parts takes two: the generator's update needs a discriminator that has seen all of them.

    Args:
      batch: its first `num_lab` examples have depth labels; they are the real poses.
    """
    num_lab //= config.accumulation

    def shown(part: Batch, predicted: dict) -> dict:
        """The prediction as the discriminator sees it."""
        encoded = encode_pose(
            predicted["heatmaps"][-1],
            predicted["depth"],
            part["joint_weight"],
            redraw=config.discriminator.redraw_heatmaps,
        )
        return _visible_to(discriminator, {"image": part["image"], **encoded})

    def discriminator_gradients(part: Batch, target: tf.Tensor, fake: dict) -> tuple[Gradients, Metrics]:
        real = encode_pose(target[:num_lab], part["depth"][:num_lab], part["joint_weight"][:num_lab])
        real = _visible_to(discriminator, {"image": part["image"][:num_lab], **real})
        return _discriminator_gradients(discriminator, discriminator_optimizer, real, fake, num_lab)

    def discriminator_part(part: Batch) -> tuple[Gradients, Metrics]:
        predicted = generator(part["image"], training=True)
        return discriminator_gradients(part, _true_heatmaps(part, predicted), shown(part, predicted))

    def update_discriminator(gradients: Gradients, metrics: Metrics) -> Metrics:
        norm = _update(discriminator, discriminator_optimizer, gradients, config)
        return {**metrics, "discriminator_gradient_norm": norm}

    def generator_gradients(part: Batch, discriminator_first: bool) -> tuple[Gradients, Metrics]:
        with tf.GradientTape() as tape:
            predicted = generator(part["image"], training=True)
            target = _true_heatmaps(part, predicted)
            loss, metrics = pose_loss(predicted, part, target, config)
            fake = shown(part, predicted)
            if discriminator_first:
                with tape.stop_recording():
                    metrics |= update_discriminator(*discriminator_gradients(part, target, fake))
            adversarial_loss = losses.adversarial_loss(discriminator(fake, training=True)["logit"])
            total = loss + config.lambda_adversarial * adversarial_loss
            scaled = generator_optimizer.scale_loss(total)
        metrics = {"pose_loss": loss, "adversarial_loss": adversarial_loss, **metrics}
        return _gradients(tape, scaled, generator), metrics

    if config.accumulation == 1:
        gradients, metrics = generator_gradients(batch, discriminator_first=True)
    else:
        count = config.accumulation
        parts = accumulation.split(batch, num_lab * count, count)
        # The first pass must not count for the moving statistics of batch norm.
        statistics = [tf.identity(variable) for variable in generator.non_trainable_variables]
        verdict = accumulation.mean_over_parts(discriminator_part, parts, count)
        for variable, value in zip(generator.non_trainable_variables, statistics, strict=True):
            variable.assign(value)
        opponent_metrics = update_discriminator(*verdict)
        gradients, metrics = accumulation.mean_over_parts(
            lambda part: generator_gradients(part, discriminator_first=False), parts, count
        )
        metrics |= opponent_metrics
    norm = _update(generator, generator_optimizer, gradients, config)
    return {**metrics, "generator_gradient_norm": norm}


def _discriminator_gradients(
    discriminator, optimizer, real, fake, num_lab: int
) -> tuple[Gradients, Metrics]:
    """Those of Eq. 3; real and fake poses go through the discriminator in one pass."""
    both = {source: tf.concat([real[source], tf.stop_gradient(fake[source])], axis=0) for source in fake}
    with tf.GradientTape() as tape:
        logits = discriminator(both, training=True)["logit"]
        real_logits, fake_logits = logits[:num_lab], logits[num_lab:]
        loss = losses.discriminator_loss(real_logits, fake_logits)
        scaled = optimizer.scale_loss(loss)

    def share_right(right: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.cast(right, tf.float32))

    metrics = {
        "discriminator_loss": loss,
        "accuracy_real": share_right(real_logits > 0),
        "accuracy_fake_lab": share_right(fake_logits[:num_lab] < 0),
    }
    if fake_logits.shape[0] > num_lab:
        metrics["accuracy_fake_wild"] = share_right(fake_logits[num_lab:] < 0)
    return _gradients(tape, scaled, discriminator), metrics


def _gradients(tape: tf.GradientTape, loss: tf.Tensor, model: keras.Model) -> Gradients:
    """Leaves out what the loss does not reach, such as the depth module on 2D labels alone."""
    gradients = tape.gradient(loss, model.trainable_variables)
    return {number: gradient for number, gradient in enumerate(gradients) if gradient is not None}


def _update(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, gradients: Gradients, config: Config
) -> tf.Tensor:
    """Applies them; returns their global norm."""
    variables = [model.trainable_variables[number] for number in gradients]
    return apply_gradients(optimizer, list(gradients.values()), variables, config.largest_gradient)


def _true_heatmaps(batch: Batch, predicted: dict) -> tf.Tensor:
    return heatmaps.draw(batch["joints_2d"], predicted["heatmaps"][-1].shape[1])


def _visible_to(discriminator: keras.Model, sources: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Those of `sources` that the discriminator has a branch for."""
    return {name: sources[name] for name in discriminator.input}
