"""What TensorFlow says when something goes wrong, cut down to what a user needs."""

import re
import sys


def is_tensorflows(error: BaseException) -> bool:
    """Whether it is a `tf.errors.OpError`, such as too little memory; loads no TensorFlow to find out."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)


def reason_of(message: str) -> str:
    """The line of a `tf.errors.OpError`'s message that says what happened, without graph and node."""
    line = message.partition("\n\t")[0].rpartition("\n")[2]
    return re.sub(r"{{.*?}} *| *\[Op:.*?\]", "", line)
