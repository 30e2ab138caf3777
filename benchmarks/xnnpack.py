"""Which operations of .tflite files XNNPACK leaves to LiteRT's own kernels, on this processor.

  python benchmarks/xnnpack.py exports/full/1/pose_int8.tflite exports/full/1/pose_float32.tflite

Counts those of the graph of each file's first signature.
"""

import collections
import pathlib
import sys

from absl import app
from ai_edge_litert.interpreter import Interpreter

DELEGATE = "DELEGATE"  # the operation that takes the place of those that XNNPACK has taken


def outside_xnnpack(path: str | pathlib.Path) -> collections.Counter[str]:
    """How many operations of each kind XNNPACK leaves, in the graph of the first signature."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    operations = interpreter._get_ops_details()  # there is no public way to see them
    left = {part["index"]: part for part in operations if part["op_name"] != DELEGATE}
    maker = {tensor: index for index, part in left.items() for tensor in part["outputs"]}
    for delegate in (part for part in operations if part["op_name"] == DELEGATE):
        # What it has taken lies between its inputs and its outputs.
        inputs, tensors = set(delegate["inputs"]), list(delegate["outputs"])
        while tensors:
            tensor = tensors.pop()
            taken = None if tensor in inputs else left.pop(maker.get(tensor), None)
            if taken:
                tensors.extend(taken["inputs"])
    return collections.Counter(part["op_name"] for part in left.values())


def main(arguments: list[str]) -> None:
    if not arguments[1:]:
        sys.exit("error: no file. Give one or more .tflite files.")
    for path in arguments[1:]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in outside_xnnpack(path).most_common())
        print(f"{path}: {kinds}")


if __name__ == "__main__":
    app.run(main)
