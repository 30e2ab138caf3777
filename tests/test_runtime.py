"""The predictor: its crop is TensorFlow's, its poses are the SavedModel's, with and without TensorFlow."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import zlib

import cv2
import dot_finder
import drawn_people
import export_models
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_advpose import camera, presets, work_folder
from tf_advpose import config as configuration
from tf_advpose.data import crop as cropping
from tf_advpose.data import schema
from tf_advpose.deploy import metadata, runtime, saved_model, tflite
from tf_advpose.deploy.photo import crop_person
from tf_advpose.deploy.serving import PoseEstimator
from tf_advpose.skeleton import NUM_JOINTS, ROOT, bone_lengths

METADATA = metadata.describe(presets.from_preset("demo"), "adversarial", 4000.0)
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


def test_without_a_box_it_looks_twice(dot_model):
    """In the whole photo first, then in the box of the joints found there, which is said."""
    predictor = runtime.PosePredictor(dot_model)
    joints = dot_finder.joints(0, 90, 60, 260)
    photo = dot_finder.draw([joints], 500, 340)
    pose = predictor.predict(photo)
    np.testing.assert_allclose(pose.joints_2d, joints, atol=4)
    np.testing.assert_allclose(pose.box, dot_finder.box_of(joints), atol=8)
    again = predictor.predict(photo, pose.box)
    np.testing.assert_array_equal(again.joints_2d, pose.joints_2d)
    first = predictor.predict(photo, predictor.whole(photo))
    assert predictor.crop_side(first.box) == pytest.approx(500)
    assert np.abs(first.joints_2d - joints).mean() > np.abs(pose.joints_2d - joints).mean()


def test_where_nothing_is_found_the_whole_photo_stays_the_box(dot_model):
    predictor = runtime.PosePredictor(dot_model)
    photo = np.full((50, 80, 3), dot_finder.GREY, np.uint8)
    np.testing.assert_array_equal(predictor.predict(photo).box, predictor.whole(photo))


def test_a_photo_of_the_networks_size_goes_in_as_it_is(generator, predictor):
    crop = export_models.random_examples(1, seed=5).crops
    expected = PoseEstimator(generator, METADATA).serving_default(tf.constant(crop))
    pose = predictor.predict(crop[0], predictor.whole(crop[0]))
    np.testing.assert_allclose(pose.joints_2d, expected["joints_2d"][0], atol=1e-2)
    np.testing.assert_allclose(pose.confidence, expected["confidence"][0], atol=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_people_at_a_time_are_found_as_one_by_one(path, photo, threads):
    """More than go through a model at once, with and without boxes, in photos of several sizes."""
    predictor = runtime.PosePredictor(path, num_threads=threads)
    rng = np.random.default_rng(0)
    people = [
        (photo[:, : 100 + number], None if number % 5 == 0 else (*rng.uniform(0, 40, 2), 50, 70 + number))
        for number in range(runtime.LARGEST_BATCH + 5)
    ]
    for found, (image, box) in zip(predictor.predict_many(people), people, strict=True):
        alone = predictor.predict(image, box)
        np.testing.assert_allclose(found.joints_2d, alone.joints_2d, atol=1e-2)
        np.testing.assert_allclose(found.box, alone.box, atol=1e-2)
    assert predictor.predict_many([]) == []


def test_the_file_alone_can_be_copied(path, predictor, photo, tmp_path):
    shutil.copy(runtime.__file__, tmp_path / "copied.py")
    cv2.imwrite(str(tmp_path / "photo.png"), photo[..., ::-1])
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import copied\n"
        f"pose = copied.PosePredictor({str(path)!r}).predict({str(tmp_path / 'photo.png')!r}, {BOX})\n"
        "print(*pose.joints_2d.ravel(), 'tf_advpose' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    *joints, whole_package = run.stdout.split()
    expected = predictor.predict(photo, BOX).joints_2d.ravel()
    np.testing.assert_allclose(np.array(joints, float), expected, atol=0.01)
    assert whole_package == "False"


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_may_share_a_predictor(path, threads):
    """Each gets what it asked for, not what another one did."""
    predictor = runtime.PosePredictor(path, num_threads=threads)
    photos = np.random.default_rng(5).integers(0, 256, (2, 64, 64, 3), np.uint8)
    questions = [[(photo, (5, 5, 50, 50))] * 2 for photo in photos]
    alone = [predictor.predict_many(people)[0].joints_2d for people in questions]

    def ask(number: int) -> bool:
        found = predictor.predict_many(questions[number % 2])
        return all(np.array_equal(pose.joints_2d, alone[number % 2]) for pose in found)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert all(pool.map(ask, range(100)))


def test_no_more_interpreters_are_made_than_there_are_people(path, photo, monkeypatch):
    """Each takes memory of its own, and large machines have many cores."""
    made = []

    def counted(**settings):
        made.append(settings["num_threads"])
        return Interpreter(**settings)

    monkeypatch.setattr(runtime, "Interpreter", counted)
    predictor = runtime.PosePredictor(path, num_threads=64)
    for people, expected in ((1, [64]), (2, [64, 1, 1]), (3, [64, 1, 1, 1]), (2, [64, 1, 1, 1])):
        predictor.predict_many([(photo, BOX)] * people)
        assert made == expected


def test_work_folders_and_saved_models_find_the_same(generator, predictor, photo, tmp_path):
    """As the .tflite file of the same weights: one interface to all three."""
    generator_config = configuration.GeneratorConfig(
        num_stacks=1, image_size=export_models.SIZE, width=16, depth=2
    )
    run = str(tmp_path / "run")
    work_folder.create(run, drawn_people.small_config(generator=generator_config), 4000.0)
    work_folder.save_weights(generator, work_folder.weights_path(run, "pretrain_2d", "generator"))
    saved_model.write(generator, METADATA, tmp_path / "saved")
    expected = predictor.predict(photo, BOX)
    for name, stage in (("run", "pretrain_2d"), ("saved", METADATA["stage"])):
        other = runtime.PosePredictor(tmp_path / name)
        assert other.metadata["stage"] == stage and set(other.metadata) == set(METADATA)
        pose = other.predict(photo, BOX)  # the SavedModel takes whole grey levels
        np.testing.assert_allclose(pose.joints_2d, expected.joints_2d, atol=0.5)
        np.testing.assert_allclose(pose.depth, expected.depth, atol=2e-3)
        np.testing.assert_allclose(pose.joints_3d, expected.joints_3d, atol=20)
        np.testing.assert_array_equal(pose.box, BOX)


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


def orientation_tag(orientation: int) -> bytes:
    """The tags of a photo that is to be turned (Exif 2.3, 4.6.4)."""
    return b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)


def jpeg_with_orientation(encoded: bytes, orientation: int) -> bytes:
    segment = b"Exif\0\0" + orientation_tag(orientation)
    return encoded[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + encoded[2:]


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_photos_are_turned_as_their_tag_says(tmp_path, photo, orientation, turns):
    encoded = cv2.imencode(".jpg", photo)[1].tobytes()
    (tmp_path / "plain.jpg").write_bytes(encoded)
    (tmp_path / "tagged.jpg").write_bytes(jpeg_with_orientation(encoded, orientation))
    upright = np.rot90(runtime.read_photo(tmp_path / "plain.jpg"), turns)
    np.testing.assert_array_equal(runtime.read_photo(tmp_path / "tagged.jpg"), upright)


def test_grey_deep_and_transparent_photos_are_read(tmp_path, photo):
    """As 8 bits of RGB; what is transparent is white; names may be of any alphabet."""
    path = tmp_path / "größe 1/写真.png"
    path.parent.mkdir()

    def read(pixels: np.ndarray) -> np.ndarray:
        cv2.imencode(".png", pixels)[1].tofile(path)
        return runtime.read_photo(path)

    grey, blue_first = photo[..., 0], photo[..., ::-1]
    np.testing.assert_array_equal(read(grey), np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(read(blue_first), photo)
    np.testing.assert_allclose(read(blue_first.astype(np.uint16) * 257), photo, atol=1)
    np.testing.assert_allclose(read(grey.astype(np.uint16) * 257)[..., 1], grey, atol=1)
    for largest in (255, 65535):
        cover = np.zeros((*photo.shape[:2], 1))
        cover[:, 100:] = 1
        deep = np.concatenate([blue_first / 255, cover], axis=2) * largest
        found = read(deep.astype(np.uint8 if largest == 255 else np.uint16))
        np.testing.assert_allclose(found[:, 100:], photo[:, 100:], atol=1)
        assert (found[:, :100] == 255).all()


def png_with_orientation(encoded: bytes, orientation: int) -> bytes:
    tags, header = orientation_tag(orientation), 33  # bytes: signature and IHDR
    chunk = struct.pack(">I", len(tags)) + b"eXIf" + tags + struct.pack(">I", zlib.crc32(b"eXIf" + tags))
    return encoded[:header] + chunk + encoded[header:]


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda upright: upright),
        (2, lambda upright: upright[:, ::-1]),
        (3, lambda upright: np.rot90(upright, 2)),
        (5, lambda upright: upright.transpose(1, 0, 2)),
        (6, lambda upright: np.rot90(upright, 3)),
    ],
)
def test_transparent_photos_are_turned_with_what_covers_them(tmp_path, photo, orientation, turned):
    """Colours and transparency are of one pixel, also where the photo is as high as it is wide."""
    for pixels in (photo, photo[:, :150]):
        cover = np.full((*pixels.shape[:2], 1), 255, np.uint8)
        cover[20:60, 30:110] = 0
        encoded = cv2.imencode(".png", np.concatenate([pixels[..., ::-1], cover], axis=2))[1].tobytes()
        (tmp_path / "tagged.png").write_bytes(png_with_orientation(encoded, orientation))
        expected = turned(np.where(cover, pixels, 255))
        np.testing.assert_array_equal(runtime.read_photo(tmp_path / "tagged.png"), expected)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_photos_that_end_early_are_refused(tmp_path, photo, suffix, share):
    """A preview among the tags, with its own end, does not make a JPEG whole."""
    encoded = cv2.imencode(suffix, photo)[1].tobytes()
    if suffix == ".jpg":
        preview = b"\xff\xe1\0\x0apreview\xff\xd9"[:12]
        encoded = encoded[:2] + preview + encoded[2:]
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(encoded)
    assert runtime.read_photo(path).shape == photo.shape
    path.write_bytes(encoded[: int(len(encoded) * share)])
    with pytest.raises(ValueError, match=f"cut{suffix}"):
        runtime.read_photo(path)


def crops_of(path: pathlib.Path, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The crop of a prepared record of a photo, and what is cut from the same box of the photo itself."""
    example = schema.make_example(schema.read_image(path), joints, example_id="one")
    stored = schema.features()["image"].encode_example(example["image"])
    frame = cropping.crop_to_image(tf.constant(example["box"]), 256)
    box = camera.tight_box(joints)
    side = 1.25 * box[2:].max()
    corner = box[:2] + box[2:] / 2 - side / 2
    cut = runtime.crop_square(runtime.read_photo(path), corner, side / 256, 256)
    return cropping.crop_jpeg(tf.constant(stored), frame, 256).numpy(), cut


def test_a_prepared_record_is_the_photo_that_is_predicted_from(tmp_path):
    """Preparing cuts and compresses; both ways to the crop stay within 3 grey levels on average."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (40, 50, 3), np.uint8)
    photo = cv2.resize(coarse, (1000, 800), interpolation=cv2.INTER_CUBIC)
    photo = np.clip(photo + rng.normal(0, 4, photo.shape), 0, 255).astype(np.uint8)  # grain
    cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tofile(tmp_path / "photo.jpg")
    record, cut = crops_of(tmp_path / "photo.jpg", rng.uniform((300, 150), (620, 640), (NUM_JOINTS, 2)))
    assert np.abs(record - cut).mean() < 3
    assert np.abs(record - np.roll(cut, 2, axis=1)).mean() > 3, "the photo says too little"


@pytest.mark.parametrize(
    ("name", "box"), [("bus.jpg", (40, 390, 220, 520)), ("man_running.jpg", (190, 90, 120, 380))]
)
def test_a_prepared_record_of_a_real_photo_is_that_photo(samples, name, box):
    x, y, width, height = box
    corners = np.array([[x, y], [x + width, y + height]], float)
    record, cut = crops_of(samples / "photos" / name, np.tile(corners, (NUM_JOINTS // 2, 1)))
    assert np.abs(record - cut).mean() < 3


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ("docs/deployment.md", r"^head_top: pixel -?\d+, -?\d+, [+-]\d+ mm behind the pelvis$"),
        ("README.md", r"^head_top \[.*\] \[.*\] mm from the pelvis$"),
        ("docs/predict.md", r"\]$"),
    ],
)
def test_the_lines_of_the_documentation_run(path, photo, tmp_path, document, line):
    """From an export to printed joints."""
    text = (pathlib.Path(__file__).parent.parent / document).read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    folder = tmp_path / "exports/full/1"
    folder.mkdir(parents=True)
    for number_format in ("int8", "float16"):
        shutil.copy(path, folder / f"pose_{number_format}.tflite")
    large = cv2.resize(photo, (800, 700))
    cv2.imwrite(str(tmp_path / "photo.jpg"), large[..., ::-1])
    environment = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parent.parent)}
    result = subprocess.run(
        [sys.executable, "-c", lines], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert re.search(line, result.stdout, re.M)
