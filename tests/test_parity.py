"""The comparison of exports with the Keras model: differences by hand, limits, and who is to blame."""

import copy
import dataclasses

import export_models
import numpy as np
import pytest

from tf_advpose.deploy import parity, scores
from tf_advpose.skeleton import BONES, NUM_JOINTS


def predictions(count: int = 4, **labels):
    """The Keras model's of random examples, all joints apart."""
    rng = np.random.default_rng(0)
    outputs = {
        "joints_2d": rng.uniform(5, 59, (count, NUM_JOINTS, 2)),
        "depth": rng.normal(0, 0.3, (count, NUM_JOINTS)),
        "confidence": np.full((count, NUM_JOINTS), 0.8),
    }
    return export_models.random_examples(count, seed=0, **labels).predictions(outputs)


def moved(reference, **changes):
    """The same with some values added."""
    return dataclasses.replace(
        reference, **{name: getattr(reference, name) + value for name, value in changes.items()}
    )


def test_differences_by_hand():
    """A pixel is 10 mm, half a crop 32 pixels; undecided joints count in depth and confidence alone."""
    reference = predictions(1)
    shift = np.zeros((1, NUM_JOINTS, 2))
    depth = np.zeros((1, NUM_JOINTS))
    shift[0, 0], depth[0, 0] = (0.0, -3.0), 4 / 32
    shift[0, 1], depth[0, 1] = (40.0, 0.0), 0.5
    decided = np.ones((1, NUM_JOINTS), bool)
    decided[0, 1] = False
    exported = moved(reference, predicted_joints_2d=shift, predicted_depth=depth, confidence=-0.25)
    measured = parity.differences(reference, decided, exported, np.array([10.0]))
    assert measured["joints_3d"] == pytest.approx({"largest": 50.0, "mean": 50.0 / 15})
    assert measured["joints_2d"] == pytest.approx({"largest": 3.0, "mean": 0.1, "mean_mm": 2.0})
    assert measured["depth"] == pytest.approx({"largest": 0.5, "mean": 0.625 / 16, "mean_mm": 40 / 15})
    assert measured["confidence"] == pytest.approx({"largest": 0.25, "mean": 0.25})


def test_flat_heatmaps_cannot_be_compared():
    with pytest.raises(ValueError, match="flat"):
        parity.differences(predictions(1), np.zeros((1, NUM_JOINTS), bool), predictions(1), np.ones(1))


def test_millimetres_come_from_labels_or_from_bones():
    labelled = predictions(2)
    np.testing.assert_array_equal(parity.mm_per_pixel(labelled, 4000.0), [2.0, 2.0])
    unlabelled = predictions(2, has_scale=False)
    scale = parity.mm_per_pixel(unlabelled, 4000.0)
    z = unlabelled.predicted_depth[..., None] * 32
    joints = np.concatenate([unlabelled.predicted_joints_2d, z], axis=-1) * scale[:, None, None]
    length = sum(np.linalg.norm(joints[:, child] - joints[:, parent], axis=-1) for child, parent in BONES)
    np.testing.assert_allclose(length, 4000.0)
    heap = dataclasses.replace(unlabelled, predicted_joints_2d=np.zeros((2, NUM_JOINTS, 2)))
    heap = dataclasses.replace(heap, predicted_depth=np.zeros((2, NUM_JOINTS)))
    np.testing.assert_array_equal(parity.mm_per_pixel(heap, 4000.0), 0)


def measured_of(value: float = 0.0) -> dict:
    measured = {name: {"largest": value, "mean": value} for name in parity.UNITS}
    measured["joints_2d"]["mean_mm"], measured["depth"]["mean_mm"] = 0.1, 0.2
    return measured


BOUNDS = [
    (artefact, name, kind)
    for artefact, limits in parity.LIMITS.items()
    for name, bounds in limits.items()
    if name in parity.UNITS
    for kind in bounds
]


@pytest.mark.parametrize(("artefact", "name", "kind"), BOUNDS)
def test_each_limit_on_an_output_holds(artefact, name, kind):
    """At the limit it passes, beyond it it does not; millimetres are blamed on the worse of two outputs."""
    limits = parity.LIMITS[artefact]
    measured = measured_of()
    measured[name][kind] = limits[name][kind]
    parity.check_outputs(artefact, measured, limits)
    measured[name][kind] *= 1.01
    blamed = "depth" if name == "joints_3d" else name
    with pytest.raises(ValueError, match=f"{artefact} deviates from the Keras model: {blamed}, "):
        parity.check_outputs(artefact, measured, limits)


@pytest.mark.parametrize("artefact", parity.LIMITS)
@pytest.mark.parametrize("name", parity.UNITS)
def test_what_is_not_finite_passes_nowhere(artefact, name):
    measured = measured_of()
    measured[name] = {"largest": np.nan, "mean": np.nan}
    with pytest.raises(
        ValueError, match=f"{artefact} deviates from the Keras model: {name}, .* not finite"
    ):
        parity.check_outputs(artefact, measured, parity.LIMITS[artefact])


def test_quantised_models_may_score_two_percent_worse():
    """Judged by MPJPE where it is known; the output that moved more is named."""
    limits, measured = parity.LIMITS["tflite_int8"], measured_of()
    worse = {"examples": 30, "interval": [-60.0, -50.0]}
    changes = {"mpjpe": {"percent": 2.0}, "pckh": worse}
    limits = parity.judging(limits, changes)
    assert parity.limits_text(limits) == "MPJPE at most 2 % worse"
    parity.check_scores("it", changes, measured, limits)
    changes["mpjpe"]["percent"] = 2.1
    with pytest.raises(ValueError, match="depth, MPJPE is 2.1 % worse, allowed are 2 %"):
        parity.check_scores("it", changes, measured, limits)
    measured["joints_2d"]["mean_mm"] = 5.0
    with pytest.raises(ValueError, match="joints_2d, MPJPE is 2.1 % worse"):
        parity.check_scores("it", changes, measured, limits)


def test_pckh_judges_where_there_are_no_3d_labels_but_enough_examples():
    change, measured = {"examples": 30, "interval": [-9.0, -2.0]}, measured_of()
    limits = parity.judging(parity.LIMITS["tflite_int8"], {"pckh": change})
    assert parity.limits_text(limits) == "PCKh@0.5 not surely over 2 points lower"
    parity.check_scores("it", {"pckh": change}, measured, limits)
    with pytest.raises(ValueError, match="joints_2d, PCKh@0.5 is at least 2.5 points lower"):
        parity.check_scores("it", {"pckh": change | {"interval": [-9.0, -2.5]}}, measured, limits)


@pytest.mark.parametrize("changes", [{}, {"pckh": {"examples": 29, "interval": [-60.0, -50.0]}}])
def test_where_nothing_judges_the_accuracy_it_is_said(changes):
    """Nor does a rule stand in the report that was not applied. The outputs are judged all the same."""
    limits = {artefact: parity.judging(kept, changes) for artefact, kept in parity.LIMITS.items()}
    for artefact in ("tflite_dynamic", "tflite_int8"):
        parity.check_scores(artefact, changes, measured_of(), limits[artefact])
        assert limits[artefact] == {"confidence": {"mean": 0.06}}
    table = parity.table({artefact: measured_of() for artefact in limits}, limits)
    assert table.count("accuracy not judged") == 2 and "MPJPE" not in table
    text = parity.not_judged_text({"limits": limits})
    assert text.startswith("How accurate tflite_dynamic and tflite_int8 are was not judged: ")
    assert parity.not_judged_text({"limits": parity.LIMITS}) == ""


def test_scores_change_as_the_predictions_do():
    """Perfect joints, then half of them off by a head: PCKh loses 50 points, and MPJPE grows."""
    reference = predictions(40)
    reference = dataclasses.replace(reference, predicted_joints_2d=reference.joints_2d)
    shift = np.zeros((40, NUM_JOINTS, 2))
    shift[::2] = 12.0
    changes = scores.changes(reference, moved(reference, predicted_joints_2d=shift))
    pckh = changes["pckh"]
    assert (pckh["reference"], pckh["exported"], pckh["change"]) == pytest.approx((100, 50, -50))
    # Of 40 examples, each right with one half, the share has a standard deviation of 7.9 points.
    np.testing.assert_allclose(pckh["interval"], [-50 - 15.5, -50 + 15.5], atol=3)
    assert set(changes) == {"mpjpe", "pckh"}
    unchanged = scores.changes(reference, copy.deepcopy(reference))["mpjpe"]
    assert unchanged["change"] == 0 and unchanged["interval"] == [0, 0]


def test_scores_are_those_of_the_evaluation():
    """Also where labels are missing: PCKh is the mean over joints of the mean over people."""
    from tf_advpose.evaluation import protocols

    reference = predictions(30, head_size=40.0)
    weight = (np.random.default_rng(3).uniform(size=(30, NUM_JOINTS)) > 0.3).astype(float)
    weight[:, 9] = 0
    reference = dataclasses.replace(reference, joint_weight=weight)
    expected = protocols.evaluate(reference)
    changes = scores.changes(reference, reference)
    assert changes["mpjpe"]["reference"] == pytest.approx(expected["mpjpe"])
    assert changes["pckh"]["reference"] == pytest.approx(expected["pckh"]["mean"])


def test_without_labels_there_are_no_scores():
    unlabelled = predictions(3, has_scale=False, head_size=0.0)
    assert scores.changes(unlabelled, unlabelled) == {}


def test_table_shows_every_artefact_output_and_limit():
    measured = {artefact: measured_of(0.25) for artefact in parity.LIMITS}
    header, *rows = parity.table(measured, parity.LIMITS).splitlines()
    assert all(name in header for name in parity.UNITS)
    assert [row.split()[0] for row in rows] == list(parity.LIMITS)
    assert "mean 1 mm" in rows[2] and "MPJPE at most 2 % worse" in rows[4]
    assert len({len(line) for line in (header, *rows)}) == 1
