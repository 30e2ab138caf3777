"""The example every dataset is turned into: labels follow the cut, and bad labels are refused."""

import numpy as np
import pytest

from tf_advpose import camera
from tf_advpose.data import schema
from tf_advpose.skeleton import HEAD_TOP, NUM_JOINTS, ROOT, UPPER_NECK

INTRINSICS = np.array([500.0, 520.0, 330.0, 235.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def photo(height: int = 480, width: int = 640) -> np.ndarray:
    """Each pixel says where it is: red its column, green its row, both halved."""
    row, column = np.mgrid[:height, :width] // 2
    return np.stack([column % 256, row % 256, np.zeros_like(row)], axis=-1).astype(np.uint8)


def person(seed: int = 0) -> dict:
    joints = np.random.default_rng(seed).uniform(-1, 1, (NUM_JOINTS, 3)) * 300 + (100, 50, 3000)
    return {
        "joints_2d": camera.project(joints, INTRINSICS),
        "joints_3d_absolute": joints,
        "intrinsics": INTRINSICS,
        "example_id": "someone",
    }


def test_labels_follow_the_cut():
    """A joint lies on the same spot of the scene before and after the cut, and still is its projection."""
    labels, image = person(), photo()
    example = schema.make_example(image, **labels)
    # Where the cut came from, told by its first pixel.
    offset = 2 * example["image"][0, 0, :2].astype(float)
    np.testing.assert_allclose(example["joints_2d"] + offset, labels["joints_2d"], atol=1.001)
    assert (offset > 10).all(), "the photo was not cut, so this test shows nothing"
    projected = camera.project(example["joints_3d_absolute"], example["intrinsics"])
    np.testing.assert_allclose(projected, example["joints_2d"], atol=1e-2)
    np.testing.assert_allclose(example["box"], camera.tight_box(example["joints_2d"]), atol=1e-3)


def test_cut_holds_what_augmentation_may_reach():
    """As far from the box's centre as the margin says, and on to a whole step; or the photo ends before."""
    box = np.array([300.0, 200.0, 20.0, 40.0])
    example = schema.make_example(photo(), person()["joints_2d"], box=box, example_id="x")
    reach = 20 * schema.CUT_MARGIN
    left, top = 24 * np.floor((310 - reach) / 24), 24 * np.floor((220 - reach) / 24)
    assert example["image"].shape[:2] == pytest.approx((220 + reach - top, 310 + reach - left), abs=1)
    np.testing.assert_allclose(example["box"][:2] + [left, top], box[:2])
    corner = schema.make_example(photo(), person()["joints_2d"], box=box - (300, 200, 0, 0), example_id="x")
    assert corner["image"].shape[:2] == pytest.approx(
        (20 + 20 * schema.CUT_MARGIN, 10 + 20 * schema.CUT_MARGIN), abs=2
    )


@pytest.mark.parametrize("box", [(-900.0, 0.0, 30.0, 60.0), (5000.0, 5000.0, 10.0, 10.0)])
def test_box_beyond_the_photo_still_gives_an_image(box):
    example = schema.make_example(photo(), person()["joints_2d"], box=np.array(box), example_id="x")
    assert min(example["image"].shape) >= 1


def test_what_is_known_is_said():
    """has_scale and has_depth are 3D known, and 3D to train on; nothing else stands for them."""
    labels = person()
    assert schema.make_example(photo(), **labels)["has_depth"]
    kept = schema.make_example(photo(), **labels, train_depth=False)
    assert kept["has_scale"] and not kept["has_depth"]
    flat = schema.make_example(photo(), labels["joints_2d"], example_id="x")
    assert not flat["has_scale"] and not flat["has_depth"]


def test_head_size():
    """By default the head bone: in 3D at the pelvis's distance, else in the photo, 0 if unlabelled."""
    labels = person()
    joints, joints_2d = labels["joints_3d_absolute"], labels["joints_2d"]
    bone = np.linalg.norm(joints[HEAD_TOP] - joints[UPPER_NECK])
    expected = bone * INTRINSICS[:2].mean() / joints[ROOT, 2]
    assert schema.make_example(photo(), **labels)["head_size"] == pytest.approx(expected)
    in_photo = schema.make_example(photo(), joints_2d, example_id="x")["head_size"]
    assert in_photo == pytest.approx(np.linalg.norm(joints_2d[HEAD_TOP] - joints_2d[UPPER_NECK]))
    joint_weight = np.ones(NUM_JOINTS)
    joint_weight[UPPER_NECK] = 0
    unknown = schema.make_example(photo(), joints_2d, joint_weight=joint_weight, example_id="x")
    assert unknown["head_size"] == 0
    assert schema.make_example(photo(), joints_2d, head_size=7.5, example_id="x")["head_size"] == 7.5


def test_unlabelled_joints_do_not_widen_the_box():
    joints_2d, joint_weight = person()["joints_2d"], np.ones(NUM_JOINTS)
    joints_2d[3], joint_weight[3] = (-1000, -1000), 0
    box = schema.make_example(photo(), joints_2d, joint_weight=joint_weight, example_id="x")["box"]
    np.testing.assert_allclose(box[2:], np.ptp(np.delete(joints_2d, 3, axis=0), axis=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints_2d": np.zeros((17, 2))}, r"someone: joints_2d has shape \(17, 2\), expected \(16, 2\)"),
        ({"joints_2d": np.full((16, 2), np.nan)}, "someone: joints_2d is not finite"),
        ({"joint_weight": np.zeros(16)}, "no joint is labelled"),
        ({"box": np.array([1.0, 2.0, 0.0, 0.0])}, "smaller than a pixel"),
        ({"intrinsics": np.zeros(4)}, r"intrinsics has shape \(4,\)"),
        ({"joints_3d_absolute": person()["joints_3d_absolute"] * 1000}, "must be millimetres"),
        ({"joints_3d_absolute": person()["joints_3d_absolute"] * (1, 1, -1)}, "in front of the camera"),
    ],
)
def test_bad_labels_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        schema.make_example(photo(), **person() | change)


def test_read_image_names_what_it_cannot_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.jpg"):
        schema.read_image(str(tmp_path / "nowhere.jpg"))
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(ValueError, match="text.jpg"):
        schema.read_image(str(tmp_path / "text.jpg"))
