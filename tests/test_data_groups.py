"""Photo by photo, video by video: each is decoded once; what cannot be used stops all, or is counted."""

import collections

import cv2
import layouts
import numpy as np
import pytest

from tf_advpose import camera
from tf_advpose.data import groups, schema, video
from tf_advpose.skeleton import NUM_JOINTS

SIZE = layouts.VIDEO_SIZE


def person(image, name: str, **changes) -> dict:
    joints = np.random.default_rng(len(name)).uniform(40, SIZE - 40, (NUM_JOINTS, 2))
    box = np.array([0, 0, SIZE, SIZE])
    return {"image": image, "joints_2d": joints, "box": box, "example_id": name} | changes


def frames_of(path, indices) -> list[dict]:
    return [person(video.VideoFrame(path, index), f"f{index}-{n}") for n, index in enumerate(indices)]


def made(people: list[dict], lenient: bool = True) -> list:
    return [result for group in groups.gather(people) for result in groups.make_examples(group, lenient)]


def picture(example: dict) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(example["image"], np.uint8), cv2.IMREAD_COLOR)


def test_people_of_one_file_are_one_group(tmp_path):
    a, b, clip = tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "c.mp4"
    people = [person(a, "1"), person(a, "2"), person(b, "3"), *frames_of(clip, [0, 5, 5])]
    found = list(groups.gather(people))
    assert [(g.file, g.frames, g.kind) for g in found] == [
        (a, None, "photo"), (b, None, "photo"), (clip, (0, 5, 5), "video"),
    ]  # fmt: skip
    assert [p["example_id"] for p in found[0].people] == ["1", "2"]


@pytest.mark.parametrize("indices", [[3, 2], [-1, 0]])
def test_frames_must_ascend(tmp_path, indices):
    """One pass over the video would give the wrong ones, and nobody would see it."""
    with pytest.raises(ValueError, match="ascending frames of .*c.mp4"):
        list(groups.gather(frames_of(tmp_path / "c.mp4", indices)))


def test_each_photo_and_video_is_opened_once(tmp_path, monkeypatch):
    opened = collections.Counter()

    def counted(module, name):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a: opened.update([name]) or real(*a))

    counted(schema, "read_image")
    counted(video.cv2, "VideoCapture")
    layouts.write_photo(tmp_path / "a.jpg", size=SIZE)
    layouts.write_video(tmp_path / "c.mp4", 20)
    people = [person(tmp_path / "a.jpg", str(number)) for number in range(3)]
    results = made(people + frames_of(tmp_path / "c.mp4", [1, 7, 7, 19]))
    assert opened == {"read_image": 1, "VideoCapture": 1}
    assert [name for name, _ in results] == ["0", "1", "2", "f1-0", "f7-1", "f7-2", "f19-3"]
    whole = [picture(example) for _, example in results[3:]]  # the cut is as large as the video
    assert [layouts.number_in_frame(frame) for frame in whole] == [1, 7, 7, 19]


def spoil_photo(path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-40])
    else:
        path.write_text("<html>404</html>")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("missing", "the photo is missing"),
        ("truncated", "the photo is not readable"),
        ("foreign", "the photo is not readable"),
    ],
)
def test_a_photo_that_cannot_be_used(tmp_path, how, reason):
    """All who are in it are left out, nobody else; or else the error names it."""
    for name in "ab":
        layouts.write_photo(tmp_path / f"{name}.jpg", size=SIZE)
    spoil_photo(tmp_path / "a.jpg", how)

    def people():
        return [person(tmp_path / f"{name[0]}.jpg", name) for name in ("a1", "a2", "b1")]

    skipped, (kept, _) = made(people())
    assert skipped == groups.Skipped(reason, str(tmp_path / "a.jpg"), 2) and kept == "b1"
    with pytest.raises((FileNotFoundError, ValueError), match=r"a\.jpg.*--lenient"):
        made(people(), lenient=False)


@pytest.mark.parametrize(
    ("length", "reason", "left"),
    [
        (None, "the video is missing", 3),
        (0, "the video is not readable", 3),
        (6, "the video ends before its labels", 2),
    ],
)
def test_a_video_that_cannot_be_used(tmp_path, length, reason, left):
    """What it still has is kept."""
    path = tmp_path / "c.avi"
    if length is not None:
        layouts.write_video(path, length)
    results = made(frames_of(path, [5, 6, 10]))
    assert results[-1] == groups.Skipped(reason, str(path), left) and len(results) == 4 - left
    with pytest.raises((FileNotFoundError, ValueError, EOFError), match=r"c\.avi.*--lenient"):
        made(frames_of(path, [5, 6, 10]), lenient=False)


def absurd_labels() -> dict[str, dict]:
    joints = np.full((NUM_JOINTS, 2), 80.0)
    joints[:, 0] += np.arange(NUM_JOINTS)
    nan, far = joints.copy(), joints.copy()
    nan[3, 1], far[3, 1] = np.nan, 1e6
    body = layouts.standing_person(0, NUM_JOINTS)
    stretched, behind = body * [1, 1, 1], body * [1, 1, -1]
    stretched[0, 1] += 5000
    lens = layouts.HUMAN36M_INTRINSICS
    known = {"joints_2d": camera.project(body, lens), "intrinsics": lens}
    return {
        "nan": {"joints_2d": nan},
        "far": {"joints_2d": far},
        "infinite box": {"box": np.array([0, 0, np.inf, 10])},
        "huge box": {"box": np.array([0, 0, 1e5, 1e5])},
        "empty box": {"box": np.array([10.0, 10, 0, 0])},
        "nobody": {"joint_weight": np.zeros(NUM_JOINTS)},
        "stretched": known | {"joints_3d_absolute": stretched},
        "behind": known | {"joints_3d_absolute": behind},
        "nan depth": known | {"joints_3d_absolute": body * [1, 1, np.nan]},
    }


@pytest.mark.parametrize("what", absurd_labels())
def test_labels_that_cannot_be_used(tmp_path, what):
    """One person is left out, and where it was is named; or else the error names it."""
    path = tmp_path / "a.jpg"
    layouts.write_photo(path, size=SIZE)

    def people():
        return [person(path, "one"), person(path, "two", **absurd_labels()[what]), person(path, "three")]

    (first, _), skipped, (last, _) = made(people())
    assert (first, last) == ("one", "three")
    assert skipped == groups.Skipped(groups.BAD_LABELS, f"{path} (two)")
    with pytest.raises(ValueError, match=r"a\.jpg: two: .*--lenient"):
        made(people(), lenient=False)


def test_people_partly_outside_the_photo_are_no_error(tmp_path):
    layouts.write_photo(tmp_path / "a.jpg", size=SIZE)
    joints = np.random.default_rng(0).uniform(-SIZE, SIZE / 2, (NUM_JOINTS, 2))
    ((name, _),) = made([person(tmp_path / "a.jpg", "one", joints_2d=joints)], lenient=False)
    assert name == "one"
