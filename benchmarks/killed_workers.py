"""Kills workers of a real two-worker run over loopback, and starts the same commands again until it ends.

  python benchmarks/killed_workers.py --data_dir=data --output=killed_workers.json

Worker 1 is killed, then the chief, and worker 1 alone gets SIGTERM. Compared to the bit with a run on two
workers left alone. Takes minutes.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from absl import app, flags

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

import commands
import killed_runs

from tf_advpose.files import write_json

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "data", "Folder of the prepared synthetic people.")
flags.DEFINE_string("output", None, "Where to write the results, as JSON.", required=True)
flags.DEFINE_integer("port", 47310, "The first of many that are used.")


class Run:
    """train.py on two workers, in a work folder."""

    def __init__(self, folder: pathlib.Path, port: int):
        self.folder, self._port = folder, port

    def start(self) -> list[subprocess.Popen]:
        """Starts both workers, at ports that no earlier ones had."""
        cluster = {"worker": [f"127.0.0.1:{self._port}", f"127.0.0.1:{self._port + 1}"]}
        self._port += 2
        command = [sys.executable, str(REPOSITORY / "train.py"), "--distribute=multi_worker"]
        command += [f"--work_dir={self.folder}", f"--data_dir={FLAGS.data_dir}", *killed_runs.SETTINGS]
        tasks = [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in (0, 1)]
        return [
            subprocess.Popen(
                command,
                env=os.environ | {"TF_CONFIG": json.dumps(task)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for task in tasks
        ]

    def signal(self, number: int, sent: signal.Signals) -> dict:
        """Sends a signal to one worker in the midst of training; how both end."""
        workers = self.start()
        killed_runs.wait_for_change(self.folder)
        for worker in workers:
            if worker.poll() is not None:
                raise RuntimeError(f"a worker ended by itself: {worker.communicate()[1][-2000:]}")
        began = time.monotonic()
        workers[number].send_signal(sent)
        other = 1 - number
        output, errors = workers[other].communicate(timeout=120)
        seconds = time.monotonic() - began
        workers[number].communicate(timeout=120)
        last = (output or errors).strip().splitlines()[-1]
        statuses = [worker.returncode for worker in workers]
        print(f"worker {number}: {sent.name}: {statuses} after {seconds:.1f} s: {last}", flush=True)
        return {
            "signal": sent.name,
            "to_worker": number,
            "statuses": statuses,
            "seconds_until_the_other_ended": round(seconds, 1),
            "the_other_said": last,
        }

    def end(self) -> None:
        """Runs both workers to the end."""
        for number, worker in enumerate(self.start()):
            _, errors = worker.communicate()
            if worker.returncode:
                raise RuntimeError(f"worker {number} ended with {worker.returncode}: {errors[-2000:]}")


def main(_) -> None:
    with tempfile.TemporaryDirectory() as folder:
        alone, killed = (
            Run(pathlib.Path(folder) / name, FLAGS.port + 100 * index)
            for index, name in enumerate(("alone", "killed"))
        )
        ends = [
            killed.signal(1, signal.SIGKILL),
            killed.signal(0, signal.SIGKILL),
            killed.signal(1, signal.SIGTERM),
        ]
        killed.end()
        alone.end()
        import numpy as np

        one, other = (killed_runs.everything(run.folder) for run in (alone, killed))
        different = sorted(set(one) ^ set(other))
        different += [
            name for name in one.keys() & other.keys() if not np.array_equal(one[name], other[name])
        ]
    results = {"command": commands.given(), "ends": ends, "arrays": len(one), "different": different}
    print(f"{len(one)} arrays, {len(different)} of them different")
    write_json(FLAGS.output, results)


if __name__ == "__main__":
    app.run(main)
