"""Finds people's joints in 3D in photos, folders of photos, and videos.

  python predict.py --input=photo.jpg
  python predict.py --input=photos/ --boxes=boxes.json --viewer --output=out
  python predict.py --model=exports/full/1 --input=walk.mp4 --box=410,120,260,540 --smooth --output=out

writes poses.json and poses.npz, and pictures and films of the skeletons; docs/predict.md describes them.
Exit status: 0: all done; 1: stopped by an error; 2: some inputs were left out, each is named; 130:
interrupted. What was finished is written. A .tflite file needs no TensorFlow.
"""

import os
import signal
import sys
import threading

import numpy as np
from absl import app, flags

from tf_advpose.errors import is_tensorflows, reason_of

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model",
    None,
    "Work folder of a run, folder of a SavedModel, or .tflite file. None: the one in tf_advpose/weights.",
)
flags.DEFINE_string("input", None, "Photo, video, folder (with all folders in it), or pattern with *.")
flags.DEFINE_string("output", "poses", "New folder for all that is written.")
flags.DEFINE_string("box", None, "The person in every picture: x,y,width,height in its pixels.")
flags.DEFINE_string(
    "boxes", None, "JSON file of the people in each picture. Without it and --box: one person."
)
flags.DEFINE_float("focal_mm", None, "Focal length, 35 mm equivalent. None: a field of view of 55 degrees.")
flags.DEFINE_string(
    "intrinsics", None, "fx,fy,cx,cy in pixels of the pictures, with or without k1,k2,k3,p1,p2."
)
flags.DEFINE_bool("smooth", False, "Smooth videos by a One-Euro filter.")
flags.DEFINE_float("smooth_min_cutoff", 1.0, "Its cutoff at rest, Hz: lower is calmer.")
flags.DEFINE_float("smooth_beta", 2.0, "What is added to that for each metre a second: higher lags less.")
flags.DEFINE_bool("pictures", True, "Draw overlays, views from three sides, and films.")
flags.DEFINE_bool("viewer", False, "Write viewer.html, where skeletons can be turned beside the pictures.")
flags.DEFINE_bool("csv", False, "Write poses.csv, one joint a line.")
flags.DEFINE_bool("bvh", False, "Write a BVH file of each person in each input, for animation programs.")
flags.DEFINE_integer("batch_size", 8, "Pictures at a time.", lower_bound=1)

STATUS_LEFT_OUT, STATUS_INTERRUPTED = 2, 130


def open_predictor(model: str):
    """Opens the model at a path; loads TensorFlow only for one that needs it."""
    from tf_advpose.deploy.runtime import PosePredictor, check_model
    from tf_advpose.startup import load_tensorflow_quietly, quiet_unless_it_fails

    check_model(model)
    if os.path.isdir(model):
        load_tensorflow_quietly()
    with quiet_unless_it_fails():
        predictor = PosePredictor(model)
        predictor.predict(np.zeros((16, 16, 3), np.uint8))  # at the first, LiteRT announces its delegate
    return predictor


def run():
    """Does all that the flags say."""
    from tf_advpose.deploy.runtime import DEFAULT_MODEL
    from tf_advpose.prediction import inputs, people, tables
    from tf_advpose.prediction import run as prediction
    from tf_advpose.prediction.cameras import Camera, parse_intrinsics
    from tf_advpose.prediction.smoothing import OneEuro

    for name in ("input", "output"):
        if not FLAGS[name].value:
            raise ValueError(f"--{name} is missing: {FLAGS[name].help}")
    if FLAGS.box and FLAGS.boxes:
        raise ValueError("Give --box or --boxes, not both.")
    prediction.check_output(FLAGS.output)
    camera = Camera(FLAGS.focal_mm, parse_intrinsics(FLAGS.intrinsics) if FLAGS.intrinsics else None)
    smoothing = OneEuro(FLAGS.smooth_min_cutoff, FLAGS.smooth_beta) if FLAGS.smooth else None
    sources = inputs.find(FLAGS.input)
    if FLAGS.boxes:
        where = people.read(FLAGS.boxes, sources)
    else:
        where = people.People(people.parse_box(FLAGS.box) if FLAGS.box else None)
    path = str(DEFAULT_MODEL) if FLAGS.model is None else FLAGS.model
    predictor = open_predictor(path)
    if not FLAGS.boxes and not FLAGS.box:
        print("No boxes given: each picture is taken as one person, whose box is found by looking twice.")
    settings = prediction.Settings(
        FLAGS.pictures, FLAGS.viewer, FLAGS.csv, FLAGS.bvh, smoothing, FLAGS.batch_size
    )
    interrupted = threading.Event()

    def interrupt(*_):
        interrupted.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one ends it at once

    signal.signal(signal.SIGINT, interrupt)
    model = tables.describe_model(path, predictor.metadata)
    return prediction.run(predictor, sources, where, camera, FLAGS.output, settings, model, interrupted)


def main(_) -> None:
    try:
        summary = run()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"error: {error}; a model that is a folder needs all of requirements.txt.")
    except KeyboardInterrupt:
        print("Interrupted. Files that have their names are whole.", file=sys.stderr)
        sys.exit(STATUS_INTERRUPTED)
    except Exception as error:
        if not is_tensorflows(error):
            raise
        sys.exit(f"error: {reason_of(error.message)}")
    print(f"{summary.poses} poses in {summary.pictures} pictures. Written: {FLAGS.output}")
    if not summary.complete:
        print("Interrupted: what was finished is written.", file=sys.stderr)
        sys.exit(STATUS_INTERRUPTED)
    if summary.problems:
        print(f"error: {len(summary.problems)} inputs were left out, in whole or in part.", file=sys.stderr)
        sys.exit(STATUS_LEFT_OUT)


if __name__ == "__main__":
    app.run(main)
