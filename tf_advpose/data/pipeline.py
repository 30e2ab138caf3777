"""From prepared datasets to batches, in the vocabulary of the whole project.

A batch is a dictionary of tensors, the first axis B:
  image [B, S, S, 3] float32 RGB in [0, 1]; joints_2d [B, P, 2] crop pixels; joint_weight [B, P], 0 where
  the label is missing or lies outside the crop; depth [B, P] half-crop units, root-relative, positive away
  from the camera; has_depth, has_scale [B] bool; mm_per_pixel [B].
Batches for evaluation hold besides:
  joints_3d [B, P, 3] root-relative millimetres in the camera frame; joints_3d_universal, the same of
  MPI-INF-3DHP's universal skeleton, zeros where there is none; root_depth [B] mm; intrinsics [B, 9];
  crop_to_image [B, 2, 3]; box [B, 4]; head_size [B] crop pixels; example_id, subject, action, sequence;
  their joint_weight is that of the label, for a joint that the crop cuts off is a joint missed.
"""

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tf_advpose.config import AugmentationConfig, Config
from tf_advpose.data import augment, prepared, records
from tf_advpose.data import crop as cropping
from tf_advpose.progress import ProgressBar
from tf_advpose.skeleton import BONES, ROOT, mirror_order

SHUFFLE_BLOCK = 4096  # examples that are shuffled among each other
_READ_BATCH = 256  # examples, where no image is decoded
_SEED_STRIDE = 1_000_003  # keeps the streams of neighbouring seeds apart


@dataclasses.dataclass(frozen=True)
class Share:
    """What one of several workers computes of every batch, on one device or more."""

    worker: int = 0
    workers: int = 1
    devices: int = 1  # of each worker


WHOLE = Share()


def num_wild(config: Config, stage: str) -> int:
    """How many of a batch's examples are wild ones."""
    return round(config.batch_size * config.stage(stage).wild_share)


def training_batches(
    config: Config, stage: str, data_dir: str, first_step: int = 0, share: Share = WHOLE
) -> tf.data.Dataset:
    """The endless batches of a stage, lab examples first, in the stage's share of wild ones.

    What a step sees is a function of `config.seed`, the stage and the step alone.

    Args:
      first_step: where to start, for runs that go on.
      share: each batch comes as one for each device of this worker, in turn; only those are decoded.
        Together the devices of all workers see the batches of one, and in each of `config.accumulation`
        parts what one device sees in that part.

    Raises:
      FileNotFoundError, ValueError: a dataset is not prepared, or unknown.
    """
    streams = []
    for name, count, stream_seed in _parts(config, stage):
        piece = count // (config.accumulation * share.workers * share.devices)  # of a part, on a device
        examples = _shuffled_examples(
            name, data_dir, stream_seed, first_step * count, share, piece * share.devices
        )
        examples = examples.map(
            lambda number, example, seed=stream_seed: _training_example(
                example, config.generator.image_size, config.augmentation, tf.stack([seed, number])
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        examples = examples.batch(count // share.workers, drop_remainder=True)
        if share.devices > 1:
            examples = examples.map(
                lambda batch, piece=piece: _by_device(batch, share.devices, piece)
            ).unbatch()
        streams.append(examples)
    batches = streams[0]
    if len(streams) == 2:
        batches = tf.data.Dataset.zip(*streams).map(
            lambda lab, wild: {key: tf.concat([lab[key], wild[key]], axis=0) for key in lab}
        )
    return _untuned(batches.prefetch(4 * share.devices))


def _by_device(batch: dict[str, tf.Tensor], devices: int, piece: int) -> dict[str, tf.Tensor]:
    """[parts x devices x piece, ...] -> [devices, parts x piece, ...]."""

    def regroup(value: tf.Tensor) -> tf.Tensor:
        shape = value.shape[1:]
        pieces = tf.reshape(value, [-1, devices, piece, *shape])
        by_device = tf.stack(tf.unstack(pieces, axis=1))  # [devices, parts, piece, ...]
        return tf.reshape(by_device, [devices, value.shape[0] // devices, *shape])

    return {name: regroup(value) for name, value in batch.items()}


def training_example_ids(config: Config, stage: str, data_dir: str, step: int) -> list[str]:
    """The ids of the examples that the step number `step`, from 1 on, sees, in the batch's order."""
    ids = []
    for name, count, stream_seed in _parts(config, stage):
        examples = _shuffled_examples(name, data_dir, stream_seed, (step - 1) * count).take(count)
        ids += [example["example_id"].numpy().decode() for _, example in examples]
    return ids


def _parts(config: Config, stage: str) -> list[tuple[str, int, int]]:
    """What a stage's batches are made of: dataset, number of examples, seed; lab before wild."""
    wild = num_wild(config, stage)
    counts = ((config.lab, config.batch_size - wild), (config.wild, wild))
    return [
        (name, count, (2 * config.seed + index) * _SEED_STRIDE + sum(stage.encode()))
        for index, (name, count) in enumerate(counts)
        if count
    ]


def evaluation_batches(
    name: str, split: str, data_dir: str, image_size: int, batch_size: int
) -> tuple[tf.data.Dataset, int]:
    """Every example of a split once, in its stored order, not augmented.

    Returns:
      The batches, the last one perhaps smaller, and the number of examples.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, unknown, or lacks the split.
    """
    stored, count = stored_examples(name, split, data_dir)
    examples = stored.map(
        lambda example: _evaluation_example(example, image_size),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    return _untuned(examples.batch(batch_size).prefetch(2)), count


def mean_total_bone_length(name: str, data_dir: str) -> float:
    """The sum of all bones' lengths, mean over the training split of a dataset with depth labels, mm.

    It reads the whole split, and shows its progress.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, unknown, damaged or without depth labels.
    """
    examples, num_examples = stored_examples(name, "train", data_dir)
    child, parent = np.array(BONES).T

    def total(example):
        joints = example["joints_3d_absolute"]
        bones = tf.gather(joints, child) - tf.gather(joints, parent)
        labelled = tf.cast(example["has_depth"], tf.float64)
        return tf.stack([labelled * tf.cast(tf.reduce_sum(tf.norm(bones, axis=-1)), tf.float64), labelled])

    totals = examples.map(total, num_parallel_calls=tf.data.AUTOTUNE)
    sums = np.zeros(2)
    with damage_named(data_dir, (name, "train")), ProgressBar(f"{name} bone lengths", num_examples) as bar:
        for part in totals.batch(_READ_BATCH).as_numpy_iterator():
            sums += part.sum(axis=0)
            bar.advance(len(part))
    length, count = sums
    if not count:
        raise ValueError(f"{name} has no depth labels, so it cannot serve as lab data.")
    return float(length / count)


def stored_examples(name: str, split: str, data_dir: str) -> tuple[tf.data.Dataset, int]:
    """Every example of a split once, as `schema` describes it, its image still encoded; and their number.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, unknown, or lacks the split.
    """
    files, features, count = open_split(name, split, data_dir)
    examples = tf.data.TFRecordDataset(files).map(
        lambda record: _parse(record, features), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return examples, count


@contextlib.contextmanager
def damage_named(data_dir: str, *splits: tuple[str, str]) -> Iterator[None]:
    """Within it a damaged record of `splits`, each (dataset, split), is a ValueError that names the file.

    TensorFlow's own error names none.
    """
    try:
        yield
    except tf.errors.DataLossError:
        for name, split in splits:
            if damage := records.find_damage(open_split(name, split, data_dir)[0]):
                raise ValueError(damage) from None
        raise


def open_split(name: str, split: str, data_dir: str) -> tuple[list[str], tfds.features.FeaturesDict, int]:
    """The record files, features and number of examples of a prepared split.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, unknown, lacks the split, or has lost part
        of its files.
    """
    builder = prepared.open_builder(name, data_dir)
    if split not in builder.info.splits:
        raise ValueError(
            f"{name} has no split {split!r}. Splits: {', '.join(sorted(builder.info.splits))}."
        )
    info = builder.info.splits[split]
    if not info.num_examples:
        raise ValueError(f"The split {split!r} of {name} in {data_dir} is empty.")
    files = [str(path) for path in info.filepaths]
    records.check_complete(files, info.shard_lengths, int(info.num_bytes))
    return files, builder.info.features, info.num_examples


def _untuned(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Without the tuner of tf.data, for whose next turn, up to a minute off, an iterator waits at its end.

    Maps that leave their number of calls to it take one a core.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def _parse(record: tf.Tensor, features: tfds.features.FeaturesDict) -> dict[str, tf.Tensor]:
    """One example, its image still encoded."""
    return features.deserialize_example(record, decoders={"image": tfds.decode.SkipDecoding()})


def _shuffled_examples(
    name: str, data_dir: str, seed: int, first: int, share: Share = WHOLE, turn: int = 1
) -> tf.data.Dataset:
    """Endless numbered examples (number, example) of a training split, from the number `first` on.

    Each pass over the split has its own order, which depends on `seed` and the pass alone, so a run that
    goes on reads at most one pass again. Of several workers each in turn takes `turn` examples, and reads
    over the others'.
    """
    files, features, count = open_split(name, "train", data_dir)

    shuffle = tf.random.experimental.stateless_shuffle

    def one_pass(number):
        order = shuffle(tf.constant(files), [seed, number])
        records = tf.data.Dataset.from_tensor_slices(order).interleave(
            tf.data.TFRecordDataset, cycle_length=8, block_length=16
        )
        return records.batch(SHUFFLE_BLOCK).map(lambda block: shuffle(block, [seed, number])).unbatch()

    passes = tf.data.Dataset.range(first // count, np.iinfo(np.int64).max)
    records = passes.flat_map(one_pass).skip(first % count).enumerate(first)
    if share.workers > 1:
        records = records.filter(lambda number, _: number // turn % share.workers == share.worker)
    return records.map(lambda number, record: (number, _parse(record, features)))


def _labels(example: dict[str, tf.Tensor], crop_to_image: tf.Tensor, size: int) -> dict[str, tf.Tensor]:
    """The labels of an example as seen in its crop."""
    joints_2d = cropping.transform(example["joints_2d"], cropping.invert(crop_to_image))
    inside = tf.reduce_all((joints_2d >= 0) & (joints_2d <= size), axis=-1)
    image_pixels = tf.sqrt(tf.abs(tf.linalg.det(crop_to_image[:, :2])))  # per crop pixel
    z = example["joints_3d_absolute"][:, 2]
    focal_length = tf.reduce_mean(example["intrinsics"][:2])
    mm_per_pixel = tf.math.divide_no_nan(z[ROOT] * image_pixels, focal_length)
    return {
        "joints_2d": joints_2d,
        "joint_weight": example["joint_weight"] * tf.cast(inside, tf.float32),
        "depth": tf.math.divide_no_nan(z - z[ROOT], mm_per_pixel * (size / 2)),
        "has_depth": example["has_depth"],
        "has_scale": example["has_scale"],
        "mm_per_pixel": mm_per_pixel,
    }


def _crop_image(example: dict[str, tf.Tensor], crop_to_image: tf.Tensor, size: int) -> tf.Tensor:
    return cropping.crop_jpeg(example["image"], crop_to_image, size) / 255.0


def _training_example(
    example: dict[str, tf.Tensor], size: int, config: AugmentationConfig, seed: tf.Tensor
) -> dict[str, tf.Tensor]:
    crop_to_image, mirrored = augment.random_crop_to_image(example["box"], size, config, seed)
    labels = _labels(example, crop_to_image, size)
    order = tf.where(mirrored, mirror_order(), np.arange(len(mirror_order())))
    for key in ("joints_2d", "joint_weight", "depth"):
        labels[key] = tf.gather(labels[key], order)
    image = augment.random_colour(_crop_image(example, crop_to_image, size), config, seed)
    return {"image": image, **labels}


def _evaluation_example(example: dict[str, tf.Tensor], size: int) -> dict[str, tf.Tensor]:
    crop_to_image = cropping.crop_to_image(example["box"], size)
    joints = example["joints_3d_absolute"]
    image_pixels = tf.sqrt(tf.abs(tf.linalg.det(crop_to_image[:, :2])))
    return {
        "image": _crop_image(example, crop_to_image, size),
        **_labels(example, crop_to_image, size),
        "joint_weight": example["joint_weight"],
        "joints_3d": joints - joints[ROOT],
        "root_depth": joints[ROOT, 2],
        "crop_to_image": crop_to_image,
        "head_size": example["head_size"] / image_pixels,
        **{key: example[key] for key in ("joints_3d_universal", "intrinsics", "box")},
        **{key: example[key] for key in ("example_id", "subject", "action", "sequence")},
    }
