"""Scripts compute with oneDNN."""

import os
import platform
import subprocess
import sys

import pytest


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
