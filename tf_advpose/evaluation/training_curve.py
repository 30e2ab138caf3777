"""Figure 5: the error of runs against the training step, from the weights that they keep.

A run keeps the weights at the end of each stage and its last checkpoints; each is scored. What was logged
on the way, the error on a validation split and the losses, stands beside, so that what lies between two
points is seen as well.
"""

import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tf_advpose import visualize, work_folder
from tf_advpose.config import STAGES
from tf_advpose.evaluation import sources

FIRST_STAGE = "pretrain_3d"  # before it there is no depth, and no 3D error worth a point
LOSSES = ("depth_loss", "heatmap_loss")


def draw(
    work_dirs: list[str], error_of: Callable[[sources.Model], float], path: str | os.PathLike
) -> dict[str, list[tuple[int, float]]]:
    """Writes a PNG of every run's error against its steps since `FIRST_STAGE`, and of its logged losses.

    Args:
      error_of: scores a model; mm.

    Returns:
      {run: [(step, error)]}.

    Raises:
      FileNotFoundError: a run keeps no weights of these stages.
    """
    points = {
        work_dir: [(step, error_of(model)) for step, model in saved_models(work_dir)]
        for work_dir in work_dirs
    }
    panels = {
        "MPJPE in mm, evaluated": {run: tuple(np.array(found).T) for run, found in points.items()},
        "MPJPE in mm, validation": _logged(work_dirs, "mpjpe", work_folder.VALIDATION_FILE),
        **{f"{loss.replace('_', ' ')}, training": _logged(work_dirs, loss) for loss in LOSSES},
    }
    panels = {title: curves for title, curves in panels.items() if curves}
    visualize.plot_curves(panels, path, f"step since the start of {FIRST_STAGE}")
    return points


def saved_models(work_dir: str) -> Iterator[tuple[int, sources.Model]]:
    """Every generator that a run keeps of its stages from `FIRST_STAGE` on, by step; 0 is before them.

    The run may go on meanwhile.

    Raises:
      FileNotFoundError: it keeps none.
    """
    finished = work_folder.finished_stages(work_dir)
    kept = False
    for stage, first, last in _stages(work_dir):
        generator = work_folder.new_generator(work_folder.open_run(work_dir))
        bone_length = work_folder.read_total_bone_length(work_dir)
        model = sources.from_generator(generator, f"{os.path.normpath(work_dir)} {stage}", bone_length)
        folder = pathlib.Path(work_dir) / stage / work_folder.CHECKPOINTS
        for step in reversed(work_folder.kept_checkpoints(folder)):
            path = str(work_folder.checkpoint_path(folder, step))
            try:
                restored = tf.train.Checkpoint(generator=generator).read(path)
            except tf.errors.NotFoundError:  # a training that goes on has dropped it since
                continue
            restored.assert_existing_objects_matched().expect_partial()
            kept = True
            yield first + step, model
        if stage in finished:
            work_folder.load_weights(generator, work_folder.weights_path(work_dir, stage, "generator"))
            kept = True
            yield last, model
    if not kept:
        raise FileNotFoundError(f"{work_dir} keeps no weights of {FIRST_STAGE} or later.")


def _stages(work_dir: str) -> Iterator[tuple[str, int, int]]:
    """The stages that count, each with the steps it starts and ends at."""
    config = work_folder.open_run(work_dir)
    step = 0
    for stage in STAGES[STAGES.index(FIRST_STAGE) :]:
        steps = config.stage(stage).steps
        if steps:
            yield stage, step, step + steps
        step += steps


def _logged(
    work_dirs: list[str], metric: str, file: str = work_folder.METRICS_FILE
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    curves = {}
    for work_dir in work_dirs:
        parts = []
        for stage, first, _ in _stages(work_dir):
            if (pathlib.Path(work_dir) / stage / file).is_file():
                log = work_folder.read_metrics(work_dir, stage, file)
                if metric in log:
                    parts.append(np.stack([first + log["step"], log[metric]]))
        if parts:
            curves[work_dir] = tuple(np.concatenate(parts, axis=1))
    return curves
