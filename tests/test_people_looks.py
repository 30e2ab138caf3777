"""Outfits differ, sit outside the body, and colour every point."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("embreex", reason="synthetic people need requirements-people.txt")

from tf_advpose.people import appearance
from tf_advpose.people.body import RIG_INDEX, Body, load_template, make_body
from tf_advpose.people.looks import draw_look


@pytest.fixture(scope="module")
def person() -> Body:
    return make_body(np.array([0.2, 0.7, 0.5, 0.5, 0.5, 0.5]))


def look(seed: int, **changes):
    return dataclasses.replace(draw_look(np.random.default_rng(seed), male=False), **changes)


def test_clothes_lie_outside_the_skin(person):
    dressed = appearance.dress(person, look(1))
    moved = np.linalg.norm(dressed.vertices[: len(person.vertices)] - person.vertices, axis=1)
    assert moved.min() >= 0 and 3 < moved.max() < 60
    hands = dressed.fields[: len(moved), appearance.ARM] > 2.3
    assert moved[hands].max() == 0, "nobody wears gloves"


def test_skirts_and_long_hair_are_meshes_on_the_rig(person):
    bare = appearance.dress(person, look(1, skirt=0.0, hair_length=0.0))
    assert len(bare.vertices) == len(load_template().kept)
    dressed = appearance.dress(person, look(1, skirt=1.0, hair_length=300.0, hair_volume=10.0))
    assert len(dressed.vertices) > len(bare.vertices)
    assert dressed.triangles.max() == len(dressed.vertices) - 1
    np.testing.assert_allclose(dressed.weights.sum(axis=1), 1, atol=1e-5)
    hem = dressed.vertices[np.abs(dressed.fields[:, appearance.PART] - 1) < 0.5, 2].min()
    assert hem == pytest.approx(person.joints[RIG_INDEX["left_shin"], 2], abs=5), "hem 1 is at the knees"


def test_every_point_has_a_colour_and_looks_differ(person):
    colours = []
    for seed in range(8):
        one = look(seed)
        dressed = appearance.dress(person, one)
        painted = appearance.paint(one, dressed.fields)
        assert painted.shape == (len(dressed.vertices), 3)
        assert np.isfinite(painted).all() and painted.min() >= 0 and painted.max() < 1.5
        colours.append(painted[: len(person.vertices)].mean(axis=0))
    assert np.std(colours, axis=0).mean() > 0.03


def test_face_is_at_the_front_and_hair_at_the_back(person):
    one = look(2, hair_volume=10.0, hair_length=0.0, hair=np.array([0.0, 0.0, 1.0]), beard=0.0)
    dressed = appearance.dress(person, one)
    on_head = dressed.fields[:, appearance.HEAD] > 0.9
    blue = appearance.paint(one, dressed.fields)[:, 2] > 0.4
    blue &= appearance.paint(one, dressed.fields)[:, 0] == 0
    y = dressed.vertices[:, 1]
    assert y[on_head & blue].mean() > y[on_head & ~blue].mean() + 40
