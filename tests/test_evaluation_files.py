"""Files of predictions: what is written is read back, other systems fit in, and mismatches are named."""

import dataclasses

import numpy as np
import pytest
from evaluated_people import random_people, with_errors

from tf_advpose.evaluation import prediction_files, protocols
from tf_advpose.skeleton import (
    FROM_HUMAN36M_17,
    JOINT_NAMES,
    NUM_JOINTS,
    RIGHT_SHOULDER,
    THORAX,
    from_dataset,
)

LABELS = ("example_id", "subject", "action", "sequence", "has_scale", "joints_3d")


def write(path, **arrays) -> str:
    np.savez(path, **{"format": prediction_files.FORMAT, "joint_names": np.array(JOINT_NAMES)} | arrays)
    return str(path)


def arrays_of(people) -> dict:
    """What another system hands over: names and millimetres."""
    return {"example_id": people.example_id, "predicted_joints_3d": people.joints_3d + 5.0}


def labels_of(people) -> dict:
    return {name: getattr(people, name) for name in LABELS}


def test_what_is_written_is_read_back(tmp_path):
    people = random_people()
    path = tmp_path / "new/ours.npz"
    prediction_files.save(people, path, "human36m test")
    read, data = prediction_files.load(path)
    assert data == "human36m test"
    for name, value in dataclasses.asdict(people).items():
        np.testing.assert_array_equal(getattr(read, name), value, err_msg=name)
    assert protocols.evaluate(read) == protocols.evaluate(people)
    with pytest.raises(FileExistsError, match="ours.npz exists"):
        prediction_files.save(people, path)
    assert [file.name for file in path.parent.iterdir()] == ["ours.npz"]


def test_all_models_are_saved_by_name_or_none(tmp_path):
    people = random_people()
    prediction_files.save_all({"runs/full adversarial": people}, str(tmp_path), "data")
    assert [file.name for file in tmp_path.iterdir()] == ["runs_full_adversarial.npz"]
    with pytest.raises(FileExistsError, match="runs_full_adversarial.npz exists"):
        prediction_files.save_all({"another": people, "runs/full adversarial": people}, str(tmp_path), "")
    assert len(list(tmp_path.iterdir())) == 1


def test_predictions_find_their_labels_by_name(tmp_path):
    people = random_people()
    backwards = people.where(np.arange(6)[::-1])
    path = write(tmp_path / "theirs.npz", **arrays_of(backwards))
    assert not prediction_files.has_labels(path)
    read, _ = prediction_files.load(path, labels_of(people))
    np.testing.assert_array_equal(read.example_id, people.example_id)
    results = protocols.evaluate(read)
    np.testing.assert_allclose(results["mpjpe"], 0, atol=1e-9)  # 5 mm off as a whole: root-relative
    assert results["scale"] == "given"
    with pytest.raises(ValueError, match="without labels"):
        prediction_files.load(path)


@pytest.mark.parametrize(
    "stored",
    [
        {"has_scale": np.array([1, 1, 0, 1, 1, 0])},
        {"has_scale": np.array([1.0, 1, 0, 1, 1, 0])},
        {"example_id": np.arange(6)},
        {"example_id": np.array([f"\u00fc {number}".encode() for number in range(6)])},
        {"action": np.array([b"Sitting"] * 6)},
    ],
)
def test_figures_do_not_depend_on_the_types_that_a_file_has_its_arrays_in(tmp_path, stored):
    people = with_errors(random_people(), np.arange(6 * 16 * 3).reshape(6, 16, 3))
    ours = {"has_scale": np.array([True, True, False, True, True, False]), "action": ["Sitting"] * 6}
    arrays = labels_of(people) | ours | {"predicted_joints_3d": people.predicted_joints_3d}
    expected, _ = prediction_files.load(write(tmp_path / "ours.npz", **arrays))
    read, _ = prediction_files.load(write(tmp_path / "theirs.npz", **arrays | stored))
    assert protocols.evaluate(read) == protocols.evaluate(expected)
    assert read.example_id.dtype.kind == "U" and read.has_scale.dtype == bool


def test_plain_arrays_of_another_joint_order():
    generator = np.random.default_rng(0)
    theirs = generator.normal(scale=300, size=(4, 17, 3))
    pixels = generator.uniform(0, 200, size=(4, 17, 2))
    weight = np.ones((4, 17))
    weight[1, FROM_HUMAN36M_17[RIGHT_SHOULDER]] = 0
    people = prediction_files.from_arrays(
        ["a 1", "a 2", "a 3", "a 4"],
        predicted_joints_3d=theirs + [0, 0, 4000],
        joints_3d=theirs,
        predicted_joints_2d=pixels,
        joints_2d=pixels,
        joint_weight=weight,
        head_size=np.full(4, 10.0),
        index_map=FROM_HUMAN36M_17,
        sequence=["a"] * 4,
    )
    ours = from_dataset(theirs, FROM_HUMAN36M_17)
    np.testing.assert_allclose(people.joints_3d, ours - ours[:, 6:7])
    np.testing.assert_array_equal(people.joints_2d[:, 0], pixels[:, FROM_HUMAN36M_17[0]])
    assert people.joint_weight[1, RIGHT_SHOULDER] == people.joint_weight[1, THORAX] == 0
    results = protocols.evaluate(people)
    np.testing.assert_allclose(results["mpjpe"], 0, atol=1e-9)
    assert results["pckh"]["mean"] == 100
    assert results["velocity"]["pairs"] == 3


def test_arrays_that_do_not_fit_name_both_sides():
    people = random_people()
    names = people.example_id
    with pytest.raises(ValueError, match=r"joints_3d has shape \(5, 16, 3\), but of 6 examples"):
        prediction_files.from_arrays(
            names, predicted_joints_3d=people.joints_3d, joints_3d=people.joints_3d[:5]
        )
    with pytest.raises(ValueError, match=r"shape \(6, 17, 3\), but of 6 examples of 16 joints"):
        prediction_files.from_arrays(names, predicted_joints_3d=np.zeros((6, 17, 3)))
    with pytest.raises(ValueError, match=r"\[..., 17 or more, 3\], got \(6, 14, 3\)"):
        prediction_files.from_arrays(
            names, predicted_joints_3d=np.zeros((6, 14, 3)), index_map=FROM_HUMAN36M_17
        )
    with pytest.raises(ValueError, match=r"joints_2d: Expected .* 17 or more"):
        prediction_files.from_arrays(
            names, predicted_joints_2d=people.joints_2d, index_map=FROM_HUMAN36M_17
        )
    with pytest.raises(ValueError, match=r"joint_weight: expected .* 17 joints.* shape \(6, 16\)"):
        prediction_files.from_arrays(
            names,
            predicted_joints_2d=np.zeros((6, 17, 2)),
            joints_2d=np.zeros((6, 17, 2)),
            joint_weight=np.ones((6, 16)),
            index_map=FROM_HUMAN36M_17,
        )
    with pytest.raises(ValueError, match="must hold example_id and one of"):
        prediction_files.from_arrays(names, joints_3d=people.joints_3d)
    with pytest.raises(ValueError, match="example 0 is there 2 times"):
        prediction_files.from_arrays([*names[:5], names[0]], predicted_joints_3d=people.joints_3d)


def with_missing_frame(people):
    return arrays_of(people.where(np.arange(5)))


def with_foreign_frame(people):
    return arrays_of(people) | {"example_id": np.append(people.example_id[:5], "stranger")}


@pytest.mark.parametrize(
    "change, message",
    [
        (with_missing_frame, "predicts 5 examples, the split has 6: 1 are not predicted (example 5), 0"),
        (with_foreign_frame, "1 are not predicted (example 5), 1 are not in the split (stranger)"),
        (lambda p: arrays_of(p) | {"joint_names": JOINT_NAMES[::-1]}, "the joints left_wrist, left_elbow"),
        (lambda p: arrays_of(p) | {"joint_names": ["knee"] * 17}, "are, in this order, right_ankle"),
        (lambda p: arrays_of(p) | {"format": "2"}, "the format '2'"),
        (lambda p: arrays_of(p) | {"pose": np.zeros(6)}, "unknown arrays pose"),
        (lambda p: {"example_id": p.example_id}, "must hold example_id and one of predicted_joints_2d"),
        (lambda p: arrays_of(p) | {"confidence": np.zeros((5, 16))}, "confidence has shape (5, 16)"),
        (
            lambda p: arrays_of(p) | {"predicted_joints_3d": np.full((6, NUM_JOINTS, 3), np.nan)},
            "predicted_joints_3d of example 0 is not finite",
        ),
        (
            lambda p: {"example_id": p.example_id, "predicted_joints_2d": p.predicted_joints_2d},
            "not known which pixels",
        ),
        (
            lambda p: {"example_id": p.example_id, "predicted_depth": p.predicted_depth},
            "predicted_depth is of no use without predicted_joints_2d, mm_per_pixel",
        ),
        (lambda p: p.arrays(), "predicted_depth is of no use without crop_size, in pixels, above 0"),
        (lambda p: p.arrays() | {"crop_size": 0}, "predicted_depth is of no use without crop_size"),
        (lambda p: arrays_of(p) | {"crop_size": np.full(6, 256)}, "crop_size must be one number, got the"),
        (lambda p: arrays_of(p) | {"has_scale": np.arange(6)}, "has_scale must be true or false (1 or 0)"),
        (lambda p: arrays_of(p) | {"head_size": np.full(6, "20")}, "head_size must be of numbers, got <U2"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_refused(tmp_path, change, message):
    people = random_people()
    path = write(tmp_path / "theirs.npz", **change(people))
    with pytest.raises(ValueError) as error:
        prediction_files.load(path, labels_of(people))
    assert message in str(error.value)
    assert "theirs.npz" in str(error.value)


def test_no_file_and_no_npz(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of predictions"):
        prediction_files.load(tmp_path / "none.npz")
    for content in (b"", b"PK\x03\x04 damaged", b"text"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(ValueError, match="not a readable .npz"):
            prediction_files.load(tmp_path / "bad.npz")


def test_whatever_byte_is_damaged_is_an_error_of_one_kind(tmp_path):
    path, rng = tmp_path / "damaged.npz", np.random.default_rng(0)
    prediction_files.save(random_people(), path)
    content = path.read_bytes()
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            prediction_files.load(path)
        except ValueError:
            refused += 1
    assert refused > 200


def test_the_saved_file_of_millimetres_is_one_too(tmp_path):
    people = random_people()
    theirs = with_errors(people, np.zeros(people.joints_3d.shape))
    prediction_files.save(theirs, tmp_path / "theirs.npz")
    read, data = prediction_files.load(tmp_path / "theirs.npz")
    assert data == "" and read.predicted_depth is None
    assert protocols.evaluate(read)["scale"] == "given"
