"""export.py as a user runs it: from a run and a prepared dataset to a folder, or one line of complaint."""

import dataclasses
import json
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import layouts
import numpy as np
import pytest
import tensorflow as tf

from tf_advpose import presets, work_folder
from tf_advpose.data import prepared
from tf_advpose.deploy import artefacts, examples
from tf_advpose.evaluation import predictions

SCRIPT = pathlib.Path(__file__).parent.parent / "export.py"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> pathlib.Path:
    """A folder with `runs/small`, of which one stage is finished, and MPII prepared in `data`."""
    folder = tmp_path_factory.mktemp("export")
    layouts.write_mpii_json(folder / "mpii")
    prepared.prepare("mpii", str(folder / "data"), source=str(folder / "mpii"))
    config = presets.from_preset("demo")
    config.generator = dataclasses.replace(config.generator, width=16, depth=2)
    run = str(folder / "runs/small")
    work_folder.create(run, config, total_bone_length=4000.0)
    keras.utils.set_random_seed(0)
    path = work_folder.weights_path(run, "pretrain_3d", "generator")
    work_folder.save_weights(work_folder.new_generator(config), path)
    return folder


def start(place: pathlib.Path, output: pathlib.Path, work_dir="runs/small", largest_file: int = -1):
    """Starts export.py in `place`; -1: files may be as large as they get."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = (hard if largest_file < 0 else largest_file, hard)
    command = [sys.executable, str(SCRIPT), f"--work_dir={work_dir}", f"--output={output}"]
    command += ["--parity_data=mpii", "--parity_split=train", "--parity_examples=2"]
    return subprocess.Popen(
        command,
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )


def complaint(started: subprocess.Popen) -> str:
    """The one line with which a script ends that prints nothing else."""
    stdout, stderr = started.communicate()
    assert started.returncode == 1 and not stdout, stderr
    (line,) = stderr.splitlines()
    return line


def test_exports_and_prints_the_differences_then_refuses_to_overwrite(place, tmp_path):
    started = start(place, tmp_path)
    stdout, stderr = started.communicate()
    assert started.returncode == 0, stderr
    folder = tmp_path / "small/1"
    files = {path.name for path in folder.iterdir()}
    assert {"saved_model.pb", "pose_int8.tflite", artefacts.PARITY_FILE} <= files
    report = json.loads((folder / artefacts.PARITY_FILE).read_text())
    assert report["data"] == "mpii" and report["split"] == "train" and report["examples"] == 2
    assert "on 2 examples of mpii, train" in stdout
    largest = report["differences"]["tflite_float32"]["depth"]["largest"]
    (row,) = (line for line in stdout.splitlines() if line.startswith("tflite_float32"))
    assert f"{largest:.1e}" in row
    for text in (stdout, (folder / artefacts.PARITY_TABLE_FILE).read_text()):  # two heads are too few
        assert "tflite_dynamic and tflite_int8 are was not judged" in text and "MPJPE at most" not in text

    files = sorted(tmp_path.rglob("*"))
    again = complaint(start(place, tmp_path))
    assert again == f"error: {folder} exists. Give another --version, or remove it."
    assert sorted(tmp_path.rglob("*")) == files


def test_what_cannot_be_exported_ends_in_one_line_and_leaves_nothing(place, tmp_path):
    """All at the same time, as each has to load TensorFlow; a limit of files stands for a full disk."""
    unfinished, foreign, exports = tmp_path / "unfinished", tmp_path / "foreign", tmp_path / "exports"
    shutil.copytree(place / "runs/small", unfinished)
    shutil.rmtree(unfinished / "pretrain_3d")
    foreign.mkdir()
    (foreign / "config.json").write_text('{"model_type": "another program\'s"}')
    on_full_disk = start(place, exports, largest_file=20_000)
    of_unfinished, of_foreign = start(place, exports, unfinished), start(place, exports, foreign)
    line = complaint(on_full_disk)
    assert line.startswith(f"error: The export could not be written: {exports}") and "too large" in line
    line = complaint(of_unfinished)
    assert line == f"error: {unfinished} has no weights of any stage. Finished stages: none."
    line = complaint(of_foreign)
    assert line.startswith(f"error: {foreign}/config.json is not a run's configuration: ")
    assert not exports.exists()


def test_examples_are_the_split_with_crops_as_uint8(place):
    """As many as asked for, or all there are; the first ones are the same."""
    everyone = examples.read("mpii", "train", str(place / "data"), 64, count=100)
    assert everyone.crops.shape == (3, 64, 64, 3) and everyone.crops.dtype == np.uint8
    assert everyone.crops.std() > 10
    first = examples.read("mpii", "train", str(place / "data"), 64, count=1)
    np.testing.assert_array_equal(first.crops, everyone.crops[:1])
    for name, values in everyone.labels.items():
        np.testing.assert_array_equal(first.labels[name], values[:1])
    assert everyone.labels["example_id"].dtype.kind == "U"


def test_ranges_of_int8_are_measured_on_the_training_split(place):
    assert examples.calibration_split("mpii", str(place / "data"), otherwise="test") == "train"


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"work_dir": "runs/none"}, FileNotFoundError, "runs/none holds no run"),
        ({"work_dir": "mpii"}, FileNotFoundError, "mpii holds no run"),
        ({"stage": "adversarial"}, FileNotFoundError, "Finished stages: pretrain_3d"),
        ({"parity_data": "human36m"}, FileNotFoundError, "human36m is not prepared"),
        ({"parity_data": "coco"}, ValueError, "Unknown dataset 'coco'"),
        ({"parity_split": "test"}, ValueError, "mpii has no split 'test'"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(
    place, tmp_path, monkeypatch, changed, error, message
):
    monkeypatch.chdir(place)
    arguments = {"work_dir": "runs/small", "parity_data": "mpii", "parity_split": "train"} | changed
    with pytest.raises(error, match=message) as raised:
        artefacts.export(output=str(tmp_path / "exports"), data_dir="data", **arguments)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "exports").exists()


def test_a_damaged_record_is_named_and_nothing_is_said_of_writing(place, tmp_path):
    """Its size is right, so only its checksum tells; TensorFlow's message names no file."""
    shutil.copytree(place / "data", tmp_path / "data")
    (file,) = (tmp_path / "data").rglob("*-train.tfrecord*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{file} is damaged: corrupted record at"):
        examples.read("mpii", "train", str(tmp_path / "data"), 64, count=100)


def test_a_deviating_export_is_not_left_behind(place, tmp_path, monkeypatch):
    def write(generator, metadata, compared, calibration, folder):
        (folder / "saved_model.pb").write_text("")
        raise ValueError("tflite_float32 deviates")

    monkeypatch.setattr(artefacts, "write", write)
    monkeypatch.chdir(place)
    with pytest.raises(ValueError, match="deviates"):
        artefacts.export("runs/small", str(tmp_path / "exports"), "mpii", parity_split="train")
    assert not (tmp_path / "exports").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(place, tmp_path, sent):
    started = start(place, tmp_path)
    give_up = time.monotonic() + 120
    while not list(tmp_path.glob("small/incomplete-*")):
        assert started.poll() is None and time.monotonic() < give_up, started.communicate()
        time.sleep(0.05)
    started.send_signal(sent)
    assert complaint(started) == "Interrupted. Nothing is kept."
    assert not list(tmp_path.iterdir())


def test_names_need_not_be_english(monkeypatch):
    batch = {name: tf.zeros([1]) for name in predictions.LABELS}
    batch |= {"image": tf.zeros([1, 8, 8, 3]), "example_id": tf.constant(["Füße_1".encode()])}
    batches = tf.data.Dataset.from_tensors(batch)
    monkeypatch.setattr(examples.pipeline, "evaluation_batches", lambda *_: (batches, 1))
    found = examples.read("mpii", "train", "data", 8, count=1)
    assert found.labels["example_id"].tolist() == ["Füße_1"]


def test_nothing_is_exported_unchecked(place):
    command = [sys.executable, str(SCRIPT), "--work_dir=runs/small"]
    result = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and "--parity_data" in line
