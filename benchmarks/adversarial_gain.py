"""Does adversarial learning lower the 3D error in the wild? The demo over several seeds, paired.

  python benchmarks/adversarial_gain.py --work_dir=runs/adversarial_gain

Runs examples/demo.py once a seed, on the same people: for each seed, two generators go on from the same
pretrained weights for as many steps on the same batches, with and without the discriminator. Writes each
seed's figures, their paired differences, and the differences' mean with its 95 % interval (Student's t).
Interrupted, the same command goes on.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import numpy as np
import scipy.stats
from absl import app, flags
from commands import run

from tf_advpose.files import write_json

FLAGS = flags.FLAGS
flags.DEFINE_string("work_dir", "runs/adversarial_gain", "Folder of the runs.")
flags.DEFINE_string("data_dir", "data/demo", "Folder of the prepared people; made where it is missing.")
flags.DEFINE_integer("seeds", 5, "How many seeds, from 0 on.", lower_bound=2)
flags.DEFINE_string("output", "runs/adversarial_gain.json", "Where the figures are written.")

WITHOUT, WITH = "more steps without D", "adversarial"
METRICS = ("mpjpe", "pa_mpjpe", "n_mpjpe", "depth_error", "pck3d", "auc3d", "pckh")


def run_seed(seed: int) -> dict:
    """The results of the demo with one seed; trained if that is not done."""
    folder = pathlib.Path(FLAGS.work_dir) / f"seed{seed}"
    if not (folder / "results.json").exists():
        folders = (f"--work_dir={folder}", f"--data_dir={FLAGS.data_dir}")
        run("examples/demo.py", f"--seed={seed}", *folders)
    return json.loads((folder / "results.json").read_text())


def figures(results: dict) -> dict[str, float]:
    """The compared figures of one generator on one split."""
    return {name: results[name]["mean"] if name == "pckh" else results[name] for name in METRICS}


def summary(with_d: list[float], without_d: list[float]) -> dict:
    """Paired differences of one figure over the seeds."""
    differences = np.subtract(with_d, without_d)
    spread = scipy.stats.t.ppf(0.975, len(differences) - 1) * scipy.stats.sem(differences)
    mean = float(differences.mean())
    return {
        "with": [round(value, 3) for value in with_d],
        "without": [round(value, 3) for value in without_d],
        "mean_difference": round(mean, 3),
        "interval_95": [round(mean - spread, 3), round(mean + spread, 3)],
    }


def main(_) -> None:
    runs = [run_seed(seed) for seed in range(FLAGS.seeds)]
    collected = {}
    for domain in ("lab", "wild"):
        with_d = [figures(run[domain][WITH]) for run in runs]
        without_d = [figures(run[domain][WITHOUT]) for run in runs]
        collected[domain] = {
            name: summary([run[name] for run in with_d], [run[name] for run in without_d])
            for name in METRICS
        }
    command = f"python benchmarks/adversarial_gain.py --seeds={FLAGS.seeds}"
    write_json(FLAGS.output, {"command": command, "seeds": FLAGS.seeds, **collected})
    for domain, by_name in collected.items():
        for name, values in by_name.items():
            low, high = values["interval_95"]
            print(f"{domain} {name}: {values['mean_difference']:+.2f} [{low:+.2f}, {high:+.2f}]")


if __name__ == "__main__":
    app.run(main)
