"""BVH files: read back and set in motion, they give the poses again, with bones of constant length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standing_person import STANDING

from tf_advpose.prediction import bvh
from tf_advpose.prediction.poses import RECORD
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS, ROOT, bone_lengths

# Where the file's joints lie; the ends of head and limbs have no name of their own in the format.
PLACES = {"pelvis": "pelvis", "right_hip": "right_hip", "right_knee": "right_knee", "left_hip": "left_hip"}
PLACES |= {
    "left_knee": "left_knee",
    "neck": "thorax",
    "head": "upper_neck",
    "right_shoulder": "right_shoulder",
}
PLACES |= {"right_elbow": "right_elbow", "left_shoulder": "left_shoulder", "left_elbow": "left_elbow"}
PLACES |= {"right_knee end": "right_ankle", "left_knee end": "left_ankle", "head end": "head_top"}
PLACES |= {"right_elbow end": "right_wrist", "left_elbow end": "left_wrist"}


def animated(poses: np.ndarray, frames=None, places=None) -> np.ndarray:
    """Records of one person with these poses [N, P, 3] mm."""
    records = np.zeros(len(poses), RECORD)
    records["frame"] = np.arange(len(poses)) if frames is None else frames
    records["joints_3d"] = poses
    places = np.zeros((len(poses), 3)) + [0, 0, 4000] if places is None else places
    records["joints_3d_absolute"] = poses + places[:, None]
    return records


def turned(axis: str, degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[[first, second, first, second], [first, second, second, first]] = cosine, cosine, -sine, sine
    return matrix


class Player:
    """An independent reader: the hierarchy as the format defines it, and its forward kinematics."""

    def __init__(self, text: str):
        self.offsets, self.parents, self.channels, stack = {}, {}, {}, []
        lines = iter(text.splitlines())
        assert next(lines) == "HIERARCHY"
        for line in lines:
            words = line.split()
            if words[0] in ("ROOT", "JOINT", "End"):
                name = words[1] if words[0] != "End" else f"{stack[-1]} end"
                assert name not in self.parents
                self.parents[name] = stack[-1] if stack else None
                self.channels[name] = []
                last = name
            elif words[0] == "{":
                stack.append(last)
            elif words[0] == "}":
                stack.pop()
            elif words[0] == "OFFSET":
                self.offsets[stack[-1]] = np.array(words[1:], float)
            elif words[0] == "CHANNELS":
                assert int(words[1]) == len(words) - 2
                self.channels[stack[-1]] = words[2:]
            else:
                assert words == ["MOTION"] and not stack
                break
        self.frames = int(next(lines).removeprefix("Frames: "))
        self.frame_time = float(next(lines).removeprefix("Frame Time: "))
        self.motion = np.array([line.split() for line in lines], float)
        assert self.motion.shape == (self.frames, sum(map(len, self.channels.values())))

    def play(self, frame: int) -> dict[str, np.ndarray]:
        """Where every joint is."""
        values, rotations, places = iter(self.motion[frame]), {}, {}
        for name, parent in self.parents.items():
            place, rotation = self.offsets[name].copy(), np.eye(3)
            for channel in self.channels[name]:
                value = next(values)
                if channel.endswith("position"):
                    place["XYZ".index(channel[0])] += value
                else:
                    rotation = rotation @ turned(channel[0], value)
            if parent is not None:
                place = places[parent] + rotations[parent] @ place
                rotation = rotations[parent] @ rotation
            places[name], rotations[name] = place, rotation
        return places

    def joints(self, frame: int) -> np.ndarray:
        """[P, 3] relative to the pelvis, in mm and our axes."""
        places = self.play(frame)
        found = {joint: places[name] for name, joint in PLACES.items()}
        joints = np.array([found[name] for name in JOINT_NAMES])
        return (joints - joints[ROOT]) * 10 * [1, -1, -1]


def write_and_read(tmp_path, records, rate=25.0) -> Player:
    bvh.write(tmp_path / "person.bvh", records, rate)
    return Player((tmp_path / "person.bvh").read_text())


def with_bones_of(pose: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The pose with its bones' directions and these lengths."""
    joints = np.zeros_like(pose)
    for bone in bvh.order():
        child, parent = BONES[bone]
        vector = pose[child] - pose[parent]
        joints[child] = joints[parent] + vector / np.linalg.norm(vector) * lengths[bone]
    return joints


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=30)
@given(seed=seeds)
def test_played_back_the_poses_are_the_same_but_for_constant_bone_lengths(tmp_path_factory, seed):
    """Any poses, as wild networks find them."""
    poses = np.random.default_rng(seed).normal(0, 400, (4, NUM_JOINTS, 3))
    poses -= poses[:, ROOT, None]
    player = write_and_read(tmp_path_factory.mktemp("bvh"), animated(poses))
    lengths = bone_lengths(animated(poses)["joints_3d"].astype(float)).mean(axis=0)
    for frame, pose in enumerate(poses):
        np.testing.assert_allclose(player.joints(frame), with_bones_of(pose, lengths), atol=0.2)


def test_a_body_of_constant_bones_comes_back_as_it_was(tmp_path):
    """Turned all round, so that no direction is spared, and no angle jumps."""
    turns = np.stack([turned("Y", 5.0 * number) @ turned("X", 3.0 * number) for number in range(120)])
    poses = np.einsum("nij,pj->npi", turns, STANDING)
    player = write_and_read(tmp_path, animated(poses))
    for frame, pose in enumerate(poses):
        np.testing.assert_allclose(player.joints(frame), pose, atol=0.2)


def test_the_rest_pose_is_drawn_in_offsets_and_needs_no_turn(tmp_path):
    """Arms stretched out, facing the viewer: y is up, the right side is at negative x, all angles are 0."""
    rest = STANDING.copy()
    for side, sign in (("right", -1), ("left", 1)):
        for part, across in (("shoulder", 150), ("elbow", 400), ("wrist", 650)):
            rest[JOINT_NAMES.index(f"{side}_{part}")] = sign * across, -500, 0
    player = write_and_read(tmp_path, animated(rest[None]))
    np.testing.assert_allclose(player.motion[0, 3:], 0, atol=1e-3)
    np.testing.assert_allclose(player.offsets["right_hip"], [-15, 0, 0], atol=1e-4)
    np.testing.assert_allclose(player.offsets["right_knee"], [0, -45, 0], atol=1e-4)
    np.testing.assert_allclose(player.offsets["head end"], [0, 25, 0], atol=1e-4)
    np.testing.assert_allclose(player.motion[0, :3], [0, 90, 0], atol=1e-4)  # cm: the pelvis over the floor


def test_the_person_walks_as_they_do_before_the_camera(tmp_path):
    """Nearer to the camera is nearer to the viewer, who looks along -z."""
    places = np.array([[0, 0, 4000], [100, -50, 3000.0]])
    player = write_and_read(tmp_path, animated(np.stack([STANDING] * 2), places=places))
    np.testing.assert_allclose(player.motion[1, :3] - player.motion[0, :3], [10, 5, 100], atol=1e-3)


def test_angles_do_not_jump_by_whole_turns(tmp_path):
    poses = np.stack([STANDING @ turned("Y", 10.0 * number).T for number in range(80)])
    player = write_and_read(tmp_path, animated(poses))
    assert np.abs(np.diff(player.motion[:, 3:6], axis=0)).max() < 15
    assert np.ptp(player.motion[:, 3:6], axis=0).max() > 700


def test_time_is_the_videos_and_goes_on_where_the_person_is_missing(tmp_path):
    """People of one video, whose files all start with it, stay in step."""
    raised = STANDING.copy()
    raised[JOINT_NAMES.index("left_wrist")] = 150, -1000, 0
    player = write_and_read(tmp_path, animated(np.stack([STANDING, raised]), frames=[3, 6]), rate=50.0)
    assert (player.frames, player.frame_time) == (7, pytest.approx(0.02))
    np.testing.assert_array_equal(player.motion[:6], player.motion[[3] * 6])
    assert (player.motion[5] != player.motion[6]).any()


def test_joints_on_one_spot_do_no_harm(tmp_path):
    player = write_and_read(tmp_path, animated(np.zeros((2, NUM_JOINTS, 3))))
    assert np.isfinite(player.motion).all()
