"""Training on several devices: of one machine, or of several with TF_CONFIG.

Every replica computes its share of the batch of one device. Losses are means over a replica's share, and
gradients and metrics the means over replicas, as in `accumulation` over parts; batch norm takes its moments
over all shares. What is random depends on the example alone. So the number of devices changes nothing but
the order in which sums are taken.
"""

import contextlib
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from tf_advpose.config import STAGES, Config
from tf_advpose.data import pipeline
from tf_advpose.training import accumulation
from tf_advpose.training.steps import Batch, Metrics

MODES = ("none", "mirrored", "multi_worker")
TF_CONFIG_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


class Devices:
    """What a run trains on: one device unless a strategy says otherwise."""

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        self._strategy = strategy or tf.distribute.get_strategy()
        self.count = self._strategy.num_replicas_in_sync
        resolver = self._strategy.cluster_resolver
        spec = resolver.cluster_spec().as_dict() if resolver else {}
        self._worker, self._workers = (resolver.task_id, len(spec["worker"])) if spec else (0, 1)
        self.is_chief = self._worker == 0  # who alone writes files
        self._asked = 0.0  # sum over the workers, of the last call

    def check(self, config: Config) -> None:
        """Raises ValueError for settings that cannot be run on so many devices, in so many parts."""
        if self.count > 1 and config.jit_compile:
            raise ValueError(
                f"jit_compile does not work on {self.count} devices: XLA compiles a step for one device "
                "alone. Give --config.jit_compile=false."
            )
        for name in STAGES:
            wild = pipeline.num_wild(config, name)
            lab, pieces = config.batch_size - wild, config.accumulation * self.count
            if config.stage(name).steps and (lab % pieces or wild % pieces):
                counts = {"devices": self.count, "parts (accumulation)": config.accumulation}
                divisor = " times ".join(f"{count} {what}" for what, count in counts.items() if count > 1)
                raise ValueError(
                    f"batch_size is that of all devices and parts together: {config.batch_size} are {lab} "
                    f"lab and {wild} wild examples in {name}, which {divisor} do not divide."
                )

    def scope(self) -> contextlib.AbstractContextManager:
        """Within it variables are made that every device holds."""
        return self._strategy.scope()

    def synchronise(self, model: keras.Model) -> None:
        """Lets batch norm take its moments over the examples of all devices."""
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = self.count > 1

    def batches(self, make: Callable[[pipeline.Share], tf.data.Dataset]) -> tf.data.Dataset:
        """What `make` gives for the share of this worker, spread over its devices."""
        share = pipeline.Share(self._worker, self._workers, self.count // self._workers)
        return self._strategy.distribute_datasets_from_function(lambda _: make(share))

    def on_all(self, step: Callable[[Batch], Metrics]) -> Callable[[Batch], Metrics]:
        """`step` on every device at once; its metrics are those of the whole batch."""

        def replica(batch: Batch) -> Metrics:
            if self.count == 1:
                return step(batch)
            context = tf.distribute.get_replica_context()
            labelled = tf.reduce_sum(tf.cast(batch["has_depth"], tf.float32))
            in_all = context.all_reduce(tf.distribute.ReduceOp.SUM, labelled)
            metrics = step(batch | {"depth_share": accumulation.depth_share(labelled, in_all, self.count)})
            means = context.all_reduce(tf.distribute.ReduceOp.MEAN, tf.stack(list(metrics.values())))
            return dict(zip(metrics, tf.unstack(means), strict=True))

        def distributed(batch: Batch) -> Metrics:
            return self.first(self._strategy.run(replica, args=(batch,)))

        return distributed

    def first(self, values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Those of this worker's first device."""
        return {name: self._strategy.experimental_local_results(value)[0] for name, value in values.items()}

    def anyone(self, asked: bool) -> bool:
        """Whether a worker was `asked` to stop: the same answer on all of them.

        Several workers learn it one call late, so that none has to wait for the step on its way.
        """
        if self._workers == 1:
            return asked
        before, self._asked = self._asked, self._sum(tf.cast(asked, tf.float32))
        if before > 0:
            self._asked = 0.0  # answered
        return bool(before > 0)

    def agree(self, what: str, value: str) -> None:
        """Waits for all workers to come here.

        Raises:
          ValueError: they do not have the same `value`.
        """
        if self._workers == 1:
            return
        mine = tf.one_hot(self._worker, self._workers, dtype=tf.int64) * zlib.crc32(value.encode())
        values = self._sum(mine).numpy()
        if different := [number for number, one in enumerate(values) if one != values[0]]:
            raise ValueError(
                f"The workers do not have the same {what}; that of {', '.join(map(str, different))} differ "
                f"from that of worker 0. Here it is: {value}."
            )

    @contextlib.contextmanager
    def loss_of_a_worker_named(self) -> Iterator[None]:
        """Within it what TensorFlow says when another worker is gone is a ConnectionError of one line."""
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
            if self._workers == 1:
                raise
            raise ConnectionError(
                f"Worker {self._worker} has lost another one ({type(error).__name__}). Start the same "
                "commands again, on all workers, to go on from the last checkpoint."
            ) from None

    @tf.function
    def _sum(self, value: tf.Tensor) -> tf.Tensor:
        """Over the workers."""
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)


def open_devices(mode: str) -> Devices:
    """The devices of one of `MODES`. For several workers: waits for all of them.

    Raises:
      ValueError: TF_CONFIG is missing or wrong.
      ConnectionError: another program has this worker's port.
    """
    if mode == "none":
        return Devices()
    if mode == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return Devices(tf.distribute.MirroredStrategy([device.name for device in devices]))
    workers, number = read_tf_config()
    print(f"Worker {number} of {len(workers)}: waiting for the others.", file=sys.stderr, flush=True)
    try:
        return Devices(tf.distribute.MultiWorkerMirroredStrategy())
    except tf.errors.OpError as error:
        raise ConnectionError(
            f"Worker {number} cannot serve at {workers[number]}: {error.message}."
        ) from None


def read_tf_config() -> tuple[list[str], int]:
    """The addresses of all workers, and the number of this one, from the environment's TF_CONFIG.

    Raises:
      ValueError: it is missing or wrong.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        settings = json.loads(text)
        workers, task = settings["cluster"]["worker"], settings["task"]
        addresses_fit = set(settings["cluster"]) == {"worker"} and all(":" in worker for worker in workers)
        if not addresses_fit or task["type"] != "worker" or not 0 <= task["index"] < len(workers):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"Each worker needs the environment variable TF_CONFIG, such as {TF_CONFIG_EXAMPLE}, with its "
            f"own index; worker 0 is the chief. Got {text!r}."
        ) from None
    return workers, task["index"]
