"""One stage on its way: stopped, gone wrong, averaged, validated; and what it costs, said beforehand."""

import json
import pathlib
import re

import drawn_people
import keras
import numpy as np
import pytest
import tensorflow as tf
from drawn_people import LAB, WILD
from test_trainer import assert_same, stored

from tf_advpose import work_folder
from tf_advpose.config import Config, StageConfig
from tf_advpose.data import pipeline
from tf_advpose.training import averages, distribution, dry_run, steps, validation
from tf_advpose.training.trainer import Trainer


@pytest.fixture(scope="module", autouse=True)
def plain_generators():
    """What is tested here does not depend on the generator's layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work_folder, "new_generator", lambda config: drawn_people.plain_generator())
        yield


def only_first_stage(steps: int = 6, **changes) -> Config:
    """A run of one stage, with lab and wild examples."""
    first = StageConfig(steps=steps, wild_share=0.5, learning_rate=1e-3)
    rest = {"pretrain_3d": StageConfig(0, 0.5), "adversarial": StageConfig(0, 0.5)}
    return drawn_people.small_config(pretrain_2d=first, **rest, **changes)


def checkpoints_of(run: str) -> list[str]:
    return sorted(path.name for path in pathlib.Path(run).glob("pretrain_2d/checkpoints/*.index"))


@pytest.fixture(scope="module")
def averaged(drawn_data, tmp_path_factory) -> str:
    """A run that keeps averages and validates every other step. Not to be changed."""
    run = str(tmp_path_factory.mktemp("runs") / "averaged")
    config = only_first_stage(average_decay=0.5, validate_on=f"{WILD}:test", validate_every=2)
    Trainer(config, run, drawn_data).run()
    return run


def test_a_run_asked_to_stop_saves_and_goes_on_later(averaged, drawn_data, tmp_path):
    """As if it had not been asked, averages and scores included; with a checkpoint where it stopped."""
    run, asked = str(tmp_path / "run"), iter([False, False, True])
    config = work_folder.open_run(averaged)
    assert Trainer(config, run, drawn_data).run(lambda: next(asked)) is False
    folder = pathlib.Path(run) / "pretrain_2d"
    assert checkpoints_of(run) == ["ckpt-2.index", "ckpt-3.index"]
    assert not work_folder.finished_stages(run)
    assert Trainer(config, run, drawn_data).run() is True
    for player in ("generator", "generator_average", "generator_best"):
        assert_same(stored(averaged, "pretrain_2d", player), stored(run, "pretrain_2d", player))
    for name in ("metrics.jsonl", "validation.jsonl", "best.json"):
        assert (folder / name).read_text() == (pathlib.Path(averaged) / "pretrain_2d" / name).read_text()


def test_the_average_is_that_of_the_weights_along_the_way(drawn_data, tmp_path):
    """With decay 0.5 after two steps: half of each. The last weights stay as they are."""
    run = str(tmp_path / "run")
    trainer = Trainer(only_first_stage(steps=2, average_decay=0.5), run, drawn_data)
    stage = trainer.new_stage("pretrain_2d")
    along = []
    for batch in stage.batches().take(2):
        stage.step(batch)
        along.append([variable.numpy() for variable in trainer.generator.trainable_variables])
    stage.save_weights()
    raw = work_folder.load_generator(run)
    average = work_folder.load_generator(run, weights="average")
    for one, two, variable in zip(*along, average.trainable_variables, strict=True):
        np.testing.assert_allclose(variable.numpy(), (one + two) / 2, atol=1e-7)
    for one, two in zip(raw.trainable_variables, along[1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_batch_norm_fits_the_average(averaged, drawn_data):
    """It has the moments of what the averaged weights, not the last ones, give on training's batches."""
    average = work_folder.load_generator(averaged, weights="average")
    seen = keras.Model(average.input, average.get_layer("stem_bn").input)
    batches = pipeline.training_batches(work_folder.open_run(averaged), "pretrain_2d", drawn_data)
    given = [seen.predict_on_batch(batch["image"]) for batch in batches.take(averages.NUM_BATCHES)]
    gathered = average.get_layer("stem_bn")
    mean = np.mean(given, axis=(0, 1, 2, 3))
    variance = np.mean(np.var(given, axis=(1, 2, 3)), axis=0)
    np.testing.assert_allclose(gathered.moving_mean, mean, atol=1e-5)
    np.testing.assert_allclose(gathered.moving_variance, variance, rtol=1e-4)


def test_batch_norm_that_is_frozen_stays_as_it_is(averaged, drawn_data, tmp_path):
    config = only_first_stage(average_decay=0.5, freeze_hourglass=True)
    config.pretrain_3d.steps = 2
    run = str(tmp_path / "run")
    Trainer(config, run, drawn_data, start_from=averaged).run()
    before = stored(averaged, "pretrain_2d")
    after = stored(run, "pretrain_3d", "generator_average")
    changed = {name for name, value in before.items() if not np.array_equal(value, after[name])}
    assert changed and all("depth" in name or "dense" in name for name in changed), changed


def test_validation_keeps_the_best(averaged):
    """Of all raw and averaged weights scored, by MPJPE, the smallest."""
    folder = pathlib.Path(averaged) / "pretrain_2d"
    scores = [json.loads(line) for line in (folder / "validation.jsonl").read_text().splitlines()]
    assert [score["step"] for score in scores] == [2, 4, 6]
    assert {"mpjpe", "mpjpe_average"} <= set(scores[0])
    values = {(score["step"], name): score[name] for score in scores for name in ("mpjpe", "mpjpe_average")}
    best = json.loads((folder / "best.json").read_text())
    step, name = min(values, key=values.get)
    assert best == {"step": step, "metric": "mpjpe", "value": values[step, name]}
    assert len(set(values.values())) == 6
    if step == 6:
        kept = stored(averaged, "pretrain_2d", "generator_best")
        last = "generator_average" if name.endswith("average") else "generator"
        assert_same(kept, stored(averaged, "pretrain_2d", last))


def test_labels_to_validate_by_are_looked_for_before_the_first_step(monkeypatch):
    batch = {"has_scale": tf.constant([False, False]), "head_size": tf.constant([0.0, 20.0])}
    monkeypatch.setattr(pipeline, "evaluation_batches", lambda *_: ([batch], 2))
    config = only_first_stage(validate_on="mpii:validation", best_by="pckh")
    validation.check_labels(config, "data")
    config.best_by = "mpjpe"
    with pytest.raises(ValueError, match="mpii:validation has no labels .*'mpjpe'; it has them for: pckh"):
        validation.check_labels(config, "data")


def spoil(monkeypatch, *at: int) -> None:
    """Makes the loss NaN in the calls of the step that `at` names, from 1 on."""
    calls, step = tf.Variable(0), steps.supervised_step

    def spoilt(*arguments):
        calls.assign_add(1)
        bad = tf.reduce_any(tf.equal(calls, at))
        metrics = step(*arguments)
        return {**metrics, "depth_loss": tf.where(bad, float("nan"), metrics["depth_loss"])}

    monkeypatch.setattr(steps, "supervised_step", spoilt)


def test_a_loss_that_is_not_finite_once_is_gone_back_on(drawn_data, tmp_path, monkeypatch, capsys):
    """It is written down, with the examples, and the run ends as if it had not been."""
    run, alone = str(tmp_path / "run"), str(tmp_path / "alone")
    Trainer(only_first_stage(), alone, drawn_data).run()
    spoil(monkeypatch, 5)
    assert Trainer(only_first_stage(), run, drawn_data).run()
    assert_same(stored(alone, "pretrain_2d"), stored(run, "pretrain_2d"))
    path = pathlib.Path(run) / "pretrain_2d" / "not_finite_step_5.json"
    evidence = json.loads(path.read_text())
    assert evidence["step"] == 5 and evidence["metrics"]["depth_loss"] == "nan"
    assert evidence["example_ids"] == pipeline.training_example_ids(
        only_first_stage(), "pretrain_2d", drawn_data, 5
    )
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "not finite" in line]
    assert line.startswith("pretrain_2d, step 5: not finite: depth_loss (of the generator); examples lab-")
    assert str(path) in line and line.endswith("Going back to the last checkpoint, once.")


def test_a_loss_that_is_not_finite_twice_ends_the_run(drawn_data, tmp_path, monkeypatch):
    """With the last good checkpoint left as it is. Before the first one, the start is gone back to."""
    run = str(tmp_path / "run")
    spoil(monkeypatch, 1, 5)
    with pytest.raises(FloatingPointError, match="pretrain_2d, step 4: .*second time") as raised:
        Trainer(only_first_stage(), run, drawn_data).run()
    assert "\n" not in str(raised.value)
    folder = pathlib.Path(run) / "pretrain_2d"
    assert (folder / "not_finite_step_1.json").exists() and (folder / "not_finite_step_4.json").exists()
    assert checkpoints_of(run) == ["ckpt-0.index", "ckpt-2.index"]
    assert not work_folder.finished_stages(run)


def test_a_dry_run_says_what_the_run_will_cost(drawn_data, tmp_path):
    report = dry_run.report(Trainer(drawn_people.small_config(), str(tmp_path / "run"), drawn_data))
    for line in (
        r"generator: [\d,]+ parameters, [\d,]+ of them trained",
        r"discriminator: [\d,]+ parameters",
        r"pretrain_2d: [\d.]+ s a step, 2 steps, 0\.00 hours \(the first step: \d+ s\)",
        r"adversarial: [\d.]+ s a step, 5 steps",
        r"all stages: [\d.]+ hours",
        r"most memory in use: \d+\.\d\d GiB",
    ):
        assert re.search(line, report), report
    assert not work_folder.finished_stages(str(tmp_path / "run"))


@pytest.mark.parametrize("by", ["start_from", "hourglass_from"])
def test_a_dry_run_of_any_worker_leaves_out_what_is_taken_over(averaged, drawn_data, tmp_path, by):
    """The chief alone copies it into its work folder; workers that time other stages wait for ever.

    The chief alone validates, too, and knows the mean length of bones for it.
    """
    config = only_first_stage(average_decay=0.5, validate_on=f"{WILD}:test")
    config.pretrain_3d.steps = 2
    reports = []
    for is_chief in (True, False):
        devices = distribution.Devices()
        devices.is_chief = is_chief
        folder = str(tmp_path / str(is_chief))
        reports.append(
            dry_run.report(Trainer(config, folder, drawn_data, devices=devices, **{by: averaged}))
        )
    for report in reports:
        assert re.findall(r"^(\w+): .* s a step", report, re.MULTILINE) == ["pretrain_3d"]


def test_the_hourglass_of_another_run_takes_the_place_of_the_first_stage(averaged, drawn_data, tmp_path):
    run = str(tmp_path / "run")
    config = drawn_people.small_config(seed=5)
    trainer = Trainer(config, run, drawn_data, hourglass_from=averaged)
    ours, theirs = stored(run, "pretrain_2d"), stored(averaged, "pretrain_2d")
    different = {name for name in theirs if not np.array_equal(theirs[name], ours[name])}
    assert different and all("dense" in name or "depth" in name for name in different)
    trainer.run()
    assert not (pathlib.Path(run) / "pretrain_2d/metrics.jsonl").exists()
    assert Trainer(config, run, drawn_data, hourglass_from=averaged).run()
    with pytest.raises(FileExistsError, match=f"started from {averaged}"):
        Trainer(config, run, drawn_data, hourglass_from=str(tmp_path))
    trained = work_folder.open_run(averaged)
    with pytest.raises(FileExistsError, match="started without an initial hourglass"):
        Trainer(trained, averaged, drawn_data, hourglass_from=run)
    with pytest.raises(ValueError, match="left out already"):
        Trainer(trained, str(tmp_path / "other"), drawn_data, start_from=averaged, hourglass_from=run)


def test_steps_see_the_examples_that_are_told(drawn_data):
    """The ids are those of the batch, in its order, over more than a pass."""
    config = only_first_stage()
    config.augmentation.scale = config.augmentation.rotation = 0.0
    config.augmentation.mirror_probability = config.augmentation.colour = 0.0
    number = {"lab": LAB, "wild": WILD}
    known = {}
    for domain, name in number.items():
        batches, _ = pipeline.evaluation_batches(name, "train", drawn_data, 32, 1)
        for batch in batches:
            known[batch["example_id"].numpy()[0].decode()] = batch["joints_2d"].numpy()[0]
        assert any(name.startswith(domain) for name in known)
    batches = pipeline.training_batches(config, "pretrain_2d", drawn_data).take(9)
    for step, batch in enumerate(batches, 1):
        ids = pipeline.training_example_ids(config, "pretrain_2d", drawn_data, step)
        for name, joints in zip(ids, batch["joints_2d"].numpy(), strict=True):
            np.testing.assert_allclose(known[name], joints, atol=1e-4)
