"""The SavedModel's way from a photo to its joints, what it refuses, and its warm-up requests."""

import struct

import cv2
import export_models
import numpy as np
import pytest
import tensorflow as tf
from export_models import SIZE
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from tf_advpose import presets
from tf_advpose.data import pipeline
from tf_advpose.deploy import metadata, saved_model, serving
from tf_advpose.evaluation import sources
from tf_advpose.skeleton import NUM_JOINTS

METADATA = metadata.describe(presets.from_preset("demo"), "adversarial", 4000.0)
BOX = (60.0, 30.0, 70.0, 90.0)


@pytest.fixture(scope="module")
def generator():
    return export_models.small_generator()


@pytest.fixture(scope="module")
def folder(generator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving")
    saved_model.write(generator, METADATA, folder)
    return folder


@pytest.fixture(scope="module")
def loaded(folder):
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def ask(loaded):
    """Asks from_jpeg for the person in one box of each photo."""

    def ask(photos: list[bytes], boxes: list) -> dict[str, np.ndarray]:
        boxes = tf.constant(np.reshape(boxes, [-1, 4]), tf.float32)
        return loaded.signatures["from_jpeg"](bytes=tf.constant(photos, tf.string), box=boxes)

    return ask


def photo(height: int = 150, width: int = 200) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


JPEG = tf.io.encode_jpeg(photo()).numpy()
PNG = tf.io.encode_png(photo()).numpy()


def with_jpeg_size(width: int, height: int) -> bytes:
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + struct.pack(">HH", height, width) + JPEG[at + 4 :]


def with_png_size(width: int, height: int) -> bytes:
    return PNG[:16] + struct.pack(">II", width, height) + PNG[24:]


def test_photos_give_the_joints_of_the_evaluation(generator, ask, drawn_data):
    """The path of evaluate.py and that of a server, joints laid back into the photo."""
    files, features, _ = pipeline.open_split("synthetic_people/lab", "test", drawn_data)
    records = [
        features.deserialize_example(record, decoders={"image": pipeline.tfds.decode.SkipDecoding()})
        for record in tf.data.TFRecordDataset(files)
    ]
    batches, _ = pipeline.evaluation_batches("synthetic_people/lab", "test", drawn_data, SIZE, 2)
    expected = sources.collect(sources.from_generator(generator, "keras", 4000.0), batches)
    joints = np.einsum("nij,npj->npi", expected.crop_to_image[:, :, :2], expected.predicted_joints_2d)
    found = ask(
        [record["image"].numpy() for record in records], [record["box"].numpy() for record in records]
    )
    assert np.ptp(expected.crop_to_image[:, 0, 2]) > 1, "all people stand at one place"
    np.testing.assert_allclose(
        found["joints_2d"], joints + expected.crop_to_image[:, None, :, 2], atol=0.02
    )
    np.testing.assert_allclose(found["depth"], expected.predicted_depth, atol=1e-4)
    np.testing.assert_allclose(found["confidence"], expected.confidence, atol=1e-4)


def test_a_person_that_moves_in_the_photo_moves_in_the_answer(ask):
    """Each photo of a batch has its own size and its own person."""
    moved = tf.io.encode_png(np.pad(photo(), ((40, 0), (100, 0), (0, 0)))).numpy()
    found = ask([PNG, moved], [(60, 30, 70, 70), (160, 70, 70, 70)])
    np.testing.assert_allclose(found["joints_2d"][1], found["joints_2d"][0] + [100.0, 40.0], atol=0.01)
    np.testing.assert_allclose(found["depth"][1], found["depth"][0], atol=1e-4)


@pytest.mark.parametrize(
    ("encoded", "box", "message"),
    [
        pytest.param(b"", BOX, "neither JPEG nor PNG", id="empty"),
        pytest.param(b"no photo at all, but long enough", BOX, "neither JPEG nor PNG", id="text"),
        pytest.param(JPEG[:3], BOX, "JPEG", id="three bytes"),
        pytest.param(JPEG[: len(JPEG) // 2], BOX, "JPEG", id="truncated JPEG"),
        pytest.param(PNG[:20], BOX, "pixels", id="truncated PNG header"),
        pytest.param(PNG[: len(PNG) // 2], BOX, "PNG", id="truncated PNG"),
        pytest.param(tf.io.encode_png(photo()[:1, :1]).numpy(), (0, 0, 1, 1), "less than 16", id="1x1"),
        pytest.param(with_jpeg_size(20_000, 20_000), BOX, "more than 64000000", id="JPEG bomb"),
        pytest.param(with_png_size(20_000, 20_000), BOX, "more than 64000000", id="PNG bomb"),
        pytest.param(with_png_size(2**31 - 1, 2**31 - 1), BOX, "more than 64000000", id="largest PNG"),
        pytest.param(with_png_size(2**32 - 9, 90), BOX, "less than 16", id="negative PNG"),
        pytest.param(JPEG, (200, 30, 70, 90), "outside the photo", id="box to the right"),
        pytest.param(JPEG, (-70, 30, 70, 90), "outside the photo", id="box to the left"),
        pytest.param(JPEG, (60, 30, 0, 90), "above 0", id="empty box"),
        pytest.param(JPEG, (60, 30, -5, 90), "above 0", id="negative box"),
        pytest.param(JPEG, (60, np.nan, 70, 90), "four numbers", id="box of no number"),
        pytest.param(JPEG, (60, 30, np.inf, 90), "four numbers", id="endless box"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_the_next_one_is_answered(ask, encoded, box, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask([encoded], [box])
    assert np.isfinite(ask([JPEG], [BOX])["joints_2d"]).all()


@pytest.mark.parametrize("count", [0, serving.MAX_BATCH + 1, 1000])
def test_batches_that_are_empty_or_too_large_are_refused(loaded, ask, count):
    with pytest.raises(tf.errors.InvalidArgumentError, match="1 to 64 examples"):
        loaded.signatures["serving_default"](images=tf.zeros([count, SIZE, SIZE, 3], tf.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError, match="1 to 64 examples"):
        ask([JPEG] * count, [BOX] * count)


def test_few_photos_of_a_request_are_decoded_at_a_time(loaded):
    """Each may take hundreds of megabytes, and a request may hold 64 of them."""
    graph = loaded.signatures["from_jpeg"].graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    loops = [node for node in nodes if node.op in ("While", "StatelessWhile")]
    assert loops and all(
        loop.attr["parallel_iterations"].i == serving.PHOTOS_AT_A_TIME <= 2 for loop in loops
    )


def test_inputs_of_different_number_are_refused(loaded, ask):
    with pytest.raises(tf.errors.InvalidArgumentError, match="same number"):
        ask([JPEG, JPEG], [BOX])
    images = tf.zeros([2, SIZE, SIZE, 3], tf.uint8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="same number"):
        loaded.signatures["from_crops_with_scale"](images=images, mm_per_pixel=tf.ones([1]))


def prediction_log():
    """The class of TensorFlow Serving's message PredictionLog, as far as warm-up requests have it."""
    text = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
    message = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    file = descriptor_pb2.FileDescriptorProto(
        name="prediction_log.proto", package="check", dependency=[tensor_pb2.DESCRIPTOR.name]
    )

    def add(name: str, *fields: tuple[str, int, int, str | None, bool]):
        part = file.message_type.add(name=name)
        for field, number, kind, type_name, repeated in fields:
            part.field.add(
                name=field, number=number, type=kind, type_name=type_name, label=1 + 2 * repeated
            )
        return part

    add("ModelSpec", ("name", 1, text, None, False), ("signature_name", 3, text, None, False))
    add("Input", ("key", 1, text, None, False), ("value", 2, message, ".tensorflow.TensorProto", False))
    add(
        "PredictRequest",
        ("model_spec", 1, message, ".check.ModelSpec", False),
        ("inputs", 2, message, ".check.Input", True),
    )
    add("PredictLog", ("request", 1, message, ".check.PredictRequest", False))
    add("PredictionLog", ("predict_log", 6, message, ".check.PredictLog", False))
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("check.PredictionLog"))


def test_warmup_requests_replay_through_every_signature(folder, loaded):
    log = prediction_log()
    answered = []
    for record in tf.data.TFRecordDataset(str(folder / saved_model.WARMUP_FILE)):
        request = log.FromString(record.numpy()).predict_log.request
        inputs = {entry.key: tf.constant(tf.make_ndarray(entry.value)) for entry in request.inputs}
        found = loaded.signatures[request.model_spec.signature_name](**inputs)
        assert found["joints_2d"].shape == (1, NUM_JOINTS, 2)
        answered.append(request.model_spec.signature_name)
    assert sorted(answered) == sorted(loaded.signatures)
