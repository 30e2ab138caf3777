"""Overlays in their size, people as they stand to each other, films that play to their last frame."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from standing_person import STANDING

from tf_advpose import drawing
from tf_advpose.prediction import pictures, poses
from tf_advpose.prediction.poses import RECORD
from tf_advpose.skeleton import ROOT


def records(count: int = 1) -> np.ndarray:
    """People like `STANDING` half a metre beside and behind each other; a pixel is 5 mm."""
    found = np.zeros(count, RECORD)
    for number, record in enumerate(found):
        place = np.array([500.0, 0, 500.0]) * number
        record["joints_3d"] = STANDING
        record["joints_3d_absolute"] = STANDING + place + [0, 0, 4000]
        record["joints_2d"] = (STANDING[:, :2] + place[:2]) / 5 + [100, 180]
        record["box"] = [70 + 100 * number, 20, 60, 340]
    return found


def where(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """The places (x, y) of a colour."""
    return np.argwhere((np.abs(picture.astype(int) - colour) < 8).all(axis=-1))[:, ::-1]


@pytest.mark.parametrize(("size", "expected"), [((400, 300), (400, 300)), ((3200, 2400), (1600, 1200))])
def test_overlays_are_reduced_and_joints_with_them(size, expected):
    found = records()
    factor = size[0] / 400
    found["joints_2d"] *= factor
    found["box"] *= factor
    photo = np.full((*size, 3), 90, np.uint8)
    drawn = pictures.overlay(photo, found)
    assert drawn.shape[:2] == expected
    left = where(drawn, drawing.LEFT) * 400 / expected[0]
    np.testing.assert_allclose(left[:, 0].mean(), 130, atol=6)  # that side, mostly at x = 150 mm
    assert left[:, 1].max() > 340
    assert pictures.overlay(photo, found[:0]).shape == drawn.shape


def test_lines_suit_the_size_of_the_person():
    found, photo = records(), np.full((400, 300, 3), 90, np.uint8)
    wide = len(where(pictures.overlay(photo, found), drawing.LEFT))
    found["box"][:, 2:] /= 3
    assert len(where(pictures.overlay(photo, found), drawing.LEFT)) < 0.6 * wide


def test_people_stand_to_each_other_as_before_the_camera():
    people = poses.scene(records(3))
    np.testing.assert_allclose(people.mean(axis=0)[ROOT], 0, atol=1e-3)
    np.testing.assert_allclose(people[2, ROOT] - people[0, ROOT], [1000, 0, 1000], atol=1e-3)
    np.testing.assert_allclose(people[1] - people[1, ROOT], STANDING, atol=1e-3)
    assert poses.scene(records(0)).shape == (0, 16, 3)


def test_views_are_of_all_people():
    alone, both = (len(where(pictures.views(records(count)), drawing.LEFT)) for count in (1, 2))
    assert both > 1.3 * alone


def test_a_film_plays_and_its_skeleton_turns(tmp_path):
    """Frames may be of nobody; sizes are even; it has its name only when it is finished."""
    path = tmp_path / "new folder/ü.mp4"
    frame = np.full((211, 333, 3), 90, np.uint8)
    with pictures.film(path, 10.0, width=333, height=211) as add:
        for number in range(40):
            add(frame, records(0 if number == 5 else 1))
        assert not path.exists()
    video, frames = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        frames.append(read[1][..., ::-1].astype(int))
    assert len(frames) == 40 and video.get(cv2.CAP_PROP_FPS) == 10.0
    assert frames[0].shape == (480, 758 + 480, 3)

    def across(frame: np.ndarray) -> float:
        """How far the left side is to the right of the right side, of what is coloured on paper."""
        paper = frame[:, 758:]
        blue, orange = paper[..., 2] - paper[..., 0] > 60, paper[..., 0] - paper[..., 2] > 60
        return np.nonzero(blue)[1].mean() - np.nonzero(orange)[1].mean()

    assert across(frames[0]) > 30 and across(frames[39]) < -30  # 4 seconds: half round
    assert not (np.ptp(frames[5][:, 758:], axis=-1) > 60).any()


def test_a_film_of_which_a_part_is_missing_is_an_error(tmp_path):
    """As where the disk is full, of which OpenCV says nothing: here files may not grow."""
    script = f"""
import resource, signal, numpy as np
from tf_advpose.prediction import pictures, poses
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).integers(0, 256, (60, 100, 100, 3), np.uint8)
with pictures.film({str(tmp_path / "film.mp4")!r}, 10.0, 100, 100) as add:
    for frame in noise:
        add(frame, np.zeros(0, poses.RECORD))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "OSError: of 60 frames" in result.stderr, result.stderr
    assert not list(tmp_path.iterdir())


def test_a_film_that_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    class Closed:
        def __init__(self, *_):
            pass

        def isOpened(self):
            return False

    monkeypatch.setattr(pictures.cv2, "VideoWriter", Closed)
    with (
        pytest.raises(OSError, match="No film can be written to"),
        pictures.film(tmp_path / "film.mp4", 10.0, 20, 20),
    ):
        pass
    assert not list(tmp_path.iterdir())
