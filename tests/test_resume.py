"""A run that is killed or stopped again and again ends as one that was left alone, to the bit."""

import itertools
import json
import subprocess
import sys

import drawn_people
import keras
import numpy as np
from conftest import REPOSITORY
from killed_runs import everything

from tf_advpose import work_folder
from tf_advpose.config import StageConfig
from tf_advpose.training.trainer import Trainer

KILLS = 3  # benchmarks/results/killed_runs.json is of 10
STOPS = (10, 11)  # steps behind which a run is stopped: in each, another player counts good steps


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


class RestlessLossScale(keras.optimizers.LossScaleOptimizer):
    """Starts too large and grows after every two good steps, so that a run of seconds overflows often."""

    def __init__(self, inner: keras.optimizers.Optimizer):
        super().__init__(inner, initial_scale=2.0**22, dynamic_growth_steps=2)


def test_a_run_that_overflows_is_resumed_to_the_bit(tmp_path, drawn_data, monkeypatch):
    """Under mixed_float16: the scales of both players fall and rise before and behind the stops.

    Each start reads all it knows from the files. Compared are weights, the last checkpoint with both scales
    and the good steps counted for each, and every line logged.
    """
    monkeypatch.setattr(keras.optimizers, "LossScaleOptimizer", RestlessLossScale)
    monkeypatch.setattr(work_folder, "new_generator", lambda config: drawn_people.plain_generator())
    none = StageConfig(steps=0, wild_share=0.5)
    adversarial = StageConfig(steps=20, wild_share=0.5, learning_rate=1e-3)
    stages = {"pretrain_2d": none, "pretrain_3d": none, "adversarial": adversarial}
    config = drawn_people.small_config(policy="mixed_float16", checkpoint_every=16, **stages)
    alone, stopped = tmp_path / "alone", tmp_path / "stopped"
    assert Trainer(config, str(alone), drawn_data).run()
    for first, stop in itertools.pairwise((0, *STOPS)):
        asked = iter([False] * (stop - first - 1) + [True])
        assert not Trainer(config, str(stopped), drawn_data).run(lambda asked=asked: next(asked))
        assert (stopped / f"adversarial/checkpoints/ckpt-{stop}.index").exists()
    assert Trainer(config, str(stopped), drawn_data).run()

    one, other = everything(alone), everything(stopped)
    assert one.keys() == other.keys()
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []
    for player in ("generator", "discriminator"):
        for state in ("dynamic_scale", "step_counter"):
            assert any(f"{player}_optimizer" in name and state in name for name in one)
    logs = [(run / "adversarial/metrics.jsonl").read_text() for run in (alone, stopped)]
    assert logs[0] == logs[1]
    metrics = work_folder.read_metrics(str(stopped), "adversarial")
    for player in ("generator", "discriminator"):
        scale = metrics[f"{player}_loss_scale"]
        for part in (scale[: STOPS[0]], scale[STOPS[-1] - 1 :]):
            assert (np.diff(part) < 0).any() and (np.diff(part) > 0).any(), player
