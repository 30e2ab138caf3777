"""Which files are meant, and where people are in them: as documented, or a line that says what is wrong."""

import json
import pathlib

import pytest

from tf_advpose.prediction import inputs, people
from tf_advpose.prediction.inputs import Source


def touch(folder: pathlib.Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(given) -> list[str]:
    return [source.name for source in inputs.find(str(given))]


def test_folders_are_searched_in_order_and_other_files_left_alone(tmp_path):
    touch(tmp_path, "b.JPG", "a/b.jpg", "a/deep er/ü.png", "film.MOV", "notes.txt", "._b.jpg")
    (tmp_path / "folder.jpg").mkdir()
    assert names(tmp_path) == ["a/b.jpg", "a/deep er/ü.png", "b.JPG", "film.MOV"]
    assert [source.is_video for source in inputs.find(str(tmp_path))] == [False, False, False, True]


def test_patterns_keep_the_folders_below_their_fixed_part(tmp_path):
    touch(tmp_path, "x/one/a.jpg", "x/two/a.jpg", "x/two/b.png", "y/a.jpg")
    assert names(tmp_path / "x/*/a.*") == ["one/a.jpg", "two/a.jpg"]
    assert names(tmp_path / "**/a.jpg") == ["x/one/a.jpg", "x/two/a.jpg", "y/a.jpg"]
    assert names(tmp_path / "x/two/[ab].*") == ["a.jpg", "b.png"]
    assert names(tmp_path / "**/**/b.png") == ["x/two/b.png"]


def test_a_file_is_meant_whatever_signs_are_in_its_name(tmp_path):
    touch(tmp_path, "a[1].jpg", "what?.jpg")
    assert names(tmp_path / "a[1].jpg") == ["a[1].jpg"]
    assert names(tmp_path / "what?.jpg") == ["what?.jpg"]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("none.jpg", FileNotFoundError, "Input not found: .*none.jpg"),
        ("*.png", FileNotFoundError, "There is no photo or video among .*png"),
        ("", FileNotFoundError, "There is no photo or video among"),
        ("a.txt", ValueError, r"a.txt is no photo or video: expected a file that ends in .jpg, .jpeg"),
    ],
)
def test_what_is_no_input_is_named(tmp_path, given, error, message):
    touch(tmp_path, "a.txt")
    with pytest.raises(error, match=message):
        inputs.find(str(tmp_path / given))


SOURCES = [Source(pathlib.Path(name), name) for name in ("a.jpg", "b/c.png", "d.mp4", "e.mp4")]
BOX = [1, 2, 3.5, 4]
GOOD = {"a.jpg": [BOX, BOX], "b/c.png": [], "d.mp4": {"0": [BOX], "12": []}, "e.mp4": None}


def read(tmp_path, content) -> people.People:
    path = tmp_path / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return people.read(path, SOURCES)


def test_boxes_of_photos_and_frames(tmp_path):
    found = read(tmp_path, GOOD)
    photo, empty, video, unknown = SOURCES
    assert found.boxes(photo, 0) == [BOX, BOX]
    assert found.boxes(empty, 0) == []
    assert [found.boxes(video, frame) for frame in (0, 1, 12)] == [[BOX], [], []]
    assert found.boxes(unknown, 7) is None
    assert people.People(box=BOX).boxes(video, 5) == [BOX]
    assert people.People().boxes(photo, 0) is None
    assert people.parse_box("1,2,3.5,4") == BOX


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "boxes.json is no JSON: "),
        ([BOX], r'boxes.json: expected {"<input>": \[\[x, y, width, height\]'),
        (GOOD | {"z.jpg": []}, "has boxes of 'z.jpg', which is none of the 4 inputs; .* 'a.jpg'"),
        ({"a.jpg": []}, r"lacks 3 of 4 inputs; the first is 'b/c.png'. Give it \[\] for nobody"),
        (GOOD | {"a.jpg": BOX}, r"'a.jpg': a box is x, y, width, height in pixels.*got 1\."),
        (GOOD | {"a.jpg": [[1, 2, 3]]}, r"'a.jpg': a box is .*got \[1, 2, 3\]"),
        (GOOD | {"a.jpg": [[1, 2, 3, "4"]]}, "a box is"),
        (GOOD | {"a.jpg": [[1, 2, 3, True]]}, "a box is"),
        (GOOD | {"a.jpg": [[1, 2, 3, 0]]}, "the last two above 0"),
        ('{"a.jpg": [[1, 2, 3, Infinity]]}', "a box is"),
        (GOOD | {"a.jpg": "1,2,3,4"}, r"'a.jpg': expected a list of boxes .*, got '1,2,3,4'"),
        (GOOD | {"a.jpg": {"0": [BOX]}}, "'a.jpg': a photo has no frames"),
        (
            GOOD | {"d.mp4": {"first": [BOX]}},
            "'d.mp4': expected the numbers of frames, from 0, got 'first'",
        ),
        (GOOD | {"d.mp4": {"01": [BOX]}}, "got '01'"),
        (GOOD | {"d.mp4": {"3": [[1, 2, -3, 4]]}}, "'d.mp4', frame 3: a box is"),
    ],
)
def test_a_wrong_file_of_boxes_is_named_with_the_place(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,0,4", "1,2,nan,4", ""])
def test_a_wrong_box_is_named(text):
    with pytest.raises(ValueError, match=f"--box={text}: a box is x, y, width, height"):
        people.parse_box(text)
