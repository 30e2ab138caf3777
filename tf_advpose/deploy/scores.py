"""What an export costs in the metrics people compare: MPJPE and PCKh, with the interval of the change."""

import numpy as np

from tf_advpose import metrics
from tf_advpose.evaluation import protocols
from tf_advpose.evaluation.protocols import Predictions
from tf_advpose.skeleton import PCKH_JOINTS

RESAMPLES = 2000
INTERVAL = (2.5, 97.5)  # percentiles: 95 %


def per_example(predictions: Predictions) -> dict[str, np.ndarray]:
    """The parts that scores are means of.

    Returns:
      Where any example has 3D labels, "mpjpe": [n] mm, by the scale `camera`, root-relative.
      Where any has 2D labels and a head size, "pckh": [m, 14], 100 for a hit, 0 for a miss, NaN where the
      joint is not labelled.
    """
    scores = {}
    scaled = predictions.where(predictions.has_scale)
    if len(scaled.example_id):
        error = metrics.mpjpe(protocols.joints_from_camera(scaled), scaled.joints_3d)
        scores["mpjpe"] = error.mean(axis=1)
    measured = predictions.where((predictions.head_size > 0) & predictions.joint_weight.any(axis=1))
    if len(measured.example_id):
        hits = metrics.pckh(
            measured.predicted_joints_2d,
            measured.joints_2d,
            measured.head_size,
            weight=measured.joint_weight,
        )[:, PCKH_JOINTS]
        scores["pckh"] = 100 * hits[:, ~np.isnan(hits).all(axis=0)]
    return scores


def changes(reference: dict[str, np.ndarray], exported: dict[str, np.ndarray]) -> dict[str, dict]:
    """From the scores of the Keras model to those of an export, both from `per_example`.

    Returns:
      For each score there is: "reference" and "exported", means; "change", the second less the first;
      "percent", of the first; "interval", in which the change lies in 95 % of the sets of examples drawn
      with replacement from these.
    """
    result = {}
    for name, before in reference.items():
        after = exported[name]
        draws = np.random.default_rng(0).integers(len(before), size=(RESAMPLES, len(before)))
        resampled = [_mean(after[draw]) - _mean(before[draw]) for draw in draws]
        change = _mean(after) - _mean(before)
        result[name] = {
            "reference": _mean(before),
            "exported": _mean(after),
            "change": change,
            "percent": 100 * change / _mean(before) if _mean(before) else 0.0,
            "interval": np.nanpercentile(resampled, INTERVAL).tolist(),
        }
    return result


def _mean(scores: np.ndarray) -> float:
    """Over examples, and then over joints where they are apart, as PCKh is printed."""
    counts = (~np.isnan(scores)).sum(axis=0)
    total = np.nansum(scores, axis=0)
    return float(np.mean(np.divide(total, counts, out=np.zeros_like(total), where=counts > 0)))
