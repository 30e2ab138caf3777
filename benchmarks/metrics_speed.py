"""How fast the metrics are, and how much memory they need beside their input.

  python benchmarks/metrics_speed.py

Scores 500,000 poses of 17 joints in one call each, compares PA-MPJPE with a loop over poses and with
np.linalg.svd alone. What is compared is run in turns, so that a busy machine disturbs both alike; ratios
are medians over the turns. Seconds are those of the processor, so that other work counts little.
"""

import pathlib
import statistics
import sys
import time
import tracemalloc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import numpy as np
from absl import app, flags

from tf_advpose import metrics
from tf_advpose.files import write_json

FLAGS = flags.FLAGS
flags.DEFINE_integer("poses", 500_000, "How many poses are scored in one call.", lower_bound=1)
flags.DEFINE_integer("compared", 100_000, "How many are compared with np.linalg.svd.", lower_bound=1)
flags.DEFINE_integer("looped", 10_000, "How many are compared with a loop.", lower_bound=1)
flags.DEFINE_integer("turns", 9, "How often each comparison is run.", lower_bound=1)
flags.DEFINE_string("output", "runs/metrics_speed.json", "Where the figures are written.")

JOINTS = 17
MEMORY_LIMIT_BYTES = 2**30
LOOP_TARGET, SVD_TARGET = 5.0, 3.0  # at least so many times faster than the loop, at most so many svd


def poses(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true poses [count, JOINTS, 3] float32, mm."""
    generator = np.random.default_rng(0)
    target = generator.normal(scale=300, size=(count, JOINTS, 3)).astype(np.float32)
    return target + generator.normal(scale=60, size=target.shape).astype(np.float32), target


def seconds(function, *arguments) -> float:
    started = time.process_time()
    function(*arguments)
    return time.process_time() - started


def in_turns(first, second) -> tuple[float, float, float]:
    """Median processor seconds of two functions, and the median of second over first."""
    pairs = [(seconds(first), seconds(second)) for _ in range(FLAGS.turns)]
    ratios = [b / a for a, b in pairs]
    return *(statistics.median(column) for column in zip(*pairs, strict=True)), statistics.median(ratios)


def pa_mpjpe_by_pose(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """PA-MPJPE as it is usually written down: an SVD a pose."""
    errors = np.empty(predicted.shape[:2])
    for number, (source, goal) in enumerate(
        zip(predicted.astype(float), target.astype(float), strict=True)
    ):
        source, goal = source - source.mean(axis=0), goal - goal.mean(axis=0)
        left, stretch, right = np.linalg.svd(source.T @ goal)
        if np.linalg.det(left @ right) < 0:
            left[:, 2] *= -1
            stretch[2] *= -1
        aligned = stretch.sum() / np.sum(source**2) * source @ left @ right
        errors[number] = np.linalg.norm(aligned - goal, axis=1)
    return errors


def one_call(metric, predicted: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Processor seconds of a call, and the most memory it held beside its input, its result included."""
    spent = seconds(metric, predicted, target)
    tracemalloc.start()
    metric(predicted, target)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"cpu_seconds": round(spent, 2), "peak_mib": round(peak / 2**20, 1)}


def main(_) -> None:
    predicted, target = poses(FLAGS.poses)
    calls = {
        metric.__name__: one_call(metric, predicted, target)
        for metric in (metrics.mpjpe, metrics.pa_mpjpe, metrics.n_mpjpe)
    }
    few = predicted[: FLAGS.looped], target[: FLAGS.looped]
    np.testing.assert_allclose(metrics.pa_mpjpe(*few), pa_mpjpe_by_pose(*few), rtol=1e-6)
    ours, loop, faster = in_turns(lambda: metrics.pa_mpjpe(*few), lambda: pa_mpjpe_by_pose(*few))
    many = predicted[: FLAGS.compared], target[: FLAGS.compared]
    matrices = np.random.default_rng(1).normal(size=(len(many[0]), 3, 3))
    svd, with_svd, times_svd = in_turns(lambda: np.linalg.svd(matrices), lambda: metrics.pa_mpjpe(*many))
    results = {
        "command": "python benchmarks/metrics_speed.py",
        "numpy": np.__version__,
        "poses": FLAGS.poses,
        "joints": JOINTS,
        "one_call": calls,
        "loop": {"poses": len(few[0]), "pa_mpjpe_cpu_s": ours, "loop_cpu_s": loop, "times_faster": faster},
        "svd": {
            "poses": len(many[0]),
            "svd_cpu_s": svd,
            "pa_mpjpe_cpu_s": with_svd,
            "times_svd": times_svd,
        },
    }
    write_json(FLAGS.output, results)
    for name, call in calls.items():
        print(f"{name} of {FLAGS.poses} poses: {call['cpu_seconds']} s, {call['peak_mib']} MiB beside them")
    print(f"pa_mpjpe is {faster:.1f} times faster than a loop (target: at least {LOOP_TARGET:.0f})")
    print(f"pa_mpjpe takes {times_svd:.2f} times np.linalg.svd alone (target: at most {SVD_TARGET:.0f})")
    within_memory = all(call["peak_mib"] * 2**20 < MEMORY_LIMIT_BYTES for call in calls.values())
    if faster < LOOP_TARGET or times_svd > SVD_TARGET or not within_memory:
        sys.exit("error: a target was missed.")


if __name__ == "__main__":
    app.run(main)
