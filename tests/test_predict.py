"""predict.py as a user runs it: joints where they are, every file, or one clear line."""

import csv
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import cv2
import dot_finder
import numpy as np
import pytest

from tf_advpose.deploy.runtime import PosePredictor
from tf_advpose.locks import only_run
from tf_advpose.prediction import run as prediction
from tf_advpose.prediction.cameras import Camera
from tf_advpose.prediction.inputs import Source
from tf_advpose.prediction.people import People
from tf_advpose.skeleton import JOINT_NAMES, NUM_JOINTS

SCRIPT = pathlib.Path(__file__).parent.parent / "predict.py"
NAMES = ["a.jpg", "a.png", "more/a.jpg", "more/größer als 1 MB/ü [1  2] <b>.png"]
NO_BOXES = "No boxes given: each picture is taken as one person, whose box is found by looking twice."


def run(model, given, output, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), f"--model={model}", f"--input={given}", f"--output={output}"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True)


def read(folder: pathlib.Path) -> dict:
    return json.loads((folder / "poses.json").read_text(encoding="utf-8"))


def files(folder: pathlib.Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def complaints(result: subprocess.CompletedProcess) -> list[str]:
    assert "Traceback" not in result.stderr
    return [line for line in result.stderr.splitlines() if not line.startswith("predict: ")]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> pathlib.Path:
    """Photos of one person each in several folders, two of the same name, and a video."""
    folder = tmp_path_factory.mktemp("predict")
    for number, name in enumerate(NAMES):
        joints = dot_finder.joints(number, 60, 80, 260)
        dot_finder.write(folder / "photos" / name, dot_finder.draw([joints], 400, 420))
    (folder / "photos/notes.txt").write_text("no photo")
    (folder / "photos/.hidden.jpg").write_text("no photo")
    frames = [dot_finder.draw([walking(number)], 400, 400) for number in range(24)]
    dot_finder.write_video(folder / "walk 1.mp4", frames)
    return folder


def walking(frame: int) -> np.ndarray:
    return dot_finder.joints(7, 40 + 3 * frame, 60, 250)


@pytest.fixture(scope="module")
def folder_output(dot_model, place) -> pathlib.Path:
    """What is written of the folder, with every output."""
    result = run(dot_model, place / "photos", place / "out", "--csv", "--bvh", "--viewer")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [NO_BOXES, f"4 poses in 4 pictures. Written: {place / 'out'}"]
    assert not complaints(result)
    return place / "out"


def test_a_folder_gives_files_of_every_kind_and_no_name_twice(folder_output):
    expected = {"poses.json", "poses.npz", "poses.csv", "viewer.html"}
    expected |= {f"{kind}/{name}.png" for kind in ("overlays", "views") for name in NAMES}
    expected |= {f"bvh/{name}.0.bvh" for name in NAMES}
    assert files(folder_output) == expected


def test_joints_are_found_where_they_are_without_a_box(folder_output):
    """The box is found by looking twice, and said to be found."""
    found = read(folder_output)
    assert [source["name"] for source in found["sources"]] == NAMES
    assert found["joint_names"] == list(JOINT_NAMES) and found["complete"]
    assert found["model"]["stage"] == "adversarial" and found["model"]["path"].endswith("pose.tflite")
    for number, pose in enumerate(found["poses"]):
        joints = dot_finder.joints(number, 60, 80, 260)
        assert (pose["source"], pose["frame"], pose["person"], pose["box_given"]) == (number, 0, 0, False)
        np.testing.assert_allclose(pose["joints_2d"], joints, atol=4)
        np.testing.assert_allclose(pose["box"], dot_finder.box_of(joints), atol=6)
        assert min(pose["confidence"]) > 0.5


def test_json_npz_and_csv_say_the_same(folder_output):
    found = read(folder_output)
    arrays = np.load(folder_output / "poses.npz")
    with (folder_output / "poses.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4 * NUM_JOINTS and len(arrays["frame"]) == 4
    assert arrays["source_names"].tolist() == NAMES
    described = json.loads(str(arrays["description"]))
    assert described == {name: value for name, value in found.items() if name != "poses"}
    for number, pose in enumerate(found["poses"]):
        own = lines[number * NUM_JOINTS : (number + 1) * NUM_JOINTS]
        assert [line["joint"] for line in own] == list(JOINT_NAMES)
        assert {(line["input"], line["frame"], line["time_s"]) for line in own} == {
            (NAMES[number], "0", "")
        }
        columns = {"joints_2d": ("x_px", "y_px"), "joints_3d": ("x_mm", "y_mm", "z_mm")}
        columns["joints_3d_absolute"] = ("x_absolute_mm", "y_absolute_mm", "z_absolute_mm")
        for field, names in columns.items():
            in_csv = [[float(line[name]) for name in names] for line in own]
            np.testing.assert_allclose(in_csv, pose[field], atol=0.11)
            np.testing.assert_allclose(arrays[field][number], pose[field], atol=0.06)


def test_pictures_show_what_was_found(folder_output):
    overlay = cv2.imread(str(folder_output / "overlays/a.jpg.png"))
    assert overlay.shape == (420, 400, 3)
    assert (overlay != dot_finder.draw([dot_finder.joints(0, 60, 80, 260)], 400, 420)).any()
    views = cv2.imread(str(folder_output / "views/a.jpg.png"))
    assert views.shape == (400, 1200, 3)
    for panel in np.split(views, 3, axis=1):
        assert (np.ptp(panel.astype(int), axis=-1) > 60).sum() > 100, "no coloured limbs"


def test_a_video_with_a_given_box_smoothed(dot_model, place, tmp_path):
    """One pose a frame; the film has as many frames and plays; smoothing is recorded."""
    output = tmp_path / "out"
    result = run(
        dot_model, place / "walk 1.mp4", output, "--box=40,60,322,250", "--smooth", "--csv", "--bvh"
    )
    assert result.returncode == 0, result.stderr
    assert files(output) == {
        "poses.json", "poses.npz", "poses.csv", "films/walk 1.mp4.mp4", "bvh/walk 1.mp4.0.bvh"
    }  # fmt: skip
    found = read(output)
    assert found["smoothing"] == {
        "filter": "one_euro", "min_cutoff": 1.0, "beta": 2.0, "derivative_cutoff": 1.0,
        "fields": ["joints_2d", "joints_3d", "joints_3d_absolute"],
    }  # fmt: skip
    (source,) = found["sources"]
    assert (source["kind"], source["frames"], source["frames_per_second"]) == ("video", 24, 20.0)
    assert [pose["frame"] for pose in found["poses"]] == list(range(24))
    assert all(pose["box_given"] for pose in found["poses"])
    with (output / "poses.csv").open(encoding="utf-8") as file:
        assert [line["time_s"] for line in csv.DictReader(file)][16::16][:2] == ["0.0500", "0.1000"]
    film = cv2.VideoCapture(str(output / "films/walk 1.mp4.mp4"))
    assert film.get(cv2.CAP_PROP_FPS) == 20.0
    frames = []
    while (read_one := film.read())[0]:
        frames.append(read_one[1].astype(int))
    assert len(frames) == 24
    left, right = frames[0][:, :-480], frames[-1][:, -480:]
    assert left.shape == (480, 480, 3)
    assert (np.ptp(right, axis=-1) > 60).sum() > 100, "no skeleton"


def test_without_smoothing_frames_stand_alone(dot_model, place, tmp_path):
    result = run(dot_model, place / "walk 1.mp4", tmp_path / "out", "--box=40,60,322,250", "--nopictures")
    assert result.returncode == 0, result.stderr
    found = read(tmp_path / "out")
    assert found["smoothing"] is None
    for frame, pose in enumerate(found["poses"]):
        np.testing.assert_allclose(pose["joints_2d"], walking(frame), atol=4)


def test_several_people_by_a_file_of_boxes(dot_model, tmp_path):
    """And nobody, and one to be found; frames of a video each have their own."""
    people = [dot_finder.joints(1, 20, 30, 200), dot_finder.joints(2, 260, 60, 240)]
    picture = dot_finder.draw(people, 520, 330)
    for name in ("two.png", "none.png"):
        dot_finder.write(tmp_path / "photos" / name, picture)
    one = dot_finder.joints(3, 50, 60, 280)
    dot_finder.write(tmp_path / "photos/one.png", dot_finder.draw([one], 400, 400))
    dot_finder.write_video(tmp_path / "photos/short.mp4", [picture] * 3)
    boxes = [dot_finder.box_of(joints) for joints in people]
    by_name = {"two.png": boxes, "none.png": [], "one.png": None, "short.mp4": {"1": boxes[1:], "2": boxes}}
    (tmp_path / "boxes.json").write_text(json.dumps(by_name))
    result = run(
        dot_model, tmp_path / "photos", tmp_path / "out", f"--boxes={tmp_path / 'boxes.json'}", "--viewer"
    )
    assert result.returncode == 0, result.stderr
    assert "6 poses in 6 pictures" in result.stdout and NO_BOXES not in result.stdout
    found = [
        (pose["source"], pose["frame"], pose["person"], pose["box_given"])
        for pose in read(tmp_path / "out")["poses"]
    ]
    two_people = [(2, 1, 0, True), (2, 2, 0, True), (2, 2, 1, True), (3, 0, 0, True), (3, 0, 1, True)]
    assert found == [(1, 0, 0, False), *two_people]
    assert "views/none.png.png" not in files(tmp_path / "out")
    last = read(tmp_path / "out")["poses"][-2:]
    for pose, joints in zip(last, people, strict=True):
        np.testing.assert_allclose(pose["joints_2d"], joints, atol=4)


def test_what_is_broken_is_named_left_out_and_counted(dot_model, tmp_path):
    good = dot_finder.write(
        tmp_path / "photos/good.jpg", dot_finder.draw([dot_finder.joints(0, 60, 60, 260)], 400, 400)
    )
    (tmp_path / "photos/cut.jpg").write_bytes(good.read_bytes()[:-2000])
    (tmp_path / "photos/text.png").write_text("no photo")
    (tmp_path / "photos/empty.jpg").touch()
    (tmp_path / "photos/text.mp4").write_text("no video")
    dot_finder.write(tmp_path / "photos/small.png", np.zeros((20, 20, 3), np.uint8))
    result = run(dot_model, tmp_path / "photos", tmp_path / "out", "--box=60,60,260,260")
    assert result.returncode == 2
    lines = complaints(result)
    assert len(lines) == 6 and lines[-1] == "error: 5 inputs were left out, in whole or in part."
    text = "\n".join(lines)
    for name in ("cut.jpg", "text.png", "empty.jpg", "text.mp4", "small.png"):
        assert name in text
    assert "its end is missing" in text and "lies outside the photo of 20 x 20 pixels" in text
    found = read(tmp_path / "out")
    problems = {source["name"]: source["problem"] for source in found["sources"]}
    assert problems.pop("good.jpg") is None and all(problems.values()) and len(problems) == 5
    assert found["complete"] and len(found["poses"]) == 1


def test_a_frame_whose_box_lies_outside_does_not_harm_the_others(dot_model, tmp_path):
    """Not even the first: each video has its own film and filter. Nor do inputs that are left out whole."""
    joints = dot_finder.joints(1, 40, 50, 260)
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        dot_finder.write_video(tmp_path / "in" / name, [dot_finder.draw([joints], 360, 360)] * 4)
    (tmp_path / "in/d.jpg").write_text("no photo")
    good, outside = [dot_finder.box_of(joints)], [[900, 900, 50, 50]]
    by_name = {
        "a.mp4": good,
        "b.mp4": {"0": outside, "1": good, "3": good},
        "c.mp4": outside,
        "d.jpg": good,
    }
    (tmp_path / "boxes.json").write_text(json.dumps(by_name))
    output = tmp_path / "out"
    result = run(
        dot_model, tmp_path / "in", output, f"--boxes={tmp_path / 'boxes.json'}", "--smooth", "--bvh"
    )
    assert result.returncode == 2
    *named, count = complaints(result)
    assert len(named) == 3 and "b.mp4, frame 0)" in named[0] and "c.mp4, frame 0)" in named[1]
    assert count == "error: 3 inputs were left out, in whole or in part."
    found = read(output)
    assert [source["frames"] for source in found["sources"]] == [4, 3, 0, 0]
    places = [(pose["source"], pose["frame"]) for pose in found["poses"]]
    assert places == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 3)]
    for pose in found["poses"]:
        np.testing.assert_allclose(pose["joints_2d"], joints, atol=4)
    for name, frames in (("a.mp4", 4), ("b.mp4", 3)):
        film = cv2.VideoCapture(str(output / f"films/{name}.mp4"))
        assert film.get(cv2.CAP_PROP_FRAME_COUNT) == frames


def test_pictures_that_cannot_be_written_are_a_problem_of_their_input_alone(dot_model, tmp_path):
    """As where a name, with an ending added, is too long for the file system; the poses are kept."""
    joints = dot_finder.joints(1, 40, 50, 260)
    picture = dot_finder.draw([joints], 360, 360)
    names = ["a.png", f"{'b' * 246}.png", f"{'c' * 246}.mp4", "d.mp4"]
    for name in ("a.png", names[1]):
        dot_finder.write(tmp_path / "in" / name, picture)
    dot_finder.write_video(tmp_path / "in/d.mp4", [picture] * 4)
    shutil.copy(tmp_path / "in/d.mp4", tmp_path / "in" / names[2])
    box = ",".join(map(str, dot_finder.box_of(joints)))
    result = run(dot_model, tmp_path / "in", tmp_path / "out", f"--box={box}")
    assert result.returncode == 2 and "10 poses in 10 pictures" in result.stdout
    assert complaints(result)[-1] == "error: 2 inputs were left out, in whole or in part."
    found = read(tmp_path / "out")
    assert found["complete"] and [source["frames"] for source in found["sources"]] == [1, 1, 4, 4]
    problems = [source["problem"] for source in found["sources"]]
    assert [bool(problem) for problem in problems] == [False, True, True, False]
    for name, problem in zip(names[1:3], problems[1:3], strict=True):
        assert problem.startswith(f"The pictures of {name} cannot be written: ")
    assert files(tmp_path / "out") == {
        "poses.json", "poses.npz", "overlays/a.png.png", "views/a.png.png", "films/d.mp4.mp4"
    }  # fmt: skip


class Diverging(PosePredictor):
    """What it finds at the third time is not finite."""

    times = 0

    def predict_many(self, pictures):
        self.times += 1
        for pose in super().predict_many(pictures):
            yield pose if self.times < 3 else dataclasses.replace(pose, joints_3d=pose.joints_3d * np.nan)


def test_two_runs_do_not_write_to_one_folder(dot_model, place, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    with only_run(output):
        result = run(dot_model, place / "photos", output)
    assert result.returncode == 1 and f"error: Another run is writing to {output} now" in result.stderr
    assert not files(output)


def test_an_error_keeps_what_is_finished(dot_model, tmp_path, capsys):
    path, output = tmp_path / "a.mp4", tmp_path / "out"
    dot_finder.write_video(path, [dot_finder.draw([walking(0)], 400, 400)] * 4)
    with pytest.raises(ValueError, match="What the model predicts is not finite"):
        prediction.run(
            Diverging(dot_model),
            [Source(path, "a.mp4")],
            People([40, 60, 250, 250]),
            Camera(),
            output,
            prediction.Settings(batch_size=1),
            model={},
            interrupted=threading.Event(),
        )
    assert "Stopped by an error: what was finished is written." in capsys.readouterr().err
    found = read(output)
    assert not found["complete"] and [pose["frame"] for pose in found["poses"]] == [0, 1]
    assert files(output) == {"poses.json", "poses.npz", "films/a.mp4.mp4"}
    film = cv2.VideoCapture(str(output / "films/a.mp4.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 2


def test_nothing_usable_is_said_and_leaves_empty_tables(dot_model, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    result = run(dot_model, tmp_path, tmp_path / "out", "--csv", "--bvh", "--viewer")
    assert result.returncode == 2 and "0 poses in 0 pictures" in result.stdout
    assert read(tmp_path / "out")["poses"] == []
    assert len(np.load(tmp_path / "out/poses.npz")["frame"]) == 0
    assert files(tmp_path / "out") == {"poses.json", "poses.npz", "poses.csv"}


def test_a_video_that_ends_early_keeps_what_it_has(dot_model, place, tmp_path):
    frames = [dot_finder.draw([walking(number % 24)], 400, 400) for number in range(80)]
    path = tmp_path / "cut.avi"
    code = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), code, 20.0, (400, 400))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    result = run(dot_model, path, tmp_path / "out", "--box=40,60,322,250", "--nopictures")
    (source,) = read(tmp_path / "out")["sources"]
    assert 0 < source["frames"] < 60
    if source["problem"] is None:
        pytest.skip("this OpenCV does not believe the header of a cut AVI")
    assert result.returncode == 2 and f"it ends after {source['frames']} of" in result.stderr


def test_an_interrupt_keeps_what_is_finished(dot_model, tmp_path):
    frames = [dot_finder.draw([walking(number)], 400, 400) for number in range(24)]
    dot_finder.write_video(tmp_path / "long.mp4", frames * 60)
    command = [sys.executable, str(SCRIPT), f"--model={dot_model}", f"--input={tmp_path / 'long.mp4'}"]
    command += [f"--output={tmp_path / 'out'}", "--box=40,60,322,250"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    spool, give_up = tmp_path / "out/incomplete-poses.bin", time.monotonic() + 60
    while not (spool.exists() and spool.stat().st_size):
        assert process.poll() is None and time.monotonic() < give_up, process.stderr.read()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: what was finished is written." in errors and "Traceback" not in errors
    found = read(tmp_path / "out")
    assert not found["complete"] and 0 < len(found["poses"]) < len(frames) * 60
    assert found["sources"][0]["frames"] == len(found["poses"])
    assert files(tmp_path / "out") == {"poses.json", "poses.npz", "films/long.mp4.mp4"}
    film = cv2.VideoCapture(str(tmp_path / "out/films/long.mp4.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == len(found["poses"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": ""}, "--input is missing: Photo, video, folder"),
        ({"model": ""}, "Model not found: "),
        ({"model": "{place}/none"}, "Model not found: {place}/none"),
        ({"model": "{place}/photos"}, "is neither a run (config.json not found) nor a SavedModel"),
        ({"model": "{place}/photos/notes.txt"}, "is no .tflite file"),
        ({"input": "{place}/none.jpg"}, "Input not found: {place}/none.jpg"),
        ({"output": "{place}/photos"}, "{place}/photos is not empty. Give another --output"),
        ({"box": "1,2,3"}, "--box=1,2,3: a box is x, y, width, height in pixels"),
        ({"box": "1,2,3,4", "boxes": "b.json"}, "Give --box or --boxes, not both."),
        ({"boxes": "{place}/none.json"}, "File of boxes not found"),
        ({"intrinsics": "1000,1000"}, "Intrinsics are fx, fy, cx, cy in pixels"),
        ({"smooth": "true", "smooth_beta": "-1"}, "beta of at least 0"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(dot_model, place, tmp_path, arguments, message):
    given = {
        "model": str(dot_model),
        "input": "{place}/photos",
        "output": str(tmp_path / "out"),
    } | arguments
    command = [f"--{name}={value.format(place=place)}" for name, value in given.items()]
    result = subprocess.run([sys.executable, str(SCRIPT), *command], capture_output=True, text=True)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message.format(place=place) in line
    assert not (tmp_path / "out").exists()
