"""Work folders: reopened by the same run alone, opened again as they were left, and never written over."""

import dataclasses
import json
import pathlib

import drawn_people
import keras
import numpy as np
import pytest

from tf_advpose import config as configuration
from tf_advpose import presets, work_folder
from tf_advpose.config import STAGES, Config, StageConfig
from tf_advpose.training import initial_hourglass


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """Every file below `folder`."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    keras.utils.set_random_seed(5)
    return work_folder.new_generator(drawn_people.small_config())


def finish(work_dir: pathlib.Path, config: Config, generator: keras.Model, *stages: str) -> str:
    """Makes `work_dir` one of a run that has finished `stages`; later ones have the larger weights."""
    work_folder.create(str(work_dir), config, total_bone_length=4000.0)
    for stage in stages:
        path = work_folder.weights_path(str(work_dir), stage, "generator")
        generator.get_layer("depth").bias.assign(np.full(16, STAGES.index(stage)))
        work_folder.save_weights(generator, path)
    return str(work_dir)


def depth_bias(generator: keras.Model) -> float:
    return float(generator.get_layer("depth").bias.numpy()[0])


@pytest.mark.parametrize("preset", ["full_2s", "baseline_fix2d_demo", "geo_4s"])
def test_a_run_is_opened_as_it_was_started(tmp_path, preset):
    config = presets.from_preset(preset)
    config.generator.mean = (0.0, 0.0, 0.0)
    work_folder.create(str(tmp_path / "runs/one"), config, total_bone_length=3987.25)
    assert work_folder.open_run(str(tmp_path / "runs/one")) == config
    assert work_folder.read_total_bone_length(str(tmp_path / "runs/one")) == 3987.25
    assert sorted(path.name for path in (tmp_path / "runs/one").iterdir()) == [
        work_folder.CONFIG_FILE,
        work_folder.TRAINING_SET_FILE,
    ]


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    """Settings that its config.json does not know have their defaults, which change nothing."""
    new = ["deterministic", "average_decay", "largest_gradient", "accumulation", "validate_on"]
    new += ["validate_every", "best_by"]
    config = presets.from_preset("demo")
    values = dataclasses.asdict(config)
    for name in new:
        del values[name]
    for stage in STAGES:
        for name in ("drops", "drop_factor", "warm_up"):
            del values[stage][name]
    (tmp_path / work_folder.CONFIG_FILE).write_text(json.dumps(values))
    assert work_folder.open_run(str(tmp_path)) == config
    work_folder.check_same_run(str(tmp_path), config)
    config.average_decay = 0.999
    with pytest.raises(FileExistsError, match="its average_decay differ"):
        work_folder.check_same_run(str(tmp_path), config)


def test_the_same_run_goes_on_and_another_is_refused(tmp_path):
    run = tmp_path / "run"
    work_folder.create(str(run), drawn_people.small_config(), total_bone_length=4000.0)
    before = contents(tmp_path)
    work_folder.create(str(run), drawn_people.small_config(), total_bone_length=1.0)
    assert contents(tmp_path) == before
    other = drawn_people.small_config(batch_size=8, seed=3)
    for refuse in (work_folder.check_same_run, lambda *args: work_folder.create(*args, 1.0)):
        with pytest.raises(FileExistsError, match="another run; its seed, batch_size differ") as raised:
            refuse(str(run), other)
        assert str(run) in str(raised.value) and "\n" not in str(raised.value)
    assert contents(tmp_path) == before


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("chapter 1")
    config = drawn_people.small_config()
    with pytest.raises(FileExistsError, match="is not empty and holds no run"):
        work_folder.create(str(tmp_path), config, total_bone_length=4000.0)
    with pytest.raises(FileNotFoundError, match="holds no run: config.json not found"):
        work_folder.open_run(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    work_folder.check_same_run(str(tmp_path / "missing"), config)
    (tmp_path / "empty").mkdir()
    work_folder.check_same_run(str(tmp_path / "empty"), config)


@pytest.mark.parametrize(
    "text",
    ["", '{"batch_size": 1', "[]", "null", "3", '{"batchsize": 3}', '{"generator": null}', "\x00\xff"],
)
def test_a_damaged_configuration_is_named(tmp_path, text):
    (tmp_path / work_folder.CONFIG_FILE).write_bytes(text.encode("latin-1"))
    for read in (work_folder.open_run, lambda run: work_folder.check_same_run(run, Config())):
        with pytest.raises(ValueError, match=r"config\.json is not a run's configuration") as raised:
            read(str(tmp_path))
        assert "\n" not in str(raised.value)


def test_the_last_finished_stage_is_loaded_unless_another_is_named(tmp_path, generator):
    run = finish(tmp_path / "run", drawn_people.small_config(), generator, *STAGES[:2])
    assert work_folder.finished_stages(run) == ["pretrain_2d", "pretrain_3d"]
    assert depth_bias(work_folder.load_generator(run)) == 1
    loaded = work_folder.load_generator(run, "pretrain_2d")
    assert depth_bias(loaded) == 0
    for one, other in zip(loaded.variables, generator.variables, strict=True):
        if one.path != "depth/bias":
            np.testing.assert_array_equal(one, other)


def test_what_was_trained_in_mixed_precision_is_opened_in_float32(tmp_path, generator):
    run = finish(tmp_path / "run", drawn_people.small_config(policy="mixed_float16"), generator, STAGES[0])
    loaded = work_folder.load_generator(run)
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}


def test_weights_that_are_not_there_are_named(tmp_path, generator):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        work_folder.load_generator(str(tmp_path / "none"))
    run = finish(tmp_path / "run", drawn_people.small_config(), generator)
    with pytest.raises(FileNotFoundError, match="no weights of any stage. Finished stages: none"):
        work_folder.load_generator(run)
    finish(tmp_path / "run", drawn_people.small_config(), generator, "pretrain_2d")
    for stage in ("adversarial", "warm_up"):
        with pytest.raises(FileNotFoundError, match=f"'{stage}'. Finished stages: pretrain_2d"):
            work_folder.load_generator(run, stage)
    with pytest.raises(FileNotFoundError, match="Weights not found"):
        work_folder.load_weights(generator, tmp_path / "none.weights.h5")


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize("changes", [{"width": 32}, {"num_stacks": 2}])
def test_weights_of_another_architecture_are_named(tmp_path, generator, changes):
    """In one line; the larger in the smaller as well as the smaller in the larger."""
    config = drawn_people.small_config()
    other = drawn_people.small_config(generator=dataclasses.replace(config.generator, **changes))
    runs = [
        finish(tmp_path / "larger", other, generator, "pretrain_2d"),
        finish(tmp_path / "smaller", config, work_folder.new_generator(other), "pretrain_2d"),
    ]
    for run in runs:
        with pytest.raises(ValueError, match="does not fit the generator of this run") as raised:
            work_folder.load_generator(run)
        assert run in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"total_bone_length": null}'])
def test_a_damaged_bone_length_is_named(tmp_path, text):
    """A folder without the file is no run."""
    with pytest.raises(FileNotFoundError, match=r"holds no run: training_set\.json not found"):
        work_folder.read_total_bone_length(str(tmp_path))
    (tmp_path / "training_set.json").write_text(text)
    with pytest.raises(ValueError, match=r"training_set\.json holds no 'total_bone_length'") as raised:
        work_folder.read_total_bone_length(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_damaged_weights_are_named(tmp_path, generator):
    run = finish(tmp_path / "run", drawn_people.small_config(), generator, "pretrain_2d")
    path = work_folder.weights_path(run, "pretrain_2d", "generator")
    whole = path.read_bytes()
    for part in (whole[:2000], b"not HDF5", b""):
        path.write_bytes(part)
        with pytest.raises(ValueError, match="does not fit the generator of this run") as raised:
            work_folder.load_generator(run)
        assert str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_files_appear_when_they_are_complete(tmp_path, generator, monkeypatch):
    """What a killed run leaves is neither a finished stage nor a run."""

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(work_folder.os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        finish(tmp_path / "run", drawn_people.small_config(), generator)
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        work_folder.save_weights(generator, work_folder.weights_path(str(run), "adversarial", "generator"))
    assert not (run / work_folder.CONFIG_FILE).exists()
    assert work_folder.finished_stages(str(run)) == []


def test_a_run_killed_at_its_very_start_can_be_started_again(tmp_path, monkeypatch):
    """Between the two files that a work folder begins with."""
    run, config, write = str(tmp_path / "run"), drawn_people.small_config(), work_folder.write_json

    def die_at_the_second(path, values):
        if any(path.parent.iterdir()):
            # Half a file besides, as a killed process leaves it.
            path.with_name(f"incomplete-{path.name}").write_text("{")
            raise KeyboardInterrupt
        write(path, values)

    with monkeypatch.context() as patch:
        patch.setattr(work_folder, "write_json", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            work_folder.create(run, config, total_bone_length=4000.0)
    work_folder.check_same_run(run, config)
    work_folder.create(run, config, total_bone_length=4000.0)
    assert work_folder.open_run(run) == config
    assert work_folder.read_total_bone_length(run) == 4000


ONE_SOURCE = {"discriminator": configuration.DiscriminatorConfig(sources=("geometry",))}


@pytest.mark.parametrize(
    ("finished", "changes", "taken"),
    [
        (STAGES, ONE_SOURCE, ["pretrain_2d", "pretrain_3d"]),
        (STAGES, {"lambda_adversarial": 0.5, "log_every": 3, "preset": "geo"}, STAGES[:2]),
        (STAGES, {"adversarial": StageConfig(steps=9, wild_share=0.25)}, STAGES[:2]),
        (STAGES[:1], ONE_SOURCE, ["pretrain_2d"]),
        (STAGES, {"freeze_hourglass": True}, ["pretrain_2d"]),
        (STAGES, {"pretrain_3d": StageConfig(steps=3, wild_share=0.5)}, ["pretrain_2d"]),
        (STAGES, {"pretrain_3d": StageConfig(steps=0, wild_share=0.5)}, ["pretrain_2d"]),
    ],
)
def test_stages_are_taken_over_as_far_as_settings_agree(tmp_path, generator, finished, changes, taken):
    theirs = finish(tmp_path / "theirs", drawn_people.small_config(), generator, *finished)
    ours = finish(tmp_path / "ours", drawn_people.small_config(**changes), generator)
    before = contents(tmp_path / "theirs")
    assert work_folder.take_over_stages(ours, theirs) == list(taken)
    assert work_folder.finished_stages(ours) == list(taken)
    for stage in taken:
        paths = [work_folder.weights_path(run, stage, "generator") for run in (ours, theirs)]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert contents(tmp_path / "theirs") == before


def test_an_initial_hourglass_is_told_of_where_its_stage_is_taken_over(tmp_path, generator):
    """The terms of its data go with its weights."""
    theirs = finish(tmp_path / "theirs", drawn_people.small_config(), generator)
    initial_hourglass.keep(theirs, generator, "public.pth.tar")
    ours = finish(tmp_path / "ours", drawn_people.small_config(), generator)
    assert work_folder.initial_hourglass(ours) is None
    work_folder.take_over_stages(ours, theirs)
    assert work_folder.initial_hourglass(ours) == "public.pth.tar"


def test_stages_of_ones_own_are_kept(tmp_path, generator):
    theirs = finish(tmp_path / "theirs", drawn_people.small_config(), generator, *STAGES)
    ours = finish(tmp_path / "ours", drawn_people.small_config(), generator, "pretrain_3d")
    path = work_folder.weights_path(ours, "pretrain_3d", "generator")
    generator.get_layer("depth").bias.assign(np.full(16, 7.0))
    work_folder.save_weights(generator, path)
    assert work_folder.take_over_stages(ours, theirs) == list(STAGES[:2])
    assert depth_bias(work_folder.load_generator(ours, "pretrain_3d")) == 7


def test_a_stage_that_both_runs_leave_out_is_no_obstacle(tmp_path, generator):
    config = drawn_people.small_config(pretrain_2d=StageConfig(steps=0, wild_share=1.0))
    theirs = finish(tmp_path / "theirs", config, generator, "pretrain_3d", "adversarial")
    ours = finish(tmp_path / "ours", config, generator)
    assert work_folder.take_over_stages(ours, theirs) == ["pretrain_3d"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 1, "batch_size": 8}, "its seed, batch_size differ"),
        ({"policy": "mixed_bfloat16"}, "its policy differ"),
        ({"depth_weight": 0.5}, "its depth_weight differ"),
        ({"generator": configuration.GeneratorConfig(width=32)}, "its generator differ"),
        ({"augmentation": configuration.AugmentationConfig(scale=0.1)}, "its augmentation differ"),
        (
            {"pretrain_2d": StageConfig(steps=3, wild_share=1.0)},
            "has not finished pretrain_2d under the same settings",
        ),
    ],
)
def test_stages_of_other_settings_are_refused(tmp_path, generator, changes, named):
    theirs = finish(tmp_path / "theirs", drawn_people.small_config(), generator, *STAGES)
    ours = finish(tmp_path / "ours", drawn_people.small_config(**changes), generator)
    with pytest.raises(ValueError, match=named) as raised:
        work_folder.take_over_stages(ours, theirs)
    assert theirs in str(raised.value) and "\n" not in str(raised.value)
    assert work_folder.finished_stages(ours) == []
    with pytest.raises(FileNotFoundError, match="holds no run"):
        work_folder.take_over_stages(ours, str(tmp_path / "none"))


def test_metrics_are_read_as_arrays(tmp_path):
    (tmp_path / "pretrain_2d").mkdir()
    lines = [{"step": step, "pose_loss": 1 / step} for step in (1, 2, 4)]
    path = tmp_path / "pretrain_2d" / work_folder.METRICS_FILE
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    metrics = work_folder.read_metrics(str(tmp_path), "pretrain_2d")
    assert metrics["step"].tolist() == [1, 2, 4]
    np.testing.assert_allclose(metrics["pose_loss"], [1, 0.5, 0.25])
    path.write_text("")
    assert work_folder.read_metrics(str(tmp_path), "pretrain_2d") == {}


def test_both_players_are_built_as_configured():
    config = drawn_people.small_config()
    config.discriminator = dataclasses.replace(
        config.discriminator, sources=("maps",), redraw_heatmaps=True
    )
    config.generator = dataclasses.replace(config.generator, num_stacks=2)
    assert len(work_folder.new_generator(config).output["heatmaps"]) == 2
    discriminator = work_folder.new_discriminator(config)
    assert discriminator.input["maps"].shape == (None, 8, 8, 32)
