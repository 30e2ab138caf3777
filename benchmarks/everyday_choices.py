"""What gets a network for photos of anyone furthest in the same time? One setting changed at a time.

  python benchmarks/everyday_choices.py --data_dir=data/everyday

Each choice is a short run of the preset `everyday_1s` on one core, with as many steps as fit into --minutes
of that core's time, over which its schedule goes; so what makes steps faster makes them more. Two runs, the
second of which begins with the weights of the first, have half of the time each. Scored are the last and
the averaged weights on the validation people, on whom nothing trains. Choices run side by side, one a core;
interrupted, the same command goes on.
"""

import concurrent.futures
import json
import os
import pathlib
import queue
import sys
import tempfile
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from absl import app, flags
from measuring import in_own_process

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "data/everyday", "Folder of the prepared people; made where it is missing.")
flags.DEFINE_string("output", "runs/everyday_choices.json", "Where the figures are written.")
flags.DEFINE_float("minutes", 4.0, "Of processor time that each choice has to train.", lower_bound=0.1)
flags.DEFINE_multi_integer("core", [0], "Number of a core that trains; give it again for each core.")
flags.DEFINE_string("measure", None, "Used by this script itself.")

STAGE = "pretrain_3d"
RATE = 2e-3  # of all choices but those that change it; the preset's came of them
CHOICES = {
    "the preset": {},
    "bfloat16": {"policy": "mixed_bfloat16"},
    "XLA": {"jit_compile": True},
    "no growth of the width": {"generator.width_growth": 0},
    "half the growth": {"generator.width_growth": 32},
    "twice the growth": {"generator.width_growth": 128},
    "width 128, no growth": {"generator.width": 128, "generator.width_growth": 0},
    "two hourglasses": {"generator.num_stacks": 2},
    "images of 64 pixels": {"generator.image_size": 64},
    "squared error": {"generator.softmax_heatmaps": False, "depth_weight": 0.1},
    "heatmaps alone": {"depth_weight": 0.0},
    "a third of the depth's weight": {"depth_weight": 3.0},
    "three times the depth's weight": {"depth_weight": 30.0},
    "RMSprop": {"generator_optimizer": "rmsprop", f"{STAGE}.learning_rate": 2.5e-4},
    "half the rate": {f"{STAGE}.learning_rate": RATE / 2},
    "twice the rate": {f"{STAGE}.learning_rate": 2 * RATE},
    "constant rate": {f"{STAGE}.schedule": "constant"},
    "batches of 16": {"batch_size": 16},
    "no augmentation but mirroring": {
        f"augmentation.{name}": 0.0 for name in ("scale", "rotation", "colour", "shift", "contrast")
    },
}
RUNS = {choice: [changes] for choice, changes in CHOICES.items()}
RUNS["images of 64 pixels first"] = [{"generator.image_size": 64, "average_decay": 0.0}, {}]
WARM_UP_STEPS, TIMED_STEPS = 5, 40
SCHEDULE_WARM_UP = 200  # steps; the preset's is too long for short runs


def measure(choice: str, minutes: float, core: int, data_dir: str) -> dict:
    """Trains a choice in this process, on `core`, and scores it."""
    os.sched_setaffinity(0, {core})
    from tf_advpose.startup import keep_freed_memory

    keep_freed_memory()
    from measuring import tensorflow_on

    tensorflow_on(threads=1)
    from tf_advpose.training.trainer import Trainer

    spent, steps = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for number, changes in enumerate(RUNS[choice]):
            work_dir = f"{folder}/{number}"
            config = _config(changes)
            config.initial_weights = f"{folder}/{number - 1}" if number else ""
            stage = config.stage(STAGE)
            seconds = _seconds_of_a_step(Trainer(config, f"{work_dir}_timed", data_dir))
            stage.steps = int(60 * minutes / len(RUNS[choice]) / seconds)
            started = time.process_time()
            Trainer(config, work_dir, data_dir).run()
            spent += time.process_time() - started
            steps.append(stage.steps)
        scored = {weights: _score(work_dir, weights, config, data_dir) for weights in ("last", "average")}
    return {
        "changes": RUNS[choice],
        "steps": steps,
        "pictures": sum(steps) * config.batch_size,
        "processor_seconds": round(spent, 1),
        **scored,
    }


def _config(changes: dict):
    """The preset with `changes`, for a short run."""
    from tf_advpose import presets

    config = presets.from_preset("everyday_1s")
    config.stage(STAGE).learning_rate = RATE
    for name, value in changes.items():
        part, _, field = name.rpartition(".")
        setattr(getattr(config, part) if part else config, field, value)
    config.validate_on = ""
    config.stage(STAGE).warm_up = SCHEDULE_WARM_UP
    return config


def _seconds_of_a_step(trainer) -> float:
    """Processor time of a training step with the input that it takes, once it is compiled."""
    stage = trainer.new_stage(STAGE)
    batches = iter(stage.batches())
    for step in range(WARM_UP_STEPS + TIMED_STEPS):
        if step == WARM_UP_STEPS:
            started = time.process_time()
        float(stage.step(next(batches))["pose_loss"])  # waits for the step
    return (time.process_time() - started) / TIMED_STEPS


def _score(work_dir: str, weights: str, config, data_dir: str) -> dict[str, float]:
    from tf_advpose.data import pipeline
    from tf_advpose.evaluation import protocols, sources

    model = sources.from_work_folder(work_dir, STAGE, weights)
    batches, _ = pipeline.evaluation_batches(config.lab, "validation", data_dir, model.image_size, 50)
    found = protocols.evaluate(sources.collect(model, batches))
    return {"pckh": found["pckh"]["mean"], **{name: found[name] for name in ("mpjpe", "pa_mpjpe")}}


def main(_) -> None:
    if FLAGS.measure:
        print(json.dumps(measure(**json.loads(FLAGS.measure))))
        return
    from tf_advpose import presets
    from tf_advpose.data import prepared
    from tf_advpose.evaluation.formats import Table, to_text
    from tf_advpose.files import write_json

    prepared.prepare_people_once(FLAGS.data_dir, domains=("everyday",), **presets.EVERYDAY_PEOPLE)
    output = pathlib.Path(FLAGS.output)
    command = f"python benchmarks/everyday_choices.py --minutes={FLAGS.minutes:g}"
    new = {"command": command, "minutes": FLAGS.minutes, "choices": {}}
    found = json.loads(output.read_text()) if output.exists() else new
    if found["minutes"] != FLAGS.minutes:
        sys.exit(f"error: {output} has runs of {found['minutes']} minutes; give another --output.")
    free, writing = queue.SimpleQueue(), threading.Lock()
    for core in FLAGS.core:
        free.put(core)

    def run(choice: str) -> None:
        core = free.get()
        try:
            measured = in_own_process(
                __file__, choice=choice, minutes=FLAGS.minutes, core=core, data_dir=FLAGS.data_dir
            )
        finally:
            free.put(core)
        with writing:
            found["choices"][choice] = measured
            write_json(output, found)
            print(choice, measured["last"], flush=True)

    with concurrent.futures.ThreadPoolExecutor(len(FLAGS.core)) as pool:
        list(pool.map(run, [choice for choice in RUNS if choice not in found["choices"]]))
    found["choices"] = {choice: found["choices"][choice] for choice in RUNS}
    write_json(output, found)
    rows = {
        choice: (run["pictures"], *run["last"].values(), run["average"]["pckh"])
        for choice, run in found["choices"].items()
    }
    columns = ("pictures", "PCKh %", "MPJPE mm", "PA-MPJPE mm", "PCKh % of the averaged weights")
    print(to_text(Table(f"{FLAGS.minutes:g} minutes of one core each", columns, rows)))


if __name__ == "__main__":
    app.run(main)
