"""Does adversarial learning help? The paper's experiments in miniature, on synthetic people.

  python benchmarks/miniature.py --work_dir=runs/miniature --output=runs/miniature/results

Trains every row of Table 2 over several seeds, by train.py; then, with one more seed, a sweep of lambda, of
the share of wild images and of what the discriminator sees, beside the rows that these are compared with.
It writes a JSON a run: its command, its figures on both test splits, its validation along the way, and what
its discriminator learned. Interrupted, the same command goes on; runs whose JSON is there are not trained
again.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import shlex
import subprocess
import sys
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import numpy as np

from tf_advpose import work_folder
from tf_advpose.data import pipeline, prepared
from tf_advpose.evaluation import discriminator_probe, protocols, scores, sources
from tf_advpose.files import write_json
from tf_advpose.people import lab_poses

FLAGS = flags.FLAGS
flags.DEFINE_string("work_dir", "runs/miniature", "Folder of the runs.")
flags.DEFINE_string(
    "data_dir", "data/miniature", "Folder of the prepared people; made where it is missing."
)
flags.DEFINE_string("output", "runs/miniature/results", "Folder of the JSON files.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of Table 2.")
flags.DEFINE_integer("sweep_seed", 3, "Seed of the sweeps.")
flags.DEFINE_integer("jobs", os.cpu_count(), "Trainings at a time, each on a core of its own.")

PEOPLE = {"train_examples": 8000, "validation_examples": 300, "test_examples": 1000, "size": 96}
DOMAINS = {"lab": "synthetic_people/lab", "wild": "synthetic_people/wild"}
FIGURES = (*protocols.ERRORS, *protocols.SHARES, "pckh", "mpjpe_by_limb", "intervals")
LAB_ACTIONS = [family.__name__ for family in lab_poses.FAMILIES]  # the wild has them too, and others
BATCH_SIZE = 100


@dataclasses.dataclass(frozen=True)
class Run:
    """One training: a row of Table 2, and what it changes besides."""

    name: str
    row: str
    start_from: str = "baseline"  # the run that trains the stages they share
    changes: tuple[str, ...] = ()  # flags of train.py


TABLE_2 = [
    Run("baseline", "baseline", start_from=""),
    *(Run(row, row) for row in ("full", "map", "geo", "descriptor", "full_without_pretraining")),
    Run("baseline_fix2d", "baseline_fix2d"),
    Run("full_fix2d", "full_fix2d", start_from="baseline_fix2d"),
]
SWEEPS = [
    Run("baseline", "baseline", start_from=""),
    Run("descriptor", "descriptor"),
    Run("full", "full"),
    Run("image", "full", changes=("--config.discriminator.sources=('image',)",)),
    Run("full_redrawn", "full", changes=("--config.discriminator.redraw_heatmaps",)),
    *(
        Run(f"descriptor_wild_{share}", "descriptor", changes=(f"--config.adversarial.wild_share={share}",))
        for share in (0.0, 0.25, 0.75)
    ),
    *(
        Run(f"descriptor_lambda_{value}", "descriptor", changes=(f"--config.lambda_adversarial={value}",))
        for value in ("1e-5", "1e-3", "1e-2")
    ),
]


def main(_) -> None:
    prepared.prepare_people_once(FLAGS.data_dir, **PEOPLE)
    train_all(TABLE_2, [int(seed) for seed in FLAGS.seeds])
    train_all(SWEEPS, [FLAGS.sweep_seed])


def train_all(runs: list[Run], seeds: list[int]) -> None:
    """Trains and collects those of the runs that are not collected, several at a time."""
    cores: list[int] = sorted(os.sched_getaffinity(0))[: FLAGS.jobs]
    free = threading.Semaphore(len(cores))
    trained: dict[tuple[str, int], concurrent.futures.Future] = {}

    def train(run: Run, seed: int) -> tuple[Run, int]:
        if run.start_from:
            trained[run.start_from, seed].result()
        if needed(run, runs, seed):
            with free:
                core = cores.pop()
                try:
                    train_on(core, run, seed)
                finally:
                    cores.append(core)
        return run, seed

    with concurrent.futures.ThreadPoolExecutor(len(runs) * len(seeds)) as pool:
        for seed in seeds:
            for run in runs:
                trained[run.name, seed] = pool.submit(train, run, seed)
        for future in concurrent.futures.as_completed(trained.values()):
            collect(*future.result())


def needed(run: Run, runs: list[Run], seed: int) -> bool:
    """Whether the run's JSON, or that of one of `runs` which starts from it, is still to come."""
    followers = [other for other in runs if other.start_from == run.name]
    return not result_path(run, seed).exists() or any(needed(other, runs, seed) for other in followers)


def command(run: Run, seed: int) -> list[str]:
    """The command line that trains a run."""
    words = ["python", "train.py", f"--preset={run.row}_miniature", f"--config.seed={seed}", *run.changes]
    words += [f"--work_dir={work_dir(run.name, seed)}", f"--data_dir={FLAGS.data_dir}"]
    return words + ([f"--start_from={work_dir(run.start_from, seed)}"] if run.start_from else [])


def train_on(core: int, run: Run, seed: int) -> None:
    """Trains a run to its end on one core; stops this script where that fails."""
    folder = pathlib.Path(work_dir(run.name, seed))
    folder.mkdir(parents=True, exist_ok=True)
    words = command(run, seed)
    print(shlex.join(words), flush=True)
    started = time.time()
    with (folder.parent / f"{run.name}.log").open("a") as log:
        status = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=REPOSITORY,
            stderr=log,
            stdout=log,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        ).returncode
    if status:
        raise RuntimeError(f"{run.name}, seed {seed}, failed; see {log.name}.")
    print(f"{run.name}, seed {seed}: {time.time() - started:.0f} s", flush=True)


def collect(run: Run, seed: int) -> None:
    """Writes the JSON of a finished run, unless it is there."""
    if result_path(run, seed).exists():
        return
    folder = work_dir(run.name, seed)
    config = work_folder.open_run(folder)
    stages = {"adversarial": figures(folder, "adversarial")}
    if run.name == "baseline":  # what the rows have in common before they part
        stages |= {stage: figures(folder, stage) for stage in ("pretrain_2d", "pretrain_3d")}
    result = {
        "command": shlex.join(command(run, seed)),
        "seed": seed,
        "steps": {stage: config.stage(stage).steps for stage in work_folder.STAGES},
        "stages": stages,
        "validation": log_of(folder, work_folder.VALIDATION_FILE),
        "training": log_of(folder, work_folder.METRICS_FILE),
    }
    if config.discriminator.sources:
        result["probe"] = probe(folder)
    write_json(result_path(run, seed), result)


def figures(folder: str, stage: str) -> dict[str, dict]:
    """The figures of a run after a stage on each domain's test split.

    Besides, the errors of each example, and whether its kind of pose is one that the lab has.
    """
    model = sources.from_work_folder(folder, stage)
    found = {}
    for domain, name in DOMAINS.items():
        batches, _ = pipeline.evaluation_batches(name, "test", FLAGS.data_dir, model.image_size, BATCH_SIZE)
        scored = scores.score(sources.collect(model, batches), protocols.PAPERS)
        summary = protocols.summarise(scored)
        errors = {name: getattr(scored, name).mean(axis=1).round(1) for name in ("mpjpe", "pa_mpjpe")}
        found[domain] = {name: summary[name] for name in FIGURES} | {
            "by_example": {name: values.tolist() for name, values in errors.items()},
            "in_lab": np.isin(scored.predictions.action, LAB_ACTIONS).astype(int).tolist(),
        }
    return found


def probe(folder: str) -> dict[str, dict]:
    """What the run's discriminator makes of spoiled poses, by domain."""
    discriminator = work_folder.load_discriminator(folder)
    size = work_folder.open_run(folder).generator.image_size
    return {
        domain: discriminator_probe.probe(
            discriminator, pipeline.evaluation_batches(name, "test", FLAGS.data_dir, size, BATCH_SIZE)[0]
        )
        for domain, name in DOMAINS.items()
    }


def log_of(folder: str, file: str) -> dict[str, dict[str, list]]:
    """What a run logged of each of its own stages."""
    logs = {}
    for stage in work_folder.STAGES:
        if (pathlib.Path(folder) / stage / file).is_file():
            columns = work_folder.read_metrics(folder, stage, file)
            logs[stage] = {name: np.round(values, 4).tolist() for name, values in columns.items()}
    return logs


def work_dir(run: str, seed: int) -> str:
    return f"{FLAGS.work_dir}/seed{seed}/{run}"


def result_path(run: Run, seed: int) -> pathlib.Path:
    return pathlib.Path(FLAGS.output) / f"{run.name}_seed{seed}.json"


if __name__ == "__main__":
    app.run(main)
