"""One training step of each kind. Pure functions: models and optimisers come in, metrics go out.

`batch` is as in `tf_advpose.data.pipeline`; metrics are scalar float32 tensors by name.
"""

import keras
import tensorflow as tf

from tf_advpose import heatmaps, losses
from tf_advpose.config import Config
from tf_advpose.encoding import encode_pose
from tf_advpose.training.optimizers import apply_gradients

Batch = dict[str, tf.Tensor]
Metrics = dict[str, tf.Tensor]


def pose_loss(predicted: dict, batch: Batch, target: tf.Tensor, depth_weight: float):
    """L_pose of Eq. 2, a scalar, and its two terms as metrics.

    Args:
      predicted: the generator's outputs.
      target: [B, S/4, S/4, P], the true heatmaps.
    """
    heatmap_loss = losses.heatmap_loss(predicted["heatmaps"], target, batch["joint_weight"])
    depth_loss = losses.depth_loss(predicted["depth"], batch["depth"], batch["has_depth"])
    total = heatmap_loss + depth_weight * depth_loss
    return total, {"heatmap_loss": heatmap_loss, "depth_loss": depth_loss}


def supervised_step(
    generator: keras.Model, optimizer: keras.optimizers.Optimizer, batch: Batch, config: Config
) -> Metrics:
    """Updates the generator by L_pose (Eq. 2)."""
    variables = generator.trainable_variables
    with tf.GradientTape() as tape:
        predicted = generator(batch["image"], training=True)
        loss, metrics = pose_loss(predicted, batch, _true_heatmaps(batch, predicted), config.depth_weight)
        scaled = optimizer.scale_loss(loss)
    gradients = tape.gradient(scaled, variables)
    apply_gradients(optimizer, *_connected(gradients, variables))
    return {"pose_loss": loss, **metrics}


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

    Args:
      batch: its first `num_lab` examples have depth labels; they are the real poses.
    """
    variables = generator.trainable_variables
    with tf.GradientTape() as tape:
        predicted = generator(batch["image"], training=True)
        target = _true_heatmaps(batch, predicted)
        loss, metrics = pose_loss(predicted, batch, target, config.depth_weight)
        fake = encode_pose(
            predicted["heatmaps"][-1],
            predicted["depth"],
            batch["joint_weight"],
            redraw=config.discriminator.redraw_heatmaps,
        )
        fake = _visible_to(discriminator, {"image": batch["image"], **fake})
        with tape.stop_recording():
            real = encode_pose(target[:num_lab], batch["depth"][:num_lab], batch["joint_weight"][:num_lab])
            real = _visible_to(discriminator, {"image": batch["image"][:num_lab], **real})
            metrics |= _discriminator_step(discriminator, discriminator_optimizer, real, fake, num_lab)
        logits = discriminator(fake, training=True)["logit"]
        adversarial_loss = losses.adversarial_loss(logits)
        total = loss + config.lambda_adversarial * adversarial_loss
        scaled = generator_optimizer.scale_loss(total)
    gradients = tape.gradient(scaled, variables)
    apply_gradients(generator_optimizer, *_connected(gradients, variables))
    return {"pose_loss": loss, "adversarial_loss": adversarial_loss, **metrics}


def _discriminator_step(discriminator, optimizer, real, fake, num_lab: int) -> Metrics:
    """Updates the discriminator by Eq. 3; real and fake poses go through it in one pass."""
    both = {source: tf.concat([real[source], tf.stop_gradient(fake[source])], axis=0) for source in fake}
    variables = discriminator.trainable_variables
    with tf.GradientTape() as tape:
        logits = discriminator(both, training=True)["logit"]
        real_logits, fake_logits = logits[:num_lab], logits[num_lab:]
        loss = losses.discriminator_loss(real_logits, fake_logits)
        scaled = optimizer.scale_loss(loss)
    apply_gradients(optimizer, tape.gradient(scaled, variables), variables)

    def share_right(right: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.cast(right, tf.float32))

    metrics = {
        "discriminator_loss": loss,
        "accuracy_real": share_right(real_logits > 0),
        "accuracy_fake_lab": share_right(fake_logits[:num_lab] < 0),
    }
    if fake_logits.shape[0] > num_lab:
        metrics["accuracy_fake_wild"] = share_right(fake_logits[num_lab:] < 0)
    return metrics


def _true_heatmaps(batch: Batch, predicted: dict) -> tf.Tensor:
    return heatmaps.draw(batch["joints_2d"], predicted["heatmaps"][-1].shape[1])


def _visible_to(discriminator: keras.Model, sources: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Those of `sources` that the discriminator has a branch for."""
    return {name: sources[name] for name in discriminator.input}


def _connected(gradients: list, variables: list) -> tuple[list, list]:
    """Leaves out variables that the loss does not reach, such as the depth module's on 2D labels alone."""
    pairs = [pair for pair in zip(gradients, variables, strict=True) if pair[0] is not None]
    return [gradient for gradient, _ in pairs], [variable for _, variable in pairs]
