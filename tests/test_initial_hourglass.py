"""An hourglass of another run that does not fit: its layers are named, and nothing comes of it."""

import pathlib

import drawn_people
import numpy as np
import pytest

from tf_advpose import work_folder
from tf_advpose.config import Config, GeneratorConfig
from tf_advpose.training import initial_hourglass
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
