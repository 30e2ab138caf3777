"""Evaluation: read-outs with known answers, what is scored with what, tables, files, and evaluate.py."""

import dataclasses
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow_datasets as tfds
from conftest import REPOSITORY

from tf_advpose import camera
from tf_advpose.config import Config, GeneratorConfig
from tf_advpose.data import schema
from tf_advpose.evaluation import protocols, report
from tf_advpose.skeleton import (
    FROM_HUMAN36M_17,
    HEAD_TOP,
    JOINT_NAMES,
    NUM_JOINTS,
    ROOT,
    bone_lengths,
    from_dataset,
)
from tf_advpose.training import work_folder

LENS = np.array([1145.0, 1144.0, 512.0, 515.0, -0.21, 0.25, -0.003, -0.0014, -0.001])
CROP_SIZE = 256


def perfect_predictions(joints: np.ndarray, intrinsics: np.ndarray) -> protocols.Predictions:
    """What a faultless generator predicts of absolute `joints` [N, P, 3] mm seen by `intrinsics` [N, 9]."""
    count = len(joints)
    pixels = camera.project(joints, intrinsics)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    side = 1.25 * (high - low).max(axis=1)
    corner = (low + high) / 2 - side[:, None] / 2
    image_pixels = side / CROP_SIZE
    crop_to_image = np.concatenate([image_pixels[:, None, None] * np.eye(2), corner[..., None]], axis=-1)
    joints_2d = (pixels - corner[:, None]) / image_pixels[:, None, None]
    mm_per_pixel = image_pixels * camera.mm_per_pixel(joints[:, ROOT, 2], intrinsics)
    relative = joints - joints[:, ROOT, None]
    names = np.array([f"example {number}" for number in range(count)])
    return protocols.Predictions(
        crop_size=CROP_SIZE,
        predicted_joints_2d=joints_2d,
        predicted_depth=relative[..., 2] / (mm_per_pixel * CROP_SIZE / 2)[:, None],
        confidence=np.ones((count, NUM_JOINTS)),
        joints_2d=joints_2d,
        joint_weight=np.ones((count, NUM_JOINTS)),
        head_size=np.full(count, 20.0),
        has_scale=np.ones(count, bool),
        joints_3d=relative,
        mm_per_pixel=mm_per_pixel,
        root_depth=joints[:, ROOT, 2],
        intrinsics=intrinsics,
        crop_to_image=crop_to_image,
        example_id=names,
        subject=np.full(count, "S9"),
        action=np.where(np.arange(count) % 3 == 0, "Walking", "Sitting"),
        sequence=names,
    )


def random_people(count: int = 6) -> protocols.Predictions:
    joints = np.random.default_rng(0).normal(scale=300, size=(count, NUM_JOINTS, 3)) + [0, 0, 4000]
    return perfect_predictions(joints, np.tile(LENS, (count, 1)))


def moved(predictions: protocols.Predictions, **changes: np.ndarray) -> protocols.Predictions:
    """`predictions` with `changes` added to its fields."""
    sums = {name: getattr(predictions, name) + change for name, change in changes.items()}
    return dataclasses.replace(predictions, **sums)


def with_values(predictions: protocols.Predictions, **values) -> protocols.Predictions:
    return dataclasses.replace(predictions, **values)


def test_perfect_predictions_have_perfect_scores():
    results = protocols.evaluate(random_people(), "camera")
    assert results["examples"] == results["examples_3d"] == 6
    assert results["scale"] == "camera"
    for name in ("mpjpe", "pa_mpjpe", "n_mpjpe", "depth_error"):
        np.testing.assert_allclose(results[name], 0, atol=1e-4, err_msg=name)
    np.testing.assert_allclose(list(results["mpjpe_by_limb"].values()), 0, atol=1e-4)
    np.testing.assert_allclose(results["pck3d"], 100)
    np.testing.assert_allclose(results["auc3d"], 100 * 30 / 31)
    np.testing.assert_allclose(list(results["pckh"].values()), 100)


def test_one_wrong_depth_is_counted_where_it_belongs():
    """The left elbow of every third person, the walking ones, lies 160 mm too far away."""
    people = random_people()
    walking = people.action == "Walking"
    elbow = JOINT_NAMES.index("left_elbow")
    wrong = np.zeros_like(people.predicted_depth)
    wrong[walking, elbow] = 160 / (people.mm_per_pixel[walking] * CROP_SIZE / 2)
    results = protocols.evaluate(moved(people, predicted_depth=wrong))
    share = walking.mean() / NUM_JOINTS
    np.testing.assert_allclose(results["depth_error"], 160 * share)
    # The joint moves along its ray, so that x and y change a little as well.
    np.testing.assert_allclose(results["mpjpe"], 160 * share, rtol=0.05)
    np.testing.assert_allclose(results["pck3d"], 100 - 100 * walking.mean() / 14)
    np.testing.assert_allclose(results["mpjpe_by_limb"]["upper_arms"], 80 * walking.mean(), rtol=0.05)
    np.testing.assert_allclose(results["mpjpe_by_limb"]["lower_arms"], 0, atol=1e-4)
    assert results["by_action"]["Walking"]["examples"] == walking.sum()
    np.testing.assert_allclose(results["by_action"]["Walking"]["mpjpe"], 160 / NUM_JOINTS, rtol=0.05)
    np.testing.assert_allclose(results["by_action"]["Sitting"]["mpjpe"], 0, atol=1e-4)
    np.testing.assert_allclose(list(results["pckh"].values()), 100)


def test_pelvis_and_thorax_are_not_in_pck():
    people = random_people()
    wrong = np.zeros_like(people.predicted_joints_2d)
    wrong[:, JOINT_NAMES.index("thorax")] = 100.0
    results = protocols.evaluate(moved(people, predicted_joints_2d=wrong))
    assert results["mpjpe"] > 10
    np.testing.assert_allclose(results["pck3d"], 100)
    np.testing.assert_allclose(results["pckh"]["mean"], 100)


def test_a_common_depth_offset_is_no_error():
    """Depth is relative to the root's, whatever the generator says of the root itself."""
    people = random_people()
    results = protocols.evaluate(moved(people, predicted_depth=0.3), "bones", 4000.0)
    expected = protocols.evaluate(people, "bones", 4000.0)
    np.testing.assert_allclose(results["mpjpe"], expected["mpjpe"])
    np.testing.assert_allclose(results["depth_error"], 0, atol=1e-9)


def test_bones_read_out_is_the_scaled_skeleton():
    people = random_people()
    skeleton = np.random.default_rng(1).normal(scale=200, size=(6, NUM_JOINTS, 3))
    units = skeleton / 1000  # half-crop units; one unit is 1000 mm
    people = with_values(
        people,
        predicted_joints_2d=(units[..., :2] + [1.0, 0.7]) * CROP_SIZE / 2,
        predicted_depth=units[..., 2],
    )
    joints = protocols.joints_from_bones(people, 5000.0)
    np.testing.assert_allclose(bone_lengths(joints).sum(axis=-1), 5000.0)
    scale = 5000.0 / bone_lengths(skeleton).sum(axis=-1)
    np.testing.assert_allclose(joints, scale[:, None, None] * (skeleton - skeleton[:, ROOT, None]))


def test_bones_read_out_of_joints_on_one_spot_is_finite():
    people = random_people()
    people = with_values(
        people,
        predicted_joints_2d=np.full_like(people.predicted_joints_2d, 128.0),
        predicted_depth=np.zeros_like(people.predicted_depth),
    )
    np.testing.assert_array_equal(protocols.joints_from_bones(people, 4000.0), 0)
    assert np.isfinite(protocols.evaluate(people, "bones", 4000.0)["mpjpe"])


def test_real_poses_read_out_by_camera_and_by_bones(samples):
    """By camera the read-out has no floor; by bones, perspective and body size cost some 2 to 4 cm."""
    sequences = np.load(samples / "h36m_sequences/h36m17_S9_every64_4cams.npz")
    joints = from_dataset(sequences["joints_3d_cam"].astype(np.float64), FROM_HUMAN36M_17)
    people = perfect_predictions(joints, sequences["intrinsics_f_c_k_p"][sequences["camera"] - 1])
    np.testing.assert_allclose(protocols.evaluate(people, "camera")["mpjpe"], 0, atol=0.01)
    length = bone_lengths(joints).sum(axis=-1).mean()
    by_bones = protocols.evaluate(people, "bones", length)
    assert by_bones["scale"] == "bones"
    assert 15 < by_bones["mpjpe"] < 40


def test_examples_without_scale_count_in_2d_alone():
    people = random_people()
    unscaled = np.arange(6) < 2
    spoiled = {
        name: np.where(
            unscaled.reshape([6] + [1] * (getattr(people, name).ndim - 1)), 0, getattr(people, name)
        )
        for name in ("joints_3d", "mm_per_pixel", "root_depth", "intrinsics")
    }
    mixed = with_values(people, has_scale=~unscaled, **spoiled)
    results = protocols.evaluate(mixed)
    assert (results["examples"], results["examples_3d"]) == (6, 4)
    np.testing.assert_allclose(results["mpjpe"], 0, atol=1e-4)

    flat = protocols.evaluate(with_values(mixed, has_scale=np.zeros(6, bool)))
    assert set(flat) == {"examples", "pckh"}


def test_unlabelled_joints_and_unknown_heads_are_left_out_of_pckh():
    people = random_people()
    weight = np.ones((6, NUM_JOINTS))
    weight[:, HEAD_TOP] = 0
    weight[1] = 0
    wrong = np.zeros((6, NUM_JOINTS, 2))
    wrong[:3] = 11.0  # of these people, the second is not labelled and the third's head is unknown
    people = with_values(people, joint_weight=weight, head_size=np.array([20.0, 20, 0, 20, 20, 20]))
    pckh = protocols.evaluate(moved(people, predicted_joints_2d=wrong))["pckh"]
    assert "head" not in pckh
    np.testing.assert_allclose(list(pckh.values()), 75)


def test_a_score_that_cannot_be_had_is_refused():
    people = random_people()
    with pytest.raises(ValueError, match="'camera', 'bones'"):
        protocols.evaluate(people, "feet")
    with pytest.raises(ValueError, match="total_bone_length"):
        protocols.evaluate(people, "bones")
    blank = with_values(people, has_scale=np.zeros(6, bool), head_size=np.zeros(6))
    with pytest.raises(ValueError, match="nothing to score"):
        protocols.evaluate(blank)


def pooling_generator(size: int = 64) -> keras.Model:
    """Heatmaps are the image's brightness, depth its mean; only the last stack says so."""
    image = keras.Input((size, size, 3))
    brightness = keras.layers.AveragePooling2D(4)(image)[..., :1]
    last = keras.ops.repeat(brightness, NUM_JOINTS, axis=-1)
    depth = keras.ops.repeat(keras.ops.mean(image, axis=(1, 2))[:, :1], NUM_JOINTS, axis=-1)
    return keras.Model(image, {"heatmaps": [0 * last, last], "depth": depth})


def labelled_batch(people: protocols.Predictions, images: np.ndarray) -> dict:
    """A batch as the pipeline makes them: single precision, strings as bytes."""
    batch = {field.name: getattr(people, field.name) for field in dataclasses.fields(people)}
    batch = {name: value for name, value in batch.items() if isinstance(value, np.ndarray)}
    for name, value in batch.items():
        if value.dtype.kind == "U":
            batch[name] = np.array([text.encode() for text in value], object)
        elif value.dtype.kind == "f":
            batch[name] = value.astype(np.float32)
    return {"image": images, **batch}


def test_collect_keeps_predictions_beside_their_labels():
    people = random_people()
    images = np.zeros((6, 64, 64, 3), np.float32)
    images[np.arange(6), 20:24, 8 * np.arange(6) + 8] = 1.0
    batches = [
        labelled_batch(people.where(np.arange(6) < 4), images[:4]),
        labelled_batch(people.where(np.arange(6) >= 4), images[4:]),
    ]
    collected = protocols.collect(pooling_generator(), batches)
    assert collected.crop_size == 64
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
        protocols.collect(pooling_generator(), [])
    people = random_people()
    images = np.zeros((6, 64, 64, 3), np.float32)
    images[4, 0, 0] = np.nan
    with pytest.raises(ValueError, match="example 4 is not finite"):
        protocols.collect(pooling_generator(), [labelled_batch(people, images)])


def results_of_two_models() -> dict[str, dict]:
    people = random_people()
    worse = moved(people, predicted_depth=np.linspace(0, 0.5, NUM_JOINTS))
    return {"baseline": protocols.evaluate(worse), "full": protocols.evaluate(people)}


def test_every_3d_table_says_which_scale():
    results = results_of_two_models()
    tables = report.tables(results, "human36m test")
    assert len(tables) == 5
    for table in tables:
        assert "human36m test, 6 examples" in table.title
        assert ("scale: camera" in table.title) == ("PCKh" not in table.title)
        assert all(len(row) == len(table.columns) for row in table.rows.values())
        assert list(table.rows) == ["baseline", "full"]
    by_title = {table.title.split(",")[0]: table for table in tables}
    assert by_title["3D"].rows["baseline"][0] == results["baseline"]["mpjpe"] > 10
    assert by_title["MPJPE in mm by limb"].rows["baseline"][-1] == results["baseline"]["mpjpe"]
    actions = by_title["MPJPE in mm by action"]
    assert actions.columns == ("Sitting", "Walking", "mean of actions", "all examples")
    sitting, walking, mean, everyone = actions.rows["baseline"]
    np.testing.assert_allclose([mean, everyone], [(sitting + walking) / 2, (4 * sitting + 2 * walking) / 6])


def test_results_of_different_scales_share_no_table():
    people = random_people()
    results = {"a": protocols.evaluate(people), "b": protocols.evaluate(people, "bones", 4000.0)}
    with pytest.raises(ValueError, match="scale of b is bones, of a camera"):
        report.tables(results, "human36m test")


def test_text_and_markdown():
    table = report.Table("MPJPE in mm", ("knees", "all"), {"baseline": (12.34, 5.0), "full": (1.0, 100.0)})
    assert report.to_text(table).splitlines() == [
        "MPJPE in mm",
        "          knees    all",
        "baseline   12.3    5.0",
        "full        1.0  100.0",
    ]
    assert report.to_markdown(table).splitlines() == [
        "**MPJPE in mm**",
        "",
        "|  | knees | all |",
        "|---|---:|---:|",
        "| baseline | 12.3 | 5.0 |",
        "| full | 1.0 | 100.0 |",
    ]


def test_json_is_written_once(tmp_path):
    path = tmp_path / "new/results.json"
    results = results_of_two_models()
    report.write_json(results, path)
    assert json.loads(path.read_text()) == results
    with pytest.raises(FileExistsError, match="results.json exists"):
        report.write_json({}, path)
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]
    with pytest.raises(ValueError):  # NaN is no JSON
        report.write_json({"mpjpe": float("nan")}, tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def prepare_test_split(data_dir: str) -> None:
    """Writes a prepared synthetic_people/wild of five grey pictures."""

    def generate():
        joints = np.random.default_rng(0).normal(scale=200, size=(5, NUM_JOINTS, 3)) + [0, 0, 4000]
        intrinsics = np.array([100.0, 100, 50, 50, 0, 0, 0, 0, 0])
        for number, pose in enumerate(joints):
            yield (
                number,
                schema.make_example(
                    np.full((100, 100, 3), 128, np.uint8),
                    camera.project(pose, intrinsics),
                    example_id=f"person {number}",
                    joints_3d_absolute=pose,
                    intrinsics=intrinsics,
                ),
            )

    with tfds.core.registered.skip_registration():

        class SyntheticPeople(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.0.0")
            BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="wild")]

            def _info(self):
                return tfds.core.DatasetInfo(builder=self, features=schema.features())

            def _split_generators(self, dl_manager):
                return {"test": generate()}

            def _generate_examples(self):
                raise NotImplementedError

    SyntheticPeople(data_dir=data_dir).download_and_prepare()


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a prepared split, data/, and an untrained run, runs/tiny."""
    folder = tmp_path_factory.mktemp("evaluate")
    prepare_test_split(str(folder / "data"))
    config = Config(generator=GeneratorConfig(num_stacks=1, image_size=64, width=16))
    work_dir = str(folder / "runs/tiny")
    work_folder.create(work_dir, config, total_bone_length=4000.0)
    generator = work_folder.new_generator(config)
    for stage in ("pretrain_3d", "adversarial"):
        work_folder.save_weights(generator, work_folder.weights_path(work_dir, stage, "generator"))
    return folder


def run_evaluate(workplace, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(REPOSITORY / "evaluate.py"), "--data=synthetic_people/wild", *arguments]
    return subprocess.run(
        command,
        cwd=workplace,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_evaluate_prints_tables_and_writes_results(workplace):
    """Two stages with the same weights stand side by side with the same scores."""
    run = run_evaluate(
        workplace,
        "--work_dir=runs/tiny",
        "--stage=pretrain_3d,adversarial",
        "--batch_size=2",
        "--output=out.json",
    )
    assert run.returncode == 0, run.stderr
    assert "3D, synthetic_people/wild test, 5 examples, root-relative, scale: camera" in run.stdout
    assert "warning" not in run.stderr.lower(), run.stderr
    results = json.loads((workplace / "out.json").read_text())
    models = results["models"]
    assert list(models) == ["runs/tiny pretrain_3d", "runs/tiny adversarial"]
    assert models["runs/tiny pretrain_3d"] == models["runs/tiny adversarial"]
    assert models["runs/tiny adversarial"]["examples"] == 5


def test_evaluate_ends_a_mistake_with_one_line(workplace):
    (workplace / "there.json").write_text("{}")
    for arguments, message in (
        (["--work_dir=runs/tiny", "--output=there.json"], "there.json exists"),
        (["--work_dir=runs/tiny", "--split=train"], "no split 'train'"),
    ):
        run = run_evaluate(workplace, *arguments)
        assert run.returncode != 0
        assert run.stderr.startswith("error: ") and len(run.stderr.splitlines()) == 1, run.stderr
        assert message in run.stderr
    assert (workplace / "there.json").read_text() == "{}"
