"""Kills train.py at random moments until it has been killed often enough, and then lets it end.

  python tests/killed_runs.py --kills=10 --seed=0 --data_dir=data --folder=/tmp/killed

Both runs, the killed one and one left alone, are compared to the bit. TensorFlow is imported once; each
start is a process of its own, forked from that.
"""

import argparse
import json
import os
import pathlib
import random
import runpy
import signal
import sys
import time
import traceback

REPOSITORY = pathlib.Path(__file__).parent.parent
SETTINGS = (
    "--preset=full_demo",
    "--config.deterministic",
    "--config.jit_compile=false",
    "--config.batch_size=4",
    "--config.generator.image_size=32",
    "--config.generator.depth=1",
    "--config.generator.width=8",
    "--config.discriminator.width=4",
    "--config.discriminator.dense_width=16",
    "--config.pretrain_2d.steps=8",
    "--config.pretrain_3d.steps=8",
    "--config.adversarial.steps=40",
    "--config.average_decay=0.9",
    "--config.checkpoint_every=1",
    "--config.log_every=1",
)


def start(arguments: list[str], dies_at_rename: float | None = None, output: str = os.devnull) -> int:
    """Forks a process that runs train.py; with half a rename it dies behind that one. Returns its id."""
    child = os.fork()
    if child:
        return child
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), 1)
    if dies_at_rename is not None:
        die_at_rename(dies_at_rename)
    sys.argv = ["train.py", *arguments]
    status = 2
    try:
        runpy.run_path(str(REPOSITORY / "train.py"), run_name="__main__")
    except SystemExit as end:
        status = int(bool(end.code))
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def die_at_rename(number: float) -> None:
    """Makes this process kill itself where a file gets its final name for the `number`th time."""
    replace, count = os.replace, 0

    def deadly(*names):
        nonlocal count
        count += 1
        if count == int(number) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*names)
        if count == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly


def run_and_kill(arguments: list[str], run: pathlib.Path, kills: int, rng: random.Random) -> list[dict]:
    """Starts the same command again and again; returns how each process was killed."""
    killed = []
    while len(killed) < kills:
        how, latest = rng.choice((("renames", 12.0), ("seconds", 3.0), ("seconds after a write", 0.5)))
        when = rng.randint(2, int(2 * latest)) / 2 if how == "renames" else rng.uniform(0, latest)
        killed.append({how: round(when, 3)})
        child = start(arguments, when if how == "renames" else None)
        if how != "renames":
            if how == "seconds after a write":
                wait_for_change(run)
            time.sleep(when)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise RuntimeError(f"the run ended before it was killed {kills} times, with status {status}")
    return killed


def wait_for_change(run: pathlib.Path) -> None:
    """Waits until the run in that folder has written another checkpoint, or weights."""

    def files() -> set:
        return {*run.glob("*/checkpoints/*.index"), *run.glob("*/*.h5")}

    before, began = files(), time.monotonic()
    while files() == before and time.monotonic() - began < 300:
        time.sleep(0.005)


def stop(arguments: list[str], run: pathlib.Path) -> str:
    """Starts the command and ends it by SIGTERM in the midst of training; returns what it said."""
    output = run.with_suffix(".stopped")
    child = start(arguments, output=str(output))
    wait_for_change(run)
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"train.py was asked to stop and ended with status {status}")
    return output.read_text()


def end(arguments: list[str]) -> None:
    """Runs the command to its end."""
    _, status = os.waitpid(start(arguments), 0)
    if status:
        raise RuntimeError(f"train.py ended with status {status}")


def everything(run: pathlib.Path) -> dict:
    """All that a run has learnt: final weights, and what the last checkpoint of each stage holds."""
    import h5py
    import tensorflow as tf

    found = {}
    for path in sorted(run.rglob("*.weights.h5")):
        names = []
        with h5py.File(path) as file:
            file.visit(names.append)
            for name in names:
                if isinstance(file[name], h5py.Dataset):
                    found[f"{path.relative_to(run)}:{name}"] = file[name][()]
    for folder in sorted(run.glob("*/checkpoints")):
        newest = max(folder.glob("ckpt-*.index"), key=lambda path: int(path.stem.split("-")[1]))
        reader = tf.train.load_checkpoint(str(newest.with_suffix("")))
        for name in reader.get_variable_to_shape_map():
            if name != "_CHECKPOINTABLE_OBJECT_GRAPH":
                found[f"{folder.parent.name}/{newest.stem}:{name}"] = reader.get_tensor(name)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--data_dir")
    options = parser.parse_args()
    sys.path[:0] = [str(REPOSITORY)]
    folder = pathlib.Path(options.folder)
    from tf_advpose.startup import load_tensorflow_quietly

    load_tensorflow_quietly()
    import numpy as np

    import tf_advpose.training.trainer  # noqa: F401  imported before the processes part

    def command(run: str) -> list[str]:
        return [f"--work_dir={folder / run}", f"--data_dir={options.data_dir}", *SETTINGS]

    end(command("alone"))
    killed = run_and_kill(command("killed"), folder / "killed", options.kills, random.Random(options.seed))
    said = stop(command("killed"), folder / "killed")
    end(command("killed"))
    alone, resumed = everything(folder / "alone"), everything(folder / "killed")
    different = sorted(set(alone) ^ set(resumed))
    both = alone.keys() & resumed.keys()
    different += [name for name in both if not np.array_equal(alone[name], resumed[name])]
    print(json.dumps({"kills": killed, "stopped": said, "arrays": len(alone), "different": different}))


if __name__ == "__main__":
    main()
