"""Models of every kind predict the same, beside labels that stay theirs; mirroring; what is refused."""

import shutil

import keras
import numpy as np
import pytest
from drawn_people import plain_generator, small_config
from evaluated_people import random_people

from tf_advpose.data import pipeline
from tf_advpose.deploy import saved_model, tflite
from tf_advpose.deploy.metadata import describe
from tf_advpose.evaluation import sources
from tf_advpose.skeleton import JOINT_NAMES, NUM_JOINTS, mirror_order


def pooling_generator(size: int = 64) -> keras.Model:
    """Heatmaps are the image's brightness, depth its mean; only the last stack says so."""
    image = keras.Input((size, size, 3))
    brightness = keras.layers.AveragePooling2D(4)(image)[..., :1]
    last = keras.ops.repeat(brightness, NUM_JOINTS, axis=-1)
    depth = keras.ops.repeat(keras.ops.mean(image, axis=(1, 2))[:, :1], NUM_JOINTS, axis=-1)
    return keras.Model(image, {"heatmaps": [0 * last, last], "depth": depth})


def pooling_model() -> sources.Model:
    return sources.from_generator(pooling_generator(), "pooling", 4000.0)


def labelled_batch(people, images: np.ndarray) -> dict:
    """A batch as the pipeline makes them: single precision, strings as bytes."""
    batch = {"image": images}
    for name, value in people.arrays().items():
        if value.dtype.kind == "U":
            batch[name] = np.array([text.encode() for text in value], object)
        else:
            batch[name] = value.astype(np.float32) if value.dtype.kind == "f" else value
    return batch


def test_collect_keeps_predictions_beside_their_labels():
    people = random_people()
    images = np.zeros((6, 64, 64, 3), np.float32)
    images[np.arange(6), 20:24, 8 * np.arange(6) + 8] = 1.0
    batches = [
        labelled_batch(people.where(np.arange(6) < 4), images[:4]),
        labelled_batch(people.where(np.arange(6) >= 4), images[4:]),
    ]
    collected = sources.collect(pooling_model(), batches)
    assert (collected.crop_size, collected.total_bone_length) == (64, 4000.0)
    # One cell is lit: number 2 n + 2 from the left, number 5 from the top.
    expected = np.stack([8.0 * np.arange(6) + 10, np.full(6, 22.0)], axis=-1)
    np.testing.assert_allclose(
        collected.predicted_joints_2d, np.repeat(expected[:, None], NUM_JOINTS, axis=1)
    )
    np.testing.assert_allclose(collected.confidence, 0.25)
    np.testing.assert_allclose(collected.predicted_depth, 4 / 64**2)
    np.testing.assert_array_equal(collected.example_id, people.example_id)
    np.testing.assert_array_equal(collected.action, people.action)
    np.testing.assert_allclose(collected.joints_3d, people.joints_3d, rtol=1e-6)
    np.testing.assert_array_equal(collected.has_scale, people.has_scale)


def test_collect_refuses_nothing_and_names_what_is_not_finite():
    with pytest.raises(ValueError, match="empty"):
        sources.collect(pooling_model(), [])
    people = random_people()
    images = np.zeros((6, 64, 64, 3), np.float32)
    images[4, 0, 0] = np.nan
    with pytest.raises(ValueError, match="pooling predicts for example 4 is not finite"):
        sources.collect(pooling_model(), [labelled_batch(people, images)])


def test_mirroring_takes_the_mean_with_sides_exchanged():
    """A model that sees the right wrist at 10 of 64 in every crop, and the left one's depth as 1."""
    right, left = JOINT_NAMES.index("right_wrist"), JOINT_NAMES.index("left_wrist")

    def predict(image):
        joints_2d, depth = np.full((len(image), NUM_JOINTS, 2), 32.0), np.zeros((len(image), NUM_JOINTS))
        joints_2d[:, right] = 10.0, 20.0
        depth[:, left] = 1.0
        return {"joints_2d": joints_2d, "depth": depth, "confidence": depth}

    model = sources.Model("constant", 64, 4000.0, predict)
    batch = labelled_batch(random_people(2), np.zeros((2, 64, 64, 3), np.float32))
    found = sources.collect(model, [batch], mirror=True)
    np.testing.assert_allclose(found.predicted_joints_2d[0, right], [(10 + 32) / 2, (20 + 32) / 2])
    np.testing.assert_allclose(found.predicted_joints_2d[0, left], [(54 + 32) / 2, (20 + 32) / 2])
    np.testing.assert_allclose(found.predicted_depth[0, [right, left]], 0.5)


def test_mirroring_makes_a_prediction_of_a_crop_that_of_its_mirror_image():
    generator = plain_generator()
    model = sources.from_generator(generator, "plain", 4000.0)
    images = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)
    people = random_people(3)
    seen, mirrored = (
        sources.collect(model, [labelled_batch(people, crop)], mirror=True)
        for crop in (images, np.ascontiguousarray(images[:, :, ::-1]))
    )
    x_y = mirrored.predicted_joints_2d[:, mirror_order()]
    np.testing.assert_allclose(32 - x_y[..., 0], seen.predicted_joints_2d[..., 0], atol=1e-3)
    np.testing.assert_allclose(mirrored.predicted_depth[:, mirror_order()], seen.predicted_depth, atol=1e-5)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A generator, and its SavedModel and .tflite file."""
    folder = tmp_path_factory.mktemp("exported")
    generator = plain_generator()
    metadata = describe(small_config(), "adversarial", 4100.0)
    saved_model.write(generator, metadata, folder / "saved")
    crops = np.zeros((1, 32, 32, 3), np.uint8)
    (content,) = tflite.convert(generator, metadata, crops, ("float32",)).values()
    (folder / "pose.tflite").write_bytes(content)
    return generator, folder


def test_exports_predict_what_their_generator_predicts(exported, drawn_data):
    generator, folder = exported
    models = [
        sources.from_generator(generator, "keras", 4100.0),
        sources.from_saved_model(str(folder / "saved")),
        sources.from_tflite(str(folder / "pose.tflite")),
    ]
    found = []
    for model in models:
        assert (model.image_size, model.total_bone_length) == (32, 4100.0)
        batches, _ = pipeline.evaluation_batches("synthetic_people/wild", "test", drawn_data, 32, 2)
        found.append(sources.collect(model, batches))
    for other, tolerance in ((found[1], 0.01), (found[2], 1e-3)):  # a SavedModel takes whole grey levels
        np.testing.assert_allclose(other.predicted_depth, found[0].predicted_depth, atol=tolerance)
        np.testing.assert_allclose(other.confidence, found[0].confidence, atol=tolerance)
        np.testing.assert_array_equal(other.joints_3d, found[0].joints_3d)


def test_what_is_no_export_is_refused(exported, tmp_path):
    _, folder = exported
    with pytest.raises(FileNotFoundError, match="saved_model.pb not found"):
        sources.from_saved_model(str(tmp_path))
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match="not exported by this project"):
        sources.from_saved_model(str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"pose.tflite"):
        sources.from_tflite(str(tmp_path / "pose.tflite"))
    (tmp_path / "pose.tflite").write_bytes(b"TFL3")
    with pytest.raises(ValueError, match=r"tflite"):
        sources.from_tflite(str(tmp_path / "pose.tflite"))


@pytest.mark.parametrize(
    "damaged",
    [
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
        "saved_model.pb",
        "assets.extra/metadata.json",
        None,
    ],
)
def test_a_saved_model_copied_in_part_is_named(exported, tmp_path, damaged):
    """None: a copy without the folder of the weights. TensorFlow raises something else for each."""
    copy = tmp_path / "copy"
    shutil.copytree(exported[1] / "saved", copy)
    if damaged:
        (copy / damaged).write_bytes((copy / damaged).read_bytes()[:-100])
    else:
        shutil.rmtree(copy / "variables")
    with pytest.raises(ValueError, match="Copy or export it again") as raised:
        sources.from_saved_model(str(copy))
    assert str(raised.value).startswith(f"{copy} is not a whole SavedModel: ")
    assert "\n" not in str(raised.value)


def test_labels_and_photos_are_found_by_name(drawn_data):
    def batches():
        return pipeline.evaluation_batches("synthetic_people/wild", "test", drawn_data, 32, 2)[0]

    labels = sources.labels_of(batches())
    assert len(labels["example_id"]) == 5 and labels["joints_3d"].shape == (5, NUM_JOINTS, 3)
    wanted = labels["example_id"][[4, 1]].tolist()
    crops = sources.crops_of(batches(), wanted)
    assert set(crops) == set(wanted)
    assert all(
        crop.shape == (32, 32, 3) and crop.dtype == np.uint8 and crop.any() for crop in crops.values()
    )
    with pytest.raises(ValueError, match="no photo of stranger"):
        sources.crops_of(batches(), ["stranger"])


def test_labels_are_those_that_a_model_is_scored_against(drawn_data):
    batches, _ = pipeline.evaluation_batches("synthetic_people/wild", "test", drawn_data, 32, 2)
    labels = sources.labels_of(batches)
    batches, _ = pipeline.evaluation_batches("synthetic_people/wild", "test", drawn_data, 32, 5)
    collected = sources.collect(sources.from_generator(plain_generator(), "plain", 4000.0), batches)
    for name, value in labels.items():
        np.testing.assert_array_equal(getattr(collected, name), value)
