"""evaluate.py as it is run: tables on the screen and in files, and mistakes in one line."""

import json
import os
import subprocess
import sys

import drawn_people
import layouts_mpii
import numpy as np
import pytest
from conftest import REPOSITORY
from evaluated_people import random_people

from tf_advpose import work_folder
from tf_advpose.data import prepared
from tf_advpose.evaluation import prediction_files
from tf_advpose.skeleton import JOINT_NAMES


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, drawn_data):
    """A folder with prepared people, data/, and an untrained run, runs/tiny."""
    folder = tmp_path_factory.mktemp("evaluate")
    (folder / "data").symlink_to(drawn_data)
    config = drawn_people.small_config()
    work_dir = str(folder / "runs/tiny")
    work_folder.create(work_dir, config, total_bone_length=4000.0)
    generator = work_folder.new_generator(config)
    for stage in ("pretrain_3d", "adversarial"):
        work_folder.save_weights(generator, work_folder.weights_path(work_dir, stage, "generator"))
    average = work_folder.weights_path(work_dir, "adversarial", "generator_average")
    work_folder.save_weights(generator, average)
    return folder


EVALUATE = (str(REPOSITORY / "evaluate.py"),)


def run_evaluate(workplace, *arguments: str, script=EVALUATE) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *script, *arguments],
        cwd=workplace,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_models_are_scored_stored_drawn_and_scored_again(workplace):
    """Two stages with the same weights stand side by side; their files give the same figures."""
    run = run_evaluate(
        workplace,
        "--work_dir=runs/tiny",
        "--stage=pretrain_3d,adversarial",
        "--data=synthetic_people/wild",
        "--batch_size=2",
        "--output=out.json,out.tex,out.csv,out.md",
        "--save_predictions=stored",
        "--figures=figures",
        "--training_curve=curve.png",
    )
    assert run.returncode == 0, run.stderr
    assert "3D, synthetic_people/wild test, 5 examples, scale: camera, 16 joints" in run.stdout
    assert "cannot be told apart" in run.stdout
    assert "warning" not in run.stderr.lower(), run.stderr
    results = json.loads((workplace / "out.json").read_text())
    models = results["models"]
    assert list(models) == ["runs/tiny pretrain_3d", "runs/tiny adversarial"]
    assert models["runs/tiny pretrain_3d"] == models["runs/tiny adversarial"]
    assert models["runs/tiny adversarial"]["examples"] == 5
    for name in ("out.tex", "out.csv", "out.md", "curve.png", "figures/examples_random.png"):
        assert (workplace / name).stat().st_size > 100

    again = run_evaluate(
        workplace, "--predictions=stored/runs_tiny_adversarial.npz", "--output=again.json", "--format=md"
    )
    assert (again.returncode, again.stderr) == (0, ""), "TensorFlow is not loaded, and says nothing"
    assert again.stdout.startswith("**3D, synthetic_people/wild test, 5 examples")
    stored = json.loads((workplace / "again.json").read_text())
    assert list(stored["models"].values()) == [models["runs/tiny adversarial"]]


def test_averaged_weights_stand_beside_the_last_ones(workplace):
    arguments = ("--work_dir=runs/tiny", "--data=synthetic_people/wild", "--format=csv")
    run = run_evaluate(workplace, *arguments, "--weights=last,average")
    assert run.returncode == 0, run.stderr
    assert "Differences from runs/tiny adversarial," in run.stdout
    assert "runs/tiny adversarial, average" in run.stdout
    run = run_evaluate(workplace, *arguments, "--weights=best")
    assert run.returncode == 1
    assert "generator_best.weights.h5 was not kept" in run.stderr and "validate_on" in run.stderr
    run = run_evaluate(workplace, *arguments, "--weights=mean")
    assert run.returncode == 1 and "must be one of last, average, best, got 'mean'" in run.stderr


def test_anothers_predictions_are_scored_against_prepared_labels_and_beside_ours(workplace):
    np.savez(
        workplace / "theirs.npz",
        format=prediction_files.FORMAT,
        joint_names=JOINT_NAMES,
        example_id=[f"wild-test-{number}" for number in range(5)],
        predicted_joints_3d=[drawn_people.joints_of("wild", "test", number) for number in range(5)],
    )
    run = run_evaluate(
        workplace,
        "--predictions=theirs.npz",
        "--data=synthetic_people/wild",
        "--work_dir=runs/tiny",
        "--output=theirs.json",
    )
    assert run.returncode == 0, run.stderr
    assert "scale: camera (runs/tiny adversarial), given (theirs.npz)" in run.stdout
    models = json.loads((workplace / "theirs.json").read_text())["models"]
    assert models["theirs.npz"]["mpjpe"] < 0.01 < models["runs/tiny adversarial"]["mpjpe"]


def test_tables_are_printed_before_figures_can_fail(workplace):
    prediction_files.save(random_people(), workplace / "people.npz")
    (workplace / "file").touch()
    run = run_evaluate(workplace, "--predictions=people.npz", "--figures=file/figures")
    assert run.returncode == 1 and run.stderr.startswith("error: ") and "Traceback" not in run.stderr
    assert "PCKh@0.5 in %" in run.stdout


def test_no_training_curve_without_3d_labels(workplace):
    layouts_mpii.write_hrnet(workplace / "mpii")
    prepared.prepare("mpii", str(workplace / "real"), source=str(workplace / "mpii"), processes=1)
    data = ("--data=mpii", "--split=validation", "--data_dir=real")
    run = run_evaluate(workplace, "--work_dir=runs/tiny", *data, "--training_curve=none.png")
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        "error: --training_curve draws errors in mm; mpii validation has no 3D labels."
    )
    assert "PCKh@0.5 in %" in run.stdout and not (workplace / "none.png").exists()


def test_files_of_different_data_are_not_set_side_by_side(workplace):
    """A file that does not say of what it is goes with any."""
    people = random_people()
    for name, data in (("one", "mpii test"), ("other", "mpii train"), ("silent", "")):
        prediction_files.save(people, workplace / f"{name}.npz", data)
    run = run_evaluate(workplace, "--predictions=one.npz,silent.npz")
    assert run.returncode == 0 and "mpii test" in run.stdout and "unnamed data" not in run.stdout
    run = run_evaluate(workplace, "--predictions=one.npz,silent.npz,other.npz")
    assert run.returncode == 1
    assert run.stderr == (
        "error: The predictions are not of the same data: one.npz of mpii test, other.npz of mpii train.\n"
    )


def test_what_tensorflow_refuses_is_one_line(workplace):
    refuse = 'tf.errors.ResourceExhaustedError(None, None, "no memory")'
    raising = f"import tensorflow as tf; evaluate.read_files = lambda: (_ for _ in ()).throw({refuse})"
    script = f"import evaluate; {raising}; evaluate.app.run(evaluate.main)"
    run = run_evaluate(workplace, "--predictions=people.npz", script=("-c", script))
    assert run.returncode == 1 and run.stderr.splitlines()[-1] == "error: no memory"
    assert "Traceback" not in run.stderr


def test_an_interrupt_is_said_in_one_line(workplace):
    interrupt = "evaluate.read_files = lambda: signal.raise_signal(signal.SIGINT)"
    script = f"import signal, evaluate; {interrupt}; evaluate.app.run(evaluate.main)"
    run = run_evaluate(workplace, "--predictions=people.npz", script=("-c", script))
    assert run.returncode == 1
    assert run.stderr == "Interrupted. Files that were written by then are whole.\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "Nothing to score"),
        (["--work_dir=runs/tiny"], "runs/tiny needs --data"),
        (["--predictions=none.npz", "--output=there.json"], "there.json exists"),
        (["--work_dir=runs/tiny", "--data=synthetic_people/wild", "--split=val"], "no split 'val'"),
        (["--predictions=none.npz"], "no file of predictions none.npz"),
        (["--predictions=none.npz", "--scale=bones", "--root_align=depth"], "needs scale='camera'"),
        (["--predictions=none.npz", "--training_curve=curve.png"], "--training_curve needs --work_dir"),
        (
            ["--work_dir=runs/tiny", "--data=synthetic_people/wild", "--save_predictions=kept"],
            "runs_tiny_adversarial.npz exists",
        ),
    ],
)  # fmt: skip
def test_a_mistake_ends_in_one_line(workplace, arguments, message):
    """And before anything has run: no line tells of progress."""
    (workplace / "there.json").write_text("{}")
    (workplace / "kept").mkdir(exist_ok=True)
    (workplace / "kept/runs_tiny_adversarial.npz").touch()
    run = run_evaluate(workplace, *arguments)
    assert run.returncode != 0
    assert run.stderr.startswith("error: ") and len(run.stderr.splitlines()) == 1, run.stderr
    assert message in run.stderr
    assert (workplace / "there.json").read_text() == "{}"
