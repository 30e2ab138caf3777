"""What an export costs in the metrics people compare: MPJPE and PCKh, with the interval of the change."""

from tf_advpose.evaluation import protocols
from tf_advpose.evaluation.conventions import PAPERS
from tf_advpose.evaluation.predictions import Predictions
from tf_advpose.evaluation.scores import score

SCORES = ("mpjpe", "pckh")  # mm and percent, by the paper's conventions


def changes(reference: Predictions, exported: Predictions) -> dict[str, dict]:
    """From the scores of the Keras model to those of an export, both of the same examples.

    Returns:
      For each of `SCORES` that there are labels for: "examples", how many; "reference" and "exported",
      means; "change", the second less the first; "percent", of the first; "interval", the 95 % bootstrap
      interval of the change, which is the change itself where there is but one example.
    """
    if not (
        reference.has_scale.any() or ((reference.head_size > 0) & reference.joint_weight.any(axis=1)).any()
    ):
        return {}
    first, second = score(reference, PAPERS), score(exported, PAPERS)
    before, after = protocols.averages(first), protocols.averages(second)
    labelled = {"mpjpe": first.has_3d, "pckh": first.has_2d}
    result = {}
    for name, found in protocols.compare(first, second).items():
        if name not in SCORES:
            continue
        mean, change = before[name].value(), found["difference"]
        result[name] = {
            "examples": int(labelled[name].sum()),
            "reference": mean,
            "exported": after[name].value(),
            "change": change,
            "percent": 100 * change / mean if mean else 0.0,
            "interval": list(found["interval"] or (change, change)),
        }
    return result
