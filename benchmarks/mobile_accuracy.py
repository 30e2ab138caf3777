"""What does the size `mobile` cost in accuracy, beside `2s`? And what does int8?

  python benchmarks/mobile_accuracy.py --work_dir=runs/mobile_accuracy

Trains both sizes on the same everyday people, with the losses of the preset `everyday`, by the same
schedule and on as many pictures of 128 pixels, a quarter of the work at 256; exports both, and scores the
runs and their int8 files on test people. It is commands of train.py, export.py and evaluate.py, which it
prints, and so goes on where it was interrupted.
"""

import pathlib

import everyday_runs
from absl import app, flags
from commands import run

from tf_advpose import presets

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(everyday_runs)
flags.DEFINE_string("work_dir", "runs/mobile_accuracy", "Folder of the runs and their exports.")
flags.DEFINE_string("output", "runs/mobile_accuracy.json", "New file for the figures.")
flags.DEFINE_integer("steps", 3000, "Steps of 16 pictures.", lower_bound=1)

SIZES = ("2s", "mobile")


def main(_) -> None:
    everyday_runs.prepare(FLAGS.data_dir)
    everyday = presets.from_preset("everyday")
    settings = {
        "seed": FLAGS.seed,
        "policy": FLAGS.policy,
        "lab": everyday_runs.PEOPLE,
        "wild": everyday_runs.PEOPLE,
        "batch_size": 16,
        "generator.image_size": everyday.generator.image_size,
        "generator.softmax_heatmaps": everyday.generator.softmax_heatmaps,
        "depth_weight": everyday.depth_weight,
        "generator_optimizer": everyday.generator_optimizer,
        "largest_gradient": everyday.largest_gradient,
        "pretrain_2d.steps": 0,
        "pretrain_3d.steps": FLAGS.steps,
        "pretrain_3d.wild_share": 0.0,
        "pretrain_3d.learning_rate": 1e-3,
        "pretrain_3d.schedule": "cosine",
        "pretrain_3d.warm_up": 200,
        "adversarial.steps": 0,
    }
    runs, int8 = [], []
    for size in SIZES:
        work_dir, exports = f"{FLAGS.work_dir}/{size}", pathlib.Path(FLAGS.work_dir, "exports")
        everyday_runs.train(f"baseline_{size}", work_dir, FLAGS.data_dir, settings)
        exported = exports / size / "1"
        if not exported.exists():
            run(
                "export.py",
                f"--work_dir={work_dir}",
                f"--output={exports}",
                f"--data_dir={FLAGS.data_dir}",
                f"--parity_data={everyday_runs.PEOPLE}",
            )
        runs.append(work_dir)
        int8.append(str(exported / "pose_int8.tflite"))
    models = (f"--work_dir={','.join(runs)}", f"--tflite={','.join(int8)}")
    everyday_runs.score(FLAGS.data_dir, FLAGS.output, *models, steps=FLAGS.steps)


if __name__ == "__main__":
    app.run(main)
