"""From scores to the numbers of the paper's tables, each average with its interval."""

import dataclasses

import numpy as np

from tf_advpose import metrics
from tf_advpose.evaluation import uncertainty
from tf_advpose.evaluation.conventions import PAPERS, Conventions
from tf_advpose.evaluation.predictions import Predictions
from tf_advpose.evaluation.scores import Scores, score
from tf_advpose.evaluation.uncertainty import Average
from tf_advpose.skeleton import HEAD_TOP, LIMB_GROUPS, PCKH_GROUPS, PCKH_JOINTS, UPPER_NECK

ERRORS = ("mpjpe", "pa_mpjpe", "pa_mpjpe_rigid", "n_mpjpe", "depth_error")  # mm
SHARES = ("pck3d", "auc3d")  # percent
SCENES = {  # of MPI-INF-3DHP's test sequences
    "studio, green screen": ("TS1", "TS2"),
    "studio, no green screen": ("TS3", "TS4"),
    "outdoor": ("TS5", "TS6"),
}


def evaluate(predictions: Predictions, conventions: Conventions = PAPERS) -> dict:
    """Scores `predictions`: `summarise` of their `score`."""
    return summarise(score(predictions, conventions))


def summarise(scores: Scores) -> dict:
    """The figures of one model on one split, and how sure they are.

    Returns:
      What `point_estimates` returns, and
      "intervals": (low, high) of 95 % around each average, or None; "drawn_by" and "draws_from", what the
        bootstrap draws and how many there are.
    """
    drawn_by, group = uncertainty.drawn_by(scores.predictions.sequence)
    return {
        **point_estimates(scores),
        "intervals": uncertainty.intervals(averages(scores), group),
        "drawn_by": drawn_by,
        "draws_from": int(group.max()) + 1,
    }


def point_estimates(scores: Scores) -> dict:
    """The figures of one model on one split, without the bootstrap, which takes the longest.

    Returns:
      "examples": how many there are; "conventions": those chosen.
      Where any has 2D labels and a head size: "pckh", PCKh@0.5 in percent by `PCKH_GROUPS`, and "mean".
      Where any has 3D labels, over those: "examples_3d"; "scale", what gave millimetres; `ERRORS` in mm,
        "depth_error" being z alone by the true scale whichever read-out; `SHARES` in percent, and
        "pck3d_skeleton", what they compare with;
        "mpjpe_by_limb" by `LIMB_GROUPS` (Table 2); "by_action" and, for MPI-INF-3DHP, "by_scene":
        "examples", MPJPE, PA-MPJPE with and without scale, and `SHARES` of each (Tables 1 and 4);
        "velocity": its "error" in mm a step, "frame_step" and "pairs", or why it is "skipped".
    """
    results = {
        "examples": len(scores.predictions),
        "conventions": dataclasses.asdict(scores.conventions),
    }
    if scores.has_2d.any():
        results["pckh"] = pckh_by_group(scores.head_distances, scores.conventions.pckh)
    if scores.has_3d.any():
        results |= _summarise_3d(scores)
    return results


def averages(scores: Scores) -> dict[str, Average]:
    """What has an interval: `ERRORS`, `SHARES`, "velocity" and "pckh", as far as there are labels."""
    found = {}
    if scores.has_3d.any():
        cells = _cells(scores)
        found |= {name: uncertainty.average(getattr(scores, name), cells) for name in ERRORS}
        found |= {
            name: uncertainty.average(values) for name, values in shares(scores).items() if name in SHARES
        }
        if not scores.velocity.skipped:
            found["velocity"] = uncertainty.average(scores.velocity.errors)
    if scores.has_2d.any():
        found["pckh"] = _pckh_average(scores.head_distances, scores.conventions.pckh)
    return found


def compare(first: Scores, second: Scores) -> dict[str, dict]:
    """Second minus first on the same examples: by metric its "difference" and their "interval".

    Raises:
      ValueError: they are not of the same examples, or by other conventions.
    """
    check_same_examples(first.predictions, second.predictions)
    if first.conventions != second.conventions:
        raise ValueError(f"Compared by two conventions: {first.conventions} and {second.conventions}.")
    a, b = averages(first), averages(second)
    common = [name for name in a if name in b]
    a, b = {name: a[name] for name in common}, {name: b[name] for name in common}
    _, group = uncertainty.drawn_by(first.predictions.sequence)
    intervals = uncertainty.paired_intervals(a, b, group)
    return {
        name: {"difference": b[name].value() - a[name].value(), "interval": interval}
        for name, interval in intervals.items()
    }


def compare_with_first(scores: dict[str, Scores]) -> dict[str, dict]:
    """`compare` of the first model with each other one: {other: its differences}."""
    (_, first), *others = scores.items()
    return {model: compare(first, one) for model, one in others}


def check_same_examples(first: Predictions, second: Predictions) -> None:
    """Raises ValueError where two models were not run on the same examples in the same order."""
    if len(first) != len(second):
        raise ValueError(f"Cannot be compared: one model has {len(first)} examples, one {len(second)}.")
    different = first.example_id != second.example_id
    if different.any():
        place = int(different.argmax())
        raise ValueError(
            f"Cannot be compared: example {place} is {first.example_id[place]} of one model and "
            f"{second.example_id[place]} of the other."
        )


def shares(scores: Scores) -> dict[str, np.ndarray]:
    """3D PCK@150 mm and AUC of each example and joint, in percent: [N, joints]."""
    distances = scores.pck3d_distances
    inclusive = scores.conventions.pck3d == "zhou"
    return {
        "pck3d": 100 * metrics.within(distances, metrics.PCK3D_THRESHOLD_MM, inclusive),
        "auc3d": 100 * metrics.share_of_thresholds(distances, metrics.AUC3D_THRESHOLDS_MM),
    }


def pckh_by_group(
    head_distances: np.ndarray, rule: str, threshold: float = metrics.PCKH_THRESHOLD
) -> dict[str, float]:
    """PCKh in percent by `PCKH_GROUPS` and "mean", without groups never labelled; `rule`: `PCKH_RULES`."""
    hits = 100 * metrics.within(head_distances, threshold, inclusive=rule != "paper")
    groups = {name: list(joints) for name, joints in PCKH_GROUPS.items()}
    if rule == "official":
        groups["head"] = [UPPER_NECK, HEAD_TOP]
    scores = {
        name: uncertainty.average_of_columns(hits[:, joints]).value() for name, joints in groups.items()
    }
    scores["mean"] = _pckh_average(head_distances, rule, threshold).value()
    return {name: value for name, value in scores.items() if not np.isnan(value)}


def _pckh_average(
    head_distances: np.ndarray, rule: str, threshold: float = metrics.PCKH_THRESHOLD
) -> Average:
    hits = 100 * metrics.within(head_distances, threshold, inclusive=rule != "paper")[:, list(PCKH_JOINTS)]
    return uncertainty.average_of_columns(hits) if rule == "paper" else uncertainty.average(hits)


def _summarise_3d(scores: Scores) -> dict:
    cells = _cells(scores)
    velocity = scores.velocity
    return {
        "examples_3d": int(scores.has_3d.sum()),
        "scale": scores.scale,
        "pck3d_skeleton": scores.pck3d_skeleton,
        **{name: uncertainty.average(getattr(scores, name), cells).value() for name in ERRORS},
        **{name: float(np.nanmean(values)) for name, values in shares(scores).items()},
        "mpjpe_by_limb": {
            limb: uncertainty.average(scores.mpjpe[:, list(joints)], cells).value()
            for limb, joints in LIMB_GROUPS.items()
        },
        "by_action": _by_name(scores, _labels_of(scores, "action")),
        "by_scene": _by_name(scores, _scene(_labels_of(scores, "sequence"))),
        "velocity": {"skipped": velocity.skipped}
        if velocity.skipped
        else {
            "error": float(np.nanmean(velocity.errors)),
            "frame_step": velocity.frame_step,
            "pairs": int((~np.isnan(velocity.errors)).sum()),
        },
    }


def _by_name(scores: Scores, names: np.ndarray) -> dict[str, dict]:
    """The scores of the examples of each name but ""."""
    columns = {name: getattr(scores, name) for name in ("mpjpe", "pa_mpjpe", "pa_mpjpe_rigid")}
    columns |= shares(scores)
    return {
        str(name): {
            "examples": int((names == name).sum()),
            **{column: float(values[names == name].mean()) for column, values in columns.items()},
        }
        for name in np.unique(names)
        if name
    }


def _cells(scores: Scores) -> np.ndarray | None:
    """The action of each example, as `average` wants it, where actions are what is averaged over."""
    names = _labels_of(scores, "action")
    if scores.conventions.average == "frames" or not (names != "").any():
        return None
    known, cell = np.unique(names, return_inverse=True)
    return cell - 1 if known[0] == "" else cell


def _labels_of(scores: Scores, name: str) -> np.ndarray:
    return np.where(scores.has_3d, getattr(scores.predictions, name), "")


def _scene(sequence: np.ndarray) -> np.ndarray:
    scenes = {name: scene for scene, names in SCENES.items() for name in names}
    return np.array([scenes.get(name, "") for name in sequence])
