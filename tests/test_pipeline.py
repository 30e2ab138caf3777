"""Batches: what a step sees, labels that fit their picture, and the way back to millimetres."""

import dataclasses
import itertools
import json
import shutil

import drawn_people
import layouts
import numpy as np
import pytest
from drawn_people import LAB, TEST_EXAMPLES, TRAIN_EXAMPLES, WILD

from tf_advpose import camera
from tf_advpose.config import AugmentationConfig, Config, StageConfig
from tf_advpose.data import pipeline, prepared
from tf_advpose.skeleton import HEAD_TOP, NUM_JOINTS, ROOT, UPPER_NECK, bone_lengths, mirror_order

SIZE = 64
KEYS = {"image", "joints_2d", "joint_weight", "depth", "has_depth", "has_scale", "mm_per_pixel"}
PLAIN = AugmentationConfig(scale=0, rotation=0, mirror_probability=0, colour=0)
EVERYTHING = AugmentationConfig(rotation_probability=0.8, shift=0.05, contrast=0.1)


def config_of(augmentation: AugmentationConfig = EVERYTHING, **changes) -> Config:
    config = drawn_people.small_config(augmentation=augmentation, **changes)
    config.generator.image_size = SIZE
    return config


def batches_of(config: Config, stage: str, data_dir: str, count: int, first_step: int = 0) -> list[dict]:
    stream = pipeline.training_batches(config, stage, data_dir, first_step)
    return list(itertools.islice(stream.as_numpy_iterator(), count))


def pooled(batches: list[dict]) -> dict[str, np.ndarray]:
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def truth(domain: str, split: str, count: int) -> np.ndarray:
    """The joints [N, P, 3] of a split's people, absolute mm."""
    return np.stack([drawn_people.joints_of(domain, split, number) for number in range(count)])


def truth_of(batch: dict) -> np.ndarray:
    """The joints [N, P, 3] of the people in a batch of the lab's test split, absolute mm."""
    numbers = [int(name.decode().rpartition("-")[2]) for name in batch["example_id"]]
    return truth("lab", "test", TEST_EXAMPLES)[numbers]


def assert_same(one: list[dict], other: list[dict]):
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert left.keys() == right.keys()
        for key, value in left.items():
            np.testing.assert_array_equal(value, right[key], err_msg=key)


def colour_errors(batch: dict) -> np.ndarray:
    """How far each joint's colour [N] in the picture is from its dot's, for joints well inside the crop."""
    errors = []
    for image, joints_2d in zip(batch["image"], batch["joints_2d"], strict=True):
        inside = np.all((joints_2d > 2) & (joints_2d < SIZE - 2), axis=-1)
        column, row = np.floor(joints_2d[inside]).astype(int).T
        errors.append(np.abs(255 * image[row, column] - drawn_people.COLOURS[inside]).max(axis=-1))
    return np.concatenate(errors)


@pytest.fixture(scope="module")
def stream(drawn_data) -> list[dict]:
    """Batches of a mixed stage from its start on, over the second pass of either half's examples."""
    return batches_of(config_of(), "pretrain_3d", drawn_data, 16)


@pytest.fixture(scope="module")
def split(drawn_data) -> list[dict]:
    batches, count = pipeline.evaluation_batches(LAB, "test", drawn_data, SIZE, batch_size=2)
    assert count == TEST_EXAMPLES
    return list(batches.as_numpy_iterator())


def test_batches_are_as_described(stream):
    for batch in stream:
        assert set(batch) == KEYS
        assert batch["image"].shape == (4, SIZE, SIZE, 3) and batch["image"].dtype == np.float32
        assert batch["image"].min() >= 0 and batch["image"].max() <= 1
        assert batch["joints_2d"].shape == (4, NUM_JOINTS, 2)
        assert batch["joint_weight"].shape == batch["depth"].shape == (4, NUM_JOINTS)
        for key in ("joints_2d", "joint_weight", "depth", "mm_per_pixel"):
            assert batch[key].dtype == np.float32 and np.isfinite(batch[key]).all()


def test_no_iterator_has_to_wait_for_a_tuner(drawn_data):
    """tf.data's is joined when an iterator ends; asleep, it held a run up for as long as 50 s."""
    training = pipeline.training_batches(config_of(), "pretrain_3d", drawn_data)
    evaluation, _ = pipeline.evaluation_batches(LAB, "test", drawn_data, SIZE, batch_size=2)
    for batches in (training, evaluation):
        assert batches.options().autotune.enabled is False


@pytest.mark.parametrize("first_step", [7, 13])
def test_starting_late_is_having_skipped(stream, drawn_data, first_step):
    """An interrupted run goes on with what it would have seen; a pass ends after six and a half steps."""
    later = batches_of(config_of(), "pretrain_3d", drawn_data, 3, first_step)
    assert_same(later, stream[first_step : first_step + 3])


def test_a_run_can_be_repeated_and_another_seed_or_stage_sees_other_batches(stream, drawn_data):
    assert_same(batches_of(config_of(), "pretrain_3d", drawn_data, 2), stream[:2])
    for config, stage in ((config_of(seed=1), "pretrain_3d"), (config_of(), "adversarial")):
        (other,) = batches_of(config, stage, drawn_data, 1)
        for half in (slice(2), slice(2, 4)):
            assert np.abs(other["image"][half] - stream[0]["image"][half]).max() > 0.1


def test_every_pass_holds_every_example_once_in_an_order_of_its_own(drawn_data):
    """Unchanged crops are told apart by their labels."""
    config = config_of(PLAIN, pretrain_3d=StageConfig(steps=1, wild_share=0))
    found = pooled(batches_of(config, "pretrain_3d", drawn_data, TRAIN_EXAMPLES))
    depth = found["depth"].reshape([4, TRAIN_EXAMPLES, NUM_JOINTS])
    people = [np.unique(one_pass, axis=0) for one_pass in depth]
    assert people[0].shape == (TRAIN_EXAMPLES, NUM_JOINTS)
    for number in range(1, 4):
        np.testing.assert_array_equal(people[number], people[0])
        assert (depth[number] != depth[number - 1]).any()


def test_an_example_is_changed_otherwise_each_time(drawn_data):
    config = config_of(pretrain_3d=StageConfig(steps=1, wild_share=0))
    scales = pooled(batches_of(config, "pretrain_3d", drawn_data, TRAIN_EXAMPLES))["mm_per_pixel"]
    assert len(np.unique(scales)) == 4 * TRAIN_EXAMPLES


@pytest.mark.parametrize(("share", "wild"), [(1.0, 4), (0.5, 2), (0.25, 1), (0.0, 0)])
def test_lab_examples_come_first_in_the_stages_share(drawn_data, share, wild):
    config = config_of(adversarial=StageConfig(steps=1, wild_share=share))
    assert pipeline.num_wild(config, "adversarial") == wild
    for batch in batches_of(config, "adversarial", drawn_data, 2):
        np.testing.assert_array_equal(batch["has_depth"], np.arange(4) < 4 - wild)
        assert batch["has_scale"].all()


def test_joints_lie_where_their_pictures_show_them(drawn_data):
    """Each joint is a dot of its own colour, and a mirrored person's left dots are labelled right."""
    errors = {}
    for probability in (0.0, 1.0):
        ranges = dataclasses.replace(EVERYTHING, mirror_probability=probability, colour=0, contrast=0)
        batch = pooled(batches_of(config_of(ranges), "pretrain_3d", drawn_data, 6))
        if probability:
            batch["joints_2d"] = batch["joints_2d"][:, mirror_order()]
        errors[probability] = colour_errors(batch)
        # The corners of a dot may be mixed with what surrounds it.
        assert np.median(errors[probability]) < 20 and errors[probability].max() < 75
        assert len(errors[probability]) > 0.8 * 24 * NUM_JOINTS
    # A wrong order would have been seen.
    batch["joints_2d"] = batch["joints_2d"][:, mirror_order()]
    assert np.median(colour_errors(batch)) > 75


def test_joints_outside_the_crop_do_not_train(stream):
    batch = pooled(stream)
    inside = np.all((batch["joints_2d"] >= 0) & (batch["joints_2d"] <= SIZE), axis=-1)
    assert 0 < np.sum(~inside) < inside.size / 2
    np.testing.assert_array_equal(batch["joint_weight"], inside)


def crop_frames(batch: dict, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whom of `people` [M, P, 3] each row shows, and its affine map from crop to photo [N, 2, 3].

    Labels alone are enough: the map that takes a row's joints to the right person's fits exactly.
    """
    pixels = camera.project(people, drawn_people.INTRINSICS)
    numbers, affines = [], []
    for joints_2d in batch["joints_2d"].astype(np.float64):
        design = np.column_stack([joints_2d, np.ones(NUM_JOINTS)])
        fits = [np.linalg.lstsq(design, target, rcond=None)[:2] for target in pixels]
        best = int(np.argmin([residual.sum() for _, residual in fits]))
        assert fits[best][1].sum() < 1e-4
        numbers.append(best)
        affines.append(fits[best][0].T)
    return np.array(numbers), np.stack(affines)


@pytest.mark.parametrize("mirror_probability", [0.0, 1.0])
def test_labels_of_changed_crops_give_back_the_joints(drawn_data, mirror_probability):
    """Turned, scaled, shifted and mirrored, of either domain, though the wild's depth is not to train."""
    ranges = dataclasses.replace(EVERYTHING, rotation_probability=1, mirror_probability=mirror_probability)
    batch = pooled(batches_of(config_of(ranges), "pretrain_3d", drawn_data, 4))
    order = mirror_order() if mirror_probability else np.arange(NUM_JOINTS)
    labels = {key: batch[key][:, order] for key in ("joints_2d", "depth")}
    for domain, rows in (("lab", batch["has_depth"]), ("wild", ~batch["has_depth"])):
        people = truth(domain, "train", TRAIN_EXAMPLES)
        part = {key: value[rows] for key, value in labels.items()}
        numbers, affines = crop_frames(part, people)
        people = people[numbers]
        assert np.ptp(np.arctan2(affines[:, 1, 1], affines[:, 0, 1])) > 0.2
        assert (np.sign(np.linalg.det(affines[:, :, :2])) == (-1 if mirror_probability else 1)).all()
        joints = camera.joints_from_crop(
            **part,
            mm_per_pixel=batch["mm_per_pixel"][rows],
            root_depth=people[:, ROOT, 2],
            intrinsics=np.tile(drawn_people.INTRINSICS, (len(people), 1)),
            crop_to_image=affines,
            crop_size=SIZE,
        )
        np.testing.assert_allclose(joints, people, atol=0.1)


def test_depth_is_in_half_crop_units_and_grows_away_from_the_camera(split):
    """By hand: the crop is 1.25 times the longer side of the joints' box, a unit half of it."""
    batch = pooled(split)
    people = truth_of(batch)
    pixels = camera.project(people, drawn_people.INTRINSICS)
    side = 1.25 * np.ptp(pixels, axis=1).max(axis=-1)
    crop_mm = side * people[:, ROOT, 2] / drawn_people.INTRINSICS[:2].mean()
    np.testing.assert_allclose(batch["mm_per_pixel"], crop_mm / SIZE, rtol=1e-5)
    relative = people[..., 2] - people[:, ROOT, None, 2]
    np.testing.assert_allclose(batch["depth"], relative / (crop_mm / 2)[:, None], atol=1e-5)
    assert (batch["depth"][:, ROOT] == 0).all()


def test_evaluation_keeps_order_and_every_example(split, drawn_data):
    """So do tables of two evaluations have the same rows; the last batch is the smaller one."""
    assert [len(batch["image"]) for batch in split] == [2, 2, 1]
    stored = prepared.open_builder(LAB, drawn_data).as_dataset(split="test", shuffle_files=False)
    expected = [example["example_id"] for example in stored.as_numpy_iterator()]
    assert pooled(split)["example_id"].tolist() == expected
    assert len(set(expected)) == TEST_EXAMPLES


def test_exact_labels_are_read_out_as_the_truth(split):
    batch = pooled(split)
    people = truth_of(batch)
    joints = camera.joints_from_crop(
        **{key: batch[key] for key in ("joints_2d", "depth", "mm_per_pixel", "root_depth")},
        **{key: batch[key] for key in ("intrinsics", "crop_to_image")},
        crop_size=SIZE,
    )
    np.testing.assert_allclose(joints, people, atol=0.1)
    np.testing.assert_allclose(batch["joints_3d"], people - people[:, ROOT, None], atol=1e-3)
    np.testing.assert_allclose(batch["root_depth"], people[:, ROOT, 2], atol=1e-3)


def test_evaluation_crops_are_not_changed(split):
    errors = colour_errors(pooled(split))
    assert len(errors) == TEST_EXAMPLES * NUM_JOINTS
    assert np.median(errors) < 20 and errors.max() < 75


def test_wild_truth_is_there_for_evaluation_alone(drawn_data):
    batches, _ = pipeline.evaluation_batches(WILD, "test", drawn_data, SIZE, batch_size=TEST_EXAMPLES)
    (batch,) = batches.as_numpy_iterator()
    assert batch["has_scale"].all() and not batch["has_depth"].any()
    assert np.abs(batch["joints_3d"]).max() > 500


def test_head_size_is_in_crop_pixels(split):
    """As is everything that PCKh compares it with."""
    batch = pooled(split)
    head = np.linalg.norm(batch["joints_3d"][:, HEAD_TOP] - batch["joints_3d"][:, UPPER_NECK], axis=-1)
    np.testing.assert_allclose(batch["head_size"] * batch["mm_per_pixel"], head, rtol=1e-4)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> str:
    """A data folder with photos that have 2D labels alone, some of them missing or outside the crop."""
    folder = tmp_path_factory.mktemp("photos")
    layouts.write_mpii_json(folder / "mpii")
    labels = folder / "mpii/mpii_annotations.json"
    people = json.loads(labels.read_text())
    for person in people:
        person["scale_provided"] /= 2
    labels.write_text(json.dumps(people))
    prepared.prepare("mpii", str(folder / "data"), source=str(folder / "mpii"))
    return str(folder / "data")


def test_a_joint_outside_the_crop_is_one_missed_at_evaluation_and_none_in_training(photos):
    batches, _ = pipeline.evaluation_batches("mpii", "train", photos, SIZE, batch_size=3)
    (batch,) = batches.as_numpy_iterator()
    labelled = np.ones((3, NUM_JOINTS))
    names = batch["example_id"].tolist()
    labelled[names.index(b"a_1"), 5] = labelled[names.index(b"b_2"), 9] = 0
    np.testing.assert_array_equal(batch["joint_weight"], labelled)
    inside = np.all((batch["joints_2d"] >= 0) & (batch["joints_2d"] <= SIZE), axis=-1)
    assert (labelled > inside).any()

    config = config_of(PLAIN, wild="mpii", batch_size=3)
    (trained,) = batches_of(config, "pretrain_2d", photos, 1)
    rows = [np.abs(batch["joints_2d"] - joints).sum((1, 2)).argmin() for joints in trained["joints_2d"]]
    assert sorted(rows) == [0, 1, 2]
    np.testing.assert_array_equal(trained["joint_weight"], (labelled * inside)[rows])


def test_photos_without_depth_labels(photos):
    """Nothing of their empty labels is infinite, and they cannot be lab data."""
    batches, _ = pipeline.evaluation_batches("mpii", "train", photos, SIZE, batch_size=3)
    (batch,) = batches.as_numpy_iterator()
    assert not batch["has_scale"].any() and not batch["has_depth"].any()
    for key in ("depth", "mm_per_pixel", "joints_3d", "root_depth"):
        np.testing.assert_array_equal(batch[key], 0)
    with pytest.raises(ValueError, match="mpii has no depth labels, so it cannot serve as lab data"):
        pipeline.mean_total_bone_length("mpii", photos)


def test_mean_total_bone_length(drawn_data):
    lengths = bone_lengths(truth("lab", "train", TRAIN_EXAMPLES)).sum(axis=-1)
    assert pipeline.mean_total_bone_length(LAB, drawn_data) == pytest.approx(lengths.mean(), rel=1e-5)


def test_a_split_that_is_not_there_is_named(photos, drawn_data, tmp_path):
    def evaluated(name: str, split: str, data_dir: str):
        return pipeline.evaluation_batches(name, split, data_dir, SIZE, batch_size=2)

    with pytest.raises(ValueError, match="mpii has no split 'test'. Splits: train, validation"):
        evaluated("mpii", "test", photos)
    with pytest.raises(ValueError, match="Unknown dataset 'coco'"):
        evaluated("coco", "test", photos)
    with pytest.raises(FileNotFoundError, match="human36m is not prepared"):
        evaluated("human36m", "test", photos)
    with pytest.raises(FileNotFoundError, match="human36m is not prepared"):
        pipeline.training_batches(config_of(lab="human36m"), "pretrain_3d", drawn_data)

    shutil.copytree(drawn_data, tmp_path / "data")
    (path,) = (tmp_path / "data" / WILD).glob("*/dataset_info.json")
    info = json.loads(path.read_text())
    for split in info["splits"]:
        split["shardLengths"] = ["0"]
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match=f"The split 'test' of {WILD} in .* is empty"):
        evaluated(WILD, "test", str(tmp_path / "data"))
