"""Scores on real samples: labels read as they are meant, and figures that are known beforehand."""

import dataclasses
import json
import pathlib

import cv2
import numpy as np
import pytest
import real_accuracy
import real_people
from standing_person import STANDING, flat_image, joints_in_image

from tf_advpose.deploy.runtime import Pose
from tf_advpose.skeleton import JOINT_NAMES, NUM_JOINTS, mirror_order

COCO_NAMES = [
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
]  # fmt: skip
POSETRACK_NAMES = ["nose", "head_bottom", "head_top", *COCO_NAMES[3:]]
BOX = [70.0, 20.0, 110.0, 220.0]


def annotation(number: int, names: list[str], unlabelled: tuple[str, ...] = (), **others) -> dict:
    """Of `joints_in_image`, in a COCO-like file; other points are at (1, 1)."""
    ours = dict(zip(JOINT_NAMES, (joints_in_image() - 0.5).tolist(), strict=True))
    ours["head_bottom"] = ours["upper_neck"]
    keypoints = [
        [0, 0, 0] if name in unlabelled else [*ours.get(name, [1, 1]), 1 + place % 2]
        for place, name in enumerate(names)
    ]
    values = {"id": number, "image_id": 5, "category_id": 1, "bbox": BOX, "keypoints": sum(keypoints, [])}
    return values | others


def write(folder: pathlib.Path, path: str, names: list[str], annotations: list[dict]) -> None:
    """Writes a COCO-like label file and its one photo."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "photo.png"), flat_image())
    labels = {
        "categories": [{"id": 1, "keypoints": names}],
        "images": [{"id": 5, "file_name": "photo.png"}],
        "annotations": annotations,
    }
    (folder / path).write_text(json.dumps(labels))


def person(**changes) -> real_people.Person:
    values = {
        "name": "someone",
        "photo": flat_image(),
        "box": np.array(BOX),
        "joints_2d": joints_in_image(),
        "joint_weight": np.ones(NUM_JOINTS),
        "size": 20.0,
        "joints_3d": STANDING,
        "alone": True,
    }
    return real_people.Person(**values | changes)


def pose(joints_2d: np.ndarray, joints_3d: np.ndarray = STANDING) -> Pose:
    return Pose(joints_2d, np.zeros(NUM_JOINTS), np.ones(NUM_JOINTS), joints_3d, np.array(BOX))


def itself(one: real_people.Person) -> tuple[real_people.Person, Pose]:
    """Someone, and a prediction that is their labels."""
    return one, pose(one.joints_2d, STANDING if one.joints_3d is None else one.joints_3d)


def test_coco_has_our_twelve_limb_joints(tmp_path):
    write(tmp_path, "labels.json", COCO_NAMES, [annotation(7, COCO_NAMES)])
    (found,) = real_people.read_coco(tmp_path)
    limbs = np.flatnonzero(found.joint_weight)
    assert [JOINT_NAMES[joint].partition("_")[0] for joint in limbs].count("left") == 6
    assert len(limbs) == 12
    # The photo may have been cut; the box tells where.
    moved = np.array(BOX[:2]) - found.box[:2]
    np.testing.assert_allclose(found.joints_2d[limbs] + moved, joints_in_image()[limbs], atol=1e-3)
    shoulder, hip = (JOINT_NAMES.index(name) for name in ("left_shoulder", "right_hip"))
    across = np.linalg.norm(joints_in_image()[shoulder] - joints_in_image()[hip])
    other = np.linalg.norm(joints_in_image()[shoulder - 1] - joints_in_image()[hip + 1])
    assert found.size == pytest.approx(max(across, other))
    assert found.alone


def test_posetrack_has_neck_and_head_too(tmp_path):
    marked = annotation(7, POSETRACK_NAMES, ("left_wrist",), bbox_head=[100, 20, 30, 40])
    write(tmp_path, "annotations/val/labels.json", POSETRACK_NAMES, [marked])
    (found,) = real_people.read_posetrack(tmp_path)
    missing = [JOINT_NAMES[joint] for joint in np.flatnonzero(found.joint_weight == 0)]
    assert missing == ["pelvis", "thorax", "left_wrist"]
    assert found.size == pytest.approx(0.6 * 50)
    assert not found.alone, "a wrist is not labelled"
    x, y, width, height = found.box
    labelled = found.joints_2d[found.joint_weight > 0]
    np.testing.assert_allclose(
        [*labelled.min(axis=0), *labelled.max(axis=0)], [x, y, x + width, y + height]
    )


def test_who_is_not_labelled_is_in_the_way_all_the_same(tmp_path):
    stranger = annotation(8, COCO_NAMES, tuple(COCO_NAMES), bbox=[170, 60, 40, 90])
    write(tmp_path, "labels.json", COCO_NAMES, [annotation(7, COCO_NAMES), stranger])
    (found,) = real_people.read_coco(tmp_path)
    assert not found.alone


def test_single_and_uncut():
    extents = np.array(
        [[10, 10, 30, 50], [60, 10, 30, 89], [41, 10, 10, 10], [50, 15, 5, 5], [95, 5, 9, 9]]
    )
    weights = np.ones((5, NUM_JOINTS))
    weights[2, JOINT_NAMES.index("left_knee")] = 0
    weights[3, JOINT_NAMES.index("head_top")] = 0
    alone = real_people.stand_alone(extents, weights, 200, 100)
    # The second reaches the border, the third lacks a knee and overlaps the fourth; heads do not count.
    assert alone.tolist() == [True, False, False, False, True]


def test_the_labels_themselves_are_perfect(tmp_path):
    write(tmp_path, "labels.json", COCO_NAMES, [annotation(7, COCO_NAMES)])
    found = {
        "MPII": [itself(person(joints_3d=None))],
        "COCO": [itself(one) for one in real_people.read_coco(tmp_path)],
        "Human3.6M": [itself(person(alone=False))],
    }
    results = real_accuracy.score(found)
    for figures in results["pck"].values():
        assert (figures["pck@0.2"], figures["pck@0.5"]) == (100, 100)
    for figures in results["sides"].values():
        assert (figures["swapped"], figures["doubled"]) == (0, 0)
    assert results["3d"]["Human3.6M"] == pytest.approx(
        {"people": 1, "joints": 16, "pa_mpjpe": 0, "n_mpjpe": 0, "pck@150": 100}, abs=1e-6
    )
    assert list(results["3d"]) == ["Human3.6M"]
    assert "Human3.6M, single and uncut" not in results["pck"]
    joints = {who: figures["joints"] for who, figures in results["pck"].items()}
    assert (joints["MPII"], joints["COCO"], joints["all by head"]) == (14, 12, 28)
    assert results["sides"]["all"]["people"] == 3
    assert [len(table.rows) for table in real_accuracy.tables(results)] == [7, 7, 1]


def test_pck_counts_labelled_joints_near_their_label():
    wrist, pelvis = JOINT_NAMES.index("left_wrist"), JOINT_NAMES.index("pelvis")
    joints = joints_in_image()
    joints[0, 0] += 5  # a quarter of the size
    joints[1, 0] += 10  # half: not below
    joints[[wrist, pelvis], 0] += 50  # neither counts
    weight = np.ones(NUM_JOINTS)
    weight[wrist] = 0
    figures = real_accuracy.pck([(person(joint_weight=weight), pose(joints)), itself(person(size=0.0))])
    assert (figures["people"], figures["joints"]) == (1, 13)
    assert figures["pck@0.2"] == pytest.approx(100 * 11 / 13)
    assert figures["pck@0.5"] == pytest.approx(100 * 12 / 13)


def test_sides_tell_swapped_from_doubled_pairs():
    """All six pairs exchanged; one found twice on one side; one labelled too near to tell."""
    target, order = joints_in_image(), mirror_order()
    one = person()
    figures = real_accuracy.sides([(one, pose(target[order]))])
    assert (figures["wrong_side"], figures["swapped"], figures["doubled"]) == (100, 100, 0)
    doubled = target.copy()
    doubled[JOINT_NAMES.index("left_knee")] = target[JOINT_NAMES.index("right_knee")]
    figures = real_accuracy.sides([(one, pose(doubled))])
    assert (figures["pairs"], figures["swapped"]) == (6, 0)
    assert figures["doubled"] == pytest.approx(100 / 6)
    assert figures["wrong_side"] == pytest.approx(100 / 12)
    near = target.copy()
    near[JOINT_NAMES.index("left_knee")] = target[JOINT_NAMES.index("right_knee")] + 1
    close = dataclasses.replace(one, joints_2d=near)
    assert real_accuracy.sides([(close, pose(near[order]))])["pairs"] == 5
    weight = np.ones(NUM_JOINTS)
    weight[[JOINT_NAMES.index(name) for name in ("left_shoulder", "left_hip")]] = 0
    assert real_accuracy.sides([(dataclasses.replace(one, joint_weight=weight), pose(target))]) == {}


def test_missing_samples_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no samples: expected a folder with mpii, coco_mmpose"):
        real_people.read(tmp_path)
    write(tmp_path / "coco_mmpose", "labels.json", COCO_NAMES, [annotation(7, COCO_NAMES)])
    people, missing = real_people.read(tmp_path)
    assert list(people) == ["COCO"]
    assert "mpii" in missing and "coco_mmpose" not in missing


def test_labels_of_another_form_are_named(tmp_path):
    boxless = annotation(7, COCO_NAMES)
    del boxless["bbox"]
    write(tmp_path / "coco_mmpose", "labels.json", COCO_NAMES, [boxless])
    with pytest.raises(ValueError, match="labels.json: expected the labels of people as COCO has them"):
        real_people.read(tmp_path)
