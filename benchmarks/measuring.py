"""What the benchmarks of speed share: processes of their own, their memory, and what is called the peak."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

# Rates are set against that of a lone 3x3 convolution of so many channels, on maps of this side.
CONV_CHANNELS, CONV_SIZE = 128, 64


def in_own_process(script: str, **arguments) -> dict:
    """The JSON that `script --measure=<arguments as JSON>` prints last, run without a GPU."""
    command = [sys.executable, script, f"--measure={json.dumps(arguments)}"]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        sys.exit(f"error: {arguments} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def tensorflow_on(threads: int):
    """TensorFlow with so many threads for one operation, and one operation at a time."""
    from tf_advpose.startup import load_tensorflow_quietly

    load_tensorflow_quietly()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def peak_mb(pid: int | str = "self") -> float:
    """Peak memory of a process; what `resource` says includes that of the process that started it."""
    return _memory_mb(pid, "VmHWM:")


def memory_mb(pid: int | str = "self") -> float:
    """Memory of a process as it is now."""
    return _memory_mb(pid, "VmRSS:")


def forget_peak(pid: int) -> None:
    """Lets `peak_mb` of a process start anew from its memory as it is now."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def of_family(pid: int, memory: Callable[[int], float]) -> float:
    """The sum of `memory_mb` or `peak_mb` over a process and all that it and its children started."""
    total = 0.0
    for member in family(pid):
        with contextlib.suppress(OSError, IndexError):  # it ended meanwhile
            total += memory(member)
    return total


def family(pid: int) -> set[int]:
    """The process `pid` and all that it and its children started."""
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    members = {pid}
    while more := {child for child, parent in parents.items() if parent in members} - members:
        members |= more
    return members


def _memory_mb(pid: int | str, name: str) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(name)[2].split()[0]) / 1024
