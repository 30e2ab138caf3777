"""Trains a generator through the paper's three stages.

  python train.py --preset=full_2s --work_dir=runs/full --data_dir=data

The same command goes on after an interruption; SIGTERM saves a checkpoint first. Each setting of the preset
is a flag:
  --config.batch_size=24 --config.pretrain_3d.steps=50000 --config.lab=human36m
"""

import signal
import sys
import tempfile
import threading

from absl import app, flags
from ml_collections import config_flags

from tf_advpose.startup import keep_freed_memory, load_tensorflow_quietly

keep_freed_memory()
load_tensorflow_quietly()

import tensorflow as tf

from tf_advpose import config as configuration
from tf_advpose import presets
from tf_advpose.errors import reason_of
from tf_advpose.training import distribution, dry_run
from tf_advpose.training.trainer import Trainer

FLAGS = flags.FLAGS
flags.DEFINE_string("work_dir", None, "Folder of this run: weights, checkpoints, logs.", required=True)
flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets (see prepare.py).")
flags.DEFINE_string(
    "start_from",
    None,
    "Work folder of another run; its finished stages are taken over as far as the settings agree.",
)
flags.DEFINE_string(
    "initial_hourglass",
    None,
    "Public PyTorch checkpoint (.pth.tar), or work folder of another run, whose hourglass is taken instead "
    "of training the stage pretrain_2d.",
)
flags.DEFINE_enum(
    "distribute",
    "none",
    distribution.MODES,
    "Train on one device, on all GPUs of this machine (mirrored), or on those of several machines "
    "(multi_worker: the same command on each, with its TF_CONFIG). The batch is that of all together.",
)
flags.DEFINE_bool("dry_run", False, "Say what the run costs from its first step on, and keep nothing.")


def define_config(argv: list[str]) -> None:
    """Defines --preset, and --config.* with the preset's values as defaults."""
    names = ", ".join(presets.PRESETS)
    first_look = flags.FlagValues()
    for flag_values in (first_look, FLAGS):
        flags.DEFINE_string("preset", "full_2s", f"One of: {names}.", flag_values=flag_values)
    first_look(argv, known_only=True)
    config_flags.DEFINE_config_dataclass("config", presets.from_preset(first_look.preset))


def new_trainer(work_dir: str, devices: distribution.Devices) -> Trainer:
    """The run that the flags describe."""
    return Trainer(
        FLAGS.config,
        work_dir,
        FLAGS.data_dir,
        start_from=FLAGS.start_from,
        hourglass_from=FLAGS.initial_hourglass,
        devices=devices,
    )


def run(devices: distribution.Devices, terminated: threading.Event) -> str:
    """Does what the flags ask for; returns what there is to say in the end."""
    if FLAGS.dry_run:
        with tempfile.TemporaryDirectory() as nowhere:
            return dry_run.report(new_trainer(nowhere, devices))
    if new_trainer(FLAGS.work_dir, devices).run(asked_to_stop=terminated.is_set):
        return f"Finished. Weights, logs and configuration are in {FLAGS.work_dir}"
    return "Terminated; a checkpoint is saved. The same command goes on from it."


def main(_) -> None:
    if FLAGS.config.deterministic:
        tf.config.experimental.enable_op_determinism()
    try:
        if FLAGS.config.preset != FLAGS.preset:
            raise ValueError("Choose the preset by --preset; --config.preset is only its name.")
        configuration.check(FLAGS.config)
        devices = distribution.open_devices(FLAGS.distribute)
        terminated = threading.Event()
        # As clusters do before they take a machine. Not earlier: workers that wait for others hear nothing.
        signal.signal(signal.SIGTERM, lambda *_: terminated.set())
        with devices.loss_of_a_worker_named():
            print(run(devices, terminated))
    except KeyboardInterrupt:
        sys.exit("Interrupted. The same command goes on from the last checkpoint.")
    except tf.errors.OpError as error:  # as on a full disk, or where memory does not suffice
        sys.exit(f"error: {reason_of(error.message)}. The same command goes on from the last checkpoint.")
    except (FloatingPointError, ValueError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    try:
        define_config(sys.argv)
    except (ValueError, KeyError) as error:  # config_flags raises KeyError for a field there is not
        sys.exit(f"error: {error.args[0]}")
    app.run(main)
