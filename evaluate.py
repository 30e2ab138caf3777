"""Scores trained generators on a prepared split and prints the paper's tables.

  python evaluate.py --work_dir=runs/demo --data=synthetic_people/wild --split=test --data_dir=data

Several runs or stages stand side by side, one row each:
  python evaluate.py --work_dir=runs/baseline,runs/full --stage=pretrain_3d,adversarial --data=human36m
"""

import os
import sys

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

FLAGS = flags.FLAGS
flags.DEFINE_list("work_dir", None, "Folders of the runs to score.", required=True)
flags.DEFINE_list("stage", [], "Stages to score of each run. Empty: the last one finished.")
flags.DEFINE_string(
    "data", None, "Prepared dataset, such as human36m or synthetic_people/wild.", required=True
)
flags.DEFINE_string("split", "test", "Its split.")
flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets (see prepare.py).")
flags.DEFINE_enum(
    "scale",
    "camera",
    ["camera", "bones"],
    "Where millimetres come from: the true distance of the pelvis and the intrinsics, or the mean bone "
    "length of the training set.",
)
flags.DEFINE_integer("batch_size", 32, "Examples at a time.", lower_bound=1)
flags.DEFINE_enum("format", "text", ["text", "markdown"], "How the tables are printed.")
flags.DEFINE_string("output", None, "JSON file for the results; must not exist.")


def score(work_dir: str, stage: str | None) -> tuple[str, dict]:
    """The name and the results of one run's generator after one stage."""
    from tf_advpose.data.pipeline import damage_named, evaluation_batches
    from tf_advpose.evaluation import protocols
    from tf_advpose.progress import track
    from tf_advpose.training import work_folder

    config = work_folder.open_run(work_dir)
    generator = work_folder.load_generator(work_dir, stage)
    stage = stage or work_folder.finished_stages(work_dir)[-1]
    model = f"{os.path.normpath(work_dir)} {stage}"
    batches, examples = evaluation_batches(
        FLAGS.data, FLAGS.split, FLAGS.data_dir, config.generator.image_size, FLAGS.batch_size
    )
    total = -(-examples // FLAGS.batch_size)
    with damage_named(FLAGS.data_dir, (FLAGS.data, FLAGS.split)):
        predictions = protocols.collect(generator, track(batches, model, total))
    total_bone_length = work_folder.read_total_bone_length(work_dir)
    return model, protocols.evaluate(predictions, FLAGS.scale, total_bone_length)


def main(_) -> None:
    if FLAGS.output and os.path.exists(FLAGS.output):
        sys.exit(f"error: {FLAGS.output} exists; name another file or remove it.")
    load_tensorflow_quietly()
    from tf_advpose.evaluation import report

    try:
        runs = [(work_dir, stage) for work_dir in FLAGS.work_dir for stage in FLAGS.stage or [None]]
        results = dict(score(work_dir, stage) for work_dir, stage in runs)
        tables = report.tables(results, f"{FLAGS.data} {FLAGS.split}")
        if FLAGS.output:
            data = {"data": FLAGS.data, "split": FLAGS.split}
            report.write_json({**data, "models": results}, FLAGS.output)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    to_lines = report.to_markdown if FLAGS.format == "markdown" else report.to_text
    print("\n\n".join(to_lines(table) for table in tables))


if __name__ == "__main__":
    app.run(main)
