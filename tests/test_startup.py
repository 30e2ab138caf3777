"""Processes start as they should: with oneDNN, and keeping what they free where that was asked for."""

import os
import platform
import subprocess
import sys

import pytest

PAGES = 40_000  # of a large block: 160 MB
SCRIPT = f"""
import resource, sys
import numpy as np
from tf_advpose.startup import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones({PAGES} * 512)
before = faults()
for _ in range(5):
    np.ones({PAGES} * 512)
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_a_block_that_was_freed_is_used_again():
    """Without it, each of five new blocks of the same size comes as new pages, unless huge ones."""

    def faults(what: str) -> int:
        result = subprocess.run([sys.executable, "-c", SCRIPT, what], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return int(result.stdout)

    assert faults("kept") < PAGES / 100 and faults("kept") < faults("given back") / 3


@pytest.mark.skipif(platform.machine() != "x86_64", reason="of TensorFlow for x86")
@pytest.mark.parametrize(("wish", "expected"), [(None, True), ("0", False)])
def test_onednn_computes_unless_the_user_wants_otherwise(wish, expected):
    """On any processor; TensorFlow by itself leaves it aside on those without AVX-512."""
    script = (
        "from tf_advpose.startup import load_tensorflow_quietly; load_tensorflow_quietly();"
        "from tensorflow.python.framework.test_util import IsMklEnabled; print(IsMklEnabled())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    environment |= {"TF_ENABLE_ONEDNN_OPTS": wish} if wish else {}
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert result.stdout.strip() == str(expected), result.stderr
