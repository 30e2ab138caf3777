"""Figures of poses, by matplotlib: 3D skeletons, curves, sheets of examples.

Colours and views are those of `drawing`. Images are RGB uint8; nothing here opens a window.
"""

import dataclasses
import os
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tf_advpose.drawing import (
    FLOOR_ON_PAPER,
    FRONT_DEGREES,
    MIDDLE,
    MIDDLE_ON_PAPER,
    SHADOW_ON_PAPER,
    SIDE_DEGREES,
    draw_heatmaps,
    draw_joints,
    far_bones_first,
    floor_lines,
    reach_of,
    seen_from,
    side_colour,
)
from tf_advpose.files import written_aside

TARGET_ON_PAPER = "0.72"
SHEET_COLUMNS, TITLE_LENGTH = 8, 32  # of sheets of cells; a title's end tells more than its start
FEW_POINTS = 20  # curves of so few are drawn with their points


def plot_skeletons(
    axes: Axes,
    joints_3d: np.ndarray,
    degrees: float = FRONT_DEGREES,
    target: np.ndarray | None = None,
    reach: float = 1000.0,
) -> None:
    """Draws root-relative `joints_3d` [P, 3] mm (camera frame: y down, z away) upright on a floor.

    Args:
      axes: where to draw; its ticks and frame are removed.
      joints_3d: drawn in the colours of its sides.
      degrees: how far the viewer walks round the person; 0 is where the camera stood.
      target: the true joints, drawn in grey behind.
      reach: half the drawing's width and height in millimetres.
    """
    axes.set_axis_off()
    axes.set_aspect("equal")
    poses = [(joints_3d, _colour_on_paper)]
    if target is not None:
        poses.insert(0, (target, lambda _: TARGET_ON_PAPER))
    floor = max(pose[:, 1].max() for pose, _ in poses)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-floor - 0.25 * reach, -floor + 1.75 * reach)
    lines = seen_from(floor_lines(floor, 0.9 * reach), degrees)[0]
    axes.add_collection(LineCollection(lines, colors=_on_paper(FLOOR_ON_PAPER), linewidths=0.5))
    for pose, _ in poses:
        _plot_bones(
            axes, pose * [1, 0, 1] + [0, floor, 0], degrees, lambda _: _on_paper(SHADOW_ON_PAPER), 2.0
        )
    for pose, colour in poses:
        _plot_bones(axes, pose, degrees, colour, 2.6)


@dataclasses.dataclass(frozen=True)
class ExampleRow:
    """What one row of `example_sheet` shows of one example."""

    image: np.ndarray  # [S, S, 3] uint8, the crop
    heatmaps: np.ndarray  # [S/4, S/4, P], the adversarial generator's
    predicted_joints_2d: np.ndarray  # [P, 2] crop pixels, the adversarial generator's
    joints_2d: np.ndarray  # [P, 2] crop pixels
    joint_weight: np.ndarray  # [P]
    pretrained_joints_3d: np.ndarray  # [P, 3] mm, root-relative, as the next
    adversarial_joints_3d: np.ndarray
    joints_3d: np.ndarray | None  # None where there are no 3D labels


def example_sheet(rows: list[ExampleRow], path: str) -> None:
    """Writes a PNG to `path` with one row an example: crop, heatmaps, 2D joints, 3D from two sides.

    The 3D columns show the generator before and after adversarial learning, over the true pose in grey,
    and the true pose alone. All poses of a row have the same size on paper.
    """
    pictures = ("input", "heatmaps", "2D predicted", "2D true")
    skeletons = ("3D pretrained", "3D adversarial", "3D true")
    titles = [*pictures, *(f"{name}\n{view}" for name in skeletons for view in ("front", "side"))]
    figure = Figure(figsize=(1.5 * len(titles), 1.5 * len(rows) + 0.45), dpi=120)
    top = 1 - 0.43 / figure.get_figheight()
    grid = figure.add_gridspec(
        len(rows), len(titles), left=0.002, right=0.998, bottom=0.002, top=top, wspace=0.02, hspace=0.02
    )
    for line, row in enumerate(rows):
        axes = [figure.add_subplot(grid[line, place]) for place in range(len(titles))]
        if line == 0:
            for place, title in enumerate(titles):
                axes[place].set_title(title, fontsize=9, pad=4)
        for place, picture in enumerate(
            (
                row.image,
                draw_heatmaps(row.image, row.heatmaps),
                draw_joints(row.image, row.predicted_joints_2d),
                draw_joints(row.image, row.joints_2d, row.joint_weight),
            )
        ):
            axes[place].imshow(picture)
            axes[place].set_axis_off()
        poses = (row.pretrained_joints_3d, row.adversarial_joints_3d, row.joints_3d)
        reach = max(reach_of(pose) for pose in poses if pose is not None)
        for place, pose in enumerate(poses):
            for view, degrees in enumerate((FRONT_DEGREES, SIDE_DEGREES)):
                panel = axes[len(pictures) + 2 * place + view]
                if pose is None:
                    panel.set_axis_off()
                    panel.text(0.5, 0.5, "no 3D label", ha="center", va="center", color="grey", fontsize=8)
                else:
                    target = None if pose is row.joints_3d else row.joints_3d
                    plot_skeletons(panel, pose, degrees, target, reach)
    save(figure, path)


@dataclasses.dataclass(frozen=True)
class LabelCell:
    """What `label_sheet` shows of one example."""

    title: str
    image: np.ndarray  # [S, S, 3] uint8, the crop
    joints_2d: np.ndarray  # [P, 2] crop pixels
    joint_weight: np.ndarray  # [P]
    joints_3d: np.ndarray | None  # [P, 3] mm, root-relative; None where there are no 3D labels


def label_sheet(cells: list[LabelCell], path: str) -> None:
    """Writes a PNG to `path` of crops with their 2D labels, and their 3D labels as seen from the right."""
    panels = 1 if all(cell.joints_3d is None for cell in cells) else 2
    figure, axes = _sheet(len(cells), panels)
    for cell, (photo, *side) in zip(cells, axes, strict=True):
        _show(photo, draw_joints(cell.image, cell.joints_2d, cell.joint_weight), cell.title, panels)
        if cell.joints_3d is not None:
            plot_skeletons(*side, cell.joints_3d, SIDE_DEGREES, reach=reach_of(cell.joints_3d))
    save(figure, path)


@dataclasses.dataclass(frozen=True)
class PredictionCell(LabelCell):
    """What `prediction_sheet` shows of one example."""

    predicted_joints_2d: np.ndarray  # [P, 2] crop pixels
    predicted_joints_3d: np.ndarray  # [P, 3] mm, root-relative


def prediction_sheet(cells: list[PredictionCell], path: str) -> None:
    """Writes a PNG to `path` of crops with their 2D labels, then with the joints that were predicted.

    Beside them stands the predicted 3D, as seen by the camera and from the right, over the true one in grey
    where that is known.
    """
    figure, axes = _sheet(len(cells), 4)
    for cell, (labels, predicted, *views) in zip(cells, axes, strict=True):
        _show(labels, draw_joints(cell.image, cell.joints_2d, cell.joint_weight), cell.title, 4)
        _show(predicted, draw_joints(cell.image, cell.predicted_joints_2d))
        poses = [pose for pose in (cell.predicted_joints_3d, cell.joints_3d) if pose is not None]
        reach = max(map(reach_of, poses))
        for view, degrees in zip(views, (FRONT_DEGREES, SIDE_DEGREES), strict=True):
            plot_skeletons(view, cell.predicted_joints_3d, degrees, cell.joints_3d, reach)
    save(figure, path)


def plot_curves(
    panels: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]], path: str, x_label: str
) -> None:
    """Writes a PNG to `path` with one panel a quantity: {panel title: {curve: (x, y)}}.

    A curve has the same colour in every panel.
    """
    names = dict.fromkeys(name for curves in panels.values() for name in curves)
    colours = {name: f"C{number % 10}" for number, name in enumerate(names)}
    figure = Figure(figsize=(4.2 * len(panels), 3.0), dpi=120, layout="constrained")
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
        for name, (x, y) in curves.items():
            marker = "o" if len(x) <= FEW_POINTS else None
            axes.plot(x, y, label=name, color=colours[name], linewidth=1.6, marker=marker, markersize=3.5)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(x_label, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(fontsize=8, frameon=False)
    save(figure, path)


def _sheet(count: int, panels: int) -> tuple[Figure, list[list[Axes]]]:
    """A figure for `count` cells of so many panels each, and the axes of each cell's panels, all empty."""
    in_line = SHEET_COLUMNS // panels
    lines = -(-count // in_line)
    figure = Figure(figsize=(1.5 * SHEET_COLUMNS, 1.66 * lines), dpi=120)
    grid = figure.add_gridspec(
        lines, SHEET_COLUMNS, left=0.002, right=0.998, bottom=0.002, top=1 - 0.1 / lines,
        wspace=0.02, hspace=0.11,
    )  # fmt: skip
    cells = []
    for number in range(count):
        line, place = divmod(number, in_line)
        cells.append([figure.add_subplot(grid[line, panels * place + panel]) for panel in range(panels)])
        for axes in cells[-1]:
            axes.set_axis_off()
    return figure, cells


def _show(axes: Axes, picture: np.ndarray, title: str = "", panels: int = 1) -> None:
    """Shows a picture under the end of a title that has the room of so many panels."""
    axes.imshow(picture)
    axes.set_title(title[-TITLE_LENGTH * panels :], fontsize=6, pad=2, loc="left")


def _colour_on_paper(joint: int) -> str:
    colour = side_colour(joint)
    return _on_paper(MIDDLE_ON_PAPER if colour == MIDDLE else colour)


def _on_paper(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _plot_bones(
    axes: Axes, pose: np.ndarray, degrees: float, colour: Callable[[int], str], width: float
) -> None:
    # Each bone has a white border, so that near limbs pass in front.
    bones = far_bones_first(pose, degrees)
    segments = [seen_from(pose[list(bone)], degrees)[0] for bone in bones for _ in range(2)]
    colours = [shade for child, _ in bones for shade in ("white", colour(child))]
    widths = [width + 1.4, width] * len(bones)
    axes.add_collection(LineCollection(segments, colors=colours, linewidths=widths, capstyle="round"))


def save(figure: Figure, path: str | os.PathLike) -> None:
    """Writes `figure` as a PNG to `path`."""
    with written_aside(path) as aside:
        figure.savefig(aside, format="png")
