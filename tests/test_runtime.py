"""The predictor that needs no TensorFlow: its crop is TensorFlow's, its poses are the SavedModel's."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import cv2
import export_models
import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from export_models import SIZE
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_advpose import config as configuration
from tf_advpose.data import crop as cropping
from tf_advpose.deploy import metadata, runtime, tflite
from tf_advpose.deploy.photo import crop_person
from tf_advpose.deploy.serving import PoseEstimator
from tf_advpose.skeleton import ROOT, bone_lengths

METADATA = metadata.describe(configuration.from_preset("demo"), "adversarial", 4000.0)
BOX = (60.5, 30.0, 70.0, 90.0)

PREDICT_WITHOUT_TENSORFLOW = """
import json, sys
sys.modules.update(dict.fromkeys(["tensorflow", "keras", "tensorflow_datasets", "h5py"]))  # imports raise
from tf_advpose.deploy.runtime import PosePredictor
predictor = PosePredictor(sys.argv[1])
pose = predictor.predict(sys.argv[2], box=json.loads(sys.argv[3]))
for name, (x, y) in zip(predictor.joint_names, pose.joints_2d): print(name, x, y)
"""


@pytest.fixture(scope="module")
def generator():
    return export_models.small_generator()


@pytest.fixture(scope="module")
def path(generator, tmp_path_factory):
    """A float32 .tflite file."""
    crops = export_models.random_examples(2, seed=0).crops
    path = tmp_path_factory.mktemp("runtime") / "pose.tflite"
    path.write_bytes(tflite.convert(generator, METADATA, crops, formats=("float32",))["float32"])
    return path


@pytest.fixture(scope="module")
def predictor(path):
    return runtime.PosePredictor(path)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A smooth random photo: what JPEG keeps."""
    coarse = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (200, 150), interpolation=cv2.INTER_CUBIC)


boxes = st.tuples(st.floats(-40, 150), st.floats(-40, 110), st.floats(5, 900), st.floats(5, 900))


@settings(max_examples=40)
@given(box=boxes, height=st.integers(1, 150), width=st.integers(1, 200))
def test_its_crop_is_that_of_training_within_a_grey_level(photo, box, height, width):
    """Also of photos of one pixel, of boxes far outside, and in the server's graph, which cuts first."""
    part = np.ascontiguousarray(photo[:height, :width])
    frame = cropping.crop_to_image(tf.constant(box, tf.float32), 32).numpy()
    expected = cropping.crop(part, frame, 32).numpy()
    side = 1.25 * max(box[2:])
    top_left = (box[0] + box[2] / 2 - side / 2, box[1] + box[3] / 2 - side / 2)
    found = runtime.crop_square(part, top_left, side / 32, 32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.1)
    if box[0] < width and box[1] < height and box[0] + box[2] > 0 and box[1] + box[3] > 0:
        served, affine = crop_person(tf.constant(part), tf.constant(box, tf.float32), 32)
        np.testing.assert_allclose(served, expected, atol=0.1)
        np.testing.assert_array_equal(affine, frame)


def test_poses_are_those_of_the_saved_model(generator, predictor, photo):
    encoded = tf.io.encode_png(photo)
    served = PoseEstimator(generator, METADATA).from_jpeg(tf.stack([encoded]), tf.constant([BOX]))
    pose = predictor.predict(photo, BOX)
    np.testing.assert_allclose(pose.joints_2d, served["joints_2d"][0], atol=0.05)
    np.testing.assert_allclose(pose.depth, served["depth"][0], atol=1e-3)
    np.testing.assert_allclose(pose.confidence, served["confidence"][0], atol=1e-3)


def test_millimetres_are_those_of_the_mean_skeleton(predictor, photo):
    """The bones together have the training set's mean length; x, y and z share one scale."""
    pose = predictor.predict(photo, BOX)
    assert bone_lengths(pose.joints_3d).sum() == pytest.approx(4000.0)
    np.testing.assert_array_equal(pose.joints_3d[ROOT], 0)
    half_crop = 1.25 * 90 / 2
    in_halves = np.column_stack([pose.joints_2d / half_crop, pose.depth])
    ratio = pose.joints_3d / np.where(in_halves == in_halves[ROOT], np.nan, in_halves - in_halves[ROOT])
    np.testing.assert_allclose(ratio[np.isfinite(ratio)], np.nanmedian(ratio), rtol=1e-3)


def test_without_a_box_the_photo_is_the_crop(generator, predictor):
    """A square photo of the network's size goes in as it is."""
    crop = export_models.random_examples(1, seed=5).crops
    expected = PoseEstimator(generator, METADATA).serving_default(tf.constant(crop))
    pose = predictor.predict(crop[0])
    np.testing.assert_allclose(pose.joints_2d, expected["joints_2d"][0], atol=1e-2)
    np.testing.assert_allclose(pose.confidence, expected["confidence"][0], atol=1e-4)
    tall = np.pad(crop[0], ((0, 0), (0, SIZE), (0, 0)))  # the square then reaches over it above and below
    assert predictor.predict(tall).joints_2d.shape == (16, 2)


def test_it_runs_where_there_is_no_tensorflow(path, predictor, photo, tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), photo[..., ::-1])
    command = [sys.executable, "-c", PREDICT_WITHOUT_TENSORFLOW, path, tmp_path / "photo.png"]
    result = subprocess.run([*command, json.dumps(BOX)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == predictor.joint_names
    found = np.array([[float(value) for value in line[1:]] for line in lines])
    np.testing.assert_allclose(found, predictor.predict(photo, BOX).joints_2d, atol=1e-3)


@pytest.mark.parametrize(
    ("image", "box", "message"),
    [
        (np.zeros((9, 9, 3), np.float32), None, r"uint8 RGB, got float32 \[9, 9, 3\]"),
        (np.zeros((9, 9), np.uint8), None, r"got uint8 \[9, 9\]"),
        (np.zeros((0, 9, 3), np.uint8), None, "no pixels"),
        ([[1, 2], [3, 4]], None, "got list"),
        (np.zeros((9, 9, 3), np.uint8), (0, 0, 5), r"box must be \(x, y, width, height\)"),
        (np.zeros((9, 9, 3), np.uint8), (0, 0, 5, 0), "the last two above 0"),
        (np.zeros((9, 9, 3), np.uint8), (0, np.nan, 5, 5), "box must be"),
        (np.zeros((9, 9, 3), np.uint8), (9, 0, 5, 5), "lies outside the photo of 9 x 9 pixels"),
    ],
)
def test_what_it_cannot_use_is_named(predictor, image, box, message):
    with pytest.raises(ValueError, match=message):
        predictor.predict(image, box)


def test_files_that_are_no_photo_or_no_model_are_named(predictor, tmp_path):
    with pytest.raises(FileNotFoundError, match="Photo not found: .*none.jpg"):
        predictor.predict(tmp_path / "none.jpg")
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(ValueError, match="Not a readable photo: .*text.jpg"):
        predictor.predict(tmp_path / "text.jpg")
    with pytest.raises(ValueError, match=r"text\.jpg is no \.tflite file"):
        runtime.PosePredictor(tmp_path / "text.jpg")
    builder = flatbuffers.Builder()
    builder.Finish(schema.ModelT().Pack(builder), file_identifier=b"TFL3")
    (tmp_path / "other.tflite").write_bytes(builder.Output())
    with pytest.raises(ValueError, match=r"other\.tflite holds no metadata\.json"):
        runtime.PosePredictor(tmp_path / "other.tflite")


def test_the_lines_of_the_documentation_run(path, photo, tmp_path):
    """docs/deployment.md, from its export to a printed joint."""
    text = (pathlib.Path(__file__).parent.parent / "docs/deployment.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    folder = tmp_path / "exports/full/1"
    folder.mkdir(parents=True)
    shutil.copy(path, folder / "pose_int8.tflite")
    large = cv2.resize(photo, (800, 700))
    cv2.imwrite(str(tmp_path / "photo.jpg"), large[..., ::-1])
    environment = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parent.parent)}
    result = subprocess.run(
        [sys.executable, "-c", lines], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert re.search(r"^head_top: pixel -?\d+, -?\d+, [+-]\d+ mm behind the pelvis$", result.stdout, re.M)
