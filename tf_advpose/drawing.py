"""Skeletons on pictures and 3D skeletons on paper, drawn by OpenCV; where they lie on paper.

The person's right side is orange, the left blue (a pair that colour-blind people tell apart), the middle
white on photos and dark grey on paper. Images are RGB uint8.
"""

import cv2
import numpy as np

from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS

RIGHT, LEFT, MIDDLE = (230, 120, 0), (0, 114, 210), (235, 235, 235)
MIDDLE_ON_PAPER, SHADOW_ON_PAPER, FLOOR_ON_PAPER = (77, 77, 77), (222, 222, 222), (224, 224, 224)
BORDER = (30, 30, 30)
FRONT_DEGREES, SIDE_DEGREES = 0.0, 90.0  # the camera stands in front; then from its right
ELEVATION_DEGREES = 10.0  # looked at slightly from above, so that the floor shows
SMALLEST_REACH = 800.0  # mm
SUBPIXEL_BITS = 4  # OpenCV draws at sixteenths of a pixel
FARTHEST_PIXEL = 2**14  # joints far outside the photo would overflow OpenCV's integers


def side_colour(joint: int) -> tuple[int, int, int]:
    """The RGB colour of the side that `joint` is on; a bone has that of its child."""
    name = JOINT_NAMES[joint]
    return RIGHT if name.startswith("right") else LEFT if name.startswith("left") else MIDDLE


def draw_joints(
    image: np.ndarray,
    joints_2d: np.ndarray,
    joint_weight: np.ndarray | None = None,
    person_size: float | None = None,
) -> np.ndarray:
    """A copy of `image` [H, W, 3] uint8 with the skeleton of `joints_2d` [P, 2], pixels of that image.

    Joints of `joint_weight` [P] 0, and bones that end in one, are left out. None: all are drawn. Lines are
    as wide as suits a person of `person_size` pixels with some margin. None: one who fills the image.
    """
    drawn = np.ascontiguousarray(image).copy()
    shown = np.ones(NUM_JOINTS, bool) if joint_weight is None else np.asarray(joint_weight) > 0
    unit = (person_size or max(drawn.shape[:2])) / 256
    # OpenCV counts from the centre of the first pixel.
    points = np.clip(np.asarray(joints_2d) - 0.5, -FARTHEST_PIXEL, FARTHEST_PIXEL)
    bones = [bone for bone in BONES if shown[list(bone)].all()]
    for border, width in ((True, 4.0), (False, 2.4)):  # a dark border parts the limbs from any background
        for child, parent in bones:
            _line(drawn, points[[child, parent]], BORDER if border else side_colour(child), width * unit)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)  # OpenCV's own small circles are diamonds
    for joint in np.flatnonzero(shown):
        for radius, colour in ((3.2, BORDER), (2.3, (255, 255, 255))):
            outline = _subpixels(points[joint] + radius * unit * circle)
            cv2.fillConvexPoly(drawn, outline, colour, cv2.LINE_AA, SUBPIXEL_BITS)
    return drawn


def draw_skeleton(
    joints_3d: np.ndarray,
    size: int,
    degrees: float = FRONT_DEGREES,
    elevation: float = ELEVATION_DEGREES,
    reach: float = 1000.0,
) -> np.ndarray:
    """Draws people upright on a floor.

    Args:
      joints_3d: [P, 3], one person, or [N, P, 3], mm, about the pelvis or the people's middle (camera
        frame: y down, z away); drawn in the colours of their sides.
      size: width and height of the drawing in pixels.
      degrees: how far the viewer walks round the person; 0 is where the camera stood.
      elevation: degrees by which the viewer looks down; 90 is from straight above.
      reach: half the drawing's width and height in millimetres.

    Returns:
      [size, size, 3] uint8, on white.
    """
    paper = np.full((size, size, 3), 255, np.uint8)
    people = np.reshape(joints_3d, (-1, NUM_JOINTS, 3))
    unit = size / (2 * reach)  # pixels of a millimetre
    floor = people[..., 1].max() if len(people) else 0.0
    # The floor stands at an eighth of the height; from above the middle of the people is in the middle.
    base = (0.75 * reach - floor) * np.cos(np.radians(elevation))

    def draw(points: np.ndarray, colour: tuple[int, int, int], width: float) -> None:
        across, up = np.moveaxis(seen_from(points, degrees, elevation)[0], -1, 0)
        places = np.stack([across * unit + size / 2, size / 2 - (up - base) * unit], axis=-1)
        _line(paper, places, colour, width * size / 256)

    for line in floor_lines(floor, 0.9 * reach):
        draw(line, FLOOR_ON_PAPER, 0.6)
    bones = [(person[[child, parent]], child) for person in people for child, parent in BONES]
    for ends, _ in bones:
        draw(ends * [1, 0, 1] + [0, floor, 0], SHADOW_ON_PAPER, 2.6)
    bones.sort(key=lambda bone: -seen_from(bone[0], degrees, elevation)[1].mean())
    for ends, child in bones:
        colour = side_colour(child)
        draw(ends, (255, 255, 255), 6.0)  # a white border lets near limbs pass in front
        draw(ends, MIDDLE_ON_PAPER if colour == MIDDLE else colour, 3.6)
    return paper


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


def reach_of(pose: np.ndarray) -> float:
    """Half the side of a square that holds `pose` [..., P, 3] from any side, its origin in the middle."""
    if not pose.size:
        return SMALLEST_REACH
    height = np.ptp(pose[..., 1])
    return max(SMALLEST_REACH, 0.62 * height, 1.05 * np.abs(pose[..., [0, 2]]).max())


def seen_from(
    points: np.ndarray, degrees: float, elevation: float = ELEVATION_DEGREES
) -> tuple[np.ndarray, np.ndarray]:
    """Where `points` [..., 3] mm are seen on paper, [..., 2], and how far away, [...]."""
    turn, lift = np.radians(degrees), np.radians(elevation)
    x, down, z = np.moveaxis(points, -1, 0)
    away = z * np.cos(turn) - x * np.sin(turn)
    across = x * np.cos(turn) + z * np.sin(turn)
    up = away * np.sin(lift) - down * np.cos(lift)
    return np.stack([across, up], axis=-1), away * np.cos(lift) + down * np.sin(lift)


def floor_lines(floor: float, half_side: float) -> np.ndarray:
    """A grid at the height `floor` about the pelvis: [14 lines, 2 ends, 3] mm."""
    ticks = np.linspace(-half_side, half_side, 7)
    ends = np.array([-half_side, half_side])
    along = np.stack(np.meshgrid(ticks, ends, indexing="ij"), axis=-1)  # [7 lines, 2 ends, (x, z)]
    return np.insert(np.concatenate([along, along[..., ::-1]]), 1, floor, axis=-1)


def far_bones_first(pose: np.ndarray, degrees: float) -> list[tuple[int, int]]:
    """The bones of `pose` [P, 3] in the order in which they are drawn."""
    away = seen_from(pose, degrees)[1]
    return sorted(BONES, key=lambda bone: -away[list(bone)].mean())


def _line(image: np.ndarray, ends: np.ndarray, colour: tuple[int, int, int], width: float) -> None:
    """Draws a line into `image` between `ends` [2, 2], counted from the centre of the first pixel."""
    ends = (tuple(point) for point in _subpixels(ends).tolist())
    cv2.line(image, *ends, colour, max(1, round(width)), cv2.LINE_AA, SUBPIXEL_BITS)


def _subpixels(points: np.ndarray) -> np.ndarray:
    return np.round(points * 2**SUBPIXEL_BITS).astype(np.int32)
