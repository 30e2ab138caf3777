"""Human3.6M's cameras: the public calibration is that of the release, and projects to the given pixels."""

import collections
import xml.etree.ElementTree

import layouts_human36m as layouts
import numpy as np
import pytest

from tf_advpose import camera
from tf_advpose.data.human36m import builder, calibration, views


def read_first(source) -> dict:
    reader, start = builder.find_layout(source)
    return next(reader(start, "train", collections.Counter()))


def test_metadata_beside_the_data_is_used(tmp_path):
    layouts.write_official(tmp_path / "release", world=True)
    for place in ("release", "release/Release-v1.2", "."):
        layouts.write_metadata(tmp_path / place / "metadata.xml", shift=10.0)
        person = read_first(tmp_path / "release")
        lens = layouts.CALIBRATION["S1", "54138969"]
        pelvis = lens.rotation @ (layouts.world_poses("S1", 12)[0, 0] - lens.centre - 10)
        np.testing.assert_allclose(person["joints_3d_absolute"][6], pelvis, atol=0.01)
        (tmp_path / place / "metadata.xml").write_text("<a><w0>[1 2 3]</w0></a>")
        with pytest.raises(ValueError, match="metadata.xml: w0 has 3 numbers, expected 300"):
            read_first(tmp_path / "release")
        (tmp_path / place / "metadata.xml").unlink()


def test_names_and_calibration_are_those_of_the_release(samples):
    """Sequence names, which the numbers do not follow, and cameras: as the real metadata.xml has them."""
    path = samples / "h36m_calibration/metadata.xml"
    rows = [[cell.text for cell in row] for row in xml.etree.ElementTree.parse(path).find("mapping")]
    subjects = rows[0][2:]
    for action, subaction, *names in rows[3:33]:
        for subject, name in zip(subjects, names, strict=True):
            if subject in {subject for subject, _ in layouts.CALIBRATION}:
                numbers = int(action), int(subaction)
                assert views.sequence_names(subject)[numbers] == name
                assert views.find_view(subject, name, "54138969", "").numbers == numbers
    metadata = calibration.read_metadata(path)
    for key, lens in calibration.published().items():
        np.testing.assert_allclose(lens.intrinsics, metadata[key].intrinsics, rtol=1e-9)
        np.testing.assert_allclose(lens.rotation, metadata[key].rotation, atol=1e-8)
        np.testing.assert_allclose(lens.centre, metadata[key].centre, atol=1e-4)


def test_real_cameras_both_ways(samples):
    """Real joints through real lenses, to the given pixels and back from them."""
    with np.load(samples / "h36m_sequences/h36m17_S9_every64_4cams.npz") as file:
        exact = file["pose_source"] == "exact"
        assert exact.any()
        joints, pixels = file["joints_3d_cam"][exact].astype(float), file["joints_2d"][exact]
        numbers, lenses = file["camera"][exact], file["intrinsics_f_c_k_p"]
    for index, number in enumerate(views.CAMERAS):
        here = numbers == index + 1
        intrinsics = layouts.CALIBRATION["S9", number].intrinsics
        np.testing.assert_allclose(intrinsics, lenses[index], rtol=1e-9)
        assert np.abs(camera.project(joints[here], intrinsics) - pixels[here]).max(initial=0) < 0.05
        back = camera.back_project(pixels[here].astype(float), joints[here][..., 2], intrinsics)
        assert np.abs(back - joints[here]).max(initial=0) < 0.3  # mm, of pixels stored as float32
