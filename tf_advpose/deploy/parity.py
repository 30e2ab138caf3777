"""Does an export compute what the Keras model computes? Measured output by output, and in millimetres."""

import numpy as np

from tf_advpose.evaluation.predictions import Predictions
from tf_advpose.skeleton import bone_lengths

UNITS = {"joints_2d": "px", "depth": "half-crops", "confidence": "peak", "joints_3d": "mm"}
# float32: what rounding explains, other kernels, batch norm folded into convolutions. Measured are some
# 1e-4 px and half-crops.
_ROUNDING = {
    "joints_2d": {"largest": 0.05},
    "depth": {"largest": 1e-3},
    "confidence": {"largest": 1e-3},
    "joints_3d": {"mean": 0.01},
}
_QUANTISED = {"confidence": {"mean": 0.06}, "mpjpe": {"percent": 2.0}, "pckh": {"points": 2.0}}
# Where a heatmap's highest cell stands out by no more than this, rounding may choose the next one instead.
_TIE = 1e-4
_HALF_TIE = 2**-7  # of the cell's value: what weights in half precision change it by in one joint of ten
NOT_JUDGED = "accuracy not judged"
ENOUGH_EXAMPLES = 30  # of fewer, a joint or two found by chance would decide
# Half precision moves most joints by fractions of a millimetre, but a few far, from one side to the other,
# where a heatmap has two peaks nearly as high: on average 0.8 mm measured, which costs 0.05 mm of MPJPE.
LIMITS = {
    "saved_model": _ROUNDING,
    "tflite_float32": _ROUNDING,
    "tflite_float16": {"confidence": {"mean": 0.005}, "joints_3d": {"mean": 1.0}},
    "tflite_dynamic": _QUANTISED,
    "tflite_int8": _QUANTISED,
}


def mm_per_pixel(reference: Predictions, total_bone_length: float) -> np.ndarray:
    """Millimetres that a crop pixel spans at the root's depth, [N]; from the pose where it is not labelled.

    Args:
      reference: of the Keras model.
      total_bone_length: millimetres, what the bones of the predicted poses are taken to have together.
    """
    length = bone_lengths(_in_pixels(reference)).sum(axis=-1)
    by_bones = np.divide(total_bone_length, length, out=np.zeros(len(length)), where=length > 0)
    return np.where(reference.has_scale, reference.mm_per_pixel, by_bones)


def tie(artefact: str, confidence: np.ndarray) -> np.ndarray:
    """By how much a joint's highest heatmap cell, `confidence` [N, P], must stand out to be decided."""
    return np.maximum(_TIE, (_HALF_TIE if artefact == "tflite_float16" else 0) * confidence)


def differences(
    reference: Predictions, decided: np.ndarray, exported: Predictions, scale: np.ndarray
) -> dict[str, dict[str, float]]:
    """How far the predictions of an export are from those of the Keras model.

    Args:
      reference, exported: of the same examples.
      decided: [N, P] bool, whether the joint's highest heatmap cell stands out by more than its `tie`.
      scale: [N], from `mm_per_pixel`.

    Returns:
      For each of `UNITS` its "largest" and its "mean" difference, in those units; for joints_2d and depth
      "mean_mm" besides, their shares in that of joints_3d. A joint that is not `decided` counts in depth
      and confidence alone.

    Raises:
      ValueError: no joint is decided, so there is nothing to compare.
    """
    if not decided.any():
        raise ValueError(
            "The generator's heatmaps are flat, or not numbers, on all crops, so no export can be checked. "
            "Train it longer, or export an earlier stage."
        )
    moved = np.abs(_in_pixels(exported) - _in_pixels(reference))[decided]
    millimetres = moved * np.broadcast_to(scale[:, None], decided.shape)[decided][:, None]
    measured = {
        "joints_2d": moved[:, :2],
        "depth": np.abs(exported.predicted_depth - reference.predicted_depth),
        "confidence": np.abs(exported.confidence - reference.confidence),
        "joints_3d": np.linalg.norm(millimetres, axis=-1),
    }
    result = {
        name: {"largest": float(value.max()), "mean": float(value.mean())}
        for name, value in measured.items()
    }
    result["joints_2d"]["mean_mm"] = float(np.linalg.norm(millimetres[:, :2], axis=-1).mean())
    result["depth"]["mean_mm"] = float(millimetres[:, 2].mean())
    return result


def check_outputs(artefact: str, measured: dict[str, dict], limits: dict) -> None:
    """Raises ValueError, naming the output, where an artefact is not finite or beyond its limits.

    Args:
      measured: from `differences`.
      limits: one of `LIMITS`.
    """
    for name, unit in UNITS.items():
        if not np.isfinite(measured[name]["largest"]):
            raise _deviates(artefact, name, "which is not finite")
        for kind, limit in limits.get(name, {}).items():
            if measured[name][kind] > limit:
                which = "by up to" if kind == "largest" else "on average by"
                far = f"{which} {measured[name][kind]:.3g} {unit}, allowed are {limit:.3g}"
                raise _deviates(artefact, _output(name, measured), far)


def judging(limits: dict, changes: dict[str, dict]) -> dict:
    """Those of `limits` that there are labels for: of the scores MPJPE, or else PCKh on enough examples.

    Args:
      limits: one of `LIMITS`.
      changes: from `scores.changes`.
    """
    pckh = changes.get("pckh", {"examples": 0})
    known = {
        "mpjpe": "mpjpe" in changes,
        "pckh": "mpjpe" not in changes and pckh["examples"] >= ENOUGH_EXAMPLES,
    }
    return {name: limit for name, limit in limits.items() if known.get(name, True)}


def check_scores(artefact: str, changes: dict[str, dict], measured: dict[str, dict], limits: dict) -> None:
    """Raises ValueError, naming the output that deviates most, where an artefact scores too much worse.

    Args:
      changes: from `scores.changes`.
      measured: from `differences`.
      limits: from `judging`.
    """
    if "mpjpe" in limits:
        worse, limit = changes["mpjpe"]["percent"], limits["mpjpe"]["percent"]
        if worse > limit:
            far = f"MPJPE is {worse:.1f} % worse, allowed are {limit:g} %"
            raise _deviates(artefact, _output("joints_3d", measured), far)
    elif "pckh" in limits:
        worse, limit = -changes["pckh"]["interval"][1], limits["pckh"]["points"]
        if worse > limit:
            far = f"PCKh@0.5 is at least {worse:.1f} points lower, allowed are {limit:g}"
            raise _deviates(artefact, "joints_2d", far)


def undecided_text(report: dict) -> str:
    """Which joints are left out where places are compared; `report` as from `artefacts.write`."""
    counts = ", ".join(f"{artefact} {count}" for artefact, count in report["undecided_joints"].items())
    return (
        f"Of {report['joints']} joints so many are left out where places are compared, because their two "
        f"highest heatmap cells are equal but for rounding, which may choose either: {counts}."
    )


def table(measured: dict[str, dict[str, dict[str, float]]], limits: dict[str, dict]) -> str:
    """The differences of several artefacts, largest and mean, a line each, and their limits."""
    rows = [("", *(f"{name} ({unit})" for name, unit in UNITS.items()), "limits")]
    for artefact, values in measured.items():
        cells = (f"{values[name]['largest']:.1e} (mean {values[name]['mean']:.1e})" for name in UNITS)
        rows.append((artefact, *cells, limits_text(limits[artefact])))
    width = max(len(row[-1]) for row in rows)
    return "\n".join(
        "  ".join([row[0].ljust(14), *(cell.rjust(23) for cell in row[1:-1]), row[-1].ljust(width)])
        for row in rows
    )


def limits_text(limits: dict[str, dict]) -> str:
    """By what an artefact's accuracy was judged, in words; `limits` as from `judging`."""
    if "joints_3d" in limits:
        return f"mean {limits['joints_3d']['mean']:g} mm"
    if "mpjpe" in limits:
        return f"MPJPE at most {limits['mpjpe']['percent']:g} % worse"
    if "pckh" in limits:
        return f"PCKh@0.5 not surely over {limits['pckh']['points']:g} points lower"
    return NOT_JUDGED


def not_judged_text(report: dict) -> str:
    """Of which artefacts the accuracy was not judged, empty where of none; as `undecided_text`."""
    names = [name for name, limits in report["limits"].items() if limits_text(limits) == NOT_JUDGED]
    if not names:
        return ""
    return (
        f"How accurate {' and '.join(names)} are was not judged: that takes 3D labels, or head sizes on "
        f"{ENOUGH_EXAMPLES} examples or more."
    )


def _deviates(artefact: str, output: str, far: str) -> ValueError:
    return ValueError(f"{artefact} deviates from the Keras model: {output}, {far}. It was not exported.")


def _output(name: str, measured: dict[str, dict]) -> str:
    """The output that is to blame: millimetres come from two."""
    if name != "joints_3d":
        return name
    return max(("joints_2d", "depth"), key=lambda output: measured[output]["mean_mm"])


def _in_pixels(predictions: Predictions) -> np.ndarray:
    """Joints [N, P, 3] whose x, y and z are crop pixels."""
    z = predictions.predicted_depth[..., None] * (predictions.crop_size / 2)
    return np.concatenate([predictions.predicted_joints_2d, z], axis=-1).astype(np.float64)
