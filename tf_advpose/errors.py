"""What TensorFlow says when something goes wrong, cut down to what a user needs."""

import re


def reason_of(message: str) -> str:
    """The line of a `tf.errors.OpError`'s message that says what happened, without graph and node."""
    line = message.partition("\n\t")[0].rpartition("\n")[2]
    return re.sub(r"{{.*?}} *| *\[Op:.*?\]", "", line)
