"""MPII's readers: pixel counting, boxes, head sizes, missing joints, splits; wrong files are named."""

import collections
import json

import h5py
import layouts
import layouts_mpii
import numpy as np
import pytest

from tf_advpose.data.mpii import builder


def read(source, split: str) -> tuple[list[dict], collections.Counter]:
    skipped = collections.Counter()
    reader, start = builder.Mpii.find_layout(source)
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


@pytest.mark.parametrize("form", [{}, {"annotations": "annotations", "mmpose": True}, {"annotations": "."}])
def test_hrnet(tmp_path, form):
    """The same people as in the JSON that names the validation split, under either set of file names."""
    layouts.write_mpii_json(tmp_path / "json")
    layouts_mpii.write_hrnet(tmp_path / "hrnet", **form)
    for split in ("train", "validation"):
        people, skipped = read(tmp_path / "hrnet", split)
        assert_same_people(people, read(tmp_path / "json", split)[0], atol=1e-4)
        assert not skipped and all(person["image"].is_file() for person in people)
    assert people[0]["head_size"] == pytest.approx(layouts_mpii.HEAD_SIZE)


def test_hrnet_without_its_other_files(tmp_path):
    """trainval.json without validation and those in its photos; head sizes from valid.h5, else guessed."""
    layouts_mpii.write_hrnet(tmp_path, heads=False)
    joints = layouts.mpii_person(3)[0]
    guess = 0.75 * np.linalg.norm(joints[8] - joints[9])
    assert read(tmp_path, "validation")[0][0]["head_size"] == pytest.approx(guess, rel=1e-4)
    layouts.write_mpii_valid_h5(tmp_path / "annot", head_size=33.25)
    assert read(tmp_path, "validation")[0][0]["head_size"] == 33.25
    (tmp_path / "annot/train.json").unlink()
    people, skipped = read(tmp_path, "train")
    assert [person["example_id"] for person in people] == ["a_1", "b_1", "b_2"]
    assert skipped == {"shares a photo with someone in validation": 1}


@pytest.mark.parametrize(
    "form",
    [{}, {"everyone": True}, {"everyone": True, "first_pixel": 0}],
    ids=["train", "annot", "annot from 0"],
)
def test_hdf5(tmp_path, form):
    """Centre and scale, which train.h5 and valid.h5 have moved and enlarged, are MPII's again."""
    layouts.write_mpii_json(tmp_path / "json")
    layouts_mpii.write_hdf5(tmp_path / "pose-hg/annot", **form)
    layouts_mpii.write_photos(tmp_path / "pose-hg")
    for split in ("train", "validation"):
        people, skipped = read(tmp_path / "pose-hg", split)
        assert_same_people(people, read(tmp_path / "json", split)[0], atol=1)  # cut to whole pixels
        assert all(person["image"].is_file() for person in people)
        assert all(person["head_size"] == layouts_mpii.HEAD_SIZE for person in people)
        if split == "train" and form:
            assert skipped == {"no joint is labelled": 1, "shares a photo with someone in validation": 1}
    whole = read(tmp_path / "pose-hg", "train")[0][0]["joints_2d"][0]
    np.testing.assert_array_equal(whole, layouts.mpii_person(0)[0][0] - 0.5)


def test_release_without_a_list_gives_way_to_files_with_one(tmp_path):
    layouts.write_mpii_mat(tmp_path / "mpii_human_pose_v1_u12_1.mat")
    assert builder.Mpii.find_layout(tmp_path)[0].__name__ == "read_mat"
    layouts_mpii.write_hrnet(tmp_path)
    assert builder.Mpii.find_layout(tmp_path)[0].__name__ == "read_hrnet"
    layouts.write_mpii_json(tmp_path)
    assert builder.Mpii.find_layout(tmp_path)[0].__name__ == "read_mat"


def test_source_may_be_the_label_file(tmp_path):
    layouts_mpii.write_hrnet(tmp_path)
    layouts_mpii.write_hdf5(tmp_path / "annot")
    layouts.write_mpii_json(tmp_path, zipped=True)
    for name in ("annot/valid.json", "annot/train.h5", "mpii_annotations.json.gz"):
        assert [person["example_id"] for person in read(tmp_path / name, "validation")[0]] == ["c_1"]


def assert_same_people(people: list[dict], others: list[dict], atol: float) -> None:
    for person, other in zip(people, others, strict=True):
        assert person["example_id"] == other["example_id"]
        np.testing.assert_array_equal(person["joint_weight"], other["joint_weight"])
        labelled = person["joint_weight"] > 0
        np.testing.assert_allclose(person["joints_2d"][labelled], other["joints_2d"][labelled], atol=atol)
        np.testing.assert_allclose(person["box"], other["box"], atol=1e-6)


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


def test_wrong_hrnet_files_are_named(tmp_path):
    for number, (name, change, message) in enumerate(
        (
            (
                "valid.json",
                lambda people: [{**people[0], "joints": [[1, 2]]}],
                r"joints is \(1, 2\), expected",
            ),
            ("valid.json", lambda people: people[0], "valid.json: expected a list of people, got dict"),
            ("valid.json", lambda people: people * 2, r"gt_valid.mat: headboxes_src has shape \(2, 2, 1\)"),
            ("valid.json", lambda people: [{"image": "c.jpg"}], "record 0 lacks joints_vis, joints, scale"),
        )
    ):
        layouts_mpii.write_hrnet(tmp_path / str(number))
        path = tmp_path / f"{number}/annot/{name}"
        path.write_text(json.dumps(change(json.loads(path.read_text()))))
        with pytest.raises(ValueError, match=message):
            read(tmp_path / str(number), "validation")
    layouts_mpii.write_hrnet(tmp_path / "other")
    annot = tmp_path / "other/annot"
    (annot / "valid.json").write_text(json.dumps(json.loads((annot / "train.json").read_text())[:1]))
    with pytest.raises(ValueError, match="gt_valid.mat: the people are not those of the label file"):
        read(tmp_path / "other", "validation")
    (annot / "gt_valid.mat").write_bytes(b"MATLAB")
    with pytest.raises(ValueError, match="gt_valid.mat is not a .mat file with headboxes_src"):
        read(tmp_path / "other", "validation")


def test_wrong_hdf5_files_are_named(tmp_path):
    layouts_mpii.write_hdf5(tmp_path, everyone=True)
    with h5py.File(tmp_path / "annot.h5", "r+") as file:
        file["part"][...] += 7
    with pytest.raises(ValueError, match="annot.h5: joints differ from those of the same people .* by -7"):
        read(tmp_path, "train")
    with h5py.File(tmp_path / "annot.h5", "r+") as file:
        file["person"][...] += 1
    with pytest.raises(ValueError, match="annot.h5 has none of the people in valid.h5"):
        read(tmp_path, "train")
    with h5py.File(tmp_path / "valid.h5", "r+") as file:
        del file["part"]
        file["part"] = np.zeros((1, 14, 2))
    with pytest.raises(ValueError, match=r"valid.h5: part has shape \(1, 14, 2\), expected \(1, 16, 2\)"):
        read(tmp_path, "validation")
    with h5py.File(tmp_path / "valid.h5", "r+") as file:
        del file["part"]
    with pytest.raises(
        ValueError, match="valid.h5 is not an HDF5 file with imgname, person, normalize, part"
    ):
        read(tmp_path, "validation")
    (tmp_path / "valid.h5").write_bytes((tmp_path / "valid.h5").read_bytes()[:1000])
    with pytest.raises(ValueError, match="valid.h5 is not an HDF5 file"):
        read(tmp_path, "validation")


def test_wrong_folder_level(tmp_path):
    layouts_mpii.write_hrnet(tmp_path / "mpii")
    with pytest.raises(ValueError, match=r"wrong folder level: .* which is .*/mpii\."):
        builder.Mpii.find_layout(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist: expected a folder with mpii_human_pose"):
        builder.Mpii.find_layout(tmp_path / "nowhere")


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


def test_real_hdf5(samples, tmp_path):
    """pose-hg's real valid.h5 and the public list, of the same 2,958 people, say the same."""
    (tmp_path / "valid.h5").symlink_to(samples / "mpii/valid.h5")
    people, _ = read(tmp_path, "validation")
    others, _ = read(samples / "mpii", "validation")
    assert len(people) == 2958
    for person, other in zip(people, others, strict=True):
        assert person["example_id"] == other["example_id"]
        np.testing.assert_array_equal(person["joint_weight"], other["joint_weight"])
        np.testing.assert_allclose(person["box"], other["box"], atol=0.11)  # the list rounds the scale
        assert person["head_size"] == pytest.approx(other["head_size"])


def test_real_hrnet(samples, tmp_path):
    """The first people of HRNet's real valid.json and of the public list are the same."""
    (tmp_path / "valid.json").symlink_to(samples / "mpii/hrnet_style_valid_excerpt.json")
    people, _ = read(tmp_path, "validation")
    others, _ = read(samples / "mpii", "validation")
    for person, other in zip(people, others, strict=False):
        assert person["image"].name == other["image"].name
        np.testing.assert_array_equal(person["joint_weight"], other["joint_weight"])
        labelled = person["joint_weight"] > 0
        np.testing.assert_allclose(person["joints_2d"][labelled], other["joints_2d"][labelled], atol=1e-3)
        np.testing.assert_allclose(person["box"], other["box"], atol=0.11)
