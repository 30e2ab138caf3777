"""What does adversarial learning add where half of the everyday people have 2D labels only?

  python benchmarks/everyday_adversarial.py --work_dir=runs/everyday_adversarial

Pretrains the preset `everyday_1s` on batches of which half have no depths, goes on as long without a
discriminator, with one that sees the geometric descriptor, and with the paper's, and scores all of them on
test people. It is commands of train.py and evaluate.py, which it prints, and so goes on where it was
interrupted.
"""

import everyday_runs
from absl import app, flags

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(everyday_runs)
flags.DEFINE_string("work_dir", "runs/everyday_adversarial", "Folder of the runs.")
flags.DEFINE_string("output", "runs/everyday_adversarial.json", "New file for the figures.")
flags.DEFINE_integer("pretraining", 6000, "Steps before the discriminator comes.", lower_bound=1)
flags.DEFINE_integer("steps", 2000, "Steps with it, and without.", lower_bound=1)

ROWS = ("baseline", "descriptor", "full")  # the first pretrains for all


def main(_) -> None:
    everyday_runs.prepare(FLAGS.data_dir, with_2d=True)
    settings = {
        "seed": FLAGS.seed,
        "policy": FLAGS.policy,
        "wild": everyday_runs.PEOPLE_2D,
        "pretrain_3d.wild_share": 0.5,
        "pretrain_3d.steps": FLAGS.pretraining,
        "adversarial.steps": FLAGS.steps,
        "adversarial.learning_rate": 5e-4,
        "adversarial.schedule": "cosine",
    }
    folders = {row: f"{FLAGS.work_dir}/{row}" for row in ROWS}
    for row, folder in folders.items():
        start_from = "" if row == ROWS[0] else folders[ROWS[0]]
        everyday_runs.train(f"{row}_everyday_1s", folder, FLAGS.data_dir, settings, start_from)
    models = f"--work_dir={','.join(folders.values())}"
    steps = {"pretraining": FLAGS.pretraining, "steps": FLAGS.steps}
    everyday_runs.score(FLAGS.data_dir, FLAGS.output, models, **steps)


if __name__ == "__main__":
    app.run(main)
