"""The paper's figures of several models on the same data: curves, histograms, poses side by side."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from tf_advpose import drawing, metrics, visualize
from tf_advpose.evaluation import protocols
from tf_advpose.evaluation.predictions import joints_from_bones
from tf_advpose.evaluation.scores import Scores, read_out
from tf_advpose.skeleton import JOINT_NAMES

SHOWN = 6  # examples on a sheet
NOMINAL_BONE_LENGTH = 4200.0  # mm; draws skeletons of models that do not know their training set's
PCKH_THRESHOLDS = np.linspace(0.0, 1.0, 101)
PCK3D_THRESHOLDS = np.linspace(0.0, 200.0, 101)
HISTOGRAM_BINS = 40
_PANEL = 1.7  # inches


def draw(
    folder: str, scores: dict[str, Scores], read_crops: Callable[[list[str]], dict] | None, seed: int = 0
) -> list[pathlib.Path]:
    """Writes every figure of the models' scores into `folder`; returns their paths.

    Args:
      scores: {model: its scores}, all of the same examples. The first model is the one that others are
        compared with.
      read_crops: example_ids -> {example_id: [S, S, 3] uint8}. None: there are no photos, and no
        sheets of poses.
      seed: chooses the random examples.

    Raises:
      ValueError: some models have scores in 2D alone, others in 3D alone.
    """
    in_2d, in_3d = zip(*((one.has_2d.any(), one.has_3d.any()) for one in scores.values()), strict=True)
    if not (all(in_2d) or all(in_3d)):
        raise ValueError("No figure can show all models: some are scored in 2D alone, others in 3D alone.")
    target = pathlib.Path(folder)
    written = []

    def path(name: str) -> pathlib.Path:
        written.append(target / f"{name}.png")
        return written[-1]

    curves(scores, path("curves"))
    error_histograms(scores, path("error_histograms"))
    if read_crops is None:
        return written
    chosen = choose(scores, seed)
    shown = sorted({number for numbers in chosen.values() for number in numbers})
    crops = read_crops(next(iter(scores.values())).predictions.example_id[shown].tolist())
    for name, numbers in chosen.items():
        example_sheet(scores, numbers, crops, path(f"examples_{name}"))
    return written


def curves(scores: dict[str, Scores], path: pathlib.Path) -> None:
    """Draws 3D PCK over millimetres and PCKh over head sizes, a curve a model."""
    panels = {}
    if _in_mm(scores):
        panels["3D PCK in %, threshold in mm"] = {
            model: (PCK3D_THRESHOLDS, _shares_within(one.pck3d_distances, PCK3D_THRESHOLDS))
            for model, one in scores.items()
        }
    if all(one.has_2d.any() for one in scores.values()):
        panels["PCKh in %, threshold in head sizes"] = {
            model: (PCKH_THRESHOLDS, _pckh_curve(one)) for model, one in scores.items()
        }
    visualize.plot_curves(panels, path, "threshold")


def error_histograms(scores: dict[str, Scores], path: pathlib.Path) -> None:
    """Draws how the errors of each joint are distributed, a line a model; the last bin holds all beyond."""
    in_mm = _in_mm(scores)
    errors = {model: one.mpjpe if in_mm else one.head_distances for model, one in scores.items()}
    unit = "mm" if in_mm else "head sizes"
    farthest = float(np.nanquantile(np.concatenate([part.ravel() for part in errors.values()]), 0.98))
    edges = np.linspace(0, max(farthest, 1e-6), HISTOGRAM_BINS + 1)
    figure = Figure(figsize=(10, 8), dpi=110, layout="constrained")
    for joint, axes in enumerate(figure.subplots(4, 4, sharex=True).ravel()):
        for order, (model, values) in enumerate(errors.items()):
            found = values[:, joint][~np.isnan(values[:, joint])]
            counts, _ = np.histogram(np.minimum(found, edges[-1]), edges)
            mean = f"mean {found.mean():.3g}" if len(found) else "not labelled"
            line = axes.stairs(100 * counts / max(len(found), 1), edges, label=model, linewidth=1.3)
            place = {"xy": (0.98, 0.98 - 0.09 * order), "xycoords": "axes fraction", "va": "top"}
            axes.annotate(mean, **place, ha="right", fontsize=7, color=line.get_edgecolor())
        axes.set_title(JOINT_NAMES[joint].replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", fontsize=8, frameon=False)
    figure.supxlabel(f"error in {unit}", fontsize=9)
    figure.supylabel("% of the examples", fontsize=9)
    visualize.save(figure, path)


def choose(scores: dict[str, Scores], seed: int) -> dict[str, list[int]]:
    """Which examples to show: {"random", "failures" and, of two models or more, "improved", "worsened"}.

    Failures are those with the largest error of the last model; improved and worsened are those whose
    error fell and rose most from the first model to the last.
    """
    errors = [_example_errors(one, _in_mm(scores)) for one in scores.values()]
    known = np.flatnonzero(~np.isnan(errors[0]) & ~np.isnan(errors[-1]))
    count = min(SHOWN, len(known))
    last = errors[-1][known]
    chosen = {
        "random": np.sort(np.random.default_rng(seed).choice(known, count, replace=False)),
        "failures": known[np.argsort(-last, kind="stable")[:count]],
    }
    if len(errors) > 1:
        change = last - errors[0][known]
        chosen["improved"] = known[np.argsort(change, kind="stable")[:count]]
        chosen["worsened"] = known[np.argsort(-change, kind="stable")[:count]]
    return {name: numbers.tolist() for name, numbers in chosen.items()}


def example_sheet(
    scores: dict[str, Scores],
    numbers: list[int],
    crops: dict[str, np.ndarray],
    path: pathlib.Path,
) -> None:
    """Draws a row an example: photo, each model's skeleton, the truth, all from the front and the side.

    No skeleton is shown of models that predict pixels alone. The true pose is grey behind the predicted
    one; no truth is shown where no example has one. All skeletons of a row have the same size on paper.
    """
    in_mm = _in_mm(scores)
    poses = {model: _poses(one, numbers) for model, one in scores.items()}
    labels = next(iter(scores.values())).predictions.where(np.array(numbers))
    any_truth = labels.has_scale is not None and bool(labels.has_scale.any())
    columns = 1 + 2 * (len(scores) + any_truth)
    figure = Figure(figsize=(_PANEL * columns, _PANEL * len(numbers) + 0.55), dpi=110)
    top = 1 - 0.5 / figure.get_figheight()
    grid = figure.add_gridspec(
        len(numbers), columns, left=0.002, right=0.998, bottom=0.002, top=top, wspace=0.02, hspace=0.12
    )
    for row, number in enumerate(numbers):
        axes = [figure.add_subplot(grid[row, column]) for column in range(columns)]
        axes[0].imshow(crops[labels.example_id[row]])
        axes[0].set_axis_off()
        truth = labels.joints_3d[row] if any_truth and labels.has_scale[row] else None
        shown = [pose[row] for pose in poses.values()]
        drawn = [pose for pose in (*shown, truth) if pose is not None]
        reach = max((drawing.reach_of(pose) for pose in drawn), default=1.0)
        for place, pose in enumerate((*shown, truth) if any_truth else shown):
            pair = axes[1 + 2 * place : 3 + 2 * place]
            _draw_views(pair, pose, truth if place < len(shown) else None, reach)
        for place, one in enumerate(scores.values()):
            error = _example_errors(one, in_mm)[number]
            unit = "mm" if in_mm else "px"
            if not np.isnan(error):
                axes[1 + 2 * place].set_title(f"{error:.0f} {unit}", fontsize=7, pad=1, loc="right")
        if row == 0:
            for place, title in enumerate(("photo", *scores, *["truth"] * any_truth)):
                box = axes[0 if place == 0 else 2 * place - 1].get_position()
                figure.text(box.x0, 1 - 0.22 / figure.get_figheight(), title, fontsize=9)
    visualize.save(figure, path)


def _draw_views(pair: list, pose: np.ndarray | None, truth: np.ndarray | None, reach: float) -> None:
    for axes, degrees in zip(pair, (drawing.FRONT_DEGREES, drawing.SIDE_DEGREES), strict=True):
        if pose is None:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "no 3D", ha="center", va="center", color="grey", fontsize=8)
        else:
            visualize.plot_skeletons(axes, pose, degrees, truth, reach)


def _poses(scores: Scores, numbers: list[int]) -> np.ndarray | list[None]:
    """The predicted joints of some examples for drawing: [n, P, 3] mm; by bones where no scale is known.

    None of each where a model predicts no depths.
    """
    some = scores.predictions.where(np.array(numbers))
    if some.predicted_depth is None and some.predicted_joints_3d is None:
        return [None] * len(numbers)
    if scores.scale and scores.has_3d[numbers].all():
        return read_out(some, scores.conventions)[1]
    length = some.total_bone_length or NOMINAL_BONE_LENGTH
    return joints_from_bones(dataclasses.replace(some, total_bone_length=length))


def _in_mm(scores: dict[str, Scores]) -> bool:
    """Whether all models are scored in 3D, so that their errors can be compared in millimetres."""
    return all(one.has_3d.any() for one in scores.values())


def _example_errors(scores: Scores, in_mm: bool) -> np.ndarray:
    """One error an example, [N]: MPJPE `in_mm`, otherwise the mean distance in pixels."""
    if in_mm:
        return scores.mpjpe.mean(axis=1)
    found = scores.predictions
    distances = metrics.mpjpe(
        *(np.insert(joints, 2, 0.0, axis=-1) for joints in (found.predicted_joints_2d, found.joints_2d)),
        found.joint_weight,
    )
    labelled = (~np.isnan(distances)).sum(axis=1)
    mean = np.nansum(distances, axis=1) / np.maximum(labelled, 1)
    return np.where(labelled > 0, mean, np.nan)


def _shares_within(distances: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    found = np.sort(distances[~np.isnan(distances)])
    return 100 * np.searchsorted(found, thresholds, side="left") / len(found)


def _pckh_curve(scores: Scores) -> np.ndarray:
    rule = scores.conventions.pckh
    by_threshold = (
        protocols.pckh_by_group(scores.head_distances, rule, threshold) for threshold in PCKH_THRESHOLDS
    )
    return np.array([groups["mean"] for groups in by_threshold])
