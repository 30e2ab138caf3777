"""Frames of videos: exactly those that are asked for, and one clear line for what is wrong with a file."""

import layouts
import numpy as np
import pytest

from tf_advpose.data.video import USUAL_FRAME_RATE, frame_rate, read_frames, read_upright

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


def test_all_frames_upright(tmp_path):
    """As phones store what was taken in portrait: lying, with a rotation in the track's header."""
    path = tmp_path / "phone.mp4"
    layouts.write_video(path, LENGTH)
    content = path.read_bytes()
    at = content.index(b"tkhd") + 44  # version 0: the matrix follows times, layer, group and volume
    matrix = np.frombuffer(content[at : at + 36], ">i4")
    assert matrix.tolist() == [65536, 0, 0, 0, 65536, 0, 0, 0, 2**30]
    quarter = np.array([0, 65536, 0, -65536, 0, 0, layouts.VIDEO_SIZE << 16, 0, 2**30], ">i4")
    path.write_bytes(content[:at] + quarter.tobytes() + content[at + 36 :])
    upright, stored = list(read_upright(path)), list(read_frames(path, range(LENGTH)))
    assert len(upright) == LENGTH
    for turned, lying in zip(upright, stored, strict=True):
        np.testing.assert_array_equal(turned, np.rot90(lying, -1))


def test_what_is_no_video_to_predict_from_is_named(tmp_path, path):
    assert len(list(read_upright(path))) == LENGTH and frame_rate(path) > 1
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match="Not a readable video: .*text.mp4"):
        next(read_upright(tmp_path / "text.mp4"))
    with pytest.raises(FileNotFoundError, match="Video not found: .*none.mp4"):
        next(read_upright(tmp_path / "none.mp4"))
    assert frame_rate(tmp_path / "text.mp4") == USUAL_FRAME_RATE
