"""A run that is killed again and again ends as one that was left alone, to the bit."""

import json
import subprocess
import sys

from conftest import REPOSITORY

KILLS = 3  # benchmarks/results/killed_runs.json is of 10


def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path, drawn_data):
    """Weights, averages, both optimisers and the step, in the last checkpoint of each stage too.

    Killed anywhere, also just before or behind the moment where a file gets its name; once by SIGTERM.
    """
    command = [sys.executable, str(REPOSITORY / "tests/killed_runs.py"), f"--kills={KILLS}"]
    command += [f"--folder={tmp_path}", f"--data_dir={drawn_data}"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert len(found["kills"]) == KILLS
    assert found["stopped"] == "Terminated; a checkpoint is saved. The same command goes on from it.\n"
    assert found["arrays"] > 100 and found["different"] == []
