"""The same training on one device, on two of one process, and on two processes; keeps what came of it.

  python tests/replicas.py --folder=/tmp/replicas --data_dir=data                           one, then two
  python tests/replicas.py --folder=/tmp/replicas --data_dir=data --ports=4001,4002 --worker=0  and 1

Logical devices and TF_CONFIG must be there before TensorFlow starts, so each is a process of its own.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import sys
import time
import types
from unittest import mock

STEPS = 5
SPOILT_STEP = 3  # of pretrain_3d, on the second device alone, the first time it is taken


def start(ports: str, worker: int) -> None:
    """Loads TensorFlow with two logical devices, or as one of two workers."""
    from tf_advpose.startup import load_tensorflow_quietly

    if ports:
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports.split(",")]}
        task = {"type": "worker", "index": worker}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
    load_tensorflow_quietly()
    import tensorflow as tf

    if not ports:
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@contextlib.contextmanager
def in_float64():
    """Within it everything that is float32 by design is float64: models, losses, encoding, batches."""
    import drawn_people
    import keras
    import tensorflow as tf

    from tf_advpose import encoding, heatmaps, losses, work_folder
    from tf_advpose.data import pipeline
    from tf_advpose.training import accumulation, distribution, steps

    class Wider(types.ModuleType):
        float32 = tf.float64

        def __getattr__(self, name):
            return getattr(tf, name)

    def wider(model: keras.Model) -> keras.Model:
        return model.from_config(json.loads(json.dumps(model.get_config()).replace("float32", "float64")))

    new_discriminator, batches = work_folder.new_discriminator, pipeline.training_batches

    def wider_batches(*arguments):
        return batches(*arguments).map(
            lambda batch: {
                name: tf.cast(value, tf.float64) if value.dtype == tf.float32 else value
                for name, value in batch.items()
            }
        )

    with contextlib.ExitStack() as patches:
        for module in (losses, heatmaps, encoding, steps, accumulation, distribution):
            patches.enter_context(mock.patch.object(module, "tf", Wider("tensorflow")))
        for name, function in (
            ("new_generator", lambda _: wider(drawn_people.plain_generator())),
            ("new_discriminator", lambda config: wider(new_discriminator(config))),
        ):
            patches.enter_context(mock.patch.object(work_folder, name, function))
        patches.enter_context(mock.patch.object(pipeline, "training_batches", wider_batches))
        yield


@contextlib.contextmanager
def spoilt_once():
    """Within it a label of the second device is NaN in one step, until that has been gone back on."""
    import tensorflow as tf

    from tf_advpose.data import pipeline

    batches, calls = pipeline.training_batches, []

    def spoilt(config, stage, data_dir, first_step=0, share=pipeline.WHOLE):
        made = batches(config, stage, data_dir, first_step, share)
        calls.append(stage)
        if (
            calls.count("pretrain_3d") != 1
            or stage != "pretrain_3d"
            or share.worker == 0 < share.workers - 1
        ):
            return made
        number = share.devices * SPOILT_STEP - 1 - share.devices * first_step

        def spoil(at, batch):
            nan = tf.where(tf.equal(at, number), tf.constant(float("nan"), batch["depth"].dtype), 0.0)
            return batch | {"depth": batch["depth"] + nan}

        return made.enumerate().map(spoil)

    with mock.patch.object(pipeline, "training_batches", spoilt):
        yield


def whole_run(folder: pathlib.Path, data_dir: str, segments: list) -> list[bool]:
    """All stages in float64, on the devices of each of `segments` until its function says to stop."""
    import drawn_people

    from tf_advpose.config import STAGES, StageConfig
    from tf_advpose.training.trainer import Trainer

    stage = {"steps": STEPS, "learning_rate": 1e-3}
    stages = {name: StageConfig(**stage, wild_share=0.5 * (1 + (name == STAGES[0]))) for name in STAGES}
    settings = {"average_decay": 0.9, "largest_gradient": 0.05, "checkpoint_every": 2}
    settings |= {"validate_on": f"{drawn_people.WILD}:test", "validate_every": STEPS}
    config = drawn_people.small_config(**stages, **settings)
    config.discriminator.spectral_norm = True
    return [
        Trainer(config, str(folder), data_dir, devices=devices).run(asked) for devices, asked in segments
    ]


def first_steps(folder: pathlib.Path, data_dir: str, devices) -> dict:
    """The first step of each stage in float32, in parts: metrics, gradients, and what batch norm gathers.

    The gradients as Adam's first moments.
    """
    import drawn_people
    import numpy as np

    from tf_advpose import work_folder
    from tf_advpose.config import STAGES
    from tf_advpose.training.trainer import Trainer

    config = drawn_people.small_config(batch_size=8, accumulation=2, generator_optimizer="adam")
    found = {}
    for name in STAGES:
        with mock.patch.object(work_folder, "new_generator", lambda _: drawn_people.plain_generator()):
            trainer = Trainer(config, str(folder), data_dir, devices=devices)
        stage = trainer.new_stage(name)
        metrics = stage.step(next(iter(stage.batches())))
        found |= {f"{name}/{metric}": float(value) for metric, value in metrics.items()}
        variables = [*stage._optimizer.variables, *trainer.generator.non_trainable_variables]
        if stage.discriminator:
            variables += stage._opponent.variables
        kept = [one for one in variables if one.name.endswith(("momentum", "mean", "variance"))]
        for number, variable in enumerate(kept):
            found[f"{name}/{number} {variable.name}"] = np.array(variable)
    return found


def gradients_applied(devices) -> dict[str, list]:
    """What `apply_gradients` makes of a gradient for each replica: weights, first moments, loss scale."""
    import keras
    import tensorflow as tf

    from tf_advpose.config import Config
    from tf_advpose.training import optimizers

    def apply(policy: str, rows: list, largest_norm: float = 0.0) -> list[float]:
        with devices.scope():
            strategy, variable = tf.distribute.get_strategy(), keras.Variable([1.0, 2.0])
            optimizer = optimizers.discriminator_optimizer(Config(policy=policy))
            optimizer.build([variable])

        @tf.function
        def step(row):
            def replica():
                number = tf.distribute.get_replica_context().replica_id_in_sync_group
                with tf.GradientTape() as tape:
                    loss = optimizer.scale_loss(tf.reduce_sum(variable) * tf.gather(row, number))
                gradient = tape.gradient(loss, [variable.value])
                optimizers.apply_gradients(optimizer, gradient, [variable], largest_norm)

            strategy.run(replica)

        for row in rows:
            step(tf.constant(row if devices.count > 1 else [sum(row) / len(row)]))
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        moments = next(one for one in inner.variables if "momentum" in one.path)
        replicas = strategy.experimental_local_results(variable.value)
        values = [value for one in (*replicas, moments) for value in one.numpy().tolist()]
        return [*values, float(optimizers.loss_scale(optimizer))]

    rows, big = [[1.0, 3.0], [2.0, -5.0]], float("inf")
    return {
        "plain": apply("float32", rows),
        "cut": apply("float32", rows, largest_norm=1.0),
        "scaled": apply("mixed_float16", rows),
        "scaled and cut": apply("mixed_float16", rows, largest_norm=1.0),
        "overflow of the second": apply("mixed_float16", [rows[0], [1.0, big], rows[1]]),
        "overflow of the first": apply("mixed_float16", [rows[0], [big, 1.0], rows[1]]),
    }


def after(calls: int, function=lambda: True):
    """False for the first so many calls, then what `function` says."""
    counted = iter(range(calls))
    return lambda: next(counted, None) is None and function()


def never() -> bool:
    return False


def save(path: pathlib.Path, arrays: dict, said: dict) -> None:
    import numpy as np

    np.savez(path.with_suffix(".npz"), **arrays)
    path.with_suffix(".json").write_text(json.dumps(said))


def in_one_process(folder: pathlib.Path, data_dir: str) -> None:
    """On one device, then on two."""
    import tensorflow as tf

    from tf_advpose.training.distribution import Devices, open_devices

    one, two = Devices(), open_devices("mirrored")
    with in_float64():
        whole_run(folder / "one", data_dir, [(one, never)])
        with spoilt_once():
            finished = whole_run(
                folder / "two", data_dir, [(one, after(2)), (two, after(STEPS + 3)), (one, never)]
            )
    for name, devices in (("one", one), ("two", two)):
        arrays = first_steps(folder / f"{name}_float32", data_dir, devices)
        said = {"applied": gradients_applied(devices), "devices": devices.count}
        save(folder / name, arrays, said | {"finished": finished})
    assert len(tf.config.list_logical_devices("CPU")) == 2


def in_two_processes(folder: pathlib.Path, data_dir: str, worker: int) -> None:
    """As one of two workers; worker 1 is asked to stop, and in the end kills itself."""
    from tf_advpose.training.distribution import open_devices

    devices = open_devices("multi_worker")
    asked = after(2 * STEPS, lambda: worker == 1)
    with in_float64(), spoilt_once():
        finished = whole_run(folder / "workers", data_dir, [(devices, asked), (devices, never)])
    arrays = first_steps(folder / "workers_float32", data_dir, devices)
    said = {"applied": gradients_applied(devices), "devices": devices.count, "finished": finished}
    save(folder / f"worker{worker}", arrays, said)
    dies = after(1, lambda: worker == 1 and os.kill(os.getpid(), signal.SIGKILL))
    try:
        with in_float64(), devices.loss_of_a_worker_named():
            whole_run(folder / "killed", data_dir, [(devices, dies)])
    except ConnectionError as error:
        sys.exit(f"error: {error}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--ports", default="")
    parser.add_argument("--worker", type=int, default=0)
    options = parser.parse_args()
    sys.path[:0] = [str(pathlib.Path(__file__).parent.parent)]
    start(options.ports, options.worker)
    began = time.monotonic()
    if options.ports:
        in_two_processes(options.folder, options.data_dir, options.worker)
    else:
        in_one_process(options.folder, options.data_dir)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
