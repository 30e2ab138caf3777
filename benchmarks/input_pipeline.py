"""How fast the input pipeline is, and how much of a training step it costs.

  python benchmarks/input_pipeline.py

Two questions, each with its own table:

1. How many augmented images a second does `pipeline.training_batches` deliver at the full preset's 256
   pixels? The pictures are of 900 pixels, as photos cut to a person's surroundings are, half lab and half
   wild. Nothing else runs meanwhile.
2. How much longer is the `demo` preset's supervised step when its batches come from the pipeline than when
   one batch stays in memory? Both are timed in turn, in one process.

The pictures are of synthetic people, rendered once into --data_dir. Close everything else: both figures are
of the whole machine.
"""

import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import tensorflow as tf

from tf_advpose import presets, work_folder
from tf_advpose.config import Config
from tf_advpose.data import pipeline, prepared
from tf_advpose.files import write_json
from tf_advpose.training import steps
from tf_advpose.training.optimizers import generator_optimizer

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "data/input_pipeline", "Where the pictures are kept; made if missing.")
flags.DEFINE_integer("rounds", 7, "Repetitions of each timing.", lower_bound=1)
flags.DEFINE_string("output", "runs/input_pipeline.json", "Where the figures are written.")

DOMAINS = ("synthetic_people/lab", "synthetic_people/wild")
PICTURES = {"full": (200, 900), "demo": (1000, 96)}  # how many of each domain, and their side in pixels
STAGE = "pretrain_3d"  # half lab, half wild
SECONDS = 5.0  # that a round of deliveries takes at least
STEPS = 60  # in a round of training
WARM_UP = 10


def prepare(size: str) -> str:
    """The folder of the pictures for a size of the presets, rendered if they are not there."""
    examples, side = PICTURES[size]
    data_dir = os.path.join(FLAGS.data_dir, size)
    prepared.prepare_people_once(data_dir, train_examples=examples, test_examples=1, size=side)
    return data_dir


def preset(name: str) -> Config:
    """A preset that reads synthetic people."""
    config = presets.from_preset(name)
    config.lab, config.wild = DOMAINS
    return config


def images_per_second() -> list[float]:
    """Of each round, what the pipeline delivers when nobody waits for anything else."""
    config = preset("full_2s")
    batches = iter(pipeline.training_batches(config, STAGE, prepare("full")))
    for _ in range(WARM_UP):
        next(batches)
    rates = []
    for _ in range(FLAGS.rounds):
        started, images = time.monotonic(), 0
        while time.monotonic() - started < SECONDS:
            next(batches)
            images += config.batch_size
        rates.append(images / (time.monotonic() - started))
    return rates


def step_times() -> dict[str, list[float]]:
    """Of each round, milliseconds a step on a batch kept in memory, and on batches of the pipeline."""
    config = preset("demo")
    generator = work_folder.new_generator(config)
    optimizer = generator_optimizer(config, config.stage(STAGE))
    optimizer.build(generator.trainable_variables)

    @tf.function(jit_compile=config.jit_compile)
    def step(batch):
        return steps.supervised_step(generator, optimizer, batch, config)

    batches = iter(pipeline.training_batches(config, STAGE, prepare("demo")))
    kept = next(batches)

    def time_round(next_batch) -> float:
        for _ in range(WARM_UP):
            step(next_batch())
        started = time.monotonic()
        for _ in range(STEPS):
            metrics = step(next_batch())
        float(metrics["pose_loss"])  # waits for the last one
        return 1000 * (time.monotonic() - started) / STEPS

    times = {"in memory": [], "pipeline": []}
    for _ in range(FLAGS.rounds):
        times["in memory"].append(time_round(lambda: kept))
        times["pipeline"].append(time_round(lambda: next(batches)))
    return times


def spread(values: list[float]) -> dict[str, float]:
    """Least, median and greatest."""
    named = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return {name: round(value, 3) for name, value in named.items()}


def main(_) -> None:
    load = os.getloadavg()[0]
    rates, times = images_per_second(), step_times()
    ratios = [real / kept for real, kept in zip(times["pipeline"], times["in memory"], strict=True)]
    figures = {
        "command": "python benchmarks/input_pipeline.py",
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(load, 2),
        "augmented_256px_images_per_second": spread(rates),
        "demo_step_ms": {name: spread(values) for name, values in times.items()},
        "pipeline_over_memory": spread(ratios),
    }
    write_json(FLAGS.output, figures)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    app.run(main)
