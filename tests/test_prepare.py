"""prepare.py as a user runs it: one line for each mistake, a summary for each success."""

import os
import pathlib
import subprocess
import sys

import layouts
import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / "prepare.py"


def run(*arguments: str, path: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def test_prepares_mpii_without_the_packages_of_synthetic_people(tmp_path):
    """Whoever works with real photos needs none of them; nothing but progress is on stderr."""
    for package in ("embreex", "body_models", "anny"):
        (tmp_path / f"{package}.py").write_text("raise ImportError('must not be imported')")
    layouts.write_mpii_json(tmp_path / "mpii")
    arguments = ("mpii", f"--source={tmp_path / 'mpii'}", f"--data_dir={tmp_path / 'data'}")
    result = run(*arguments, path=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "train: 3 examples" in result.stdout and "validation: 1 examples" in result.stdout
    assert all(line.startswith("mpii ") for line in result.stderr.splitlines())
    again = run(*arguments)
    assert again.returncode == 1
    (line,) = again.stderr.splitlines()
    assert line.startswith("error: mpii is already prepared in ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected one of people, human36m, mpii, mpi_inf_3dhp, inspect; got nothing"),
        (("coco",), "got coco"),
        (("mpii",), "mpii needs --source"),
        (("people", "--source=/x"), "people has no --source"),
        (("human36m", "--source=/x", "--seed=1"), "human36m has no --seed"),
        (("inspect",), "inspect needs --data"),
        (("inspect", "--data=mpii", "--lenient"), "inspect has no --lenient"),
        (("inspect", "--data=mpii", "--data_dir=nowhere"), "mpii is not prepared in nowhere"),
        (("people", "--beam="), "people has no --beam"),
        (("people", "--backgrounds=/x"), "only everyday people have --backgrounds: add --domain=everyday"),
        (
            ("people", "--domain=everyday", "--domain=lab", "--backgrounds=/x"),
            "only everyday people have --backgrounds",
        ),
        (("mpii", "--source=/x", "--train_step=2"), "mpii has no --train_step"),
        (("mpi_inf_3dhp", "--source=/x", "--test_step=2"), "mpi_inf_3dhp has no --test_step"),
    ],
)
def test_wrong_command_lines(arguments, message):
    result = run(*arguments)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line


def test_every_domain_that_is_named_is_made(tmp_path):
    """Each once, however often it is named."""
    domains = [f"--domain={domain}" for domain in ("lab", "everyday", "lab")]
    counts = [f"--{split}_examples=1" for split in ("train", "test", "validation")]
    result = run("people", *domains, *counts, "--size=32", f"--data_dir={tmp_path}")
    assert result.returncode == 0, result.stderr
    made = [line for line in result.stdout.splitlines() if line.startswith("Preparing ")]
    assert made == ["Preparing synthetic_people/lab", "Preparing synthetic_people/everyday"]


def test_wrong_source_is_one_line(tmp_path):
    result = run("human36m", f"--source={tmp_path}", f"--data_dir={tmp_path / 'data'}")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: No labels in {tmp_path}: expected S1/MyPoseFeatures")
    assert not list((tmp_path / "data").glob("human36m/*"))


def test_backgrounds_without_photos_are_one_line(tmp_path):
    arguments = ("--domain=everyday", f"--backgrounds={tmp_path}", f"--data_dir={tmp_path / 'data'}")
    result = run("people", *arguments)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line == f"error: Expected a folder with photos (JPEG or PNG) for backgrounds, got {tmp_path}."
    assert not list((tmp_path / "data").glob("synthetic_people/everyday/*"))


def test_strict_names_the_file_lenient_goes_on_and_inspect_shows_the_rest(tmp_path):
    layouts.write_mpii_json(tmp_path / "mpii")
    photo = tmp_path / "mpii/images/a.jpg"
    photo.write_bytes(photo.read_bytes()[:-40])
    folders = (f"--source={tmp_path / 'mpii'}", f"--data_dir={tmp_path / 'data'}")
    strict = run("mpii", *folders)
    assert strict.returncode == 1
    (line,) = (line for line in strict.stderr.splitlines() if not line.startswith("mpii "))
    assert line.startswith(f"error: Not a readable JPEG or PNG: {photo}") and "--lenient" in line
    lenient = run("mpii", *folders, "--lenient")
    assert lenient.returncode == 0, lenient.stderr
    assert f"left out: the photo is not readable: 1\n    {photo}\n" in lenient.stdout
    shown = run("inspect", "--data=mpii", folders[1], f"--output={tmp_path / 'shown'}")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("mpii train: 2 examples")
    assert (tmp_path / "shown/mpii_train.png").is_file()
