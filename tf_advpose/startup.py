"""What scripts do first: load TensorFlow without its start-up messages, keep what memory is freed."""

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator

from absl import logging

# The numbers of malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_KEEP_ALL = {_ARENA_MAX: 1, _MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**28}


def load_tensorflow_quietly() -> None:
    """Imports TensorFlow; what it prints while it starts is shown only if it fails."""
    # 3 hides what the graph optimiser calls errors and recovers from; real ones come as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.set_verbosity(logging.ERROR)  # TFDS tells each of its steps
    with quiet_unless_it_fails():
        import tensorflow as tf

        tf.config.list_physical_devices()


def keep_freed_memory() -> None:
    """Lets this process keep the memory that it frees, for what it needs next; of use to glibc alone.

    A training step frees and needs the same gigabytes again and again. By default glibc gives large blocks
    back to the system, which then clears each page anew: up to a tenth of a step, see docs/training.md.
    Call this before TensorFlow starts its threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option, value in _KEEP_ALL.items():
            mallopt(option, value)


@contextlib.contextmanager
def quiet_unless_it_fails() -> Iterator[None]:
    """Within it, what is printed to standard error is shown only if an exception is raised."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except BaseException:
            messages.seek(0)
            os.write(terminal, messages.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
