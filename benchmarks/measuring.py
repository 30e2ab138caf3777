"""What the benchmarks of speed share: processes of their own, their memory, and what is called the peak."""

import json
import os
import pathlib
import subprocess
import sys

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


def peak_mb() -> float:
    """Peak memory of this process; what `resource` says includes that of the process that started it."""
    return _memory_mb("VmHWM:")


def memory_mb() -> float:
    """Memory of this process as it is now."""
    return _memory_mb("VmRSS:")


def _memory_mb(name: str) -> float:
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition(name)[2].split()[0]) / 1024
