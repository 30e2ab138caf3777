"""Everyday people: labels agree with the pictures, groups with the people, photos serve as places."""

import dataclasses

import cv2
import numpy as np
import pytest

pytest.importorskip("embreex", reason="synthetic people need requirements-people.txt")

from tf_advpose import camera
from tf_advpose.people import (
    anyone,
    appearance,
    belongings,
    everyday,
    materials,
    photo,
    scenery,
    shadows,
    sprites,
    stances,
    wardrobe,
)
from tf_advpose.people.body import RIG_INDEX, SIDES
from tf_advpose.people.dataset import generate
from tf_advpose.people.kinematics import Pose
from tf_advpose.people.looks import NOWHERE, Hat
from tf_advpose.people.person import Person
from tf_advpose.people.render import Tracer
from tf_advpose.skeleton import JOINT_NAMES, ROOT

SIZE = 48


@pytest.fixture(scope="module")
def examples() -> list[dict]:
    return list(generate("everyday", "train", 60, size=SIZE, processes=2))


def test_labels_agree_with_each_other(examples):
    for example in examples:
        joints_2d = camera.project(example["joints_3d_absolute"], example["intrinsics"])
        np.testing.assert_allclose(example["joints_2d"], joints_2d, atol=1e-6)
        inside = ((joints_2d > 0) & (joints_2d < SIZE)).all(axis=1)
        np.testing.assert_array_equal(example["joint_weight"], inside)
        assert inside.sum() >= 6
        # The crop, 1.25 times the box, holds what is labelled, give or take a hand or a foot.
        centre, side = example["box"][:2] + example["box"][2:] / 2, 1.25 * example["box"][2:].max()
        held = (np.abs(joints_2d[inside] - centre) < 0.56 * side).all(axis=1)
        assert held.mean() > 0.8, example["example_id"]


def test_crops_and_cuts_vary(examples):
    cut = [example["joint_weight"].sum() for example in examples]
    assert 0.1 < np.mean(np.array(cut) < 16) < 0.6
    share = [example["box"][2:].max() / SIZE for example in examples]
    assert min(share) < 0.65 and max(share) > 0.85
    distances = [example["joints_3d_absolute"][ROOT, 2] for example in examples]
    assert max(distances) > 4 * min(distances)


def test_most_people_face_the_camera_and_many_do_not():
    rng = np.random.default_rng(3)
    in_front = [everyday._camera(rng, np.zeros(3)).centre[1] < 0 for _ in range(2000)]
    assert 0.58 < np.mean(in_front) < 0.68


def test_joints_lie_inside_the_drawn_person():
    """Where a joint is in the picture, the picture shows the person, clothes and all."""
    rng = np.random.default_rng(5)
    for _ in range(4):
        person, _ = anyone.draw_person(rng, "train", np.zeros(2), heading=0.0)
        view = everyday._camera(rng, person.joints[ROOT])
        close = photo.cut_out(view, photo.window(rng, person.box(view), (0.7, 0.7), 0.0), 128)
        tracer = Tracer([person.surface])
        layer, (left, top, width, height) = everyday._figure(
            rng, tracer, sprites.draw_light(rng, True), close, 128
        )
        covered = np.zeros((128, 128))
        covered[top : top + height, left : left + width] = layer[..., 3]
        assert covered.max() == 255
        joints = person.labels(close, 128)["joints_2d"]
        for x, y in joints.astype(int):
            assert covered[y - 1 : y + 2, x - 1 : x + 2].max() > 100


def test_views_of_a_pose_are_the_same_pose_in_other_photos(examples):
    first, second, third = examples[:3]
    assert first["action"] == second["action"] == third["action"] and first["subject"] == third["subject"]
    lengths = [np.linalg.norm(np.diff(view["joints_3d_absolute"], axis=0), axis=1) for view in examples[:3]]
    np.testing.assert_allclose(lengths[0], lengths[1], rtol=1e-6)
    assert not np.allclose(first["joints_2d"], second["joints_2d"], atol=2)
    assert np.abs(first["image"].astype(int) - second["image"]).mean() > 10


def test_people_without_depth_labels_are_others(examples):
    flat = list(generate("everyday_2d", "train", 3, size=SIZE, processes=1))
    assert all(example["train_depth"] for example in examples)
    assert not any(example["train_depth"] for example in flat)
    assert not np.allclose(flat[0]["joints_3d_absolute"], examples[0]["joints_3d_absolute"])
    assert flat[0]["example_id"] == "everyday_2d-train-0000000"


def test_groups_are_told_and_true(examples):
    groups = [anyone.groups_of(example["subject"]) for example in examples]
    for name in ("sex", "age", "build", "skin", "top", "legs"):
        assert len({group[name] for group in groups}) > 1, name
    rng = np.random.default_rng(1)
    skins = {str(tone): [] for tone in range(1, 7)}
    for number in range(120):
        look, worn = wardrobe.draw_look(rng, male=False, child=False)
        worn = anyone.groups_of(worn)
        skins[worn["skin"]].append(look.skin.mean())
        assert (worn["legs"] == "skirt") == bool(look.skirt)
        assert worn["legs"] == "coat" or worn["top"] != "bare" or look.top.sleeve < 0, number
    means = [np.mean(skins[tone]) for tone in sorted(skins)]
    assert means == sorted(means, reverse=True), "skin 1 is the lightest"
    heights = {"child": [], "adult": []}
    for number in range(24):
        body, _, groups = anyone.body("train", number)
        age = anyone.groups_of(groups)["age"]
        heights.get(age, []).append(np.ptp(body.vertices[:, 2]))
    assert np.mean(heights["child"]) < np.mean(heights["adult"]) - 100


def test_outfits_are_recoloured_in_the_same_cut():
    rng = np.random.default_rng(2)
    look, _ = wardrobe.draw_look(rng, male=True, child=False)
    other = wardrobe.recoloured(rng, look)
    assert (other.top.sleeve, other.bottom.hem, other.skirt) == (
        look.top.sleeve,
        look.bottom.hem,
        look.skirt,
    )
    np.testing.assert_array_equal(other.skin, look.skin)
    assert not np.allclose(other.top.colours, look.top.colours)


def test_splits_share_neither_bodies_nor_places():
    assert not np.allclose(anyone.body("train", 0)[0].vertices, anyone.body("test", 0)[0].vertices, atol=5)
    for kind in materials.COUNTS:
        train, test = (materials.picture(kind, split, 0)[0] for split in ("train", "test"))
        assert train.shape == (materials.SIDE, materials.SIDE, 3) and train.dtype == np.uint8
        assert np.abs(train.astype(int) - test).mean() > 3


def test_a_place_shows_its_ground_below_and_its_wall_above():
    red, blue = (
        materials.pyramid(np.full((64, 64, 3), colour, np.uint8)) for colour in ((200, 0, 0), (0, 0, 200))
    )
    x, y, z = np.eye(3)
    ground = scenery.Plane(np.zeros(3), x, y, red, 50.0, np.zeros(2))
    wall = scenery.Plane(np.array([0, 3000.0, 0]), x, z, blue, 50.0, np.zeros(2))
    view = photo.camera_at(
        np.array([0, -4000.0, 1500.0]),
        np.array([0, 0, 1000.0]),
        np.array([64.0, 64, 32, 32, 0, 0, 0, 0, 0]),
    )
    picture, on_ground = scenery.Place((ground, wall)).look(view, 64)
    foot = view.to_camera(np.array([0, 3000.0, 0]))
    row = int(foot[1] / foot[2] * 64 + 32)
    assert on_ground[row + 2 :].all() and not on_ground[: row - 1].any()
    np.testing.assert_array_equal(picture[-1, 0], (200, 0, 0))
    np.testing.assert_array_equal(picture[0, 0], (0, 0, 200))


def test_a_standing_person_darkens_the_ground_at_the_feet():
    rng = np.random.default_rng(0)
    light = sprites.draw_light(rng, indoors=True)
    limb = np.stack(np.meshgrid((-60, 60), (-100, 100), np.linspace(0, 1500, 9)), axis=-1).reshape(-1, 3)
    view = photo.camera_at(
        np.array([0, -5000.0, 3000.0]), np.array([0, 0, 0.0]), np.array([64.0, 64, 32, 32, 0, 0, 0, 0, 0])
    )
    left = shadows.on_ground([limb], light, view, 64)[..., 0]
    assert left[32, 32] < 0.85 and left[0, 0] > 0.95 and left.max() <= 1


def test_a_snapshot_repeats_and_is_well_exposed():
    dark = np.full((64, 64, 3), 20, np.float32)
    first, second = (photo.snapshot(np.random.default_rng(3), dark.copy()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    means = [photo.snapshot(np.random.default_rng(seed), dark).mean() for seed in range(20)]
    assert first.dtype == np.uint8 and 50 < np.mean(means) < 160


def test_photos_serve_as_backgrounds(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in (("a.jpg", (255, 0, 0)), ("b.PNG", (0, 255, 0))):
        cv2.imwrite(str(folder / name.lower()), np.full((90, 160, 3), colour, np.uint8)[..., ::-1])
    photos = scenery.find_photos(folder)
    assert [path.name for path in photos] == ["a.jpg", "b.png"]
    rng = np.random.default_rng(0)
    seen = {tuple(scenery.draw_flat(rng, "train", 32, photos)[9, 9].astype(int) // 200) for _ in range(20)}
    assert seen == {(1, 0, 0), (0, 1, 0)}
    arguments = {"size": 32, "seed": 1, "backgrounds": str(folder)}
    one, two = (
        [example["image"] for example in generate("everyday", "test", 4, processes=count, **arguments)]
        for count in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_wrong_backgrounds_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="folder with photos"):
        generate("everyday", "train", 1, backgrounds=str(tmp_path))
    with pytest.raises(ValueError, match="domain wild"):
        generate("wild", "train", 1, backgrounds=str(tmp_path))
    (tmp_path / "._left_by_macos.jpg").write_bytes(b"no photo")
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(FileNotFoundError, match="folder with photos"):
        generate("everyday", "train", 1, backgrounds=str(tmp_path))
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(ValueError, match="broken.jpg"):
        generate("everyday", "train", 1, backgrounds=str(tmp_path))
    (tmp_path / "broken.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((9, 9, 3), np.uint8))[1][:200])
    with pytest.raises(ValueError, match="broken.jpg"):
        scenery.draw_flat(np.random.default_rng(0), "train", 32, scenery.find_photos(tmp_path))


def test_belongings_are_held_in_hands_and_carried_on_the_back():
    rng = np.random.default_rng(6)
    body, _, _ = anyone.body("train", 2)
    look, _ = wardrobe.draw_look(rng, male=True, child=False)
    dressed = appearance.dress(body, look)
    person = Person(body, look, dressed, "standing", Pose(), np.zeros(2), heading=0.0)
    joints = dict(zip(JOINT_NAMES, person.joints, strict=True))
    (rucksack,) = belongings._rucksack(rng, person)
    assert (rucksack[0].mean(axis=0) - joints["thorax"])[1] > 80, "who faces -y has the back at +y"
    for _ in range(20):
        vertices = np.concatenate([part[0] for part in belongings._held(rng, person)])
        distances = [np.linalg.norm(vertices - joints[f"{side}_wrist"], axis=1).min() for side in SIDES]
        assert min(distances) < 250
    sitting = Person(body, look, dressed, "sitting", Pose(seat=True), np.zeros(2), heading=1.0)
    seats = [part for _ in range(8) for part in belongings._seat(rng, sitting)]
    assert max(part[0][:, 2].max() for part in seats) < sitting.seat[2] + 500
    assert belongings._seat(rng, person) == []


def test_a_wheelchair_stands_on_its_wheels_round_who_sits_in_it():
    """In their own frame: seat and back touch the body from below and behind, the wheels are beside it."""
    rng = np.random.default_rng(8)
    body, male, _ = anyone.body("train", 2)
    look, _ = wardrobe.draw_look(rng, male, child=False)
    pose = stances.seated(rng, body)
    person = Person(body, look, appearance.dress(body, look), "sitting", pose, np.zeros(2), heading=0.0)
    height = person.seat[2]
    vertices = person.vertices - np.append(person.seat[:2], 0.0)
    hips = vertices[(np.abs(vertices[:, 0]) < 200) & (vertices[:, 2] > height + 60)]
    for _ in range(10):
        parts = belongings._wheelchair(rng, person, height, np.full(3, 0.5))
        (seat, *_), (back, *_) = parts[:2]
        assert seat[:, 2].max() == pytest.approx(height)
        assert (hips[hips[:, 2] < height + 450, 1] < back[:, 1].max()).all()
        lowest = [part[0][:, 2].min() for part in parts]
        assert -20 < min(lowest) < 20
        wheels = [part[0] for part in parts if (np.ptp(part[0][:, 1:], axis=0) > height).all()]
        sides = [np.sign(wheel[:, 0].mean()) for wheel in wheels]
        assert set(sides) == {-1, 1}, "higher than the seat, and as long"
        assert all(np.abs(wheel[:, 0]).min() > 200 for wheel in wheels), "beside who sits"


def test_some_who_sit_low_are_in_wheelchairs():
    rng = np.random.default_rng(9)
    body, male, _ = anyone.body("train", 2)
    look, _ = wardrobe.draw_look(rng, male, child=False)
    dressed = appearance.dress(body, look)

    def share(pose) -> float:
        sitting = Person(body, look, dressed, "sitting", pose, np.zeros(2), heading=0.0)
        return np.mean([len(belongings._seat(rng, sitting)) > 10 for _ in range(300)])

    low = stances.seated(rng, body)
    assert 0.03 < share(low) < 0.15
    low.lift = 500.0
    assert share(low) == 0.0, "on a bicycle's saddle, not"


def test_a_print_reaches_to_its_very_edge():
    """Points a hair inside the edge, which float32 rounds onto it, are printed like their neighbours."""
    emblem = np.arange(7 * 9 * 3, dtype=np.float32).reshape(7, 9, 3)
    fields = np.zeros((2, 10), np.float32)
    half, low, _ = appearance._EMBLEM
    fields[:, appearance.ARM] = NOWHERE
    fields[:, appearance.HEIGHT] = 0.6
    fields[0, appearance.X] = np.nextafter(np.float32(half), np.float32(0))
    fields[1, appearance.HEIGHT] = np.nextafter(np.float32(low), np.float32(1))
    colour = np.full((2, 3), -1, np.float32)
    appearance._print_emblem(emblem, fields, np.ones(2, bool), colour)
    assert colour[0] in emblem[:, 8] and colour[1] in emblem[6]


def test_shoes_hats_and_gloves_are_where_they_belong():
    """A glove colours the hand, a hat the head, a sole the foot, and nothing else."""
    rng = np.random.default_rng(4)
    body, _, _ = anyone.body("train", 1)
    look, _ = wardrobe.draw_look(rng, male=True, child=False)
    marks = {"hat": (1.0, 0, 0), "gloves": (0, 1.0, 0), "sole": (0, 0, 1.0)}
    look = dataclasses.replace(
        look,
        hat=Hat("cap", np.array(marks["hat"])),
        gloves=np.array(marks["gloves"]),
        sole=np.array(marks["sole"]),
        hair_length=0.0,
    )
    dressed = appearance.dress(body, look)
    colours = appearance.paint(look, dressed.fields)
    owner = dressed.weights.argmax(axis=1)
    for channel, parts in enumerate((("head",), ("left_hand", "right_hand"), ("left_foot", "right_foot"))):
        pure = (colours[:, channel] > 0.2) & (np.delete(colours, channel, axis=1) == 0).all(axis=1)
        allowed = [RIG_INDEX[part] for part in parts] + [RIG_INDEX["neck2"]] * (channel == 0)
        if channel == 1:
            allowed += [RIG_INDEX["left_forearm"], RIG_INDEX["right_forearm"]]  # up to the wrist
        assert pure.sum() > 5 and np.isin(owner[pure], allowed).all(), parts
