"""The main job from end to end, on synthetic people, on two CPU cores, in under twenty minutes.

  python examples/demo.py

Prepares people, runs the three training stages, trains a second generator for as many further steps without
the discriminator, scores all of them in the lab and in the wild, exports the adversarial one, and writes a
report. Interrupted, the same command goes on.
"""

import dataclasses
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app, flags

from tf_advpose.startup import keep_freed_memory, load_tensorflow_quietly

keep_freed_memory()
load_tensorflow_quietly()

import numpy as np

from tf_advpose import presets, visualize, work_folder
from tf_advpose.data import pipeline, prepared
from tf_advpose.deploy import artefacts, parity
from tf_advpose.evaluation import protocols, report, sources
from tf_advpose.evaluation.predictions import Predictions, joints_from_camera
from tf_advpose.files import write_json, written_aside
from tf_advpose.progress import track
from tf_advpose.training.trainer import Trainer

FLAGS = flags.FLAGS
flags.DEFINE_string("work_dir", "runs/demo", "Folder for the runs, the exports and the report.")
flags.DEFINE_string("data_dir", "data/demo", "Folder of the prepared people; made where it is missing.")
flags.DEFINE_integer("seed", 0, "Seed of the training; the people stay the same.")

PICTURE_SIZE = 96  # pixels; the crop of 64 is cut from it at about its own resolution
EXAMPLES = {"train": 3000, "test": 400}  # of each domain
DOMAINS = {"lab": "synthetic_people/lab", "wild": "synthetic_people/wild"}
BATCH_SIZE = 50
PICTURED = 6  # test examples a domain

# What is compared: the run and the stage of each generator.
MODELS = {
    "pretrained": ("adversarial", "pretrain_3d"),
    "more steps without D": ("baseline", "adversarial"),
    "adversarial": ("adversarial", "adversarial"),
}


def prepare_people(data_dir: str) -> None:
    """Renders both domains, unless they are there."""
    prepared.prepare_people_once(
        data_dir, train_examples=EXAMPLES["train"], test_examples=EXAMPLES["test"], size=PICTURE_SIZE
    )


def train(folder: pathlib.Path, data_dir: str, seed: int) -> None:
    """Trains with adversarial learning, and again without it from the same pretrained weights."""
    runs = (("adversarial", "demo", None), ("baseline", "baseline_demo", folder / "adversarial"))
    for run, preset, start_from in runs:
        print(f"  {run}:", file=sys.stderr)
        config = dataclasses.replace(presets.from_preset(preset), seed=seed)
        Trainer(config, str(folder / run), data_dir, start_from=start_from).run()


def predict(folder: pathlib.Path, data_dir: str) -> dict[str, dict[str, Predictions]]:
    """What each of `MODELS` predicts on each domain's test split: {domain: {model: predictions}}."""
    predictions = {domain: {} for domain in DOMAINS}
    for model, (run, stage) in MODELS.items():
        source = sources.from_work_folder(str(folder / run), stage)
        for domain, name in DOMAINS.items():
            batches, count = pipeline.evaluation_batches(
                name, "test", data_dir, source.image_size, BATCH_SIZE
            )
            label = f"  {model}, {domain}"
            predictions[domain][model] = sources.collect(
                source, track(batches, label, -(-count // BATCH_SIZE))
            )
    return predictions


def export(folder: pathlib.Path, data_dir: str) -> dict:
    """Exports the adversarially trained generator, unless that is done: the report of differences."""
    exported = folder / "exports/adversarial/1"
    if not exported.exists():
        artefacts.export(
            str(folder / "adversarial"), str(folder / "exports"), DOMAINS["wild"], data_dir=data_dir
        )
    return json.loads((exported / artefacts.PARITY_FILE).read_text())


def draw_examples(folder: pathlib.Path, data_dir: str, domain: str, predictions: dict) -> None:
    """Draws the first test examples of a domain, with what the generators see in them."""
    generator = work_folder.load_generator(str(folder / "adversarial"))
    batches, _ = pipeline.evaluation_batches(
        DOMAINS[domain], "test", data_dir, generator.input_shape[1], PICTURED
    )
    batch = {key: value.numpy() for key, value in next(iter(batches)).items()}
    heatmaps = generator.predict(batch["image"], verbose=0)["heatmaps"][-1]
    joints_3d = {model: joints_from_camera(found) for model, found in predictions.items()}
    rows = [
        visualize.ExampleRow(
            image=(255 * batch["image"][index]).round().astype(np.uint8),
            heatmaps=heatmaps[index],
            predicted_joints_2d=predictions["adversarial"].predicted_joints_2d[index],
            joints_2d=batch["joints_2d"][index],
            joint_weight=batch["joint_weight"][index],
            pretrained_joints_3d=joints_3d["pretrained"][index],
            adversarial_joints_3d=joints_3d["adversarial"][index],
            joints_3d=batch["joints_3d"][index],
        )
        for index in range(PICTURED)
    ]
    visualize.example_sheet(rows, str(folder / f"examples_{domain}.png"))


def draw_curves(folder: pathlib.Path) -> None:
    """Draws the losses of all stages, and how often the discriminator was right."""
    stages = {
        "pretrain_2d": work_folder.read_metrics(folder / "adversarial", "pretrain_2d"),
        "pretrain_3d": work_folder.read_metrics(folder / "adversarial", "pretrain_3d"),
        "adversarial": work_folder.read_metrics(folder / "adversarial", "adversarial"),
        "without D": work_folder.read_metrics(folder / "baseline", "adversarial"),
    }
    panels = {
        title: {stage: (log["step"], log[metric]) for stage, log in stages.items() if log[metric].any()}
        for title, metric in (("heatmap loss", "heatmap_loss"), ("depth loss", "depth_loss"))
    }
    adversarial = stages["adversarial"]
    panels["share D gets right"] = {
        name: (adversarial["step"], adversarial[metric])
        for name, metric in (
            ("real poses", "accuracy_real"),
            ("predictions, lab", "accuracy_fake_lab"),
            ("predictions, wild", "accuracy_fake_wild"),
        )
    }
    visualize.plot_curves(panels, str(folder / "curves.png"), "step of the stage")


def draw_pictures(folder: pathlib.Path, data_dir: str, predictions: dict) -> None:
    """Draws every picture of the report."""
    for domain in DOMAINS:
        draw_examples(folder, data_dir, domain, predictions[domain])
    draw_curves(folder)


def finding(results: dict) -> str:
    """What adversarial learning did to the 3D error in the wild, in two sentences."""

    def compared(metric: str) -> str:
        without, adversarial = (
            results["wild"][model][metric] for model in ("more steps without D", "adversarial")
        )
        change = adversarial - without
        return (
            f"{adversarial:.1f} mm after adversarial learning and {without:.1f} mm after as many steps "
            f"without it: {abs(change):.1f} mm ({abs(change) / without:.1%}) "
            f"{'lower' if change < 0 else 'higher'}."
        )

    return f"In the wild, MPJPE is {compared('mpjpe')} PA-MPJPE is {compared('pa_mpjpe')}"


def write_report(folder: pathlib.Path, results: dict, parity_report: dict, seconds: dict) -> pathlib.Path:
    """Writes report.md beside the pictures."""
    lines = ["# Demo report", "", finding(results), ""]
    lines += ["One seed is an anecdote; benchmarks/adversarial_gain.py takes several.", ""]
    for domain in DOMAINS:
        lines += [f"## {domain}", ""]
        for table in report.tables(results[domain], f"{DOMAINS[domain]} test"):
            lines += [report.to_markdown(table), ""]
        lines += [f"![input, heatmaps, joints and skeletons](examples_{domain}.png)", ""]
    lines += ["## Training", "", "![loss curves](curves.png)", ""]
    lines += ["## Export", "", f"Largest differences on {parity_report['examples']} wild test crops:", ""]
    table = parity.table(parity_report["differences"], parity_report["limits"])
    lines += ["```", table, "```", ""]
    lines += ["## Time", "", "| step | seconds |", "|---|---:|"]
    lines += [f"| {step} | {spent:.0f} |" for step, spent in seconds.items()]
    path = folder / "report.md"
    with written_aside(path) as aside:
        aside.write_text("\n".join(lines) + "\n")
    return path


def main(_) -> None:
    folder, data_dir = pathlib.Path(FLAGS.work_dir), FLAGS.data_dir
    seconds = {}

    def step(title: str, function, *arguments):
        print(f"[{len(seconds) + 1}/5] {title}", file=sys.stderr, flush=True)
        started = time.monotonic()
        result = function(*arguments)
        seconds[title] = time.monotonic() - started
        return result

    step("Preparing synthetic people", prepare_people, data_dir)
    step("Training", train, folder, data_dir, FLAGS.seed)
    predictions = step("Evaluating", predict, folder, data_dir)
    results = {
        domain: {model: protocols.evaluate(found) for model, found in models.items()}
        for domain, models in predictions.items()
    }
    parity_report = step("Exporting", export, folder, data_dir)
    step("Drawing", draw_pictures, folder, data_dir, predictions)
    write_json(folder / "results.json", {"seed": FLAGS.seed, **results})
    path = write_report(folder, results, parity_report, seconds)
    print(f"\n{finding(results)}\nReport: {path}")


if __name__ == "__main__":
    app.run(main)
