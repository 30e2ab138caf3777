"""Examples are what the prepared data need: exact labels, repeatable bytes, honest domains."""

import inspect
import itertools

import numpy as np
import pytest

pytest.importorskip("embreex", reason="synthetic people need requirements-people.txt")

from tf_advpose import camera
from tf_advpose.people import dataset, lab, photo, wild
from tf_advpose.people.body import load_template
from tf_advpose.people.dataset import generate, render_pose
from tf_advpose.people.kinematics import Pose
from tf_advpose.people.person import Person
from tf_advpose.people.render import Tracer
from tf_advpose.skeleton import BONES, HEAD_TOP, JOINT_NAMES, UPPER_NECK, bone_lengths

SIZE = 48
# Upper arms, forearms, thighs and shins; shoulders and spine move against each other.
RIGID = [index for index, (child, _) in enumerate(BONES) if child in (0, 1, 4, 5, 10, 11, 14, 15)]


@pytest.fixture(scope="module")
def lab_examples() -> list[dict]:
    return list(generate("lab", "train", 24, size=SIZE, processes=2))


@pytest.fixture(scope="module")
def wild_examples() -> list[dict]:
    return list(generate("wild", "train", 40, size=SIZE, processes=2))


def test_examples_are_the_arguments_of_make_example(lab_examples, wild_examples):
    from tf_advpose.data import schema

    wanted = set(inspect.signature(schema.make_example).parameters)
    for example in lab_examples[:4] + wild_examples:
        assert set(example) == wanted - {"joints_3d_universal"}
        made = schema.make_example(**example)
        assert made["has_scale"] and made["has_depth"] == example["train_depth"]
        assert example["image"].shape == (SIZE, SIZE, 3) and example["image"].dtype == np.uint8


@pytest.mark.parametrize(("domain", "count"), (("lab", 7), ("wild", 5), ("everyday", 5)))
def test_the_same_arguments_give_the_same_bytes(domain, count):
    """Whatever the number of processes is, and however many examples come after."""
    one = list(generate(domain, "test", count, size=SIZE, seed=3, processes=1))
    two = list(itertools.islice(generate(domain, "test", count + 6, size=SIZE, seed=3, processes=2), count))
    other = next(generate(domain, "test", 1, size=SIZE, seed=4, processes=1))
    assert len(one) == count
    for first, second in zip(one, two, strict=True):
        assert first["example_id"] == second["example_id"]
        for name in ("image", "joints_2d", "joints_3d_absolute", "intrinsics", "box"):
            np.testing.assert_array_equal(first[name], second[name])
    assert not np.array_equal(one[0]["joints_3d_absolute"], other["joints_3d_absolute"])


@pytest.mark.parametrize(
    ("domain", "split", "means"),
    (
        (
            "lab",
            "train",
            [[110.8, 97.4, 86.7], [106.7, 92.8, 82.4], [110.6, 97.2, 87.6], [117.7, 104.6, 93.7]],
        ),
        (
            "lab",
            "test",
            [[112.7, 96.8, 86.3], [116.1, 100.1, 89.6], [120.0, 102.9, 93.6], [117.7, 100.6, 90.1]],
        ),
        (
            "wild",
            "train",
            [[112.0, 98.5, 92.5], [105.3, 118.2, 80.0], [124.2, 119.3, 105.8], [122.3, 132.9, 142.7]],
        ),
        (
            "wild",
            "test",
            [[99.2, 100.6, 99.2], [104.0, 77.9, 79.8], [90.9, 97.0, 94.1], [102.3, 98.2, 98.2]],
        ),
        ("everyday", "train", [[99.7, 113.9, 98.8], [113.6, 117.9, 131.1], [127.9, 112.1, 68.0]]),
        ("everyday", "test", [[108.4, 131.5, 106.1], [145.2, 108.0, 80.9], [80.7, 85.6, 75.9]]),
        ("everyday_2d", "train", [[104.5, 114.8, 104.1], [111.5, 107.7, 104.0], [101.6, 121.5, 96.1]]),
    ),
)
def test_people_stay_as_published_results_and_weights_saw_them(domain, split, means):
    """One more or one less random number would change all of a picture, and with it these means."""
    poses = range(4 // dataset.VIEWS[domain])
    pictures = [
        example["image"] for pose in poses for example in render_pose(domain, split, pose, 48, seed=0)
    ]
    np.testing.assert_allclose([picture.mean(axis=(0, 1)) for picture in pictures], means, atol=0.1)


def test_wild_3d_is_the_wild_with_depths_to_train_on():
    (wild_2d,), (wild_3d,) = (render_pose(domain, "validation", 3, 48, 0) for domain in ("wild", "wild_3d"))
    np.testing.assert_array_equal(wild_2d["image"], wild_3d["image"])
    assert (wild_2d["train_depth"], wild_3d["train_depth"]) == (False, True)


def test_labels_agree_with_each_other(lab_examples, wild_examples):
    for example in lab_examples + wild_examples:
        joints_2d = camera.project(example["joints_3d_absolute"], example["intrinsics"])
        np.testing.assert_allclose(example["joints_2d"], joints_2d, atol=1e-6)
        inside = ((joints_2d > 0) & (joints_2d < SIZE)).all(axis=1)
        np.testing.assert_array_equal(example["joint_weight"], inside)
        x, y, width, height = example["box"]
        assert x >= 0 and y >= 0 and x + width <= SIZE and y + height <= SIZE
        visible = joints_2d[inside]
        assert (visible >= (x - 1e-6, y - 1e-6)).all() and (visible <= (x + width, y + height)).all()
        assert 0.3 * SIZE < max(width, height) < 0.8 * SIZE


def test_head_size_is_that_of_mpii(lab_examples):
    """0.6 of the head rectangle's diagonal: about the length of the head bone."""
    for example in lab_examples:
        head = example["joints_2d"][HEAD_TOP] - example["joints_2d"][UPPER_NECK]
        assert 0.4 < example["head_size"] / np.linalg.norm(head) < 1.6


def test_joints_are_inside_the_rendered_person():
    """The ray through a joint's pixel hits the body that the picture shows."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        person = wild._somebody(rng, "train", np.zeros(2))
        view = wild._camera(rng, person.joints.mean(axis=0))
        rays = person.joints - view.centre
        assert Tracer([person.surface]).hidden(np.repeat(view.centre[None], 16, axis=0), rays).all()


def test_left_is_the_persons_left():
    """Someone who faces the camera has the left hand at the right of the picture, and the face in view."""
    body, outfits = lab.subject("S1")
    look, dressed = outfits[0]
    person = Person(body, look, dressed, "standing", Pose(), np.zeros(2), heading=0.0)
    view = photo.camera_at(
        np.array([0, -4000.0, 1200.0]), np.array([0, 0, 900.0]), np.array([1.0, 1, 0, 0, 0, 0, 0, 0, 0])
    )
    joints = dict(zip(JOINT_NAMES, view.to_camera(person.joints), strict=True))
    for part in ("wrist", "hip", "shoulder", "ankle"):
        assert joints[f"left_{part}"][0] > joints[f"right_{part}"][0]
    assert joints["head_top"][1] < joints["pelvis"][1] < joints["left_ankle"][1], "y points down"
    eyes = load_template().eyes > 0.5
    head = view.to_camera(person.vertices[: len(eyes)])
    assert head[eyes, 2].mean() < joints["upper_neck"][2], "the eyes look at the camera"


def test_the_lab_mirrors_human36m(lab_examples):
    for start in range(0, len(lab_examples), 4):
        four = lab_examples[start : start + 4]
        assert len({example["action"] for example in four}) == 1
        assert [example["sequence"][-1] for example in four] == ["0", "1", "2", "3"]
        lengths = [bone_lengths(example["joints_3d_absolute"]) for example in four]
        np.testing.assert_allclose(lengths, np.repeat(lengths[:1], 4, axis=0), rtol=1e-6)
        for example in four:
            assert example["train_depth"] and example["joint_weight"].all()
            depth = example["joints_3d_absolute"][:, 2]
            assert depth.min() > 2000 and depth.max() < 8000
            # Human3.6M's focal length over the crop's side, that a network has to learn.
            assert 1.0 < example["intrinsics"][0] / SIZE < 3.5
    assert {example["subject"] for example in lab_examples} == {"S1", "S5", "S6", "S7", "S8"}
    sizes = {example["subject"]: [] for example in lab_examples}
    for example in lab_examples:
        sizes[example["subject"]].append(bone_lengths(example["joints_3d_absolute"])[RIGID])
    means = [np.mean(size) for size in sizes.values()]
    assert np.min(np.diff(np.sort(means))) > 1, "every subject has a body of their own"
    for size in sizes.values():
        np.testing.assert_allclose(size, np.repeat(size[:1], len(size), axis=0), rtol=1e-4)


def test_the_wild_mirrors_mpii(wild_examples):
    assert not any(example["train_depth"] for example in wild_examples)
    cut_off = [example for example in wild_examples if not example["joint_weight"].all()]
    assert 1 <= len(cut_off) <= len(wild_examples) / 2
    assert min(example["joint_weight"].sum() for example in cut_off) >= 6
    distances = [example["joints_3d_absolute"][6, 2] for example in wild_examples]
    assert max(distances) > 3 * min(distances)
    assert len({example["action"] for example in wild_examples}) > 12


def test_ids_are_unique(lab_examples, wild_examples):
    identifiers = [example["example_id"] for example in lab_examples + wild_examples]
    assert len(set(identifiers)) == len(identifiers)
    assert identifiers[0] == "lab-train-000000"


def test_splits_have_different_people():
    assert not set(lab.SUBJECTS["train"]) & set(lab.SUBJECTS["test"])
    assert not set(lab.SUBJECTS["validation"]) & {*lab.SUBJECTS["train"], *lab.SUBJECTS["test"]}
    train, test = (wild._body(split, 0)[0] for split in ("train", "test"))
    assert not np.allclose(train.vertices, test.vertices, atol=5)


def test_larger_pictures_show_the_same(lab_examples):
    large = render_pose("lab", "train", 0, 2 * SIZE, seed=0)
    for small, big in zip(lab_examples[:4], large, strict=True):
        np.testing.assert_allclose(small["joints_3d_absolute"], big["joints_3d_absolute"])


@pytest.mark.parametrize(
    "wrong",
    ({"domain": "zoo"}, {"split": "val"}, {"size": 8}, {"count": -1}, {"processes": 0}),
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_arguments_are_told_at_once(wrong):
    arguments = {"domain": "lab", "split": "train", "count": 4, "size": 32, "processes": 1} | wrong
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        generate(**arguments)


def test_a_dead_process_is_an_error_not_a_wait(monkeypatch):
    monkeypatch.setattr(dataset.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="has died"):
        next(generate("wild", "train", 2, size=32, processes=1))


def test_stopping_early_ends_the_processes():
    examples = generate("wild", "train", 500, size=32, processes=2)
    next(examples)
    workers = examples.gi_frame.f_locals["workers"]
    examples.close()
    assert all(worker._process.poll() is not None for worker in workers)
