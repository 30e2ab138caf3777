"""Frames of videos: exactly those that are asked for, and one clear line for what is wrong with a file."""

import layouts
import numpy as np
import pytest

from tf_advpose.data.video import read_frames

LENGTH = 40


@pytest.fixture(scope="module", params=["avi", "mp4"])
def path(request, tmp_path_factory):
    file = tmp_path_factory.mktemp("video") / f"video.{request.param}"
    layouts.write_video(file, LENGTH)
    return file


@pytest.mark.parametrize("indices", [range(LENGTH), (0,), (LENGTH - 1,), (3, 3, 8, 13, 13, 39), ()])
def test_frames_are_those_asked_for(path, indices):
    frames = list(read_frames(path, indices))
    assert [layouts.number_in_frame(frame) for frame in frames] == list(indices)


def test_colours_are_rgb(path):
    (frame,) = read_frames(path, [0])
    assert frame.dtype == np.uint8 and frame.shape == (layouts.VIDEO_SIZE, layouts.VIDEO_SIZE, 3)
    np.testing.assert_allclose(frame[-20:, -20:].mean((0, 1)), layouts.VIDEO_CORNER, atol=12)


def test_a_video_that_ends_too_early_gives_what_it_has(path):
    frames = read_frames(path, [10, LENGTH - 1, LENGTH, LENGTH + 9])
    assert layouts.number_in_frame(next(frames)) == 10
    assert layouts.number_in_frame(next(frames)) == LENGTH - 1
    with pytest.raises(EOFError, match=rf"{path.name} ends after {LENGTH} frames; its labels go on to 49"):
        next(frames)


def test_what_is_no_video_is_named(tmp_path, path):
    with pytest.raises(FileNotFoundError, match="Video not found: .*nowhere.mp4"):
        next(read_frames(tmp_path / "nowhere.mp4", [0]))
    stub = tmp_path / path.name
    stub.write_bytes(path.read_bytes()[:300])  # an archive that was not unpacked to its end
    with pytest.raises(ValueError, match=f"Not a readable video: {stub}"):
        next(read_frames(stub, [0]))


def test_a_truncated_video_is_an_error_and_no_shorter_video(tmp_path, path):
    cut = tmp_path / path.name
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises((EOFError, ValueError), match=cut.name):
        list(read_frames(cut, range(LENGTH)))
