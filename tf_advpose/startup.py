"""What scripts do first: load TensorFlow, quietly and with oneDNN."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from absl import logging


def load_tensorflow_quietly() -> None:
    """Imports TensorFlow; what it prints while it starts is shown only if it fails.

    It computes with oneDNN, which TensorFlow by itself uses on processors with AVX-512 alone, unless
    TF_ENABLE_ONEDNN_OPTS says otherwise. With AVX2 oneDNN is faster too, and the memory of a step is kept
    for the next one in place of being given back to the system, which would clear each page anew.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # 3 hides what the graph optimiser calls errors and recovers from; real ones come as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.set_verbosity(logging.ERROR)  # TFDS tells each of its steps
    with quiet_unless_it_fails():
        import tensorflow as tf

        tf.config.list_physical_devices()


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
