"""Accuracy by group of people."""

import dataclasses

import numpy as np
import pytest
from evaluated_people import moved, random_people
from standing_person import STANDING

from tf_advpose.evaluation import groups
from tf_advpose.evaluation.conventions import PAPERS
from tf_advpose.evaluation.scores import score

OLD = np.array([True, False, False, True, False, False])


def groups_of(subject: str) -> dict[str, str]:
    age, skin = subject.split()
    return {"age": age, "skin": skin}


@pytest.fixture
def people():
    """Six people of whom the old ones' right ankles are found a head's size aside and 0.2 too far away."""
    shift = np.zeros((6, 16, 2))
    shift[OLD, 0, 0] = 20.0
    depth = np.zeros((6, 16))
    depth[OLD, 0] = 0.2
    subjects = [f"{'old' if old else 'young'} {number % 2}" for number, old in enumerate(OLD)]
    found = moved(random_people(), predicted_joints_2d=shift, predicted_depth=depth)
    return dataclasses.replace(found, subject=np.array(subjects))


def test_each_group_has_the_figures_of_its_own_people(people):
    found = groups.by_group(score(people, PAPERS), groups_of)
    assert {kind: list(of_kind) for kind, of_kind in found.items()} == {
        "age": ["old", "young"],
        "skin": ["0", "1"],
    }
    old, young = found["age"]["old"], found["age"]["young"]
    assert (old["examples"], young["examples"]) == (2, 4)
    assert old["pckh"] == pytest.approx(100 * 13 / 14) and young["pckh"] == pytest.approx(100)
    assert old["mpjpe"] > 1 and young["mpjpe"] == pytest.approx(0, abs=1e-4)
    # One of the two in each half is old, so the halves are alike.
    assert found["skin"]["0"]["pckh"] == pytest.approx(found["skin"]["1"]["pckh"])


def test_small_groups_are_not_compared():
    of_kind = {
        "a": {"examples": 200, "mpjpe": 100.0},
        "b": {"examples": 300, "mpjpe": 110.0},
        "c": {"examples": 3, "mpjpe": 500.0},
    }
    assert groups.worst_over_best(of_kind, "mpjpe", fewest=100) == pytest.approx(1.1)
    assert groups.worst_over_best(of_kind, "mpjpe") == pytest.approx(5)


def test_examples_without_labels_are_refused(people):
    unlabelled = dataclasses.replace(people, head_size=np.where(OLD, 0.0, 20.0))
    with pytest.raises(ValueError, match="all have 2D labels"):
        groups.by_group(score(unlabelled, PAPERS), groups_of)


@pytest.mark.parametrize(
    ("degrees", "side"), [(0, "front"), (40, "front"), (90, "side"), (-90, "side"), (150, "back")]
)
def test_the_side_that_is_seen_is_where_the_chest_faces(degrees, side):
    """Whose left is at the picture's right faces the camera; turned about the vertical."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = STANDING @ np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]).T
    assert groups.seen_from(turned[None]).tolist() == [side]
