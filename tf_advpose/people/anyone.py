"""Who the everyday domain shows: children and adults, thin and heavy, of every skin, in what people wear.

What a person is, is told by the example's `subject`, such as
"sex=woman age=adult build=heavy skin=5 top=long legs=skirt"; `groups_of` takes it apart, so that accuracy
can be reported by group.
"""

import functools

import numpy as np

from tf_advpose.people import appearance, poses, wardrobe
from tf_advpose.people.body import Body, make_body
from tf_advpose.people.person import Person

_BODIES = {"train": 600, "test": 200, "validation": 100}  # different people; any of them in any outfit
_SEED = {"train": 2026, "test": 2027, "validation": 2028}  # the bodies are the same in every run
_AGES = {"child": (0.33, 0.55), "adult": (0.6, 0.85), "old": (0.88, 1.0)}
_AGE_SHARES = (0.17, 0.7, 0.13)
_BUILDS = ((0.35, "thin"), (0.65, "medium"), (np.inf, "heavy"))  # by the weight control, up to


def groups_of(subject: str) -> dict[str, str]:
    """The groups that a person of the everyday domain belongs to: sex, age, build, skin, top, legs."""
    return dict(part.split("=") for part in subject.split())


@functools.cache
def body(split: str, number: int) -> tuple[Body, bool, str]:
    """One of a split's bodies, whether it is male, and its groups."""
    rng = np.random.default_rng([_SEED[split], number])
    male = bool(rng.random() < 0.5)
    gender = 0.5 + (0.5 if male else -0.5) * rng.uniform(0.6, 1.0)
    age = str(rng.choice(list(_AGES), p=_AGE_SHARES))
    muscle, height, proportions = np.clip(rng.normal(0.5, 0.2, 3), 0.05, 0.95)
    weight = rng.uniform(0.05, 1.0)
    build = next(name for most, name in _BUILDS if weight < most)
    shape = np.array([gender, rng.uniform(*_AGES[age]), muscle, weight, height, proportions])
    return make_body(shape), male, f"sex={'man' if male else 'woman'} age={age} build={build}"


def draw_person(
    rng: np.random.Generator, split: str, place: np.ndarray, heading: float
) -> tuple[Person, str]:
    """Anyone, doing anything at `place` (x, y), and the `subject` that says who it is."""
    someone, male, groups = body(split, int(rng.integers(_BODIES[split])))
    look, worn = wardrobe.draw_look(rng, male, child="age=child" in groups)
    action, pose = poses.sample(rng, "everyday", someone)
    person = Person(someone, look, appearance.dress(someone, look), action, pose, place, heading)
    return person, f"{groups} {worn}"
