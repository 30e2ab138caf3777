"""Prepares datasets: real ones from where they lie on disk, or synthetic people out of nothing.

  python prepare.py people --data_dir=data --train_examples=20000 --test_examples=1000 --size=256
  python prepare.py people --domain=everyday --data_dir=data --train_examples=500000 --size=128
  python prepare.py human36m --source=/datasets/h36m --data_dir=data
  python prepare.py mpii --source=/datasets/mpii --data_dir=data
  python prepare.py mpi_inf_3dhp --source=/datasets/mpi_inf_3dhp_test_set --data_dir=data

Nothing is downloaded and nothing is overwritten. An interrupted run leaves no dataset; start it again.
Afterwards look at what has been made:

  python prepare.py inspect --data=human36m --split=train --data_dir=data --output=inspection
"""

import os
import shlex
import signal
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # of no use here, and TensorFlow would take all its memory

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

PHOTO_FLAGS = ("source", "lenient", "processes", "beam")
COMMANDS = {  # and the flags of each, besides --data_dir
    "people": (
        "domain",
        "train_examples",
        "test_examples",
        "validation_examples",
        "size",
        "seed",
        "processes",
        "backgrounds",
    ),
    "human36m": (*PHOTO_FLAGS, "train_step", "test_step"),
    "mpii": PHOTO_FLAGS,
    "mpi_inf_3dhp": (*PHOTO_FLAGS, "train_step"),
    "inspect": ("data", "split", "output", "seed"),
}
DOMAINS = ("lab", "wild", "everyday", "everyday_2d", "wild_3d")

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets.")
flags.DEFINE_string(
    "source", None, "The dataset as it was obtained: its folder or, of mpii, its label file."
)
flags.DEFINE_integer("train_step", 5, "To train on, take every so many frames of a video.", lower_bound=1)
flags.DEFINE_integer("test_step", 64, "To test on, take every so many frames of a video.", lower_bound=1)
flags.DEFINE_bool("lenient", False, "Leave out, count and name what cannot be used, instead of stopping.")
flags.DEFINE_integer(
    "processes", None, "How many prepare at a time. Unless given, one a core.", lower_bound=1
)
flags.DEFINE_string(
    "beam", None, 'Prepare by an Apache Beam pipeline with these flags, such as "--runner=FlinkRunner".'
)
flags.DEFINE_multi_enum(
    "domain", ["lab", "wild"], DOMAINS, "Kind of synthetic people; give it again for each other kind."
)
flags.DEFINE_string(
    "backgrounds", None, "Folder of photos to put everyday people before; free ones are best."
)
flags.DEFINE_integer("train_examples", 20_000, "Synthetic people to train on, of a domain.", lower_bound=1)
flags.DEFINE_integer("test_examples", 1_000, "Synthetic people to test on, of a domain.", lower_bound=1)
flags.DEFINE_integer(
    "validation_examples", 0, "Synthetic people to validate on, of a domain.", lower_bound=0
)
flags.DEFINE_integer("size", 256, "Width and height of the pictures of synthetic people.", lower_bound=32)
flags.DEFINE_integer(
    "seed", 0, "What synthetic people, or the examples to inspect, are drawn from.", lower_bound=0
)
flags.DEFINE_string("data", None, "Prepared dataset to inspect, such as mpii or synthetic_people/lab.")
flags.DEFINE_string("split", None, "Its split to inspect. Unless given, each of them.")
flags.DEFINE_string("output", "inspection", "Folder for what inspecting writes.")


def check(argv: list[str]) -> str:
    """The command that is asked for.

    Raises:
      ValueError: there is none, it lacks what it needs, or is given what is not its own.
    """
    if len(argv) != 2 or argv[1] not in COMMANDS:
        raise ValueError(f"expected one of {', '.join(COMMANDS)}; got {' '.join(argv[1:]) or 'nothing'}.")
    command = argv[1]
    for name in sorted({name for names in COMMANDS.values() for name in names} - {*COMMANDS[command]}):
        if FLAGS[name].present:
            raise ValueError(f"{command} has no --{name}.")
    if "source" in COMMANDS[command] and not FLAGS.source:
        raise ValueError(f"{command} needs --source, the folder of the dataset as it was obtained.")
    if FLAGS.backgrounds is not None and not all(domain.startswith("everyday") for domain in FLAGS.domain):
        raise ValueError("only everyday people have --backgrounds: add --domain=everyday or everyday_2d.")
    if command == "inspect" and not FLAGS.data:
        raise ValueError("inspect needs --data, the name of a prepared dataset.")
    return command


def prepare(command: str) -> None:
    from tf_advpose.data import prepared

    arguments = {name: FLAGS[name].value for name in COMMANDS[command]}
    names = [command]
    if command == "people":
        names = [f"synthetic_people/{domain}" for domain in dict.fromkeys(arguments.pop("domain"))]
    elif FLAGS.beam is not None:
        arguments["beam"] = shlex.split(FLAGS.beam)
    for name in names:
        prepared.check_absent(name, FLAGS.data_dir)
    for name in names:
        print(f"Preparing {name}", flush=True)
        print(prepared.summary(prepared.prepare(name, FLAGS.data_dir, **arguments)), flush=True)


def inspect() -> None:
    from tf_advpose.data import inspection

    for report in inspection.inspect(FLAGS.data, FLAGS.split, FLAGS.data_dir, FLAGS.output, FLAGS.seed):
        print(report, flush=True)


def main(argv: list[str]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as an interrupt does
    try:
        command = check(argv)
        load_tensorflow_quietly()
        inspect() if command == "inspect" else prepare(command)
    except (ValueError, OSError, EOFError, ImportError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. What is not finished is not kept; the same command starts anew.")


if __name__ == "__main__":
    app.run(main)
