"""Exports a trained generator as SavedModel and .tflite, each compared with the Keras model first.

  python export.py --work_dir=runs/demo/adversarial --parity_data=synthetic_people/wild --data_dir=data/demo

writes exports/adversarial/1/, which TensorFlow Serving can serve, with pose_float32.tflite,
pose_float16.tflite, pose_dynamic.tflite and pose_int8.tflite in it, and parity.md, which says how far each
is from the model.
"""

import signal
import sys

from absl import app, flags

from tf_advpose.errors import reason_of
from tf_advpose.startup import load_tensorflow_quietly

FLAGS = flags.FLAGS
flags.DEFINE_string("work_dir", None, "Folder of the run to export.", required=True)
flags.DEFINE_string("output", "exports", "Folder of all exports.")
flags.DEFINE_string("stage", None, "Stage whose weights are exported. None: the last finished one.")
flags.DEFINE_string("weights", "last", "Which of that stage's weights: last, average or best.")
flags.DEFINE_integer("version", 1, "Version of this export; must not exist.", lower_bound=1)
flags.DEFINE_string(
    "parity_data",
    None,
    "Prepared dataset on whose examples the exports are compared, such as synthetic_people/wild.",
)
flags.DEFINE_string("parity_split", "test", "Its split.")
flags.DEFINE_integer("parity_examples", 500, "How many examples are compared at most.", lower_bound=1)
flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets (see prepare.py).")


def main(_) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as an interrupt does
    if not FLAGS.parity_data:
        sys.exit("error: Nothing is exported unchecked: name a prepared dataset with --parity_data.")
    load_tensorflow_quietly()
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # AutoGraph warns once for each function where the disk is full

    from tf_advpose.deploy import artefacts, parity

    try:
        folder, report = artefacts.export(
            FLAGS.work_dir,
            FLAGS.output,
            FLAGS.parity_data,
            parity_split=FLAGS.parity_split,
            data_dir=FLAGS.data_dir,
            version=FLAGS.version,
            stage=FLAGS.stage,
            weights=FLAGS.weights,
            parity_examples=FLAGS.parity_examples,
        )
    except tf.errors.OpError as error:  # as where a GPU's memory ends
        sys.exit(f"error: {reason_of(error.message)}")
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Nothing is kept.")
    print(
        f"Difference from the Keras model on {report['examples']} examples of {report['data']}, "
        f"{report['split']}:\n{parity.table(report['differences'], report['limits'])}"
    )
    if parity.not_judged_text(report):
        print(parity.not_judged_text(report))
    if any(report["undecided_joints"].values()):
        print(parity.undecided_text(report))
    print(f"Written: {folder}")


if __name__ == "__main__":
    app.run(main)
