"""What is scored with what: known answers of every figure, and what each convention changes."""

import dataclasses
import gzip
import json

import h5py
import numpy as np
import pytest
import scipy.io
from evaluated_people import CROP_SIZE, moved, random_people, with_errors

from tf_advpose.evaluation import conventions, prediction_files, protocols
from tf_advpose.evaluation.conventions import Conventions
from tf_advpose.evaluation.scores import ZHOU_BONES, score
from tf_advpose.skeleton import (
    HEAD_TOP,
    JOINT_NAMES,
    LEFT_HIP,
    NUM_JOINTS,
    PCKH_JOINTS,
    PELVIS,
    RIGHT_HIP,
    THORAX,
    UPPER_NECK,
)


def shifted(people, millimetres: float, joints=range(NUM_JOINTS), chosen=()):
    """The people as another system sees them, joints of the chosen off by so much, but never the pelvis."""
    errors = np.zeros(people.joints_3d.shape)
    errors[np.ix_(chosen or range(len(people)), [joint for joint in joints if joint != PELVIS], [0])] = (
        millimetres
    )
    return with_errors(people, errors)


def test_perfect_predictions_have_perfect_scores():
    results = protocols.evaluate(random_people())
    assert results["examples"] == results["examples_3d"] == 6
    assert results["scale"] == "camera"
    for name in protocols.ERRORS:
        np.testing.assert_allclose(results[name], 0, atol=1e-4, err_msg=name)
    np.testing.assert_allclose(list(results["mpjpe_by_limb"].values()), 0, atol=1e-4)
    np.testing.assert_allclose(results["pck3d"], 100)
    np.testing.assert_allclose(results["auc3d"], 100 * 30 / 31)
    np.testing.assert_allclose(list(results["pckh"].values()), 100)


def test_one_wrong_depth_is_counted_where_it_belongs():
    """The left elbow of every third person, the walking ones, lies 160 mm too far away."""
    people = random_people()
    walking = people.action == "Walking"
    elbow = JOINT_NAMES.index("left_elbow")
    wrong = np.zeros_like(people.predicted_depth)
    wrong[walking, elbow] = 160 / (people.mm_per_pixel[walking] * CROP_SIZE / 2)
    results = protocols.evaluate(moved(people, predicted_depth=wrong))
    share = walking.mean() / NUM_JOINTS
    np.testing.assert_allclose(results["depth_error"], 160 * share)
    # The joint moves along its ray, so that x and y change a little as well.
    np.testing.assert_allclose(results["mpjpe"], 160 * share, rtol=0.05)
    np.testing.assert_allclose(results["pck3d"], 100 - 100 * walking.mean() / 14)
    np.testing.assert_allclose(results["mpjpe_by_limb"]["upper_arms"], 80 * walking.mean(), rtol=0.05)
    np.testing.assert_allclose(results["mpjpe_by_limb"]["lower_arms"], 0, atol=1e-4)
    assert results["by_action"]["Walking"]["examples"] == walking.sum()
    np.testing.assert_allclose(results["by_action"]["Walking"]["mpjpe"], 160 / NUM_JOINTS, rtol=0.05)
    np.testing.assert_allclose(results["by_action"]["Sitting"]["mpjpe"], 0, atol=1e-4)
    np.testing.assert_allclose(list(results["pckh"].values()), 100)


def test_pelvis_and_thorax_are_in_pck_only_where_asked_for():
    people = shifted(random_people(), 200.0, [THORAX])
    assert protocols.evaluate(people)["pck3d"] == 100
    of_16 = protocols.evaluate(people, Conventions(pck3d_joints="16"))
    np.testing.assert_allclose(of_16["pck3d"], 100 * 15 / 16)


def test_averages_over_frames_and_over_actions():
    """Two of six people walk and are 32 mm off, four sit and are right."""
    people = shifted(random_people(), 32.0, chosen=[0, 3])
    people = dataclasses.replace(people, predicted_joints_2d=None)
    off = 32 * 15 / 16
    np.testing.assert_allclose(protocols.evaluate(people)["mpjpe"], off * 2 / 6)
    by_actions = protocols.evaluate(people, Conventions(average="actions"))
    np.testing.assert_allclose(by_actions["mpjpe"], off / 2)
    nameless = dataclasses.replace(people, action=np.full(6, ""))
    np.testing.assert_allclose(
        protocols.evaluate(nameless, Conventions(average="actions"))["mpjpe"], off / 3
    )


@pytest.mark.parametrize("scale", ["camera", "given"])
def test_pck_is_by_the_universal_skeleton_where_there_is_one(scale):
    """A right pose of the true size counts as right; millimetres that are given need the universal size."""
    people = with_errors(random_people(), np.zeros((6, 16, 3))) if scale == "given" else random_people()
    size = np.linspace(0.5, 0.9, len(people))[:, None, None]
    people = dataclasses.replace(people, joints_3d_universal=size * people.joints_3d)
    scores = score(people, conventions.PAPERS)
    assert protocols.summarise(scores)["pck3d_skeleton"] == "universal"
    target = people.joints_3d[:, list(PCKH_JOINTS)]
    expected = 0 if scale == "camera" else np.linalg.norm((1 - size) * target, axis=-1)
    np.testing.assert_allclose(scores.pck3d_distances, expected, atol=1e-4)
    np.testing.assert_allclose(scores.mpjpe, 0, atol=1e-4)
    by_true = score(people, Conventions(pck3d_skeleton="true"))
    assert protocols.summarise(by_true)["pck3d_skeleton"] == "true"
    np.testing.assert_allclose(by_true.pck3d_distances, 0, atol=1e-4)


def test_without_the_universal_skeleton_pck_is_by_the_true_one():
    """Zeros, as the datasets store that have none, and files written before there was such a label."""
    for people in (random_people(), dataclasses.replace(random_people(), joints_3d_universal=None)):
        assert score(people, conventions.PAPERS).pck3d_skeleton == "true"


def test_zhous_rule_forgives_size_and_hips():
    """A prediction of half the size, whose hips are where Human3.6M has them, is right by that rule."""
    people = random_people()
    target = people.joints_3d.copy()
    target[:, THORAX] = target[:, UPPER_NECK] / 2
    people = dataclasses.replace(people, joints_3d=target)
    # Undo the shift: pelvis' = pelvis + 0.2 (neck - pelvis) must be 0.
    predicted = target.copy()
    pelvis = -0.25 * target[:, UPPER_NECK]
    shift = 0.2 * (target[:, UPPER_NECK] - pelvis)
    predicted[:, PELVIS] = pelvis
    for hip in (LEFT_HIP, RIGHT_HIP):
        predicted[:, hip] -= shift
    half = with_errors(people, 0.5 * predicted - target)
    assert protocols.evaluate(half)["pck3d"] < 90
    by_zhou = score(half, Conventions(pck3d="zhou", pck3d_joints="16"))
    np.testing.assert_allclose(by_zhou.pck3d_distances, 0, atol=1e-9)
    assert len(set(ZHOU_BONES)) == 14


def test_zhous_threshold_is_met_by_150_mm():
    """The wrists of bones that keep their length in sum are 150 mm off."""
    distances = np.array([[150.0, 150.1], [149.9, 0.0]])
    scores = score(with_errors(random_people(2), np.zeros((2, 16, 3))), Conventions(pck3d="zhou"))
    shares = protocols.shares(dataclasses.replace(scores, pck3d_distances=distances))
    np.testing.assert_array_equal(shares["pck3d"], [[100, 0], [100, 100]])
    shares = protocols.shares(
        dataclasses.replace(scores, pck3d_distances=distances, conventions=conventions.PAPERS)
    )
    np.testing.assert_array_equal(shares["pck3d"], [[0, 0], [100, 100]])


def test_examples_without_scale_count_in_2d_alone():
    people = random_people()
    unscaled = np.arange(6) < 2
    spoiled = {
        name: np.where(
            unscaled.reshape([6] + [1] * (getattr(people, name).ndim - 1)), 0, getattr(people, name)
        )
        for name in ("joints_3d", "mm_per_pixel", "root_depth", "intrinsics")
    }
    mixed = dataclasses.replace(people, has_scale=~unscaled, **spoiled)
    results = protocols.evaluate(mixed)
    assert (results["examples"], results["examples_3d"]) == (6, 4)
    np.testing.assert_allclose(results["mpjpe"], 0, atol=1e-4)

    flat = protocols.evaluate(dataclasses.replace(mixed, has_scale=np.zeros(6, bool)))
    assert "pckh" in flat and not {"mpjpe", "scale", "by_action"} & set(flat)


def test_unlabelled_joints_and_unknown_heads_are_left_out_of_pckh():
    people = random_people()
    weight = np.ones((6, NUM_JOINTS))
    weight[:, HEAD_TOP] = 0
    weight[1] = 0
    wrong = np.zeros((6, NUM_JOINTS, 2))
    wrong[:3] = 11.0  # of these people, the second is not labelled and the third's head is unknown
    people = dataclasses.replace(people, joint_weight=weight, head_size=np.array([20.0, 20, 0, 20, 20, 20]))
    pckh = protocols.evaluate(moved(people, predicted_joints_2d=wrong))["pckh"]
    assert "head" not in pckh
    np.testing.assert_allclose(list(pckh.values()), 75)


def test_pckh_rules_differ_in_threshold_head_and_weights():
    distances = np.zeros((4, NUM_JOINTS))
    distances[0, HEAD_TOP] = 0.5  # right, where the threshold may be met
    distances[1, UPPER_NECK] = 0.9
    distances[:2, JOINT_NAMES.index("right_ankle")] = np.nan
    distances[2, JOINT_NAMES.index("right_ankle")] = 0.9
    paper, weighted, official = (
        protocols.pckh_by_group(distances, rule) for rule in ("paper", "weighted", "official")
    )
    assert (paper["head"], weighted["head"], official["head"]) == (75, 100, 87.5)
    np.testing.assert_allclose(paper["mean"], (12 * 100 + 75 + 75 + 50 - 100) / 14)
    pooled = 100 * (54 - 2) / 54  # 56 joints, two not labelled, two wrong
    np.testing.assert_allclose([weighted["mean"], official["mean"]], pooled)
    assert paper["ankle"] == 75


def test_velocity_is_within_sequences_and_steps():
    """Frames 1, 6, 11 of one sequence and 1, 6, 26 of another, mixed: three steps of five frames."""
    people = random_people()
    names = [("b", 26), ("a", 6), ("b", 1), ("a", 11), ("a", 1), ("b", 6)]
    people = dataclasses.replace(
        people,
        example_id=np.array([f"{sequence}_{frame:06d}" for sequence, frame in names]),
        sequence=np.array([sequence for sequence, _ in names]),
    )
    errors = np.zeros((6, NUM_JOINTS, 3))
    errors[3, :, 1] = 7.0  # a's last frame
    errors[0, :, 1] = 500.0  # b's, too far from the others to count
    results = protocols.evaluate(with_errors(people, errors))
    moving = results["velocity"]
    assert (moving["frame_step"], moving["pairs"]) == (5, 3)
    # The pelvis moved with all joints, so nothing moved: errors are root-relative.
    np.testing.assert_allclose(moving["error"], 0, atol=1e-9)
    errors[:, PELVIS] = 0
    moving = protocols.evaluate(with_errors(people, errors))["velocity"]
    np.testing.assert_allclose(moving["error"], 7 * 15 / 16 / 3)


def test_frames_that_are_not_evenly_apart_have_no_velocity():
    """Numbers that count something else, such as examples of a random order."""
    people = random_people()
    names = np.array([f"a {number}" for number in (1, 4, 11, 13, 20, 30)])
    people = dataclasses.replace(people, example_id=names, sequence=np.full(6, "a"))
    assert "not evenly apart" in protocols.evaluate(people)["velocity"]["skipped"]


@pytest.mark.parametrize("sequence, reason", [("", "not known"), (None, "no sequence has two frames")])
def test_velocity_is_left_out_with_a_reason(sequence, reason):
    people = random_people()
    people = dataclasses.replace(
        people, sequence=people.example_id if sequence is None else np.full(6, sequence)
    )
    results = protocols.evaluate(people)
    assert reason in results["velocity"]["skipped"]
    assert "velocity" not in results["intervals"]


def test_scenes_of_mpi_inf_3dhp():
    people = shifted(random_people(), 200.0, chosen=[0, 1])
    sequences = np.array(["TS1", "TS4", "TS5", "TS6", "TS2", "TS3"])
    by_scene = protocols.evaluate(dataclasses.replace(people, sequence=sequences))["by_scene"]
    assert {name: found["examples"] for name, found in by_scene.items()} == dict.fromkeys(
        protocols.SCENES, 2
    )
    assert [by_scene[scene]["pck3d"] for scene in protocols.SCENES] == [50, 50, 100]


def test_scenes_are_of_examples_with_3d_labels():
    people = random_people()
    people = dataclasses.replace(
        people, sequence=np.full(6, "TS1"), has_scale=np.array([False, True, True, True, True, True])
    )
    (found,) = protocols.evaluate(people)["by_scene"].values()
    assert found["examples"] == 5 and found["mpjpe"] == pytest.approx(0, abs=1e-6)


def test_a_score_that_cannot_be_had_is_refused():
    people = random_people()
    with pytest.raises(ValueError, match="'camera', 'bones'"):
        Conventions(scale="feet")
    with pytest.raises(ValueError, match="needs scale='camera'"):
        Conventions(scale="bones", root_align="depth")
    with pytest.raises(ValueError, match="root-relative"):
        protocols.evaluate(shifted(people, 1.0), Conventions(root_align="depth"))
    with pytest.raises(ValueError, match="empty"):
        protocols.evaluate(people.where(np.zeros(6, bool)))
    blank = dataclasses.replace(people, has_scale=np.zeros(6, bool), head_size=np.zeros(6))
    with pytest.raises(ValueError, match="nothing to score"):
        protocols.evaluate(blank)


def test_models_of_other_examples_are_not_compared():
    people = random_people()
    with pytest.raises(ValueError, match="6 examples, one 5"):
        protocols.compare(*(score(one, conventions.PAPERS) for one in (people, people.where(np.arange(5)))))
    with pytest.raises(ValueError, match="example 0 is example 0 of one model and example 5"):
        backwards = people.where(np.arange(6)[::-1])
        protocols.compare(*(score(one, conventions.PAPERS) for one in (people, backwards)))


def test_pckh_of_public_predictions_by_all_three_rules(samples):
    """A public hourglass on MPII's 2958 validation persons, as its plain arrays, by three conventions."""
    predicted = scipy.io.loadmat(samples / "mpii_pckh/preds_bearpaw_hg_s1_b1.mat")["preds"]
    with gzip.open(samples / "mpii/mpii_annotations.json.gz") as file:
        people = [person for person in json.load(file) if person["isValidation"]]
    target = np.array([person["joint_self"] for person in people])[..., :2]
    with h5py.File(samples / "mpii/valid.h5") as file:
        head_size = file["normalize"][:]
    expected = json.loads((samples / "mpii_pckh/expected_pckh_bearpaw_hg_s1_b1.json").read_text())
    (expected,) = expected.values()
    predictions = prediction_files.from_arrays(
        [f"person {number}" for number in range(len(people))],
        predicted_joints_2d=predicted,
        joints_2d=target,
        joint_weight=(target != 0).any(axis=-1),
        head_size=head_size,
    )
    found = {
        rule: protocols.evaluate(predictions, Conventions(pckh=rule))["pckh"]
        for rule in conventions.PCKH_RULES
    }
    # The scripts' labels differ from these in 13 joints.
    for rule, name in (
        ("paper", "Mean_bearpaw_unweighted"),
        ("weighted", "Mean_hrnet_weighted"),
        ("official", "Official_octave_total"),
    ):
        np.testing.assert_allclose(found[rule]["mean"], expected[name], atol=0.006, err_msg=rule)
    np.testing.assert_allclose(
        found["official"]["head"], expected["Official_head_avg_neck_headtop"], atol=0.02
    )
    np.testing.assert_allclose(found["paper"]["head"], expected["Head"], atol=0.02)
