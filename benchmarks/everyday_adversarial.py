"""What does adversarial learning add where half of the everyday people have 2D labels only?

  python benchmarks/everyday_adversarial.py --work_dir=runs/everyday_adversarial

Pretrains the preset `everyday` on batches of which half have no depths, goes on as long without a
discriminator, with one that sees the geometric descriptor, and with the paper's, and scores all of them on
test people. It is these commands of train.py and evaluate.py, which it prints, and so goes on where it was
interrupted.
"""

import pathlib
import shlex
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

from tf_advpose.data import prepared

FLAGS = flags.FLAGS
flags.DEFINE_string("work_dir", "runs/everyday_adversarial", "Folder of the runs.")
flags.DEFINE_string("data_dir", "data/everyday", "Folder of the prepared people; made where it is missing.")
flags.DEFINE_string("output", "benchmarks/results/everyday_adversarial.json", "Where the figures go.")
flags.DEFINE_enum("policy", "float32", ["float32", "mixed_bfloat16"], "Precision of training.")
flags.DEFINE_integer("seed", 0, "Seed of the training; the people stay the same.")
flags.DEFINE_integer("pretraining", 6000, "Steps before the discriminator comes.", lower_bound=1)
flags.DEFINE_integer("steps", 2000, "Steps with it, and without.", lower_bound=1)

LABELLED = {"train_examples": 48_000, "validation_examples": 600, "test_examples": 2000, "size": 160}
UNLABELLED = {"train_examples": 24_000, "validation_examples": 1, "test_examples": 1, "size": 160}
ROWS = ("baseline", "descriptor", "full")  # the first pretrains for all


def training(row: str) -> list[str]:
    """The command that trains a row."""
    settings = {
        "seed": FLAGS.seed,
        "policy": FLAGS.policy,
        "wild": "synthetic_people/everyday_2d",
        "pretrain_3d.wild_share": 0.5,
        "pretrain_3d.steps": FLAGS.pretraining,
        "adversarial.steps": FLAGS.steps,
        "adversarial.learning_rate": 5e-4,
        "adversarial.schedule": "cosine",
    }
    words = ["train.py", f"--preset={row}_everyday", f"--work_dir={FLAGS.work_dir}/{row}"]
    words += [f"--data_dir={FLAGS.data_dir}"]
    words += [f"--config.{name}={value}" for name, value in settings.items()]
    return words if row == ROWS[0] else [*words, f"--start_from={FLAGS.work_dir}/{ROWS[0]}"]


def scoring() -> list[str]:
    """The command that scores all rows."""
    folders = ",".join(f"{FLAGS.work_dir}/{row}" for row in ROWS)
    data = [f"--data_dir={FLAGS.data_dir}", "--data=synthetic_people/everyday"]
    return ["evaluate.py", f"--work_dir={folders}", "--weights=average", *data, f"--output={FLAGS.output}"]


def run(words: list[str]) -> None:
    print(shlex.join(["python", *words]), flush=True)
    status = subprocess.run([sys.executable, *words], cwd=REPOSITORY).returncode
    if status:
        sys.exit(status)


def main(_) -> None:
    for domain, making in (("everyday", LABELLED), ("everyday_2d", UNLABELLED)):
        prepared.prepare_people_once(FLAGS.data_dir, domains=(domain,), **making)
    for row in ROWS:
        run(training(row))
    run(scoring())


if __name__ == "__main__":
    app.run(main)
