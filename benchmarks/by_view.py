"""How accurate are .tflite files on everyday people seen from the front, the side and behind?

  python benchmarks/by_view.py --tflite=before.tflite,tf_advpose/weights/pose_float16.tflite

Scores them on the test people, `evaluation.groups.seen_from` saying which side the camera sees, and the
differences of the others from the first. "wrong_side" is the share of left and right joints, in percent,
that lie nearer to the other side's label, of pairs whose labels are 0.2 torsos apart, as
benchmarks/real_accuracy.py has it.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import commands
import numpy as np
from real_people import least_apart

from tf_advpose import metrics
from tf_advpose.data import pipeline
from tf_advpose.evaluation import conventions, groups, protocols, scores, sources
from tf_advpose.files import write_json
from tf_advpose.skeleton import MIRROR_PAIRS

FLAGS = flags.FLAGS
flags.DEFINE_list("tflite", None, "Files; the others are compared with the first.", required=True)
flags.DEFINE_string("data_dir", "data/everyday", "Folder of the prepared people.")
flags.DEFINE_string("output", "runs/by_view.json", "Where the figures are written.")

DATA = "synthetic_people/everyday"
BATCH_SIZE = 100


def score(path: str) -> scores.Scores:
    """Scores a file on the test people."""
    model = sources.from_tflite(path)
    batches, _ = pipeline.evaluation_batches(DATA, "test", FLAGS.data_dir, model.image_size, BATCH_SIZE)
    return scores.score(sources.collect(model, batches), conventions.PAPERS)


def on_wrong_side(scored: scores.Scores) -> np.ndarray:
    """[N, pairs]: the share of each pair's joints on the other's side; NaN where that cannot be told."""
    found = scored.predictions
    apart = least_apart(found.joints_2d, found.joint_weight)
    wrong = metrics.on_other_side(found.predicted_joints_2d, found.joints_2d, apart, found.joint_weight)
    return wrong[:, np.array(MIRROR_PAIRS)].mean(axis=-1)


def figures(scored: scores.Scores) -> dict[str, dict]:
    """Those of each view and of "all"."""
    views, wrong = groups.seen_from(scored.predictions.joints_3d), on_wrong_side(scored)
    found = groups.by_name(scored, views) | groups.by_name(scored, np.full(len(views), "all"))
    for view, values in found.items():
        values["wrong_side"] = float(100 * np.nanmean(wrong[(views == view) | (view == "all")]))
    return found


def main(_) -> None:
    scored = {path: score(path) for path in FLAGS.tflite}
    results = {path: figures(one) for path, one in scored.items()}
    for path, views in results.items():
        for view, values in views.items():
            print(path, view, *(f"{name} {value:.1f}" for name, value in values.items()))
    differences = protocols.compare_with_first(scored)
    write_json(FLAGS.output, {"command": commands.given(), "files": results, "differences": differences})


if __name__ == "__main__":
    app.run(main)
