"""Weights that a run begins with: another run's, of other data, other size of images or fewer stacks."""

import keras

from tf_advpose import work_folder
from tf_advpose.models.generator import layers_of_stacks

NAMED_LAYERS = 6  # that an error names at most


def load(generator: keras.Model, work_dir: str) -> None:
    """Sets the weights of `generator` to what the last finished stage of the run in `work_dir` has left.

    It is the moving average of the weights, where that was kept. Stacks behind those that the other has
    keep the weights that they have.

    Raises:
      FileNotFoundError, ValueError: no run there, or its generator does not fit; no weight is changed.
    """
    last = work_folder.finished_stages(work_dir)[-1:]
    averaged = any(
        work_folder.weights_path(work_dir, stage, "generator_average").is_file() for stage in last
    )
    other = work_folder.load_generator(work_dir, weights="average" if averaged else "last")
    num_stacks = work_folder.open_run(work_dir).generator.num_stacks
    copy(other.layers, layers_of_stacks(generator, num_stacks), f"The generator of {work_dir}")


def copy(sources: list[keras.layers.Layer], targets: list[keras.layers.Layer], named: str) -> None:
    """Sets the weights of `targets` to those of the `sources` of the same names.

    Raises:
      ValueError: they do not fit; says of what is `named`, and in which layers. No weight is changed.
    """
    ours, theirs = ({layer.name: layer for layer in layers} for layers in (targets, sources))
    shapes, others = ({name: _shape(layer) for name, layer in one.items()} for one in (ours, theirs))
    unfit = [name for name in shapes | others if shapes.get(name) != others.get(name)]
    if unfit:
        more = ", ..." if len(unfit) > NAMED_LAYERS else ""
        raise ValueError(
            f"{named} does not fit; it differs in {', '.join(unfit[:NAMED_LAYERS])}{more}. "
            "Give the generator the same settings."
        )
    for name, layer in ours.items():
        layer.set_weights(theirs[name].get_weights())


def _shape(layer: keras.layers.Layer) -> tuple:
    """What must agree for weights to mean the same: their shapes, and the mean that is subtracted."""
    offset = layer.offset if isinstance(layer, keras.layers.Rescaling) else None
    return offset, [tuple(variable.shape) for variable in layer.weights]
