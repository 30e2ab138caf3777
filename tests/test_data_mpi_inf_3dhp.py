"""MPI-INF-3DHP's readers: frame counting, frames of reference, joints, and files that are wrong."""

import collections

import h5py
import layouts
import numpy as np
import pytest

from tf_advpose import camera
from tf_advpose.data import mpi_inf_3dhp
from tf_advpose.skeleton import FROM_MPI_INF_3DHP_17, JOINT_NAMES, THORAX

TS2_INTRINSICS = np.array([*mpi_inf_3dhp.TEST_INTRINSICS["TS2"], *np.zeros(5)])


def read(source, split: str) -> tuple[list[dict], collections.Counter]:
    skipped = collections.Counter()
    reader, start = mpi_inf_3dhp.MpiInf3dhp.find_layout(source)
    return list(reader(start, split, skipped)), skipped


@pytest.mark.parametrize(
    "unpacked", ["", "mpi_inf_3dhp_test_set", "mpi_inf_3dhp_test_set/mpi_inf_3dhp_test_set"]
)
def test_official_test_set(tmp_path, unpacked):
    """Valid frames only; row 0 is photo 1; 3D is annot3; whichever folder it was unpacked to."""
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
    thorax = (joints[2, 2] + joints[2, 5]) / 2
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
    with pytest.raises(ValueError, match="TS2/annot_data.mat, row 0: the 2D joints are .* pixels off"):
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
