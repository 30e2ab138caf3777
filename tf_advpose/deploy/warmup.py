"""Requests that TensorFlow Serving replays when it loads a version, so that the first user does not wait.

They are records of its message PredictionLog, whose Python classes come with tensorflow-serving-api, a
package as large as it is little needed here: the few fields are written as protocol buffers lay them out.
"""

import numpy as np
import tensorflow as tf

GREY = 128
# Numbers of the fields in TensorFlow Serving's prediction_log.proto, predict.proto and model.proto.
PREDICT_LOG, REQUEST = 6, 1
MODEL_SPEC, INPUTS = 1, 2
NAME, SIGNATURE_NAME = 1, 3
KEY, VALUE = 1, 2


def records(image_size: int) -> list[bytes]:
    """A request to each signature, of one grey picture: no photo of anybody is in an export."""
    crop = np.full([image_size, image_size, 3], GREY, np.uint8)
    images = crop[None]
    box = np.array([[0, 0, image_size, image_size]], np.float32)
    jpeg = tf.io.encode_jpeg(crop).numpy()
    return [
        _record("serving_default", {"images": images}),
        _record("from_crops_with_scale", {"images": images, "mm_per_pixel": np.array([8.0], np.float32)}),
        _record("from_jpeg", {"bytes": np.array([jpeg]), "box": box}),
    ]


def _record(signature: str, inputs: dict[str, np.ndarray]) -> bytes:
    request = _field(MODEL_SPEC, _field(NAME, b"pose") + _field(SIGNATURE_NAME, signature.encode()))
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(INPUTS, _field(KEY, name.encode()) + _field(VALUE, tensor))
    return _field(PREDICT_LOG, _field(REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """A field that has a length: its number and type 2, the length in groups of seven bits, the content."""
    length = len(content)
    groups = []
    while length >= 128:
        groups.append(length % 128 + 128)
        length //= 128
    return bytes([8 * number + 2, *groups, length]) + content
