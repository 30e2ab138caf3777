"""What the benchmarks on everyday people share: the people, and commands that train and score on them."""

import json
import pathlib
import shlex
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

from commands import run

from tf_advpose import presets
from tf_advpose.config import POLICIES
from tf_advpose.data import prepared
from tf_advpose.files import write_json

flags.DEFINE_string("data_dir", "data/everyday", "Folder of the prepared people; made where it is missing.")
flags.DEFINE_enum("policy", "float32", POLICIES, "Precision of training.")
flags.DEFINE_integer("seed", 0, "Seed of the training; the people stay the same.")

PEOPLE = "synthetic_people/everyday"
PEOPLE_2D = "synthetic_people/everyday_2d"  # without depths, for training alone
COUNTS_2D = {"train_examples": 24_000, "validation_examples": 1, "test_examples": 1}


def prepare(data_dir: str, with_2d: bool = False) -> None:
    """Renders the people, unless they are there."""
    for name, counts in ((PEOPLE, {}), (PEOPLE_2D, COUNTS_2D))[: 1 + with_2d]:
        making = presets.EVERYDAY_PEOPLE | counts
        prepared.prepare_people_once(data_dir, domains=(name.partition("/")[2],), **making)


def train(preset: str, work_dir: str, data_dir: str, settings: dict, start_from: str = "") -> None:
    """Trains a run by train.py, or goes on with it; `settings` are flags behind `--config.`."""
    words = [f"--preset={preset}", f"--work_dir={work_dir}", f"--data_dir={data_dir}"]
    words += [f"--config.{name}={value}" for name, value in settings.items()]
    run("train.py", *words, *([f"--start_from={start_from}"] if start_from else []))


def score(data_dir: str, output: str, *models: str, **steps: int) -> None:
    """Scores models, which are flags of evaluate.py, on the test people.

    The figures go to `output`, below the command that makes them; `steps` are flags of this script.
    """
    run("evaluate.py", *models, f"--data={PEOPLE}", f"--data_dir={data_dir}", f"--output={output}")
    settings = {"policy": flags.FLAGS.policy, "seed": flags.FLAGS.seed, **steps}
    script = pathlib.Path(sys.argv[0]).name
    words = ["python", f"benchmarks/{script}", *(f"--{name}={value}" for name, value in settings.items())]
    write_json(output, {"command": shlex.join(words), **json.loads(pathlib.Path(output).read_text())})
