"""What a process frees stays with it where that was asked for."""

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
