"""The body agrees with body-models, is no heavier than it must be, and says what is missing."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("embreex", reason="synthetic people need requirements-people.txt")

from tf_advpose.people import body
from tf_advpose.people.body import PARENTS, RIG, RIG_INDEX
from tf_advpose.skeleton import BONES, JOINT_NAMES, MIRROR_PAIRS, ROOT, THORAX

SHAPE = np.array([0.8, 0.7, 0.6, 0.4, 0.55, 0.5])


def posed_by_body_models(rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V, 3] and bone heads [163, 3] in mm, seen from the pelvis, for each joint's rotation about
    the world's axes."""
    model = body.load_template().model
    rest = model.get_rest_pose()
    identity = model.prepare_identity(SHAPE.astype(np.float32))
    orientation = model.forward_skeleton(
        rest["body_pose"], rest["head_pose"], rest["hand_pose"], identity=identity
    )[:, :3, :3]
    controls = {
        "body_pose": [*range(1, 55), *range(74, 81), *range(100, 103)],
        "head_pose": range(103, 163),
    }
    pose = {name: np.zeros_like(rest[name]) for name in rest}
    for joint in range(len(RIG)):
        if PARENTS[joint] < 0:
            continue
        local = rotations[PARENTS[joint]].T @ rotations[joint]
        bone = body.load_template().bones[joint]
        own = orientation[bone].T @ local @ orientation[bone]
        name = "body_pose" if bone in controls["body_pose"] else "head_pose"
        pose[name][list(controls[name]).index(bone)] = Rotation.from_matrix(own).as_rotvec()
    inputs = (pose["body_pose"], pose["head_pose"], pose["hand_pose"])
    vertices = model.forward_vertices(*inputs, identity=identity)
    skeleton = model.forward_skeleton(*inputs, identity=identity)
    heads = np.asarray(skeleton)[:, :3, 3]
    return (np.asarray(vertices) - heads[0]) * 1000, (heads - heads[0]) * 1000


def test_posing_agrees_with_body_models():
    person, template = body.make_body(SHAPE), body.load_template()
    rotations = Rotation.from_rotvec(np.random.default_rng(3).normal(0, 0.4, (len(RIG), 3))).as_matrix()
    rotations[RIG_INDEX["pelvis"]] = np.eye(3)
    posed = body.joint_positions(person.joints, rotations)
    vertices = body.skin(person.vertices, template.weights, person.joints, rotations, posed)

    wanted_vertices, wanted_joints = posed_by_body_models(rotations)
    np.testing.assert_allclose(posed - posed[0], wanted_joints[template.bones], atol=0.05)
    np.testing.assert_allclose(vertices - posed[0], wanted_vertices[template.kept], atol=0.05)


def test_the_sixteen_joints_are_a_person_who_faces_minus_y():
    person = body.make_body(SHAPE)
    still = np.repeat(np.eye(3)[None], len(RIG), axis=0)
    joints = dict(zip(JOINT_NAMES, body.mpii_joints(person, still, person.joints), strict=True))
    for name, (x, _, _) in joints.items():
        side = name.startswith("left") - name.startswith("right")
        assert side * x > 50 if side else abs(x) < 1, name
    assert joints["head_top"][2] > joints["upper_neck"][2] > joints["thorax"][2] > joints["pelvis"][2]
    assert joints["pelvis"][2] > joints["left_knee"][2] > joints["left_ankle"][2]
    feet = person.vertices[:, 2] < person.vertices[:, 2].min() + 40
    assert person.vertices[feet, 1].min() < joints["left_ankle"][1] - 100, "toes point forward"

    array = np.array(list(joints.values()))
    np.testing.assert_allclose(array[THORAX], (joints["left_shoulder"] + joints["right_shoulder"]) / 2)
    np.testing.assert_allclose(array[ROOT], (joints["left_hip"] + joints["right_hip"]) / 2)
    lengths = {child: np.linalg.norm(array[child] - array[parent]) for child, parent in BONES}
    for right, left in MIRROR_PAIRS:
        assert lengths[right] == pytest.approx(lengths[left], rel=0.01)
    assert 1400 < np.ptp(person.vertices[:, 2]) < 2100, "an adult's height in millimetres"


def test_shape_controls_change_the_body():
    short, tall = (body.make_body(np.array([0.5, 0.7, 0.5, 0.5, height, 0.5])) for height in (0.1, 0.9))
    assert np.ptp(tall.vertices[:, 2]) > 1.1 * np.ptp(short.vertices[:, 2])


def test_the_mesh_is_thinned_and_whole():
    template = body.load_template()
    assert len(template.triangles) < 8000, "rendering time grows with the triangles"
    assert set(np.unique(template.triangles)) == set(range(len(template.kept)))
    np.testing.assert_allclose(template.weights.sum(axis=1), 1, atol=1e-5)


def test_vertex_normals_of_a_tetrahedron_point_outwards():
    corners = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)], float)
    triangles = np.array([(0, 1, 2), (0, 3, 1), (0, 2, 3), (1, 3, 2)])
    np.testing.assert_allclose(body.vertex_normals(corners, triangles), corners / np.sqrt(3), atol=1e-6)


def test_missing_packages_are_told_with_the_commands(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "anny" else find(name))
    with pytest.raises(ModuleNotFoundError, match="need anny. Run: pip install.*--no-deps"):
        body.require_packages()


def test_rendering_processes_load_neither_tensorflow_nor_anny():
    code = (
        "import sys, tf_advpose.people.dataset as dataset; dataset.load_template();"
        "print({'tensorflow', 'anny', 'torch', 'matplotlib'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"
