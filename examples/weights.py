"""Makes the weights that come with this package, from nothing: people, training, exports, scores, card.

  python examples/weights.py --work_dir=runs/weights --output=weights

Renders people, trains one hourglass on them and then two, the first from those weights, exports the two,
and scores what is shipped on people and places that training never saw, and on people of other domains;
with --samples also on real photos, of which nothing but figures is kept.
Interrupted, the same command goes on. The output is a folder as tf_advpose/weights is one.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from absl import app, flags

from tf_advpose.startup import keep_freed_memory, load_tensorflow_quietly

keep_freed_memory()
load_tensorflow_quietly()

import h5py
import keras
import weights_card

from tf_advpose import presets, work_folder
from tf_advpose.config import POLICIES, Config
from tf_advpose.data import pipeline, prepared
from tf_advpose.deploy import artefacts, runtime, saved_model
from tf_advpose.evaluation import conventions, groups, protocols, scores, sources
from tf_advpose.files import write_json
from tf_advpose.people.anyone import groups_of
from tf_advpose.progress import track
from tf_advpose.training.trainer import Trainer

FLAGS = flags.FLAGS
flags.DEFINE_string("work_dir", "runs/weights", "Folder of the run, its exports and scores.")
flags.DEFINE_string("data_dir", "data/everyday", "Folder of the prepared people; made where it is missing.")
flags.DEFINE_string("output", None, "New folder for what is shipped.", required=True)
flags.DEFINE_enum(
    "policy",
    "float32",
    POLICIES,
    "Precision of training; mixed_bfloat16 is faster where processors have it.",
)
flags.DEFINE_string("samples", None, "Folder of real samples, as benchmarks/real_accuracy.py takes it.")

DOMAIN = "everyday"
DATA = f"synthetic_people/{DOMAIN}"
OTHER_DOMAINS = ("lab", "wild")
OTHER_PEOPLE = {"train_examples": 1, "test_examples": 1000, "size": presets.EVERYDAY_PEOPLE["size"]}
RUNS = {"everyday_1s": "run_1s", "everyday": "run"}  # presets, in the order of training, and their folders
STAGE = "pretrain_3d"
WEIGHTS = "best"  # by the MPJPE of the validation people, of all raw and averaged ones that were scored
FORMATS = ("float16", "int8")  # of the .tflite files that are shipped; the first is the one scored by group
BATCH_SIZE = 100


def train(folder: pathlib.Path) -> list[Config]:
    """Trains one run after the other, each from the weights of the one before, or goes on with them."""
    configs, before = [], ""
    for preset, run in RUNS.items():
        config = dataclasses.replace(
            presets.from_preset(preset), policy=FLAGS.policy, initial_weights=before
        )
        before = str(folder / run)
        Trainer(config, before, FLAGS.data_dir).run()
        configs.append(config)
    return configs


def export(folder: pathlib.Path) -> pathlib.Path:
    """Exports the best weights, unless that is done; the folder of the exports."""
    exported = folder / "exports/run/1"
    if not exported.exists():
        artefacts.export(
            str(folder / "run"), str(folder / "exports"), DATA, data_dir=FLAGS.data_dir, weights=WEIGHTS
        )
    return exported


def score(path: pathlib.Path, data: str = DATA) -> scores.Scores:
    """Scores a .tflite file on the test people of a dataset."""
    model = sources.from_tflite(str(path))
    batches, count = pipeline.evaluation_batches(data, "test", FLAGS.data_dir, model.image_size, BATCH_SIZE)
    found = sources.collect(model, track(batches, f"{path.stem}, {data}", -(-count // BATCH_SIZE)))
    return scores.score(found, conventions.PAPERS)


def measure(folder: pathlib.Path, exported: pathlib.Path, configs: list[Config]) -> dict:
    """All figures of the card."""
    config = configs[-1]
    scored = {name: score(exported / artefacts.tflite_file(name)) for name in FORMATS}
    first = scored[FORMATS[0]]
    path = exported / artefacts.tflite_file(FORMATS[0])
    metadata = runtime.read_metadata(path)
    samples = " --samples=<folder>" if FLAGS.samples else ""
    figures = {
        "command": f"python examples/weights.py --policy={config.policy} --output=weights{samples}",
        "training": [
            {
                "preset": each.preset,
                "num_stacks": each.generator.num_stacks,
                "steps": each.stage(STAGE).steps,
                "pictures": each.stage(STAGE).steps * each.batch_size,
            }
            for each in configs
        ],
        "seed": config.seed,
        "people": presets.EVERYDAY_PEOPLE,
        "generator": dataclasses.asdict(config.generator),
        "parameters": work_folder.new_generator(config).count_params(),
        **{name: metadata[name] for name in ("code_version", "tensorflow_version", "keras_version")},
        "bytes": {name: (exported / artefacts.tflite_file(name)).stat().st_size for name in FORMATS},
        "test": {name: _summary(those) for name, those in scored.items()},
        "other_domains": {
            domain: _summary(score(path, f"synthetic_people/{domain}")) for domain in OTHER_DOMAINS
        },
        "groups": groups.by_group(first, groups_of),
        "views": groups.by_name(first, groups.seen_from(first.predictions.joints_3d)),
        "poses": groups.by_name(first, first.predictions.action),
    }
    return figures | ({"real": _on_real_photos(folder, exported)} if FLAGS.samples else {})


def _summary(scored: scores.Scores) -> dict:
    summary = protocols.summarise(scored)
    kept = ("mpjpe", "pa_mpjpe", "n_mpjpe", "pck3d", "pckh", "intervals")
    return {"examples": summary["examples"], **{name: summary[name] for name in kept}}


def _on_real_photos(folder: pathlib.Path, exported: pathlib.Path) -> dict:
    """What benchmarks/real_accuracy.py says of the float16 file."""
    output = folder / "real_accuracy.json"
    arguments = {
        "model": exported / artefacts.tflite_file(FORMATS[0]),
        "samples": pathlib.Path(FLAGS.samples).resolve(),
        "output": output.resolve(),
        "sheet": output.with_suffix(".png").resolve(),
    }
    script = REPOSITORY / "benchmarks/real_accuracy.py"
    flags_of = [f"--{name}={value}" for name, value in arguments.items()]
    subprocess.run([sys.executable, str(script), *flags_of], check=True)
    return json.loads(output.read_text())


def halved(generator: keras.Model, config: Config) -> keras.Model:
    """The generator with float16 weights, whose file is half as large; float32 models read it too."""
    keras.config.set_dtype_policy("float16")
    try:
        half = work_folder.new_generator(config)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(generator.get_weights())
    return half


def compress(path: pathlib.Path) -> None:
    """Compresses the arrays of a weights file, losing nothing; Keras reads it as before."""
    plain = path.with_suffix(".plain")
    path.rename(plain)
    with h5py.File(plain) as source, h5py.File(path, "w", libver="latest") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                copied = target.create_group(name)
            else:
                copied = target.create_dataset(name, data=item, compression="gzip", shuffle=True)
            copied.attrs.update(item.attrs)

        source.visititems(copy)
    plain.unlink()


def ship(
    folder: pathlib.Path, exported: pathlib.Path, figures: dict, config: Config, output: pathlib.Path
) -> None:
    """Writes the folder that is shipped: a run to go on from, .tflite files, figures and card."""
    run = folder / "run"
    with saved_model.written_aside(output) as aside:
        for name in (work_folder.CONFIG_FILE, work_folder.TRAINING_SET_FILE):
            shutil.copyfile(run / name, aside / name)
        for name in FORMATS:
            shutil.copyfile(exported / artefacts.tflite_file(name), aside / artefacts.tflite_file(name))
        generator = halved(work_folder.load_generator(str(run), STAGE, WEIGHTS), config)
        weights = work_folder.weights_path(str(aside), STAGE, "generator")
        work_folder.save_weights(generator, weights)
        compress(weights)
        write_json(aside / weights_card.FIGURES_FILE, figures)
        (aside / weights_card.CARD_FILE).write_text(weights_card.card(figures))


def main(_) -> None:
    folder, output = pathlib.Path(FLAGS.work_dir), pathlib.Path(FLAGS.output)
    if output.exists():
        sys.exit(f"error: {output} exists. Give another --output, or remove it.")
    if FLAGS.samples and not pathlib.Path(FLAGS.samples).is_dir():
        sys.exit(f"error: {FLAGS.samples} is no folder. Give --samples=<folder of real samples>, or none.")
    try:
        prepared.prepare_people_once(FLAGS.data_dir, domains=(DOMAIN,), **presets.EVERYDAY_PEOPLE)
        prepared.prepare_people_once(FLAGS.data_dir, domains=OTHER_DOMAINS, **OTHER_PEOPLE)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    configs = train(folder)
    exported = export(folder)
    ship(folder, exported, measure(folder, exported, configs), configs[-1], output)
    print(f"Written: {output}")


if __name__ == "__main__":
    app.run(main)
