"""How well does a model find people in real photos that nothing was trained on?

  python benchmarks/real_accuracy.py --model=exports/full/1/pose_float16.tflite --samples=/folder/of/samples

Scores any model that `PosePredictor` opens on the people of a few real photos, writes the figures and draws
each person with labels and prediction. The photos are few: whoever chooses a setting by these figures makes
them worthless. They say how a finished model fares, not which one is better by a point.

The folder holds some of mpii/, coco_mmpose/, posetrack18_mmpose/, h36m_mmpose/, h36m_eccv18/,
mpi_inf_3dhp_mmpose/ and mpi_inf_3dhp_pose3dutils/; folders that are missing are named and left out.

Every person is given to the model in the box that training's crops are made of: as labelled (MPII, COCO) or
tight around the labelled joints. In h36m_eccv18/ no box is labelled: the model has to find it, and these
frames stand apart.

2D: PCK at 0.2 and 0.5, the share of labelled joints strictly nearer to their label than that part of the
head's size (MPII and PoseTrack18: 0.6 of the head rectangle's diagonal; Human3.6M and MPI-INF-3DHP: the
head bone at the pelvis's distance) or, on COCO, of the torso's (the longer line from a shoulder to the hip
of the other side). Compared are the joints of MPII's order without pelvis and thorax, fourteen; on COCO the
twelve of the limbs, as it labels no neck and no head top. Occluded joints count.
Single, uncut people are those with all twelve limb joints labelled, whose extent (COCO: the box, else that
of the labelled joints) keeps away from the photo's border and overlaps nobody else's who is labelled.

Sides: of the pairs of left and right joints whose labels are at least 0.2 torsos apart, "swapped" are those
both of whose predicted joints are strictly nearer to the other side's label than to their own, "doubled"
those of which one is. "Wrong side" is the share of such joints, swapped and half of doubled, and the figure
to look at: a model that lays all joints on one spot has hardly any pair swapped, one that strews them a
quarter, but both have half of the joints on the wrong side.

3D: PA-MPJPE and N-MPJPE over sixteen joints, PCK@150 mm over fourteen, root-relative. Nothing of the camera
is given: millimetres are those of the training set's mean person (`bones`). The frame of
mpi_inf_3dhp_pose3dutils/ is labelled by the universal skeleton, in 3D alone.
"""

import pathlib
import sys
from collections.abc import Iterator

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import numpy as np
from real_people import BY_TORSO, Person, least_apart, read

from tf_advpose import metrics
from tf_advpose.deploy.runtime import Pose, PosePredictor, crop_square
from tf_advpose.evaluation.formats import Table, to_text
from tf_advpose.files import write_json
from tf_advpose.skeleton import MIRROR_PAIRS, PCKH_JOINTS
from tf_advpose.visualize import PredictionCell, prediction_sheet

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "A .tflite file, a SavedModel's folder or a work folder.", required=True)
flags.DEFINE_string("samples", None, "Folder of the sample files.", required=True)
flags.DEFINE_string("output", "runs/real_accuracy.json", "Where the figures are written.")
flags.DEFINE_string("sheet", "runs/real_accuracy.png", "Where the people are drawn.")

PCK_THRESHOLDS = (0.2, 0.5)  # of a head or a torso
JOINTS = list(PCKH_JOINTS)
DRAWN_SIZE = 256  # pixels of a drawn crop

Found = list[tuple[Person, Pose]]  # each person with what was found of them
Figures = dict[str, float]


def score(found: dict[str, Found]) -> dict[str, dict[str, Figures]]:
    """The figures of what was found in each dataset.

    Returns:
      "pck", "sides" and "3d", each {who: `pck`, `sides`, `score_3d`} as far as there are labels; of the
      first two also of single, uncut people, and of the datasets together.
    """
    by_head = sum((people for dataset, people in found.items() if dataset not in BY_TORSO), [])
    everyone = sum(found.values(), [])
    results = {
        "pck": {who: pck(people) for who, people in _with_alone(found | {"all by head": by_head})},
        "sides": {who: sides(people) for who, people in _with_alone(found | {"all": everyone})},
        "3d": {who: score_3d(people) for who, people in found.items()},
    }
    return {kind: {who: values for who, values in rows.items() if values} for kind, rows in results.items()}


def pck(found: Found) -> Figures:
    """PCK at each of `PCK_THRESHOLDS` in percent, over how many people and joints; nothing without any."""
    found = [pair for pair in found if pair[0].size > 0]
    if not found:
        return {}
    predicted, target, weight = _joints_2d(found)
    sizes = np.array([person.size for person, _ in found])
    distances = metrics.pckh_distances(predicted, target, sizes, weight)[:, JOINTS]
    counts = {"people": len(found), "joints": int((~np.isnan(distances)).sum())}
    return counts | {
        f"pck@{threshold}": _percent(metrics.within(distances, threshold)) for threshold in PCK_THRESHOLDS
    }


def sides(found: Found) -> Figures:
    """Joints on the wrong side, swapped and doubled pairs in percent, over how many people and pairs.

    Nothing without any.
    """
    if not found:
        return {}
    predicted, target, weight = _joints_2d(found)
    wrong = metrics.on_other_side(predicted, target, least_apart(target, weight), weight)[
        :, np.array(MIRROR_PAIRS)
    ]
    wrong = wrong.sum(axis=-1)  # [N, pairs]: of each pair 0, 1, 2 joints, or NaN
    counted = ~np.isnan(wrong)
    if not counted.any():
        return {}
    return {
        "people": int(counted.any(axis=1).sum()),
        "pairs": int(counted.sum()),
        "wrong_side": _percent(wrong[counted] / 2),
        "swapped": _percent(wrong[counted] == 2),
        "doubled": _percent(wrong[counted] == 1),
    }


def score_3d(found: Found) -> Figures:
    """PA-MPJPE, N-MPJPE in mm, PCK@150 in percent, over how many people and joints; nothing without any."""
    found = [pair for pair in found if pair[0].joints_3d is not None]
    if not found:
        return {}
    predicted = np.stack([pose.joints_3d for _, pose in found])
    target = np.stack([person.joints_3d for person, _ in found])
    return {
        "people": len(found),
        "joints": target.shape[0] * target.shape[1],
        "pa_mpjpe": float(metrics.pa_mpjpe(predicted, target).mean()),
        "n_mpjpe": float(metrics.n_mpjpe(predicted, target).mean()),
        "pck@150": _percent(metrics.pck3d(predicted, target)[:, JOINTS]),
    }


def tables(results: dict[str, dict[str, Figures]]) -> list[Table]:
    """What `score` returns, for reading; those of its figures that are counts stand behind the names."""
    shown = {
        "pck": ("2D: joints near their label, %", {"pck@0.2": "PCK@0.2", "pck@0.5": "PCK@0.5"}),
        "sides": (
            "Left and right confused, % of joints and of pairs",
            {"wrong_side": "wrong side", "swapped": "swapped", "doubled": "doubled"},
        ),
        "3d": (
            "3D, scale: bones",
            {"pa_mpjpe": "PA-MPJPE mm", "n_mpjpe": "N-MPJPE mm", "pck@150": "PCK@150 %"},
        ),
    }
    found = []
    for kind, (title, columns) in shown.items():
        rows = {}
        for who, figures in results[kind].items():
            counts = [f"{what}: {count}" for what, count in figures.items() if what not in columns]
            rows[f"{who} ({', '.join(counts)})"] = tuple(figures[name] for name in columns)
        if rows:
            found.append(Table(title, tuple(columns.values()), rows))
    return found


def draw(found: dict[str, Found], predictor: PosePredictor, path: str) -> None:
    """Draws everybody in the crop that the model saw, with their labels and what it found."""
    cells = []
    for dataset, people in found.items():
        for person, pose in people:
            side = predictor.crop_side(pose.box)
            corner = pose.box[:2] + pose.box[2:] / 2 - side / 2
            unit = side / DRAWN_SIZE
            crop = crop_square(person.photo, corner, unit, DRAWN_SIZE)
            cells.append(
                PredictionCell(
                    title=f"{dataset} {person.name}{', single and uncut' if person.alone else ''}",
                    image=crop.round().astype(np.uint8),
                    joints_2d=(person.joints_2d - corner) / unit,
                    joint_weight=person.joint_weight,
                    joints_3d=person.joints_3d,
                    predicted_joints_2d=(pose.joints_2d - corner) / unit,
                    predicted_joints_3d=pose.joints_3d,
                )
            )
    prediction_sheet(cells, path)


def run() -> None:
    predictor = PosePredictor(FLAGS.model)
    people, missing = read(pathlib.Path(FLAGS.samples))
    if missing:
        print(f"Not there, left out: {', '.join(missing)}.")
    found = {}
    for dataset, those in people.items():
        poses = predictor.predict_many([(person.photo, person.box) for person in those])
        found[dataset] = list(zip(those, poses, strict=True))
    results = score(found)
    command = "python benchmarks/real_accuracy.py --model=<model> --samples=<folder>"
    write_json(FLAGS.output, {"command": command, "missing": missing, **results})
    draw(found, predictor, FLAGS.sheet)
    print("\n\n".join(to_text(table) for table in tables(results)))
    print(f"\nWritten: {FLAGS.output}, {FLAGS.sheet}")


def main(_) -> None:
    try:
        run()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


def _with_alone(found: dict[str, Found]) -> Iterator[tuple[str, Found]]:
    """Each dataset's people, then those of them who are single and uncut."""
    for dataset, people in found.items():
        yield dataset, people
        yield f"{dataset}, single and uncut", [pair for pair in people if pair[0].alone]


def _joints_2d(found: Found) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predicted and labelled joints, [N, P, 2] pixels, and the labels' weights [N, P]."""
    predicted = np.stack([pose.joints_2d for _, pose in found])
    target = np.stack([person.joints_2d for person, _ in found])
    return predicted, target, np.stack([person.joint_weight for person, _ in found])


def _percent(hits: np.ndarray) -> float:
    return float(100 * np.nanmean(hits))


if __name__ == "__main__":
    app.run(main)
