"""train.py as a user runs it: a run from the command line, or one line of complaint."""

import resource
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from tf_advpose import work_folder
from tf_advpose.errors import reason_of

SMALL = (
    "--preset=demo",
    "--config.batch_size=4",
    "--config.generator.image_size=32",
    "--config.generator.depth=1",
    "--config.generator.width=16",
    "--config.pretrain_2d.steps=1",
    "--config.pretrain_3d.steps=0",
    "--config.adversarial.steps=0",
)


def train(tmp_path, *arguments: str, **how) -> subprocess.CompletedProcess:
    command = [sys.executable, str(REPOSITORY / "train.py"), f"--work_dir={tmp_path / 'run'}", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, **how)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--preset=fulll",), "Unknown preset 'fulll'. Presets: demo, mobile, everyday, everyday_1s, full"),
        (("--preset=demo", "--data_dir=nowhere"), "synthetic_people/lab is not prepared in nowhere"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, arguments, named):
    result = train(tmp_path, *arguments)
    assert result.returncode == 1 and not result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {named}")
    assert not (tmp_path / "run").exists()


def test_a_dry_run_leaves_nothing(tmp_path, drawn_data):
    """It says what the run would cost."""
    result = train(tmp_path, f"--data_dir={drawn_data}", "--dry_run", "--config.jit_compile=false", *SMALL)
    assert result.returncode == 0, result.stderr
    assert "generator: " in result.stdout and "all stages: " in result.stdout
    assert not (tmp_path / "run").exists()


def test_a_full_disk_ends_a_run_in_one_line(tmp_path, drawn_data):
    """For which a limit of files stands: the checkpoint is larger."""
    limit = (20_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    result = train(
        tmp_path,
        f"--data_dir={drawn_data}",
        "--config.jit_compile=false",
        *SMALL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert result.returncode == 1 and not result.stdout
    assert "Traceback" not in result.stderr
    line = result.stderr.splitlines()[-1]
    assert line.startswith(f"error: {tmp_path / 'run'}/pretrain_2d/checkpoints/incomplete/"), line
    assert line.endswith("File too large. The same command goes on from the last checkpoint.")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{{function_node __wrapped__SaveV2}} /runs/ckpt; No space [Op:SaveV2]", "/runs/ckpt; No space"),
        (
            "Graph execution error:\n\nDetected at node Tile defined at (most recent call last):\n"
            '  File "stage.py", line 1\n\nOOM when allocating tensor\n\t [[{{node Tile}}]]\n'
            "Hint: to see a list\n [Op:__inference_step_13]",
            "OOM when allocating tensor",
        ),
        (
            "{{function_node a}} log; File too large\n\tFailed to flush\n\tToo bad. [Op:W]",
            "log; File too large",
        ),
    ],
)
def test_what_tensorflow_says_is_cut_down_to_its_reason(message, reason):
    """As it is of an eager operation, of a step, and of the log."""
    assert reason_of(message) == reason


def test_settings_are_flags(tmp_path, drawn_data):
    """And the run is that of the command line."""
    result = train(tmp_path, f"--data_dir={drawn_data}", *SMALL)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"Finished. Weights, logs and configuration are in {tmp_path / 'run'}\n"
    run = str(tmp_path / "run")
    config = work_folder.open_run(run)
    assert (config.batch_size, config.generator.width, config.generator.image_size) == (4, 16, 32)
    assert (config.preset, config.discriminator.width) == ("demo", 16)
    assert work_folder.finished_stages(run) == ["pretrain_2d"]
    assert work_folder.load_generator(run).get_layer("stem_c_res1_3_conv").filters == 16
