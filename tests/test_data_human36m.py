"""Human3.6M's reader: joints, cameras, names and splits, and what it says of files that are wrong."""

import collections
import pickle

import layouts
import numpy as np
import pytest

from tf_advpose import camera
from tf_advpose.data.human36m import builder, views
from tf_advpose.skeleton import JOINT_NAMES, LEFT_SHOULDER, RIGHT_SHOULDER, THORAX


def read(source, split: str) -> tuple[list[dict], collections.Counter]:
    skipped = collections.Counter()
    reader, start = builder.find_layout(source)
    return list(reader(start, split, skipped)), skipped


@pytest.mark.parametrize("official", [False, True])
def test_reads_both_forms(tmp_path, official):
    """The flat form and the form that MMPose's scripts write give the same people, with their photos."""
    joints = layouts.write_human36m(tmp_path / "h36m", official)
    people, _ = read(tmp_path / "h36m", "train")
    assert [person["subject"] for person in people] == ["S1", "S1", "S7"]
    assert [person["action"] for person in people] == ["Photo", "Photo", "WalkTogether"]
    assert people[1]["sequence"] == "S1_TakingPhoto_1.54138969"
    assert people[1]["example_id"] == "S1_TakingPhoto_1.54138969_000006"
    assert all(person["image"].is_file() for person in people)
    # Slot by slot, from the dataset's order: right ankle 3, pelvis 0, head top 10, left wrist 13.
    for slot, index in ((0, 3), (6, 0), (9, 10), (15, 13)):
        np.testing.assert_allclose(people[2]["joints_3d_absolute"][slot], joints[2, index])
    shoulders = people[2]["joints_3d_absolute"][[RIGHT_SHOULDER, LEFT_SHOULDER]]
    np.testing.assert_allclose(people[2]["joints_3d_absolute"][THORAX], shoulders.mean(axis=0))
    projected = camera.project(people[2]["joints_3d_absolute"], layouts.HUMAN36M_INTRINSICS)
    np.testing.assert_allclose(people[2]["joints_2d"], projected)


def test_subjects_are_split_and_the_corrupt_video_is_left_out(tmp_path):
    layouts.write_human36m(tmp_path, official=False)
    people, skipped = read(tmp_path, "test")
    assert [(person["subject"], person["action"]) for person in people] == [("S9", "WalkDog")]
    assert skipped == {"S11 Directions 54138969: the video is corrupt": 1}


def test_labels_at_10_frames_a_second_come_first(tmp_path):
    """With both rates there, as the scripts leave them, the near copies at 50 are not read."""
    layouts.write_human36m(tmp_path, official=True)
    folder = tmp_path / "annotation_body3d"
    (folder / "fps10").mkdir()
    with np.load(folder / "fps50/h36m_train.npz") as labels:
        np.savez(folder / "fps10/h36m_train.npz", **{key: labels[key][:1] for key in labels})
    assert len(read(tmp_path, "train")[0]) == 1


@pytest.mark.parametrize(("spacing", "frames"), [(1, [1, 65]), (5, [1, 66])])
def test_steps_at_either_rate(tmp_path, spacing, frames):
    """Every 64th of 50 frames a second; of 10, the first at or after each of these."""
    layouts.write_human36m(tmp_path, official=False)
    numbers = range(1, 100, spacing)
    names = [f"S9/S9_WalkDog.54138969/S9_WalkDog.54138969_{number:06d}.jpg" for number in numbers]
    with np.load(tmp_path / "h36m_body3d.npz") as labels:
        changes = {key: np.repeat(labels[key][:1], len(names), axis=0) for key in labels}
    spoil_labels(tmp_path, **changes | {"imgname": np.array(names)})
    people, _ = read(tmp_path, "test")
    assert [person["example_id"] for person in people] == [
        f"S9_WalkDog.54138969_{frame:06d}" for frame in frames
    ]


@pytest.mark.parametrize(
    ("spelling", "action"),
    [
        ("TakingPhoto 1", "Photo"),
        ("Photo_2", "Photo"),
        ("WalkingDog", "WalkDog"),
        ("WalkingTogether 1", "WalkTogether"),
        ("Walking", "Walking"),
        ("SittingDown 2", "SittingDown"),
        ("Sitting", "Sitting"),
    ],
)
def test_one_spelling_for_each_action(spelling, action):
    assert views.canonical_action(spelling) == action


def test_unknown_action_is_refused():
    with pytest.raises(ValueError, match="'Juggling 1' is no action"):
        views.canonical_action("Juggling 1")


def spoil_labels(folder, **changes) -> None:
    with np.load(folder / "h36m_body3d.npz") as labels:
        np.savez(folder / "h36m_body3d.npz", **{**labels, **changes})


def test_wrong_files_are_named(tmp_path):
    """Labels of another shape, joints in another frame, foreign names, cameras that run code: refused."""
    layouts.write_human36m(tmp_path, official=False)
    with np.load(tmp_path / "h36m_body3d.npz") as labels:
        names, joints = labels["imgname"], labels["S"]
    spoil_labels(tmp_path, S=np.zeros((5, 24, 4)))
    with pytest.raises(ValueError, match=r"S has shape \(5, 24, 4\), expected \(5, 17, 4\)"):
        read(tmp_path, "train")
    spoil_labels(tmp_path, S=joints - joints[:, :1] + (0, 0, 5, 0))
    with pytest.raises(ValueError, match="pixels off the projection of S"):
        read(tmp_path, "train")
    spoil_labels(tmp_path, S=joints, imgname=np.array(["s_01_act_02/1.jpg", *names[1:]]))
    with pytest.raises(ValueError, match="found 's_01_act_02/1.jpg'"):
        read(tmp_path, "train")
    (tmp_path / "h36m_body3d.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="h36m_body3d.npz is not a readable"):
        read(tmp_path, "train")
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(print))
    with pytest.raises(ValueError, match="builtins.print does not belong in it"):
        read(tmp_path, "train")


def test_real_frames(samples):
    """Real labels: 2D is the projection of 3D, and the person is upright with its left on its left."""
    source = samples / "h36m_mmpose"
    people, _ = read(source, "train")
    assert len(people) == 3
    with np.load(source / "h36m_body3d.npz") as labels:
        part = labels["part"]
    order = [3, 2, 1, 4, 5, 6, 0, 10, 16, 15, 14, 11, 12, 13]
    slots = [slot for slot in range(16) if slot not in (THORAX, 8)]
    for person, given in zip(people, part, strict=True):
        error = np.abs(person["joints_2d"][slots] - given[order, :2]).max()
        assert error < 0.05
    # The first has her back to the camera: her left is on the photo's left, her head above her feet.
    joints_2d = dict(zip(JOINT_NAMES, people[0]["joints_2d"], strict=True))
    assert joints_2d["left_shoulder"][0] < joints_2d["right_shoulder"][0]
    assert joints_2d["head_top"][1] < joints_2d["pelvis"][1] < joints_2d["left_ankle"][1]
