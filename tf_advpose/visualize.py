"""Pictures of poses: joints and heatmaps over the photo, 3D skeletons, curves, sheets of examples.

The person's right side is orange, the left blue (a pair that colour-blind people tell apart), the middle
white on photos and dark grey on paper. Images are RGB uint8; nothing here opens a window.
"""

import dataclasses
import os
from collections.abc import Callable

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tf_advpose.files import written_aside
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS

RIGHT, LEFT, MIDDLE = (230, 120, 0), (0, 114, 210), (235, 235, 235)
MIDDLE_ON_PAPER, TARGET_ON_PAPER, SHADOW_ON_PAPER = "0.3", "0.72", "0.87"
BORDER = (30, 30, 30)
FRONT_DEGREES, SIDE_DEGREES = 0.0, 90.0  # the camera stands in front; then from its right
ELEVATION_DEGREES = 10.0  # looked at slightly from above, so that the floor shows
SHEET_COLUMNS, TITLE_LENGTH = 8, 32  # of `label_sheet`; a title's end tells more than its start
SUBPIXEL_BITS = 4  # OpenCV draws at sixteenths of a pixel
FEW_POINTS = 20  # curves of so few are drawn with their points
FARTHEST_PIXEL = 2**14  # joints far outside the photo would overflow OpenCV's integers


def side_colour(joint: int) -> tuple[int, int, int]:
    """The RGB colour of the side that `joint` is on; a bone has that of its child."""
    name = JOINT_NAMES[joint]
    return RIGHT if name.startswith("right") else LEFT if name.startswith("left") else MIDDLE


def draw_joints(
    image: np.ndarray, joints_2d: np.ndarray, joint_weight: np.ndarray | None = None
) -> np.ndarray:
    """A copy of `image` [H, W, 3] uint8 with the skeleton of `joints_2d` [P, 2], pixels of that image.

    Joints of `joint_weight` [P] 0, and bones that end in one, are left out. None: all are drawn.
    """
    drawn = np.ascontiguousarray(image).copy()
    shown = np.ones(NUM_JOINTS, bool) if joint_weight is None else np.asarray(joint_weight) > 0
    unit = max(drawn.shape[:2]) / 256
    # OpenCV counts from the centre of the first pixel.
    points = np.clip(np.asarray(joints_2d) - 0.5, -FARTHEST_PIXEL, FARTHEST_PIXEL)
    bones = [bone for bone in BONES if shown[list(bone)].all()]
    for border, width in ((True, 4.0), (False, 2.4)):  # a dark border parts the limbs from any background
        for child, parent in bones:
            ends = (tuple(point) for point in _subpixels(points[[child, parent]]).tolist())
            colour = BORDER if border else side_colour(child)
            cv2.line(drawn, *ends, colour, max(1, round(width * unit)), cv2.LINE_AA, SUBPIXEL_BITS)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)  # OpenCV's own small circles are diamonds
    for joint in np.flatnonzero(shown):
        for radius, colour in ((3.2, BORDER), (2.3, (255, 255, 255))):
            outline = _subpixels(points[joint] + radius * unit * circle)
            cv2.fillConvexPoly(drawn, outline, colour, cv2.LINE_AA, SUBPIXEL_BITS)
    return drawn


def draw_heatmaps(image: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """`image` [H, W, 3] uint8, dimmed and grey, under the `heatmaps` [h, w, P] in their sides' colours."""
    height, width = image.shape[:2]
    colours = np.array([side_colour(joint) for joint in range(NUM_JOINTS)], np.float32)
    strength = np.clip(np.asarray(heatmaps, np.float32), 0.0, 1.0)
    light = np.max(strength[..., None] * colours, axis=2)  # [h, w, 3]
    cover = np.max(strength, axis=2)
    light = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
    cover = cv2.resize(cover, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    grey = (
        0.55 * cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    )
    return np.clip(grey * (1 - cover) + light, 0, 255).astype(np.uint8)


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
    _plot_floor(axes, floor, 0.9 * reach, degrees)
    for pose, _ in poses:
        _plot_bones(axes, pose * [1, 0, 1] + [0, floor, 0], degrees, lambda _: SHADOW_ON_PAPER, 2.0)
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
    columns = SHEET_COLUMNS // panels
    lines = -(-len(cells) // columns)
    figure = Figure(figsize=(1.5 * SHEET_COLUMNS, 1.66 * lines), dpi=120)
    grid = figure.add_gridspec(
        lines, SHEET_COLUMNS, left=0.002, right=0.998, bottom=0.002, top=1 - 0.1 / lines,
        wspace=0.02, hspace=0.11,
    )  # fmt: skip
    for number, cell in enumerate(cells):
        line, column = divmod(number, columns)
        axes = figure.add_subplot(grid[line, panels * column])
        axes.imshow(draw_joints(cell.image, cell.joints_2d, cell.joint_weight))
        axes.set_axis_off()
        axes.set_title(cell.title[-TITLE_LENGTH * panels :], fontsize=6, pad=2, loc="left")
        if cell.joints_3d is not None:
            axes = figure.add_subplot(grid[line, panels * column + 1])
            plot_skeletons(axes, cell.joints_3d, SIDE_DEGREES, reach=reach_of(cell.joints_3d))
    save(figure, path)


def plot_curves(
    panels: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]], path: str, x_label: str
) -> None:
    """Writes a PNG to `path` with one panel a quantity: {panel title: {curve: (x, y)}}."""
    figure = Figure(figsize=(4.2 * len(panels), 3.0), dpi=120, layout="constrained")
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
        for name, (x, y) in curves.items():
            marker = "o" if len(x) <= FEW_POINTS else None
            axes.plot(x, y, label=name, linewidth=1.6, marker=marker, markersize=3.5)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(x_label, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(fontsize=8, frameon=False)
    save(figure, path)


def _subpixels(points: np.ndarray) -> np.ndarray:
    return np.round(points * 2**SUBPIXEL_BITS).astype(np.int32)


def _colour_on_paper(joint: int) -> str:
    colour = side_colour(joint)
    return MIDDLE_ON_PAPER if colour == MIDDLE else "#{:02x}{:02x}{:02x}".format(*colour)


def reach_of(pose: np.ndarray) -> float:
    """Half the side of a square that holds `pose` [P, 3] from any side, its pelvis in the middle."""
    height = np.ptp(pose[:, 1])
    return max(800.0, 0.62 * height, 1.05 * np.abs(pose[:, [0, 2]]).max())


def _seen_from(points: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Where `points` [..., 3] mm are seen on paper, [..., 2], and how far away, [...]."""
    turn, lift = np.radians(degrees), np.radians(ELEVATION_DEGREES)
    x, down, z = np.moveaxis(points, -1, 0)
    away = z * np.cos(turn) - x * np.sin(turn)
    across = x * np.cos(turn) + z * np.sin(turn)
    up = away * np.sin(lift) - down * np.cos(lift)
    return np.stack([across, up], axis=-1), away * np.cos(lift) + down * np.sin(lift)


def _plot_floor(axes: Axes, floor: float, half_side: float, degrees: float) -> None:
    ticks = np.linspace(-half_side, half_side, 7)
    ends = np.array([-half_side, half_side])
    along = np.stack(np.meshgrid(ticks, ends, indexing="ij"), axis=-1)  # [7 lines, 2 ends, (x, z)]
    lines = np.concatenate([along, along[..., ::-1]])
    lines = np.insert(lines, 1, floor, axis=-1)  # [14, 2, (x, y, z)]
    axes.add_collection(LineCollection(_seen_from(lines, degrees)[0], colors="0.88", linewidths=0.5))


def _plot_bones(
    axes: Axes, pose: np.ndarray, degrees: float, colour: Callable[[int], str], width: float
) -> None:
    seen, away = _seen_from(pose, degrees)
    # Far bones first, each with a white border, so that near limbs pass in front.
    bones = sorted(BONES, key=lambda bone: -away[list(bone)].mean())
    segments = [seen[list(bone)] for bone in bones for _ in range(2)]
    colours = [shade for child, _ in bones for shade in ("white", colour(child))]
    widths = [width + 1.4, width] * len(bones)
    axes.add_collection(LineCollection(segments, colors=colours, linewidths=widths, capstyle="round"))


def save(figure: Figure, path: str | os.PathLike) -> None:
    """Writes `figure` as a PNG to `path`."""
    with written_aside(path) as aside:
        figure.savefig(aside, format="png")
