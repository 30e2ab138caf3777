"""Whole runs on drawn people: three stages, interruptions, presets, and what they leave on disk."""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

import drawn_people
import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import REPOSITORY
from drawn_people import LAB, WILD

from tf_advpose import config as configuration
from tf_advpose import presets, work_folder
from tf_advpose.config import STAGES, Config, StageConfig
from tf_advpose.data import pipeline
from tf_advpose.models.generator import hourglass_layers
from tf_advpose.progress import ProgressBar
from tf_advpose.training.logs import StageLog
from tf_advpose.training.trainer import Trainer

HOLDER = """
import sys, time
from tf_advpose.locks import only_run
with only_run(sys.argv[1]):
    print("holds", flush=True)
    time.sleep(600)
"""  # stands for another process that trains


class Killed(BaseException):
    """Stands for the end of the process."""


def preset_config(row: str) -> Config:
    """A small run of a row of Table 2."""
    config = drawn_people.small_config()
    presets.ROWS[row](config)
    config.preset = row
    return config


def stored(run: str, stage: str, player: str = "generator") -> dict[str, np.ndarray]:
    """The weights that a stage has left, by their places in the file."""
    found = {}
    with h5py.File(work_folder.weights_path(run, stage, player)) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def assert_same(one: dict, other: dict):
    assert one.keys() == other.keys() and one
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.fixture(scope="module", autouse=True)
def plain_generators():
    """What is tested here does not depend on the generator's layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work_folder, "new_generator", lambda config: drawn_people.plain_generator())
        yield


@pytest.fixture(scope="module")
def full(drawn_data, tmp_path_factory) -> str:
    """A run of all three stages, never interrupted. Not to be changed."""
    run = str(tmp_path_factory.mktemp("runs") / "full")
    Trainer(drawn_people.small_config(), run, drawn_data).run()
    return run


def test_all_stages_leave_what_is_promised(full):
    assert work_folder.finished_stages(full) == list(STAGES)
    files = {str(path.relative_to(full)) for path in pathlib.Path(full).rglob("*") if path.is_file()}
    assert {"config.json", "training_set.json", "adversarial/discriminator.weights.h5"} <= files
    for stage in STAGES:
        assert {f"{stage}/generator.weights.h5", f"{stage}/metrics.jsonl"} <= files
        assert any(name.startswith(f"{stage}/events.") for name in files)
    assert not any("incomplete" in name for name in files)
    assert "pretrain_2d/discriminator.weights.h5" not in files
    config = drawn_people.small_config()
    for stage in STAGES:
        metrics = work_folder.read_metrics(full, stage)
        assert metrics["step"].tolist() == list(range(1, config.stage(stage).steps + 1))
        assert all(np.isfinite(values).all() for values in metrics.values())
        assert ("discriminator_loss" in metrics) == (stage == "adversarial")
        assert (metrics["depth_loss"] > 0).all() == (stage != "pretrain_2d")


def test_each_stage_goes_on_where_the_last_one_ended(full):
    """Depth is learnt from the second stage on; the hourglass in all of them."""
    weights = [stored(full, stage) for stage in STAGES]
    for earlier, later in zip(weights, weights[1:], strict=False):
        changed = [name for name in earlier if not np.array_equal(earlier[name], later[name])]
        assert len(changed) == len(earlier)
        distance = sum(np.abs(later[name] - earlier[name]).sum() for name in earlier)
        assert 0 < distance < 0.5 * sum(np.abs(value).sum() for value in earlier.values())
    assert_same(
        {variable.path: variable.numpy() for variable in work_folder.load_generator(full).variables},
        {v.path: v.numpy() for v in work_folder.load_generator(full, "adversarial").variables},
    )


def test_the_training_set_is_described(full, drawn_data):
    expected = pipeline.mean_total_bone_length(LAB, drawn_data)
    assert work_folder.read_total_bone_length(full) == expected


def test_finished_stages_are_not_run_again(full, drawn_data, monkeypatch):
    """Their weights are loaded. Nor is the lab data read again for what the work folder knows."""

    def refuse(*_):
        raise AssertionError("training data was read")

    monkeypatch.setattr(pipeline, "training_batches", refuse)
    monkeypatch.setattr(pipeline, "stored_examples", refuse)
    again = Trainer(drawn_people.small_config(), full, drawn_data)
    again.run()
    assert_same(
        {variable.path: variable.numpy() for variable in again.generator.variables},
        {variable.path: variable.numpy() for variable in work_folder.load_generator(full).variables},
    )


def test_one_process_trains_in_a_work_folder(drawn_data, tmp_path):
    """A second one, which would remove the checkpoint that the first is writing, changes nothing."""
    run = tmp_path / "run"
    second = Trainer(drawn_people.small_config(), str(run), drawn_data)
    command = [sys.executable, "-c", HOLDER, str(run / work_folder.CONFIG_FILE)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"holds\n"
        before = sorted(run.rglob("*"))
        with pytest.raises(BlockingIOError, match=f"Another run is writing to {run} now. Let it finish."):
            second.run()
        assert sorted(run.rglob("*")) == before
        holder.kill()
    assert second.run()


def test_another_run_is_refused_and_nothing_overwritten(full, drawn_data, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in pathlib.Path(full).rglob("*")}
    with pytest.raises(FileExistsError, match="already holds another run; its seed differ"):
        Trainer(drawn_people.small_config(seed=1), full, drawn_data)
    assert {path: path.stat().st_mtime_ns for path in pathlib.Path(full).rglob("*")} == before
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(FileExistsError, match="holds no run"):
        Trainer(drawn_people.small_config(), str(tmp_path), drawn_data)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_an_interrupted_run_ends_as_if_it_had_not_been(full, drawn_data, tmp_path, monkeypatch):
    """Killed two steps behind its last checkpoint, in the stage with two optimisers.

    The stages before are taken over from the other run, which must make no difference either.
    """
    run, log = str(tmp_path / "run"), StageLog.scalars

    def die_in_step_4(self, step, metrics):
        log(self, step, metrics)
        if step == 4:
            raise Killed

    config = drawn_people.small_config()
    config.checkpoint_every = 2
    with monkeypatch.context() as patch:
        patch.setattr(StageLog, "scalars", die_in_step_4)
        killed = Trainer(config, run, drawn_data, start_from=full)
        with pytest.raises(Killed):
            killed.run()
    assert work_folder.finished_stages(run) == list(STAGES[:2])
    assert work_folder.read_metrics(run, "adversarial")["step"].tolist() == [1, 2, 3, 4]
    with open(pathlib.Path(run) / "adversarial/metrics.jsonl", "a") as file:
        file.write('{"step": 5, "pose')  # as a full disk leaves it

    steps_run, advance = [], ProgressBar.advance
    monkeypatch.setattr(ProgressBar, "advance", lambda self: (steps_run.append(1), advance(self)))
    Trainer(config, run, drawn_data).run()
    assert len(steps_run) == 3
    for stage, player in [*((stage, "generator") for stage in STAGES), ("adversarial", "discriminator")]:
        assert_same(stored(full, stage, player), stored(run, stage, player))
    logged, expected = (work_folder.read_metrics(folder, "adversarial") for folder in (run, full))
    assert_same(logged, expected)


def test_steps_are_compiled_by_xla_where_the_configuration_says_so(full, drawn_data, tmp_path, monkeypatch):
    compiled, run, plain_function = set(), str(tmp_path / "compiled"), tf.function

    def recorded(*function, **how):
        compiled.add(how.get("jit_compile"))
        return plain_function(*function, **how)

    monkeypatch.setattr(tf, "function", recorded)
    config = drawn_people.small_config(jit_compile=True)
    config.pretrain_3d.steps = config.adversarial.steps = 0
    Trainer(config, run, drawn_data).run()
    assert compiled == {True}
    ours, theirs = (work_folder.read_metrics(folder, "pretrain_2d") for folder in (run, full))
    np.testing.assert_allclose(ours["pose_loss"], theirs["pose_loss"], rtol=1e-3)


def test_baseline_has_no_discriminator_and_as_many_steps(full, drawn_data, tmp_path):
    run = str(tmp_path / "run")
    Trainer(preset_config("baseline"), run, drawn_data, start_from=full).run()
    assert not work_folder.weights_path(run, "adversarial", "discriminator").exists()
    metrics = work_folder.read_metrics(run, "adversarial")
    assert "pose_loss" in metrics
    assert not any("discriminator" in name or "adversarial" in name for name in metrics)
    assert metrics["step"].tolist() == work_folder.read_metrics(full, "adversarial")["step"].tolist()
    # The same batches from the same weights.
    first = work_folder.read_metrics(full, "adversarial")["pose_loss"][0]
    assert metrics["pose_loss"][0] == pytest.approx(first, rel=1e-5)


def test_full_without_pretraining_skips_one_stage_and_takes_as_many_steps(full, drawn_data, tmp_path):
    run, config = str(tmp_path / "run"), preset_config("full_without_pretraining")
    Trainer(config, run, drawn_data, start_from=full).run()
    assert work_folder.finished_stages(run) == ["pretrain_2d", "adversarial"]
    together = sum(len(work_folder.read_metrics(full, stage)["step"]) for stage in STAGES[1:])
    assert len(work_folder.read_metrics(run, "adversarial")["step"]) == together
    assert work_folder.weights_path(run, "adversarial", "discriminator").exists()


def test_fix2d_freezes_the_hourglass_from_the_second_stage_on(full, drawn_data, tmp_path):
    run, config = str(tmp_path / "run"), preset_config("full_fix2d")
    fixed = Trainer(config, run, drawn_data, start_from=full)
    assert work_folder.finished_stages(run) == ["pretrain_2d"]
    fixed.run_stage("pretrain_2d")
    before = {variable.path: variable.numpy() for variable in fixed.generator.variables}
    fixed.run_stage("pretrain_3d")
    hourglass = {
        variable.path for layer in hourglass_layers(fixed.generator) for variable in layer.variables
    }
    changed = {v.path for v in fixed.generator.variables if not np.array_equal(before[v.path], v.numpy())}
    assert changed == set(before) - hourglass


def test_policy_is_the_models_alone(drawn_data, tmp_path):
    """Whoever builds a model afterwards gets float32."""
    mixed = Trainer(drawn_people.small_config(policy="mixed_bfloat16"), str(tmp_path / "run"), drawn_data)
    assert mixed.generator.get_layer("stem_conv").compute_dtype == "bfloat16"
    assert mixed.discriminator.get_layer("fc1").compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


def test_stages_without_steps_refuse_no_setting(drawn_data, tmp_path):
    """They are never run: neither what they would share a batch into counts, nor what the discriminator
    would see."""
    unused = {"pretrain_3d": StageConfig(steps=0, wild_share=0.5)}
    unused |= {"adversarial": StageConfig(steps=0, wild_share=1.0)}
    config = drawn_people.small_config(batch_size=6, accumulation=2, **unused)
    configuration.check(config)
    assert Trainer(config, str(tmp_path / "run"), drawn_data).run()


def only_test_split(folder: pathlib.Path) -> None:
    """Takes the train split out of a prepared dataset."""
    (path,) = folder.glob("*/dataset_info.json")
    info = json.loads(path.read_text())
    info["splits"] = [split for split in info["splits"] if split["name"] != "train"]
    path.write_text(json.dumps(info))


def test_impossible_runs_are_refused_before_anything_is_written(drawn_data, tmp_path, full):
    """And not after the hours of the first stage."""
    shutil.copytree(drawn_data, tmp_path / "data")
    only_test_split(tmp_path / "data" / WILD)
    sources = drawn_people.small_config()
    sources.discriminator = dataclasses.replace(sources.discriminator, sources=("picture",))
    nobody_real = drawn_people.small_config(adversarial=StageConfig(steps=5, wild_share=1.0))
    unvalidated = drawn_people.small_config(validate_on=f"{WILD}:none")
    plain = drawn_people.small_config()
    for config, data_dir, start_from, error, named in (
        (plain, tmp_path / "none", None, FileNotFoundError, "is not prepared"),
        (drawn_people.small_config(wild="coco"), drawn_data, None, ValueError, "Unknown dataset 'coco'"),
        (plain, tmp_path / "data", None, ValueError, f"{WILD} has no split 'train'"),
        (sources, drawn_data, None, ValueError, "picture"),
        (unvalidated, drawn_data, None, ValueError, "has no split 'none'"),
        (nobody_real, drawn_data, None, ValueError, "adversarial.wild_share"),
        (plain, drawn_data, tmp_path / "none", FileNotFoundError, "holds no run"),
        (drawn_people.small_config(seed=1), drawn_data, full, ValueError, "No stage of .* its seed differ"),
    ):
        with pytest.raises(error, match=named) as raised:
            Trainer(config, str(tmp_path / "run"), str(data_dir), start_from and str(start_from))
        assert "\n" not in str(raised.value)
        assert not (tmp_path / "run").exists(), named
