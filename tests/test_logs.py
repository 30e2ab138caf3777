"""What a stage writes for TensorBoard, read back from the event file."""

import itertools

import drawn_people
import keras
import numpy as np
import tensorflow as tf

from tf_advpose.data import pipeline
from tf_advpose.training.logs import StageLog


def pictures(folder) -> np.ndarray:
    """Those of the only event file of a stage, [N, H, W, 3] uint8."""
    (path,) = folder.glob("events.*")
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    events = map(tf.compat.v1.Event.FromString, records)
    values = itertools.chain.from_iterable(event.summary.value for event in events)
    (found,) = [value for value in values if value.tag == "labelled_and_predicted"]
    width, height, *encoded = found.tensor.string_val
    decoded = np.stack([tf.io.decode_png(picture).numpy() for picture in encoded])
    assert decoded.shape[1:] == (int(height), int(width), 3)
    return decoded


def test_pictures_are_the_crops_with_both_skeletons(tmp_path, drawn_data):
    """The labelled one on the left, the predicted one on the right, both on the crop itself."""
    config = drawn_people.small_config()
    batch = next(iter(pipeline.training_batches(config, "adversarial", drawn_data)))
    keras.utils.set_random_seed(0)
    with StageLog(tmp_path, 0, config) as log:
        log.pictures(1, batch, drawn_people.plain_generator())
    crops = np.round(batch["image"].numpy() * 255)
    shown = pictures(tmp_path).astype(float)
    size = crops.shape[2]
    assert shown.shape == (len(crops), size, 2 * size, 3)
    for half in (shown[:, :, :size], shown[:, :, size:]):
        untouched = np.abs(half - crops).max(axis=-1) <= 1
        for share in untouched.mean(axis=(1, 2)):
            assert 0.1 < share < 0.95
    assert (shown[:, :, :size] != shown[:, :, size:]).any(axis=(1, 2, 3)).all()
