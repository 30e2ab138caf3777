"""What another run has learned, to begin with: at any size, in more stacks; what does not fit is named."""

import pathlib
import shutil

import drawn_people
import numpy as np
import pytest

from tf_advpose import work_folder
from tf_advpose.config import Config, GeneratorConfig
from tf_advpose.training import initial_hourglass, initial_weights
from tf_advpose.training.trainer import Trainer


def config_of(**generator) -> Config:
    settings = {"num_stacks": 1, "image_size": 32, "width": 8, "depth": 1}
    return drawn_people.small_config(generator=GeneratorConfig(**settings | generator))


def run_of(folder: pathlib.Path, config: Config) -> str:
    """A run with its first stage behind it, at random weights."""
    work_folder.create(str(folder), config, 4000.0)
    path = work_folder.weights_path(str(folder), "pretrain_2d", "generator")
    work_folder.save_weights(work_folder.new_generator(config), path)
    return str(folder)


@pytest.mark.parametrize(
    ("theirs", "first", "last"),
    [
        ({"width": 16}, "stem_conv", ", ..."),
        ({"num_stacks": 2}, "stack1_join_", ", ..."),
        ({"mean": (0.5, 0.5, 0.5)}, "subtract_mean", ""),
    ],
)
def test_layers_that_do_not_fit_are_named(tmp_path, theirs, first, last):
    """From the first one on, those that fit are not, and no weight is changed."""
    other = run_of(tmp_path / "other", config_of(**theirs))
    generator = work_folder.new_generator(config_of())
    before = generator.get_weights()
    with pytest.raises(ValueError, match="does not fit") as raised:
        initial_hourglass.load(generator, other)
    said = str(raised.value)
    assert said.startswith(f"The hourglass of {other} does not fit; it differs in {first}"), said
    assert said.endswith(f"{last}. Give the generator the same settings."), said
    np.testing.assert_equal(generator.get_weights(), before)


def test_a_run_that_is_to_start_from_it_is_not_begun(tmp_path, drawn_data):
    other = run_of(tmp_path / "other", config_of(width=16))
    with pytest.raises(ValueError, match="does not fit"):
        Trainer(config_of(), str(tmp_path / "run"), drawn_data, hourglass_from=other)
    assert not (tmp_path / "run").exists()


def test_a_run_begins_with_the_weights_of_another_at_a_larger_size(tmp_path, drawn_data):
    other = run_of(tmp_path / "other", config_of())
    config = config_of(image_size=64)
    config.initial_weights = other
    trainer = Trainer(config, str(tmp_path / "run"), drawn_data)
    np.testing.assert_equal(
        trainer.generator.get_weights(), work_folder.load_generator(other).get_weights()
    )
    assert trainer.generator.input_shape[1] == 64


def test_a_run_begins_with_the_weights_of_one_of_fewer_stacks(tmp_path, drawn_data):
    """Every layer of the other is taken, the depth module too; the stacks behind are as in a new run."""
    config = config_of(num_stacks=3)
    new = Trainer(config, str(tmp_path / "new"), drawn_data).generator
    config.initial_weights = run_of(tmp_path / "other", config_of(num_stacks=2))
    trainer = Trainer(config, str(tmp_path / "run"), drawn_data)
    other = work_folder.load_generator(config.initial_weights)
    theirs = {layer.name: layer for layer in other.layers}
    for layer in trainer.generator.layers:
        expected = theirs.get(layer.name) or new.get_layer(layer.name)
        np.testing.assert_equal(layer.get_weights(), expected.get_weights(), layer.name)
    own = {layer.name for layer in trainer.generator.layers} - theirs.keys()
    assert own and all(name.startswith(("stack3_", "stack2_join")) for name in own)
    assert not theirs.keys() - {layer.name for layer in trainer.generator.layers}


@pytest.mark.parametrize(
    ("ours", "first"),
    [({"num_stacks": 1}, "stack1_join"), ({"num_stacks": 3, "depth": 2}, "stack1_hg2_")],
)
def test_a_stack_less_or_another_in_the_stacks_does_not_fit(tmp_path, ours, first):
    other = run_of(tmp_path / "other", config_of(num_stacks=2))
    generator = work_folder.new_generator(config_of(**ours))
    with pytest.raises(ValueError, match=f"does not fit; it differs in {first}"):
        initial_weights.load(generator, other)


def test_averaged_weights_are_taken_where_there_are_any(tmp_path, drawn_data):
    config = config_of()
    config.initial_weights = run_of(tmp_path / "other", config_of())
    average = work_folder.new_generator(config_of())
    path = work_folder.weights_path(config.initial_weights, "pretrain_2d", "generator_average")
    work_folder.save_weights(average, path)
    trainer = Trainer(config, str(tmp_path / "run"), drawn_data)
    np.testing.assert_equal(trainer.generator.get_weights(), average.get_weights())


def test_a_run_goes_on_where_its_initial_weights_are_gone(tmp_path, drawn_data, monkeypatch):
    """And from its own checkpoint; another run that asks for them says what it lacks."""
    monkeypatch.setattr(work_folder, "new_generator", lambda config: drawn_people.plain_generator())
    config, run = config_of(), str(tmp_path / "run")
    config.pretrain_3d.steps = config.adversarial.steps = 0
    config.initial_weights = run_of(tmp_path / "other", config_of())
    asked = iter([True])
    assert not Trainer(config, run, drawn_data).run(asked_to_stop=lambda: next(asked))
    shutil.rmtree(config.initial_weights)
    assert Trainer(config, run, drawn_data).run()
    with pytest.raises(FileNotFoundError, match="other holds no run"):
        Trainer(config, str(tmp_path / "new"), drawn_data)
    assert not (tmp_path / "new").exists()


def test_weights_that_do_not_fit_start_nothing(tmp_path, drawn_data):
    config = config_of()
    config.initial_weights = run_of(tmp_path / "other", config_of(width=16))
    with pytest.raises(
        ValueError, match="The generator of .*other does not fit; it differs in stem_conv, "
    ):
        Trainer(config, str(tmp_path / "run"), drawn_data)
    assert not (tmp_path / "run").exists()
