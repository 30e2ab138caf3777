"""The weights that come with the package: small, all of one network, and as accurate as their card says."""

import json

import numpy as np
import pytest
import weights_card

from tf_advpose import metrics, work_folder
from tf_advpose.deploy.runtime import DEFAULT_MODEL, Pose, PosePredictor
from tf_advpose.people.dataset import generate
from tf_advpose.skeleton import PCKH_JOINTS

FOLDER = DEFAULT_MODEL.parent
LARGEST = 10e6  # bytes of a file
FILES = [DEFAULT_MODEL, FOLDER / "pose_int8.tflite", FOLDER]
PEOPLE, SIZE = 60, 160  # of the test people that the card tells of


@pytest.fixture(scope="module")
def figures() -> dict:
    return json.loads((FOLDER / weights_card.FIGURES_FILE).read_text())


@pytest.fixture(scope="module")
def people() -> list[dict]:
    return list(generate("everyday", "test", PEOPLE, size=SIZE, processes=2))


def found(predictor: PosePredictor, people: list[dict]) -> list[Pose]:
    return predictor.predict_many([(person["image"], person["box"]) for person in people])


def pckh(poses: list[Pose], people: list[dict]) -> float:
    """Percent over all joints, as near to the card's mean over groups of joints as so few people allow."""
    labels = {
        name: np.stack([person[name] for person in people])
        for name in ("joints_2d", "head_size", "joint_weight")
    }
    distances = metrics.pckh_distances(np.stack([pose.joints_2d for pose in poses]), *labels.values())
    return 100 * np.nanmean(metrics.within(distances[:, list(PCKH_JOINTS)], 0.5))


def test_they_are_small():
    assert max(path.stat().st_size for path in FOLDER.rglob("*")) < LARGEST


def test_the_card_tells_the_figures(figures):
    assert (FOLDER / weights_card.CARD_FILE).read_text() == weights_card.card(figures)


def test_the_card_says_so_where_no_real_photo_was_measured(figures):
    card = weights_card.card({name: value for name, value in figures.items() if name != "real"})
    assert "Not measured." in card


@pytest.mark.parametrize("path", FILES, ids=["float16", "int8", "run"])
def test_each_format_is_as_accurate_as_the_card_says(path, figures, people):
    told = figures["test"]["int8" if "int8" in path.name else "float16"]["pckh"]["mean"]
    assert pckh(found(PosePredictor(path), people), people) == pytest.approx(told, abs=10)


def test_formats_agree(people):
    """All are of the same network: the exact one and the halved numbers, to a fraction of a pixel."""
    exact, halved = (found(PosePredictor(path), people) for path in (FOLDER, DEFAULT_MODEL))
    apart = [np.abs(a.joints_2d - b.joints_2d).max(axis=1) for a, b in zip(exact, halved, strict=True)]
    assert np.mean(np.concatenate(apart) < 0.5) > 0.98


def test_they_can_be_trained_on():
    config = work_folder.open_run(str(FOLDER))
    generator = work_folder.load_generator(str(FOLDER))
    assert generator.input_shape[1] == config.generator.image_size
