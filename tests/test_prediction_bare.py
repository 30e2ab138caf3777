"""With a .tflite file, predicting needs ai-edge-litert, NumPy and OpenCV; the script absl-py besides."""

import json
import pathlib
import subprocess

import bare_environment
import dot_finder
import numpy as np
import pytest

REPOSITORY = pathlib.Path(__file__).parent.parent
PACKAGES = ["ai-edge-litert", "numpy", "opencv-python-headless"]
NOT_THERE = ("tensorflow", "keras", "matplotlib", "rich", "scipy", "h5py", "ml_collections")

PREDICT = """
import importlib.util, sys
assert not [name for name in sys.argv[3].split(",") if importlib.util.find_spec(name)]
from tf_advpose.deploy.runtime import PosePredictor
pose = PosePredictor(sys.argv[1]).predict(sys.argv[2])
print(pose.joints_2d.tolist())
"""


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> pathlib.Path:
    picture = dot_finder.draw([dot_finder.joints(0, 60, 60, 260)], 400, 400)
    return dot_finder.write(tmp_path_factory.mktemp("bare_photo") / "photo.jpg", picture)


def run(command: list, **settings) -> subprocess.CompletedProcess:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, **settings)
    assert result.returncode == 0, result.stderr
    return result


def test_the_library_needs_three_packages(dot_model, photo, tmp_path):
    python = bare_environment.make(tmp_path / "venv", PACKAGES)
    result = run([python, "-c", PREDICT, dot_model, photo, ",".join((*NOT_THERE, "absl"))], cwd=REPOSITORY)
    np.testing.assert_allclose(json.loads(result.stdout), dot_finder.joints(0, 60, 60, 260), atol=4)


def test_the_script_needs_absl_besides(dot_model, photo, tmp_path):
    """As requirements-predict.txt has it; with every output."""
    lines = (REPOSITORY / "requirements-predict.txt").read_text().splitlines()
    named = [line.split(">=")[0] for line in lines if line and not line.startswith("#")]
    assert sorted(named) == sorted([*PACKAGES, "absl-py"])
    dot_finder.write_video(
        tmp_path / "in/walk.mp4", [dot_finder.draw([dot_finder.joints(1, 60, 60, 260)], 400, 400)] * 3
    )
    (tmp_path / "in/photo.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "in/text.jpg").write_text("no photo")
    python = bare_environment.make(tmp_path / "venv", [*PACKAGES, "absl-py"])
    command = [
        python,
        REPOSITORY / "predict.py",
        f"--input={tmp_path / 'in'}",
        f"--output={tmp_path / 'out'}",
    ]
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.json").touch()
    refused = subprocess.run([*command, f"--model={tmp_path / 'run'}"], capture_output=True, text=True)
    message = (
        "error: No module named 'tensorflow'; a model that is a folder needs all of requirements.txt.\n"
    )
    assert (refused.returncode, refused.stderr) == (1, message)
    command += [f"--model={dot_model}", "--csv", "--bvh", "--viewer", "--smooth"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2, result.stderr
    assert "4 poses in 4 pictures" in result.stdout and "Not a readable photo" in result.stderr
    assert (tmp_path / "out/views/photo.jpg.png").exists()
    assert (tmp_path / "out/films/walk.mp4.mp4").exists()
