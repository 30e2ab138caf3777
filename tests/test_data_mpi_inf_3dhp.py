"""MPI-INF-3DHP's readers: frame counting, frames of reference, joints, and files that are wrong."""

import collections
import pickle

import h5py
import layouts
import layouts_mpi_inf_3dhp
import numpy as np
import pytest
import scipy.io

from tf_advpose import camera
from tf_advpose.data import photos, schema
from tf_advpose.data.mpi_inf_3dhp import builder, test_set, training_set
from tf_advpose.skeleton import FROM_MPI_INF_3DHP_17, FROM_MPI_INF_3DHP_28, JOINT_NAMES, THORAX

TS2_INTRINSICS = np.array([*test_set.INTRINSICS["TS2"], *np.zeros(5)])


def read(source, split: str) -> tuple[list[dict], collections.Counter]:
    skipped = collections.Counter()
    reader, start = builder.find_layout(source)
    return list(reader(start, split, skipped)), skipped


@pytest.mark.parametrize(
    "unpacked", ["", "mpi_inf_3dhp_test_set", "mpi_inf_3dhp_test_set/mpi_inf_3dhp_test_set"]
)
def test_official_test_set(tmp_path, unpacked):
    """Valid frames only; row 0 is photo 1; 3D is annot3, beside it univ_annot3; any unpacked folder."""
    pixels, joints = layouts.write_mpi_inf_3dhp(tmp_path / unpacked, TS2_INTRINSICS)
    people, skipped = read(tmp_path, "test")
    assert [person["example_id"] for person in people] == ["TS2_000001", "TS2_000003"]
    assert [person["action"] for person in people] == ["Standing/Walking", "On the Floor"]
    assert all(person["image"].is_file() and person["sequence"] == "TS2" for person in people)
    assert skipped["frames marked invalid"] == 1
    assert skipped["sequence TS1 is not there"] == 1 and not skipped["sequence TS2 is not there"]
    for slot, index in enumerate(FROM_MPI_INF_3DHP_17):
        if slot != THORAX:
            np.testing.assert_allclose(people[1]["joints_3d_absolute"][slot], joints[2, index])
            np.testing.assert_allclose(people[1]["joints_2d"][slot], pixels[2, index])
            universal = (joints[2, index] - joints[2, 14]) / 1.08
            np.testing.assert_allclose(people[1]["joints_3d_universal"][slot], universal, atol=1e-9)
    thorax = (joints[2, 2] + joints[2, 5]) / 2
    np.testing.assert_allclose(people[1]["joints_3d_universal"][THORAX], (thorax - joints[2, 14]) / 1.08)
    np.testing.assert_allclose(people[1]["joints_3d_absolute"][THORAX], thorax)
    np.testing.assert_allclose(
        people[1]["joints_2d"][THORAX], camera.project(thorax[None], TS2_INTRINSICS)[0]
    )
    assert read(tmp_path, "train")[0] == []


def test_universal_joints_are_refused(tmp_path):
    """univ_annot3 does not project onto the photo: taken for annot3 it would spoil every label."""
    layouts.write_mpi_inf_3dhp(tmp_path, TS2_INTRINSICS)
    with h5py.File(tmp_path / "TS2/annot_data.mat", "r+") as file:
        file["annot3"][...] = file["univ_annot3"][...]
    with pytest.raises(ValueError, match="TS2/annot_data.mat: the 2D joints are .* pixels off"):
        read(tmp_path, "test")


def test_wrong_files_are_named(tmp_path):
    layouts.write_mpi_inf_3dhp(tmp_path, TS2_INTRINSICS)
    path = tmp_path / "TS2/annot_data.mat"
    with h5py.File(path, "r+") as file:
        file["activity_annotation"][0] = 8
    with pytest.raises(ValueError, match="activity_annotation of valid frames must be 1 to 7"):
        read(tmp_path, "test")
    with h5py.File(path, "r+") as file:
        del file["annot2"]
        file["annot2"] = np.zeros((3, 1, 28, 2))
    with pytest.raises(ValueError, match=r"annot2 has shape \(3, 1, 28, 2\), expected \(3, 1, 17, 2\)"):
        read(tmp_path, "test")
    with h5py.File(path, "r+") as file:
        del file["valid_frame"]
    with pytest.raises(ValueError, match="valid_frame"):
        read(tmp_path, "test")
    path.write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(ValueError, match="annot_data.mat is not a MATLAB 7.3 file"):
        read(tmp_path, "test")


@pytest.mark.parametrize("unpacked", ["", "mpi_inf_3dhp"])
def test_official_training_set(tmp_path, unpacked):
    """Every fifth frame of the eight cameras, from videos; 28 joints in our order; 3D is annot3."""
    folder = tmp_path / unpacked / "S4/Seq2"
    pixels, joints = layouts_mpi_inf_3dhp.write_training_sequence(folder, rows=12)
    people, skipped = read(tmp_path, "train")
    assert [person["example_id"] for person in people] == [
        f"S4_Seq2_Cam{number}_{frame:06d}" for number in training_set.CAMERAS for frame in (1, 6, 11)
    ]
    person = people[-2]
    assert person["image"] == photos.VideoFrame(folder / "imageSequence/video_8.avi", 5)
    assert (person["subject"], person["sequence"]) == ("S4", "S4_Seq2_Cam8")
    np.testing.assert_allclose(person["intrinsics"], layouts_mpi_inf_3dhp.intrinsics(8))
    for slot, index in enumerate(FROM_MPI_INF_3DHP_28):
        if slot != THORAX:
            np.testing.assert_allclose(person["joints_3d_absolute"][slot], joints[8, 5, index])
            np.testing.assert_allclose(person["joints_2d"][slot], pixels[8, 5, index])
    shoulders = joints[8, 5, [14, 9]].mean(axis=0)
    np.testing.assert_allclose(person["joints_3d_absolute"][THORAX], shoulders)
    assert skipped["sequence S4/Seq1 is not there"] == 1 and len(skipped) == 15
    assert read(tmp_path, "test")[0] == []


def test_training_set_left_out(tmp_path, monkeypatch):
    """Rows beyond a sequence's length, the short video by name, frames that a video lacks."""
    layouts_mpi_inf_3dhp.write_training_sequence(tmp_path / "S6/Seq2", rows=12)
    monkeypatch.setitem(training_set.LENGTHS, ("S6", "Seq2"), 7)
    layouts_mpi_inf_3dhp.write_video(tmp_path / "S6/Seq2/imageSequence/video_1.avi", frames=4)
    layouts_mpi_inf_3dhp.write_video(tmp_path / "S6/Seq2/imageSequence/video_4.avi", frames=9)
    people, skipped = read(tmp_path, "train")
    assert len(people) == 2 * 7 - 1
    assert not any(person["sequence"] == "S6_Seq2_Cam2" for person in people)
    assert skipped["S6/Seq2/video_2.avi: the video is too short"] == 2
    assert skipped["labels beyond the end of their video"] == 1


def test_step_is_a_setting_and_both_sets_may_be_there(tmp_path):
    layouts_mpi_inf_3dhp.write_training_sequence(tmp_path / "S1/Seq1", rows=12)
    layouts.write_mpi_inf_3dhp(tmp_path / "mpi_inf_3dhp_test_set", TS2_INTRINSICS)
    dataset = builder.MpiInf3dhp(source=str(tmp_path), data_dir=str(tmp_path / "data"), train_step=4)
    reader, start = dataset.find_layout(tmp_path)
    counts = {split: len(list(reader(start, split, collections.Counter()))) for split in ("train", "test")}
    assert counts == {"train": 8 * 3, "test": 2}


def test_wrong_training_files_are_named(tmp_path):
    folder = tmp_path / "S1/Seq1"
    layouts_mpi_inf_3dhp.write_training_sequence(folder, rows=6)
    values = scipy.io.loadmat(folder / "annot.mat", variable_names=("annot2", "annot3", "univ_annot3"))
    values = {key: values[key] for key in ("annot2", "annot3", "univ_annot3")}
    fewer = values["annot3"].copy()
    fewer[3, 0] = np.zeros((6, 51))
    for changed, message in (
        ({"annot3": values["univ_annot3"]}, "annot.mat, camera 0: the 2D joints are .* pixels off"),
        ({"annot3": values["annot3"][:8]}, r"annot3 has shape \(8, 1\), expected \(14, 1\)"),
        ({"annot3": fewer}, r"annot3 of camera 3 has shape \(6, 51\), expected \(6, 84\)"),
    ):
        scipy.io.savemat(folder / "annot.mat", values | changed)
        with pytest.raises(ValueError, match=message):
            read(tmp_path, "train")
    whole = (folder / "annot.mat").read_bytes()
    with h5py.File(folder / "v73.mat", "w") as file:
        file["annot2"] = np.zeros(3)
    for broken in (whole[: len(whole) // 2], b"", (folder / "v73.mat").read_bytes()):
        (folder / "annot.mat").write_bytes(broken)
        with pytest.raises(ValueError, match="annot.mat is not a MATLAB 5 file with annot2 and annot3"):
            read(tmp_path, "train")
    calibration = folder / "camera.calibration"
    text = calibration.read_text()
    for old, new, message in (
        (
            "name          3",
            "name          99",
            "no intrinsic matrix of camera 3, expected those of 0 to 13",
        ),
        ("name          3", "name", "expected a number or a 4 x 4 matrix, found 'name'"),
        ("intrinsic   1500.3 0", "intrinsic   1500.3", "found 'intrinsic   1500.3 10"),
    ):
        assert old in text
        calibration.write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=message):
            read(tmp_path, "train")
    calibration.unlink()
    with pytest.raises(FileNotFoundError, match="cameras of the labels are missing: .*camera.calibration"):
        read(tmp_path, "train")


def write_mmpose(folder) -> list[str]:
    """MMPose's test split of three photos each of TS1 and TS2, in turns. Returns the examples' names."""
    sequences = ["TS1", "TS2"] * 3
    names = [f"{sequence}_{row // 2 + 1:06d}" for row, sequence in enumerate(sequences)]
    joints = np.stack([layouts.standing_person(row, 17) for row in range(len(names))])
    lenses = np.array([[*test_set.INTRINSICS[sequence], *np.zeros(5)] for sequence in sequences])
    ones = np.ones((len(names), 17, 1))
    np.savez(
        folder / "mpi_inf_3dhp_test.npz",
        imgname=[f"{name}.jpg" for name in names],
        part=np.concatenate([camera.project(joints, lenses), ones], axis=-1),
        S=np.concatenate([joints / 1000, ones], axis=-1),
    )
    cameras = {
        sequence: {"f": lens[:2], "c": lens[2:4]} for sequence, lens in zip(sequences, lenses, strict=True)
    }
    (folder / "cameras_test.pkl").write_bytes(pickle.dumps(cameras))
    return names


def change(path, key: str, row: int, shift: float) -> None:
    """Moves the joints of one row of an .npz file."""
    arrays = dict(np.load(path))
    arrays[key][row, :, 0] += shift
    np.savez(path, **arrays)


def test_one_wrong_row_of_mmpose_does_not_stop_the_others(tmp_path):
    """2D and 3D of a sequence are held against each other, not those of a row; the order is the file's."""
    names = write_mmpose(tmp_path)
    path = tmp_path / "mpi_inf_3dhp_test.npz"
    change(path, "part", 2, shift=50.0)
    people, _ = read(tmp_path, "test")
    assert [person["example_id"] for person in people] == names
    assert [person["sequence"] for person in people] == ["TS1", "TS2"] * 3
    change(path, "part", 4, shift=50.0)
    with pytest.raises(ValueError, match=r"test\.npz, TS1: the 2D joints are 50\.0 pixels off"):
        read(tmp_path, "test")


@pytest.mark.parametrize("level", ["above", "above/data/TS2"])
def test_wrong_folder_levels(tmp_path, level):
    layouts.write_mpi_inf_3dhp(tmp_path / "above/data", TS2_INTRINSICS)
    with pytest.raises(ValueError, match=r"is the wrong folder level: .* which is .*/above/data\."):
        builder.find_layout(tmp_path / level)


def test_labels_that_are_no_numbers_are_of_one_example(tmp_path):
    """A reader goes on; whoever makes the example refuses it by name."""
    layouts.write_mpi_inf_3dhp(tmp_path, TS2_INTRINSICS)
    with h5py.File(tmp_path / "TS2/annot_data.mat", "r+") as file:
        file["annot3"][0, 0, 3] = np.nan
    people, _ = read(tmp_path, "test")
    assert len(people) == 2
    for person in people:
        person.pop("image")
    photo = np.zeros((2048, 2048, 3), np.uint8)
    with pytest.raises(ValueError, match="TS2_000001: .* is not finite"):
        schema.make_example(photo, **people[0])
    schema.make_example(photo, **people[1])


def test_real_frames(samples):
    """Both layouts say the same of a real frame, and the person's right is on the photo's left."""
    (official,), _ = read(samples / "mpi_inf_3dhp_test_set_MINI", "test")
    (converted,), _ = read(samples / "mpi_inf_3dhp_mmpose", "test")
    assert official["example_id"] == converted["example_id"] == "TS1_002001"
    np.testing.assert_allclose(official["joints_2d"], converted["joints_2d"], atol=0.1)
    np.testing.assert_allclose(official["joints_3d_absolute"], converted["joints_3d_absolute"], atol=0.01)
    np.testing.assert_allclose(official["intrinsics"], converted["intrinsics"], atol=0.1)
    joints_2d = dict(zip(JOINT_NAMES, official["joints_2d"], strict=True))  # he faces the camera
    assert joints_2d["right_shoulder"][0] < joints_2d["left_shoulder"][0]
    assert joints_2d["head_top"][1] < joints_2d["pelvis"][1] < joints_2d["left_ankle"][1]
    (train,), _ = read(samples / "mpi_inf_3dhp_mmpose", "train")
    assert (train["subject"], train["sequence"]) == ("S4", "S4_Seq2_Cam0")
