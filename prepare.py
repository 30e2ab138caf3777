"""Prepares datasets: real ones from where they lie on disk, or synthetic people out of nothing.

  python prepare.py people --data_dir=data --train_examples=20000 --test_examples=1000 --size=256
  python prepare.py human36m --source=/datasets/h36m --data_dir=data
  python prepare.py mpii --source=/datasets/mpii --data_dir=data
  python prepare.py mpi_inf_3dhp --source=/datasets/mpi_inf_3dhp_test_set --data_dir=data

Nothing is downloaded and nothing is overwritten. An interrupted run leaves no dataset; start it again.
"""

import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # of no use here, and TensorFlow would take all its memory

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

COMMANDS = ("people", "human36m", "mpii", "mpi_inf_3dhp")
PEOPLE_FLAGS = ("train_examples", "test_examples", "size", "seed", "processes")
DOMAINS = ("lab", "wild")

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets.")
flags.DEFINE_string(
    "source", None, "The dataset as it was obtained: its folder or, of mpii, its label file."
)
flags.DEFINE_bool("skip_missing", False, "Leave out people whose photo is missing, instead of stopping.")
flags.DEFINE_enum("domain", None, DOMAINS, "Synthetic people of this domain alone. None: of both.")
flags.DEFINE_integer("train_examples", 20_000, "Synthetic people to train on, of a domain.", lower_bound=1)
flags.DEFINE_integer("test_examples", 1_000, "Synthetic people to test on, of a domain.", lower_bound=1)
flags.DEFINE_integer("size", 256, "Width and height of the pictures of synthetic people.", lower_bound=32)
flags.DEFINE_integer("seed", 0, "What synthetic people come from: the same seed, the same people.")
flags.DEFINE_integer("processes", os.cpu_count(), "How many render synthetic people.", lower_bound=1)


def chosen(argv: list[str]) -> dict[str, dict]:
    """The datasets that the command line asks for, each with its builder's arguments.

    Raises:
      ValueError: the command line asks for nothing, or for what its command does not have.
    """
    if len(argv) != 2 or argv[1] not in COMMANDS:
        raise ValueError(f"expected one of {', '.join(COMMANDS)}; got {' '.join(argv[1:]) or 'nothing'}.")
    command = argv[1]
    foreign = ("source", "skip_missing") if command == "people" else ("domain", *PEOPLE_FLAGS)
    for name in foreign:
        if FLAGS[name].present:
            raise ValueError(f"{command} has no --{name}.")
    if command == "people":
        domains = [FLAGS.domain] if FLAGS.domain else DOMAINS
        arguments = {name: FLAGS[name].value for name in PEOPLE_FLAGS}
        return {f"synthetic_people/{domain}": arguments for domain in domains}
    if not FLAGS.source:
        raise ValueError(f"{command} needs --source, the folder of the dataset as it was obtained.")
    return {command: {"source": FLAGS.source, "skip_missing": FLAGS.skip_missing}}


def main(argv: list[str]) -> None:
    name = "The dataset"
    try:
        datasets = chosen(argv)
        load_tensorflow_quietly()
        from tf_advpose.data import prepared

        for name in datasets:
            prepared.check_absent(name, FLAGS.data_dir)
        for name, arguments in datasets.items():
            print(f"Preparing {name}", flush=True)
            builder = prepared.prepare(name, FLAGS.data_dir, **arguments)
            print(prepared.summary(builder))
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(f"Interrupted. {name} is not kept; prepare it again.")


if __name__ == "__main__":
    app.run(main)
