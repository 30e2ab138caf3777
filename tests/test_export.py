"""export.py as a user runs it: from a run and a prepared dataset to a folder, or one line of complaint."""

import dataclasses
import json
import pathlib
import resource
import shutil
import subprocess
import sys

import keras
import layouts
import numpy as np
import pytest
import tensorflow as tf

from tf_advpose import config as configuration
from tf_advpose import work_folder
from tf_advpose.data import prepared
from tf_advpose.deploy import artefacts, examples

SCRIPT = pathlib.Path(__file__).parent.parent / "export.py"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> pathlib.Path:
    """A folder with `runs/small`, of which one stage is finished, and MPII prepared in `data`."""
    folder = tmp_path_factory.mktemp("export")
    layouts.write_mpii_json(folder / "mpii")
    prepared.prepare("mpii", str(folder / "data"), source=str(folder / "mpii"))
    config = configuration.from_preset("demo")
    config.generator = dataclasses.replace(config.generator, width=16, depth=2)
    run = str(folder / "runs/small")
    work_folder.create(run, config, total_bone_length=4000.0)
    keras.utils.set_random_seed(0)
    path = work_folder.weights_path(run, "pretrain_3d", "generator")
    work_folder.save_weights(work_folder.new_generator(config), path)
    return folder


def run(place: pathlib.Path, output: pathlib.Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), "--work_dir=runs/small", f"--output={output}"]
    command += ["--parity_data=mpii", "--parity_split=train", "--parity_examples=2"]
    return subprocess.run(command, cwd=place, capture_output=True, text=True)


def test_exports_and_prints_the_differences_then_refuses_to_overwrite(place, tmp_path):
    result = run(place, tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "small/1"
    files = {path.name for path in folder.iterdir()}
    assert {"saved_model.pb", "pose_int8.tflite", artefacts.PARITY_FILE} <= files
    report = json.loads((folder / artefacts.PARITY_FILE).read_text())
    assert report["data"] == "mpii" and report["split"] == "train" and report["examples"] == 2
    assert "on 2 examples of mpii, train" in result.stdout
    largest = report["differences"]["tflite_float32"]["depth"]["largest"]
    (row,) = (line for line in result.stdout.splitlines() if line.startswith("tflite_float32"))
    assert f"{largest:.1e}" in row

    again = run(place, tmp_path)
    assert again.returncode == 1 and not again.stdout
    (line,) = again.stderr.splitlines()
    assert line == f"error: {folder} exists. Give another --version, or remove it."


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


def test_unfinished_run_is_refused(place, tmp_path):
    shutil.copytree(place / "runs/small", tmp_path / "started")
    shutil.rmtree(tmp_path / "started/pretrain_3d")
    with pytest.raises(FileNotFoundError, match="no weights of any stage"):
        artefacts.export(str(tmp_path / "started"), str(tmp_path / "exports"), "mpii")
    assert not (tmp_path / "exports").exists()


def test_a_deviating_export_is_not_left_behind(place, tmp_path, monkeypatch):
    def write(generator, metadata, compared, calibration, folder):
        (folder / "saved_model.pb").write_text("")
        raise ValueError("tflite_float32 deviates")

    monkeypatch.setattr(artefacts, "write", write)
    monkeypatch.chdir(place)
    with pytest.raises(ValueError, match="deviates"):
        artefacts.export("runs/small", str(tmp_path / "exports"), "mpii", parity_split="train")
    assert not [path for path in (tmp_path / "exports").rglob("*") if path.is_file()]


def test_a_full_disk_leaves_nothing_behind(place, tmp_path, monkeypatch):
    """No file may grow beyond some kilobytes, as where the disk is full."""
    monkeypatch.chdir(place)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises((OSError, tf.errors.OpError)):
            artefacts.export("runs/small", str(tmp_path / "exports"), "mpii", parity_split="train")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [path for path in (tmp_path / "exports").rglob("*") if path.is_file()]


def test_nothing_is_exported_unchecked(place):
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--work_dir=runs/small"], cwd=place, capture_output=True, text=True
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and "--parity_data" in line
