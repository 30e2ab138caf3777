"""Poses are ones that a body can take, and the wild's are wider than the lab's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("embreex", reason="synthetic people need requirements-people.txt")

from tf_advpose.people import collision, everyday_poses, kinematics, lab_poses, poses, stances, wild_poses
from tf_advpose.people.body import (
    RIG_INDEX,
    SIDES,
    Body,
    joint_positions,
    load_template,
    make_body,
    mpii_joints,
    skin,
)
from tf_advpose.people.kinematics import LIMITS, Pose
from tf_advpose.skeleton import ROOT

WILD = lab_poses.FAMILIES + wild_poses.FAMILIES
FAMILIES = WILD + everyday_poses.FAMILIES


@pytest.fixture(scope="module")
def person() -> Body:
    return make_body(np.array([0.7, 0.7, 0.5, 0.6, 0.5, 0.5]))


def vertices_of(pose: Pose, person: Body) -> np.ndarray:
    turned = kinematics.rotations(pose, person)
    posed = joint_positions(person.joints, turned)
    return skin(person.vertices, load_template().weights, person.joints, turned, posed)


def winding(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """How often a surface winds round `points` [N]: about 1 inside, 0 outside."""
    a, b, c = (vertices[triangles[:, corner]] - points[:, None] for corner in range(3))
    la, lb, lc = (np.linalg.norm(edge, axis=2) for edge in (a, b, c))
    solid = np.einsum("nfk,nfk->nf", a, np.cross(b, c))
    flat = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
    return np.arctan2(solid, flat).sum(axis=1) / (2 * np.pi)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_family_keeps_its_limits_and_finds_poses(person, family):
    rng = np.random.default_rng(1)
    found = [pose for _ in range(20) if (pose := poses.attempt(rng, family, person, vary=True)) is not None]
    assert len(found) >= 2, "too many poses are rejected"
    for pose in found:
        for name, limits in LIMITS.items():
            angles = getattr(pose, name)
            assert (angles >= limits[:, 0]).all() and (angles <= limits[:, 1]).all(), name
        np.testing.assert_allclose(pose.root @ pose.root.T, np.eye(3), atol=1e-9)


def test_no_forearm_or_shin_passes_through_the_trunk(person):
    """By the mesh itself, not by the capsules that reject poses."""
    owner = load_template().weights.argmax(axis=1)
    triangles = load_template().triangles
    on_trunk = np.isin(owner, [index for name, index in RIG_INDEX.items() if "_" not in name])
    trunk = triangles[on_trunk[triangles].all(axis=1)]
    limbs = [RIG_INDEX[f"{side}_{part}"] for side in SIDES for part in ("forearm", "hand", "shin", "foot")]
    points = np.nonzero(np.isin(owner, limbs))[0][::10]
    rng = np.random.default_rng(2)
    for family in FAMILIES:
        pose = next(filter(None, (poses.attempt(rng, family, person) for _ in range(50))))
        vertices = vertices_of(pose, person)
        inside = winding(vertices[points], vertices, trunk) > 0.5
        assert inside.mean() < 0.1, f"{family.__name__}: hands may press into flesh, not pass through it"


def test_collisions_are_seen(person):
    through_the_belly = Pose(arms=np.radians([(20, 100, 90, 80), (5, 0, 0, 5)]))
    crossed_legs = Pose(legs=np.radians([(0, -18, 0, 0, 0)] * 2))
    head_in_the_arm = Pose()
    middle = person.joints[RIG_INDEX["neck2"]] + (0, 0, 80)
    kinematics.reach(head_in_the_arm, person, 0, middle, np.array([1.0, -0.3, -1.0]))
    for pose in (through_the_belly, crossed_legs, head_in_the_arm):
        assert collision.collides(pose, person)
    assert not collision.collides(Pose(arms=np.radians([(15, 0, 0, 10)] * 2)), person)


@given(st.lists(st.floats(-3, 3), min_size=12, max_size=12))
@settings(max_examples=300)
def test_segment_distance_agrees_with_trying_all_pairs(numbers):
    p, q, r, s = np.array(numbers).reshape(4, 1, 3)
    share = np.linspace(0, 1, 60)[:, None]
    first, second = p + share * (q - p), r + share * (s - r)
    nearest = np.linalg.norm(first[:, None] - second[None], axis=2).min()
    step = (np.linalg.norm(q - p) + np.linalg.norm(s - r)) / 59
    found = collision.segment_distance(p, q, r, s)[0]
    assert nearest - step <= found <= nearest + 1e-6


def test_a_settled_body_does_not_tip_over(person):
    """Its centre of mass stands over what touches the ground, so a second settling changes nothing."""
    rng = np.random.default_rng(4)
    for family in lab_poses.ON_THE_GROUND + wild_poses.ON_THE_GROUND:
        for _ in range(5):
            pose = family(rng, person).clip()
            stances.settle(pose, person)
            assert stances.settle(pose, person) < 0.01
            heights = np.sort(vertices_of(pose, person)[:: stances._HULL_STEP, 2])
            assert heights[2] - heights[0] < 1.0, "three points touch the ground"


def test_planted_feet_are_level(person):
    rng = np.random.default_rng(5)
    for _ in range(10):
        pose = stances.upright(rng, person)
        posed = joint_positions(person.joints, kinematics.rotations(pose, person))
        left, right = posed[[RIG_INDEX["left_foot"], RIG_INDEX["right_foot"]]]
        assert left[2] == pytest.approx(right[2], abs=3.0)


def test_sampling_repeats_and_reaches_every_family(person):
    first, second = (poses.sample(np.random.default_rng(7), "wild", person) for _ in range(2))
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1].arms, second[1].arms)
    rng = np.random.default_rng(8)
    for domain, families in (("lab", lab_poses.FAMILIES), ("wild", WILD), ("everyday", FAMILIES)):
        names = {poses.sample(rng, domain, person)[0] for _ in range(200)}
        assert names <= {family.__name__ for family in families} and len(names) > 0.8 * len(families)


def test_the_wild_is_wider_than_the_lab(person):
    """Seen from the pelvis, the wild's joints spread farther: the lab alone does not teach them."""
    spread = {}
    for domain in ("lab", "wild"):
        rng = np.random.default_rng(9)
        joints = []
        for _ in range(120):
            _, pose = poses.sample(rng, domain, person)
            turned = kinematics.rotations(pose, person)
            joints.append(mpii_joints(person, turned, joint_positions(person.joints, turned)))
        joints = np.array(joints)
        spread[domain] = (joints - joints[:, ROOT : ROOT + 1]).std(axis=0).mean()
    assert spread["wild"] > 1.5 * spread["lab"]
