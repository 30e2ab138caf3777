"""Serves an exported SavedModel with NVIDIA's Triton, which joins requests into batches.

  python -m venv triton && triton/bin/pip install "nvidia-pytriton==0.7.0" "tensorflow-cpu>=2.21,<2.22"
  triton/bin/python examples/serve_triton.py --saved_model=exports/full/1 --name=full --port=8000

Needs nothing of this repository.
A request is one photo and one box: inputs `bytes` [1] and `box` [4]. Triton has one status for all requests
of a batch, so what is wrong with one of them is in its own output `error`, which is empty otherwise.
"""

import os
import signal
import sys
import sysconfig

import numpy as np
import tensorflow as tf
from absl import app, flags
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.proxy.types import Request
from pytriton.triton import Triton, TritonConfig

FLAGS = flags.FLAGS
flags.DEFINE_string("saved_model", None, "Folder of the exported version.", required=True)
flags.DEFINE_string("name", "pose", "Name of the model.")
flags.DEFINE_integer("port", 8000, "HTTP port; the next two are those of gRPC and of the metrics.")
flags.DEFINE_integer("max_batch", 16, "Requests in a batch at most.", lower_bound=1)
flags.DEFINE_integer("delay_us", 2000, "Microseconds that a request waits for others.", lower_bound=0)
flags.DEFINE_string(
    "log_batches", None, "File to which the size of each batch is appended, for benchmarks."
)


def answer(signature, photos: list[bytes], boxes: np.ndarray) -> list[dict]:
    """The outputs of each photo; where the batch is refused, photo by photo, the reason as `error`."""
    try:
        outputs = signature(bytes=tf.constant(photos), box=tf.constant(boxes))
    except tf.errors.InvalidArgumentError as error:
        if len(photos) > 1:
            pairs = zip(photos, boxes, strict=True)
            return [answer(signature, [photo], box[None])[0] for photo, box in pairs]
        shapes = {name: output.shape[1:] for name, output in signature.structured_outputs.items()}
        nothing = {name: np.full(shape, np.nan, np.float32) for name, shape in shapes.items()}
        return [{**nothing, "error": np.array([_reason(error).encode()])}]
    outputs = {name: output.numpy() for name, output in outputs.items()}
    fine = np.array([b""])
    return [
        {name: output[index] for name, output in outputs.items()} | {"error": fine}
        for index in range(len(photos))
    ]


def _reason(error: tf.errors.InvalidArgumentError) -> str:
    """What the model says of a request, without where in its graph it says so."""
    lines = [line.strip() for line in error.message.splitlines()]
    return [line for line in lines if line and not line.startswith("[[")][-1]


def main(_) -> None:
    folder = sysconfig.get_config_var("LIBDIR")
    known = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if folder not in known:  # Triton's own processes must find the library of this very Python
        os.environ["LD_LIBRARY_PATH"] = ":".join(filter(None, [folder, *known]))
        os.execv(sys.executable, [sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Triton tidies up as after Ctrl+C
    try:
        loaded = tf.saved_model.load(FLAGS.saved_model)
    except (OSError, ValueError, IndexError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        sys.exit(f"error: {FLAGS.saved_model} is not a whole SavedModel; copy or export it again: {reason}")
    if "from_jpeg" not in loaded.signatures:
        sys.exit(f"error: {FLAGS.saved_model} has no signature from_jpeg: give one that export.py wrote.")
    signature = loaded.signatures["from_jpeg"]

    def infer(requests: list[Request]) -> list[dict]:
        # A request has a batch axis of its own.
        photos = [photo for request in requests for photo in request.data["bytes"][:, 0].tolist()]
        boxes = np.concatenate([request.data["box"] for request in requests])
        if FLAGS.log_batches:
            with open(FLAGS.log_batches, "a") as file:
                file.write(f"{len(photos)}\n")
        answers = iter(answer(signature, photos, boxes))
        return [_stacked([next(answers) for _ in request.data["box"]]) for request in requests]

    outputs = [
        Tensor(name=name, dtype=np.float32, shape=tuple(output.shape[1:]))
        for name, output in signature.structured_outputs.items()
    ]
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=FLAGS.port,
        grpc_address="127.0.0.1",
        grpc_port=FLAGS.port + 1,
        metrics_port=FLAGS.port + 2,
    )
    batcher = DynamicBatcher(max_queue_delay_microseconds=FLAGS.delay_us)
    with Triton(config=config) as triton:
        triton.bind(
            FLAGS.name,
            infer,
            inputs=[
                Tensor(name="bytes", dtype=bytes, shape=(1,)),
                Tensor(name="box", dtype=np.float32, shape=(4,)),
            ],
            outputs=[*outputs, Tensor(name="error", dtype=bytes, shape=(1,))],
            config=ModelConfig(max_batch_size=FLAGS.max_batch, batcher=batcher),
        )
        triton.serve()


def _stacked(answers: list[dict]) -> dict:
    return {name: np.stack([answer[name] for answer in answers]) for name in answers[0]}


if __name__ == "__main__":
    app.run(main)
