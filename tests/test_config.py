import dataclasses
import inspect
import json
import sys

import pytest
from absl import flags
from ml_collections import config_flags

from tf_advpose import config as configuration
from tf_advpose import models, presets

TUPLES = ("discriminator.sources", "generator.mean")


def flat(values: dict, prefix: str = "") -> dict:
    """{"generator": {"width": 1}} as {"generator.width": 1}."""
    result = {}
    for name, value in values.items():
        inner = isinstance(value, dict)
        result |= flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return result


def changes(preset: str, reference: str) -> dict:
    """The settings in which one preset differs from another, with its values."""
    ours, theirs = (flat(dataclasses.asdict(presets.from_preset(name))) for name in (preset, reference))
    assert ours.keys() == theirs.keys()
    return {name: ours[name] for name in ours if ours[name] != theirs[name] and name != "preset"}


ROWS = {
    "full": {},
    "full_fix2d": {"freeze_hourglass": True},
    "map": {"discriminator.sources": ("image", "maps")},
    "geo": {"discriminator.sources": ("image", "geometry")},
    "descriptor": {"discriminator.sources": ("geometry",)},
    "baseline": {"discriminator.sources": ()},
    "baseline_fix2d": {"discriminator.sources": (), "freeze_hourglass": True},
}


@pytest.mark.parametrize("size", ["2s", "4s", "demo"])
@pytest.mark.parametrize("row", ROWS)
def test_a_row_changes_only_what_it_says(row, size):
    assert changes(f"{row}_{size}", f"full_{size}") == ROWS[row]


@pytest.mark.parametrize("size", ["2s", "4s", "demo"])
def test_without_pretraining_the_generator_is_updated_as_often(size):
    """`pretrain_3d` alone is left out, and its steps are made up for in the last stage."""
    full = presets.from_preset(f"full_{size}")
    assert changes(f"full_without_pretraining_{size}", f"full_{size}") == {
        "pretrain_3d.steps": 0,
        "adversarial.steps": full.pretrain_3d.steps + full.adversarial.steps,
    }


def test_the_sizes_differ_in_stacks_or_width_alone():
    assert changes("full_4s", "full_2s") == {"generator.num_stacks": 4}
    assert changes("full_mobile", "full_2s") == {"generator.width": 128}
    assert presets.from_preset("full_2s").generator.num_stacks == 2
    assert changes("everyday", "everyday_1s").keys() == {"generator.num_stacks", "pretrain_3d.steps"}


def test_the_papers_settings():
    """Sec. 4.2 and 5, and the mixture of each stage's batches."""
    config = presets.from_preset("full_2s")
    assert (config.batch_size, config.lambda_adversarial) == (12, 1e-4)
    assert (config.pretrain_3d.steps, config.adversarial.steps) == (200_000, 120_000)
    assert [config.stage(name).wild_share for name in configuration.STAGES] == [1.0, 0.5, 0.5]
    assert (config.lab, config.wild) == ("human36m", "mpii")
    assert config.discriminator.sources == ("image", "geometry", "maps")


@pytest.mark.parametrize(
    "short, full",
    [
        ("full", "full_2s"),
        ("geo", "geo_2s"),
        ("demo", "descriptor_demo"),
        ("mobile", "full_mobile"),
        ("everyday", "baseline_everyday"),
        ("everyday_1s", "baseline_everyday_1s"),
    ],
)
def test_short_names(short, full):
    assert changes(short, full) == {}


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_can_be_trained(name):
    """Its settings pass the check, and are arguments that the networks have."""
    config = presets.from_preset(name)
    configuration.check(config)
    assert config.preset == name
    inspect.signature(models.build_generator).bind(**dataclasses.asdict(config.generator))
    discriminator = dataclasses.asdict(config.discriminator)
    del discriminator["redraw_heatmaps"]  # of the encoding, not of the network
    inspect.signature(models.build_discriminator).bind(**discriminator)


def test_preset_names_are_complete():
    """A row, a size or a short form more or less is a change to what users rely on."""
    rows = [*ROWS, "full_without_pretraining"]
    sizes = ("2s", "4s", "mobile", "demo", "miniature", "everyday", "everyday_1s")
    short = {"demo", "mobile", "everyday", "everyday_1s"}
    assert set(presets.PRESETS) == short | {*rows} | {f"{row}_{size}" for row in rows for size in sizes}


def test_presets_are_independent_copies():
    """Changing one run's settings must not reach the next."""
    presets.from_preset("full_2s").pretrain_2d.steps = 1
    presets.from_preset("full_2s").augmentation.scale = 9.0
    assert changes("full_2s", "full") == {}


@pytest.mark.parametrize("name", ["fulll", "", "full_8s", "2s", "_2s", "full_2s_4s"])
def test_an_unknown_preset_is_answered_with_those_there_are(name):
    with pytest.raises(ValueError, match=f"'{name}'.*full_without_pretraining_4s"):
        presets.from_preset(name)


@pytest.mark.parametrize("name", ["geo_4s", "baseline_demo"])
def test_a_configuration_survives_json(name):
    """Runs are resumed, and models exported, by the file that a run wrote."""
    config = presets.from_preset(name)
    config.generator.mean = (0.1, 0.2, 0.3)
    config.adversarial.schedule = "cosine"
    values = dataclasses.asdict(config)
    assert configuration.from_dict(values) == config
    restored = configuration.from_dict(json.loads(json.dumps(values)))
    assert restored == config
    for path in TUPLES:  # a list is not equal to the tuple that it was, nor hashable
        part, field = path.split(".")
        assert isinstance(getattr(getattr(restored, part), field), tuple)


@pytest.mark.parametrize(
    "values, named",
    [
        ({"zzz": 1, "aaa": 2, "seed": 3}, "aaa, zzz"),
        ({"generator": {"widht": 64}}, "generator.widht"),
        ({"adversarial": {"steps": 1, "wild_share": 0.5, "rate": 1}}, "adversarial.rate"),
    ],
)
def test_unknown_fields_are_named(values, named):
    """As in a file that another version of this package wrote."""
    with pytest.raises(ValueError, match=f"Unknown configuration fields: {named}"):
        configuration.from_dict(values)


@pytest.mark.parametrize(
    "path, value, named",
    [
        ("policy", "bfloat16", "'bfloat16'.*mixed_bfloat16"),
        ("pretrain_3d.wild_share", 1.5, r"pretrain_3d\.wild_share must be from 0 to 1, got 1\.5"),
        ("adversarial.wild_share", -0.1, r"adversarial\.wild_share"),
        ("pretrain_2d.schedule", "linear", r"pretrain_2d\.schedule 'linear'.*constant, cosine, step"),
        ("pretrain_2d.drops", (5,), r"pretrain_2d\.drops .* got \(5,\) with 'cosine'"),
        ("pretrain_2d.warm_up", -1, r"pretrain_2d\.warm_up must be 0 or more, got -1"),
        (
            "pretrain_2d.learning_rate",
            -1e-3,
            r"pretrain_2d\.learning_rate must be 0 or more .* got -0\.001",
        ),
        ("pretrain_2d.drop_factor", 0.0, r"pretrain_2d\.drop_factor above 0, got .* and 0\.0"),
        ("discriminator_learning_rate", -1.0, "discriminator_learning_rate must be 0 or more, got -1.0"),
        ("augmentation.scale", 1.25, r"augmentation\.scale must be from 0, .* below 1, got 1\.25"),
        ("augmentation.mirror_probability", 2.0, r"mirror_probability must be from 0 to 1, got 2\.0"),
        ("average_decay", 1.0, "average_decay must be from 0 to below 1, got 1.0"),
        ("largest_gradient", -1.0, "largest_gradient must be 0 or more, got -1.0"),
        ("accumulation", 0, "accumulation must be at least 1, got 0"),
        ("best_by", "loss", "Unknown best_by 'loss'. Known: mpjpe, pckh"),
        ("validate_on", "mpii", "validate_on is <dataset>:<split>, got 'mpii'"),
        ("pretrain_2d.steps", -1, r"pretrain_2d\.steps must be 0 or more, got -1"),
        ("generator_optimizer", "sgd", "'sgd'.*rmsprop, adam"),
        ("batch_size", 0, "batch_size must be at least 1, got 0"),
        ("checkpoint_every", 0, "checkpoint_every must be at least 1, got 0"),
        ("generator.num_stacks", 0, r"generator\.num_stacks must be at least 1, got 0"),
        ("generator.width_growth", -1, r"generator\.width_growth must be 0 or more, got -1"),
        ("generator.image_size", 16, r"generator\.image_size must be at least 32, got 16"),
        ("generator.mean", (0.4,), r"generator\.mean must be three numbers, got \(0\.4,\)"),
    ],
)
def test_settings_that_no_run_could_use_are_refused(path, value, named):
    config = presets.from_preset("demo")
    *parents, field = path.split(".")
    setattr(getattr(config, parents[0]) if parents else config, field, value)
    with pytest.raises(ValueError, match=named):
        configuration.check(config)


def parse(monkeypatch, *arguments: str) -> configuration.Config:
    """What the command line makes of `full_2s`; config_flags looks at sys.argv itself."""
    argv = ["train.py", *arguments]
    monkeypatch.setattr(sys, "argv", argv)
    values = flags.FlagValues()
    config_flags.DEFINE_config_dataclass("config", presets.from_preset("full_2s"), flag_values=values)
    values(argv)
    return values.config


@pytest.mark.parametrize(
    "argument, path, expected",
    [
        ("--config.batch_size=24", "batch_size", 24),
        ("--config.lab=mpi_inf_3dhp", "lab", "mpi_inf_3dhp"),
        ("--config.lambda_adversarial=1e-3", "lambda_adversarial", 1e-3),
        ("--config.freeze_hourglass", "freeze_hourglass", True),
        ("--config.freeze_hourglass=true", "freeze_hourglass", True),
        ("--config.generator.width=64", "generator.width", 64),
        ("--config.adversarial.wild_share=0", "adversarial.wild_share", 0.0),
        ("--config.pretrain_2d.schedule=cosine", "pretrain_2d.schedule", "cosine"),
        ("--config.discriminator.sources=('geometry',)", "discriminator.sources", ("geometry",)),
        ("--config.discriminator.sources=geometry", "discriminator.sources", ("geometry",)),
        ("--config.discriminator.sources=('image','maps')", "discriminator.sources", ("image", "maps")),
        ("--config.discriminator.sources=()", "discriminator.sources", ()),
        ("--config.generator.mean=(0.0,0.0,0.0)", "generator.mean", (0.0, 0.0, 0.0)),
        ("--config.generator.mean=0,0,0", "generator.mean", (0, 0, 0)),
    ],
)
def test_every_kind_of_field_is_a_flag(argument, path, expected, monkeypatch):
    """The one setting changes, and nothing else."""
    config = parse(monkeypatch, argument)
    default = flat(dataclasses.asdict(presets.from_preset("full_2s")))
    assert flat(dataclasses.asdict(config)) == default | {path: expected}
    assert isinstance(config, configuration.Config)


@pytest.mark.parametrize("argument", ["--config.batch_size=many", "--config.batch_size=1.5"])
def test_a_flag_of_the_wrong_kind_is_refused(argument, monkeypatch):
    with pytest.raises(flags.Error, match="config.batch_size"):
        parse(monkeypatch, argument)
