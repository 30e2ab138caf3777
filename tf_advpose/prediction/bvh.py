"""Poses of one person as a BVH file, for animation programs.

BVH has y up and z towards the viewer, so y and z change their signs; lengths are centimetres. Bones keep
their mean length, as an animated body must; their directions are those found, exactly. Each bone turns
about its own upper end, with the least twist against the bone before it: nothing tells of twist.
"""

import pathlib

import numpy as np

from tf_advpose.files import written_aside
from tf_advpose.skeleton import BONES, LEFT_HIP, RIGHT_HIP, ROOT, THORAX, bone_lengths

ROTATIONS = "Zrotation Xrotation Yrotation"
FRAME_RATE_OF_PHOTOS = 25.0  # for the one frame that they have
TO_BVH = np.array([1, -1, -1]) / 10  # mm with y down and z away, to centimetres with y up and z near

# What turns each of BONES, which starts there: its name, and where the bone points to in the rest pose of a
# person who faces the viewer with arms stretched out.
_RIGHT, _LEFT, _UP, _DOWN = (-1, 0, 0), (1, 0, 0), (0, 1, 0), (0, -1, 0)
TURNING = (
    ("right_pelvis", _RIGHT), ("right_hip", _DOWN), ("right_knee", _DOWN),
    ("left_pelvis", _LEFT), ("left_hip", _DOWN), ("left_knee", _DOWN),
    ("spine", _UP), ("neck", _UP), ("head", _UP),
    ("right_collar", _RIGHT), ("right_shoulder", _RIGHT), ("right_elbow", _RIGHT),
    ("left_collar", _LEFT), ("left_shoulder", _LEFT), ("left_elbow", _LEFT),
)  # fmt: skip
_STARTS = [
    [bone for bone, (_, parent) in enumerate(BONES) if parent == joint] for joint in range(len(BONES) + 1)
]


def write(path: pathlib.Path, records: np.ndarray, frames_per_second: float | None) -> None:
    """Writes the `records` of one person, by ascending frames, from frame 0 of the video to their last.

    Where there is none the one before stays, and the first one before itself.
    The person starts at the origin, their lowest joint on the floor, and moves as `joints_3d_absolute`
    has it.

    Args:
      path: of the file.
      records: [N] `poses.RECORD`, at least one.
      frames_per_second: None: a photo's.
    """
    frames = records["frame"]
    held = np.maximum(np.searchsorted(frames, np.arange(frames[-1] + 1), side="right") - 1, 0)
    joints = records["joints_3d"].astype(np.float64) * TO_BVH  # [N, P, 3]
    lengths = bone_lengths(joints).mean(axis=0)
    place = records["joints_3d_absolute"][:, ROOT].astype(np.float64) * TO_BVH
    place = place - place[0] - [0, joints[0, :, 1].min(), 0]
    angles = np.degrees(_angles(joints))  # [N, 1 + bones, 3]
    lines = np.concatenate([place, angles.reshape(len(angles), -1)], axis=1)
    seconds = 1 / (frames_per_second or FRAME_RATE_OF_PHOTOS)
    with written_aside(path) as aside, aside.open("w") as file:
        file.write("HIERARCHY\nROOT pelvis\n{\n\tOFFSET 0 0 0\n")
        file.write(f"\tCHANNELS 6 Xposition Yposition Zposition {ROTATIONS}\n")
        for bone in _STARTS[ROOT]:
            _write_joint(file, bone, np.zeros(3), lengths, "\t")
        file.write(f"}}\nMOTION\nFrames: {len(held)}\nFrame Time: {seconds:.7f}\n")
        for number in held:
            file.write(" ".join(f"{value:.4f}" for value in lines[number]) + "\n")


def order() -> list[int]:
    """The bones in the order in which they stand in the file, each behind the one that it hangs on."""

    def below(bone: int) -> list[int]:
        return [bone, *(found for next_bone in _STARTS[BONES[bone][0]] for found in below(next_bone))]

    return [found for bone in _STARTS[ROOT] for found in below(bone)]


def _write_joint(file, bone: int, offset: np.ndarray, lengths: np.ndarray, indent: str) -> None:
    """Writes what turns a bone, `offset` from where the one before starts, and all that hang on it."""
    name, direction = TURNING[bone]
    end = lengths[bone] * np.array(direction)
    file.write(f"{indent}JOINT {name}\n{indent}{{\n{indent}\tOFFSET {_numbers(offset)}\n")
    file.write(f"{indent}\tCHANNELS 3 {ROTATIONS}\n")
    following = _STARTS[BONES[bone][0]]
    for next_bone in following:
        _write_joint(file, next_bone, end, lengths, indent + "\t")
    if not following:
        file.write(f"{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\tOFFSET {_numbers(end)}\n{indent}\t}}\n")
    file.write(f"{indent}}}\n")


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def _angles(joints: np.ndarray) -> np.ndarray:
    """The angles of root and bones, in `order`: [N, 1 + bones, 3], of `joints` [N, P, 3], y up."""
    trunk = _trunk(joints)
    turned: dict[int, np.ndarray] = {}  # [N, 3, 3], by the bone's child
    angles = [_euler(trunk)]
    for bone in order():
        child, parent = BONES[bone]
        before = turned.get(parent, trunk)
        rest = before @ np.array(TURNING[bone][1], float)  # where it would point if it did not turn
        turned[child] = _least_rotation(rest, joints[:, child] - joints[:, parent]) @ before
        angles.append(_euler(np.swapaxes(before, 1, 2) @ turned[child]))
    return np.unwrap(np.stack(angles, axis=1), axis=0)  # no jumps by a whole turn


def _trunk(joints: np.ndarray) -> np.ndarray:
    """How the trunk is turned: [N, 3, 3], whose columns point to its left, up and to its front."""
    left = _unit(joints[:, LEFT_HIP] - joints[:, RIGHT_HIP], otherwise=_LEFT)
    up = joints[:, THORAX] - joints[:, ROOT]
    up = _unit(up - np.sum(up * left, axis=-1, keepdims=True) * left, otherwise=_UP)
    front = _unit(np.cross(left, up), otherwise=(0, 0, 1))
    return np.stack([left, np.cross(front, left), front], axis=-1)


def _unit(vectors: np.ndarray, otherwise: tuple) -> np.ndarray:
    """`vectors` [N, 3] with length 1; `otherwise` where they have none."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 1e-9, vectors / np.maximum(length, 1e-9), np.array(otherwise, float))


def _least_rotation(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The least rotations [N, 3, 3] from unit vectors `source` [N, 3] to the directions `target` [N, 3]."""
    target = np.where(np.linalg.norm(target, axis=-1, keepdims=True) > 1e-9, target, source)
    target = target / np.linalg.norm(target, axis=-1, keepdims=True)
    half = source + target
    # Of two opposite directions any vector across lies half way.
    across = np.cross(source, np.eye(3)[np.abs(source).argmin(axis=-1)])
    half = _rows_where(np.linalg.norm(half, axis=-1) > 1e-6, half, across)
    half = half / np.linalg.norm(half, axis=-1, keepdims=True)
    # Two mirrors, the second half way between the directions, are a turn from one to the other.
    return _half_turn(half) @ _half_turn(source)


def _rows_where(condition: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.where(condition[:, None], yes, no)


def _half_turn(axis: np.ndarray) -> np.ndarray:
    """Rotations by 180 degrees about unit vectors `axis` [N, 3]."""
    return 2 * axis[:, :, None] * axis[:, None, :] - np.eye(3)


def _euler(rotation: np.ndarray) -> np.ndarray:
    """The angles z, x, y [N, 3] in radians of rotations [N, 3, 3] = Rz Rx Ry."""
    x = np.arcsin(np.clip(rotation[:, 2, 1], -1, 1))
    z = np.arctan2(-rotation[:, 0, 1], rotation[:, 1, 1])
    y = np.arctan2(-rotation[:, 2, 0], rotation[:, 2, 2])
    # Where x is a right angle only the sum of the other two matters.
    locked = np.hypot(rotation[:, 0, 1], rotation[:, 1, 1]) < 1e-6
    z = np.where(locked, np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0]), z)
    return np.stack([z, x, np.where(locked, 0.0, y)], axis=-1)
