"""Draws poses that a body can take: `sample`."""

from collections.abc import Callable

import numpy as np

from tf_advpose.people import collision, everyday_poses, lab_poses, stances, wild_poses
from tf_advpose.people.body import Body
from tf_advpose.people.kinematics import Pose

_WILD_SHARE = 0.6  # of the wild's people do what nobody does in the lab
_EVERYDAY = (lab_poses.FAMILIES, wild_poses.FAMILIES, everyday_poses.FAMILIES)
_EVERYDAY_SHARES = (0.5, 0.2, 0.3)
_MOST_TURN = np.radians(50)  # a body on the ground that would roll over farther is in another pose
_ATTEMPTS = 100


def sample(rng: np.random.Generator, domain: str, body: Body) -> tuple[str, Pose]:
    """The name of a family and a pose from it: each family as often as its neighbours, of the wild the
    wild's own taken together a little more often than the lab's.

    Raises:
      RuntimeError: no such pose was found, which says that a family is broken.
    """
    families = lab_poses.FAMILIES
    if domain == "everyday":
        families = _EVERYDAY[rng.choice(len(_EVERYDAY), p=_EVERYDAY_SHARES)]
    elif domain == "wild" and rng.random() < _WILD_SHARE:
        families = wild_poses.FAMILIES
    family = families[rng.integers(len(families))]
    for _ in range(_ATTEMPTS):
        pose = attempt(rng, family, body, vary=domain != "lab")
        if pose is not None:
            return family.__name__, pose
    raise RuntimeError(f"The family {family.__name__} gives no pose that this body can take.")


def attempt(rng: np.random.Generator, family: Callable, body: Body, vary: bool = False) -> Pose | None:
    """A pose of a family with its angles in their limits; None where a limb would pass through the body
    or the body would roll over.

    `vary` moves trunk and arms a little, so that poses fill the space between the families.
    """
    pose = family(rng, body)
    if vary:
        pose.trunk = pose.trunk + rng.normal(0, np.radians(5), 3)
        pose.neck = pose.neck + rng.normal(0, np.radians(6), 3)
        pose.arms = pose.arms + rng.normal(0, np.radians(6), (2, 4))
    pose.clip()
    if collision.collides(pose, body):
        return None
    on_the_ground = family in lab_poses.ON_THE_GROUND + wild_poses.ON_THE_GROUND
    return None if on_the_ground and stances.settle(pose, body) > _MOST_TURN else pose
