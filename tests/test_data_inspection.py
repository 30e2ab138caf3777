"""Inspecting: statistics by hand, and sheets that show what is stored, of every kind of dataset."""

import json

import cv2
import layouts
import numpy as np
import pytest
from drawn_people import LAB, TEST_EXAMPLES, TRAIN_EXAMPLES, WILD

from tf_advpose import camera
from tf_advpose.data import inspection, prepared
from tf_advpose.skeleton import JOINT_NAMES, MIRROR_PAIRS, NUM_JOINTS, PELVIS, with_thorax

KNEE, WRIST = JOINT_NAMES.index("left_knee"), JOINT_NAMES.index("left_wrist")


def labels(count: int = 4) -> dict[str, np.ndarray]:
    """Labels of people of equal shape, both sides alike, each 100 mm farther off than the last."""
    joints = np.random.default_rng(0).uniform(-300, 300, (NUM_JOINTS, 3))
    for right, left in MIRROR_PAIRS:
        joints[left] = joints[right] * [-1, 1, 1]
    joints[PELVIS] = 0
    joints = with_thorax(joints)
    absolute = joints + np.array([0, 0, 3000]) + np.arange(count)[:, None, None] * [0, 0, 100]
    intrinsics = np.tile(layouts.HUMAN36M_INTRINSICS, (count, 1))
    return {
        "joints_2d": camera.project(absolute, intrinsics),
        "joint_weight": np.ones((count, NUM_JOINTS)),
        "box": np.tile([0.0, 0, 200, 100], (count, 1)),
        "head_size": np.array([10.0, 0, 0, 0]),
        "joints_3d_absolute": absolute,
        "intrinsics": intrinsics,
        "has_depth": np.array([True, True, True, False]),
        "has_scale": np.ones(count, bool),
    }


def test_statistics_by_hand():
    found = inspection.describe(labels())
    assert found["examples"] == 4
    assert (found["with_depth"], found["with_scale"], found["with_head_size"]) == (0.75, 1.0, 0.25)
    assert found["longer_side_of_box_pixels"]["median"] == 200
    distance = found["pelvis_distance_mm"]
    assert (distance["min"], distance["median"], distance["max"]) == (3000, 3150, 3300)
    depths = labels()["joints_3d_absolute"][0, :, 2] - 3000
    assert found["depth_behind_pelvis_mm"]["max"] == pytest.approx(depths.max())
    assert found["projected_3d_to_2d_pixels"]["max"] < 1e-9
    thigh = found["bones_mm"]["left_knee - left_hip"]
    assert thigh["sd"] == pytest.approx(0, abs=1e-9) and thigh["mean"] > 10
    assert all(abs(side["mean_size"]) < 1e-9 for side in found["left_minus_right_mm"].values())


def test_mistakes_of_preparation_are_seen():
    """A joint that is wrong in one place, labels of another photo, joints out of sight."""
    wrong = labels()
    wrong["joints_3d_absolute"][:, KNEE] += [0, 0, 50]
    wrong["joints_2d"][:, WRIST] += 7
    found = inspection.describe(wrong)
    assert found["left_minus_right_mm"]["knee - hip"]["mean_size"] > 1
    assert found["left_minus_right_mm"]["wrist - elbow"]["mean_size"] < 1e-9
    assert found["projected_3d_to_2d_pixels"]["max"] >= 7
    wrong = labels()
    wrong["joint_weight"][0, :8] = 0
    wrong["joints_2d"][1, :4] = 1000
    found = inspection.describe(wrong)
    assert found["joints_labelled"] == 56 / 64 and found["joints_labelled_of"]["pelvis"] == 0.75
    assert found["labelled_joints_outside_the_crop"] == pytest.approx(4 / 56)
    wrong["joints_2d"][1, :4] = (100 + 125 - 0.01, 50 + 125 - 0.01)  # the crop is 250 wide
    assert inspection.describe(wrong)["labelled_joints_outside_the_crop"] == 0


@pytest.mark.parametrize("name", [LAB, WILD])
def test_sheet_and_statistics_are_written(tmp_path, drawn_data, name):
    texts = list(inspection.inspect(name, None, drawn_data, str(tmp_path), seed=0))
    assert [text.splitlines()[0] for text in texts] == [
        f"{name} test: {TEST_EXAMPLES} examples",
        f"{name} train: {TRAIN_EXAMPLES} examples",
    ]
    stem = name.replace("/", "_")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{stem}_{split}.{kind}" for split in ("test", "train") for kind in ("json", "png")
    ]
    statistics = json.loads((tmp_path / f"{stem}_train.json").read_text())
    assert statistics["with_depth"] == (1.0 if name == LAB else 0.0) and statistics["with_scale"] == 1.0
    sheet = cv2.imread(str(tmp_path / f"{stem}_train.png"))
    rows = 4  # of four people each
    cells = [cell for row in np.array_split(sheet, rows) for cell in np.array_split(row, 4, axis=1)]
    assert [bool((cell != 255).any()) for cell in cells] == [True] * TRAIN_EXAMPLES + [False] * 3


def test_other_seeds_show_other_people(tmp_path, drawn_data):
    pictures = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        list(inspection.inspect(LAB, "train", drawn_data, str(tmp_path / folder), seed))
        pictures.append(next((tmp_path / folder).glob("*.png")).read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_photos_without_3d(tmp_path):
    layouts.write_mpii_json(tmp_path / "mpii")
    prepared.prepare("mpii", str(tmp_path / "data"), source=str(tmp_path / "mpii"))
    (text,) = inspection.inspect("mpii", "train", str(tmp_path / "data"), str(tmp_path / "out"), 0)
    assert "with scale: 0.0 %" in text and "bones" not in text
    statistics = json.loads((tmp_path / "out/mpii_train.json").read_text())
    assert statistics["joints_labelled"] == 46 / 48 and "bones_mm" not in statistics
