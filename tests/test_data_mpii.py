"""MPII's readers: pixel counting, boxes, head sizes, missing joints, splits; wrong files are named."""

import collections
import json

import layouts
import numpy as np
import pytest

from tf_advpose.data import mpii


def read(source, split: str) -> tuple[list[dict], collections.Counter]:
    skipped = collections.Counter()
    reader, start = mpii.Mpii.find_layout(source)
    return list(reader(start, split, skipped)), skipped


@pytest.mark.parametrize("zipped", [False, True])
def test_json(tmp_path, zipped):
    layouts.write_mpii_json(tmp_path, zipped)
    people, skipped = read(tmp_path, "train")
    assert [person["example_id"] for person in people] == ["a_1", "b_1", "b_2"]
    assert not skipped
    assert all(person["image"].is_file() for person in people)
    joints, centre, scale = layouts.mpii_person(0)
    first = people[0]
    # An occluded joint counts as labelled, a missing one does not; labels count pixels from 1.
    np.testing.assert_array_equal(np.flatnonzero(first["joint_weight"] == 0), [5])
    np.testing.assert_allclose(np.delete(first["joints_2d"], 5, 0), np.delete(joints, 5, 0) - 0.5)
    # The centre is moved down by 15 scale; the box is 200 scale wide.
    box = first["box"]
    np.testing.assert_allclose(box[:2] + box[2:] / 2, np.array(centre) + (0, 15 * scale) - 0.5 * np.ones(2))
    np.testing.assert_allclose(box[2:], 200 * scale)


def test_json_head_sizes(tmp_path):
    """Measured where valid.h5 has them, else from the head bone, unknown where the head is not labelled."""
    layouts.write_mpii_json(tmp_path)
    by_id = {p["example_id"]: p for split in ("train", "validation") for p in read(tmp_path, split)[0]}
    joints = layouts.mpii_person(3)[0]
    assert by_id["c_1"]["head_size"] == pytest.approx(0.75 * np.linalg.norm(joints[8] - joints[9]))
    assert by_id["b_2"]["head_size"] == 0
    layouts.write_mpii_valid_h5(tmp_path, head_size=33.25)
    (person,) = read(tmp_path, "validation")[0]
    assert person["example_id"] == "c_1" and person["head_size"] == 33.25


def test_mat_alone_puts_everyone_in_train(tmp_path):
    """Every form of the release's records: field sets, is_visible, empty records, joints absent."""
    layouts.write_mpii_mat(tmp_path / "mpii_human_pose_v1_u12_1.mat")
    people, skipped = read(tmp_path, "train")
    by_id = {person["example_id"]: person for person in people}
    assert list(by_id) == ["a_1", "b_1", "c_1", "c_2"]
    assert skipped == {
        "no joint is labelled": 1,
        "no centre or scale is labelled": 1,
        "a photo of the test split, which has no labels": 1,
    }
    assert read(tmp_path, "validation")[0] == []
    joints, centre, scale = layouts.mpii_person(0)
    np.testing.assert_allclose(by_id["a_1"]["joints_2d"], joints - 0.5)
    assert by_id["a_1"]["joint_weight"].all()
    assert by_id["a_1"]["head_size"] == pytest.approx(0.6 * 50)  # a rectangle of 30 x 40
    assert by_id["b_1"]["head_size"] == 0
    # A lone joint goes by its id, not by its place.
    np.testing.assert_array_equal(np.flatnonzero(by_id["c_1"]["joint_weight"]), [9])
    np.testing.assert_allclose(by_id["c_1"]["joints_2d"][9], (6.5, 7.5))
    np.testing.assert_allclose(by_id["a_1"]["box"][2:], 200 * scale)


@pytest.mark.parametrize("list_file", ["json", "h5"])
def test_mat_with_a_validation_list(tmp_path, list_file):
    """Validation is who the list names; who shares a photo with them is in neither split."""
    folder = tmp_path / "mpii_human_pose_v1_u12_2"
    layouts.write_mpii_mat(folder / "mpii_human_pose_v1_u12_1.mat")
    (folder / "images").rename(tmp_path / "images")
    layouts.write_mpii_json(tmp_path)
    if list_file == "h5":
        (tmp_path / "mpii_annotations.json").unlink()
        layouts.write_mpii_valid_h5(tmp_path, head_size=1.0)
    train, skipped = read(tmp_path, "train")
    assert [person["example_id"] for person in train] == ["a_1", "b_1"]
    assert skipped["shares a photo with someone in validation"] == 1
    (person,) = read(tmp_path, "validation")[0]
    assert person["example_id"] == "c_1"
    assert person["image"] == tmp_path / "images/c.jpg" and person["image"].is_file()


def test_wrong_files_are_named(tmp_path):
    layouts.write_mpii_json(tmp_path / "shape")
    path = tmp_path / "shape/mpii_annotations.json"
    records = json.loads(path.read_text())
    path.write_text(json.dumps([records[0], records[1] | {"joint_self": [[1, 2, 3]]}]))
    with pytest.raises(ValueError, match=r"record 1: joint_self is \(1, 3\), expected \(16, 3\)"):
        read(path, "train")
    coco = tmp_path / "coco.json"
    coco.write_text(json.dumps({"images": [], "annotations": []}))
    with pytest.raises(ValueError, match="expected a list of people, got dict"):
        read(coco, "train")
    for name, content in (
        ("half.json.gz", b"\x1f\x8b\x08\x00"),
        ("text.json", b"["),
        ("other.mat", b"text"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read(tmp_path / name, "train")


def test_real_annotations(samples):
    """The public list's counts, and the official release says the same of the people it shares with it."""
    json_people = {p["example_id"]: p for p in read(samples / "mpii", "validation")[0]}
    assert len(json_people) == 2958
    assert sum(person["head_size"] > 0 for person in json_people.values()) == 2958
    mat_people = read(samples / "mpii/mpii_human_pose_v1_u12_1_MINI.mat", "validation")[0]
    assert len(mat_people) == 14
    for person in mat_people:
        other = json_people[person["example_id"]]
        np.testing.assert_array_equal(person["joint_weight"], other["joint_weight"])
        labelled = person["joint_weight"] > 0
        np.testing.assert_allclose(person["joints_2d"][labelled], other["joints_2d"][labelled], atol=1e-3)
        np.testing.assert_allclose(person["box"], other["box"], atol=0.11)  # the list rounds the scale
        assert person["head_size"] == pytest.approx(other["head_size"])
