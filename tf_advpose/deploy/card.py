"""What an export says of itself in words: the parity report and the model card, in Markdown."""

from tf_advpose import config as configuration
from tf_advpose.config import STAGES
from tf_advpose.data import pipeline
from tf_advpose.deploy import parity

SCORES = {"mpjpe": "MPJPE mm", "pckh": "PCKh@0.5 %"}
WEIGHTS = {
    "last": "its last weights",
    "average": "the moving average of its weights",
    "best": "those of its weights that validated best, on `{}`",
}


def parity_report(report: dict) -> str:
    """What `artefacts.write` measured, as Markdown."""
    calibration = report["calibration"]
    lines = [
        "# How far the exports are from the Keras model",
        "",
        f"Compared on {report['examples']} examples of {report['data']}, split {report['split']}, as 8-bit "
        f"crops; the ranges of int8 were measured on {calibration['examples']} crops of "
        f"{calibration['data']}, split {calibration['split']}.",
        "",
        *_differences(report),
        "",
        *filter(None, [parity.not_judged_text(report)]),
        parity.undecided_text(report),
        "",
        "Millimetres are those of the labelled scale, or, where there is none, of a person of the training "
        "set's mean size.",
        "",
        *_scores(report),
        "",
    ]
    return "\n".join(lines)


def _differences(report: dict) -> list[str]:
    lines = ["| largest (mean) difference | " + " | ".join(_headings()) + " | limit |"]
    lines += ["|---|" + "---:|" * len(parity.UNITS) + "---|"]
    for artefact, measured in report["differences"].items():
        cells = [f"{measured[name]['largest']:.2g} ({measured[name]['mean']:.2g})" for name in parity.UNITS]
        limit = parity.limits_text(report["limits"][artefact])
        lines.append(f"| {artefact} | " + " | ".join(cells) + f" | {limit} |")
    return lines


def _headings() -> list[str]:
    return [f"{name}, {unit}" for name, unit in parity.UNITS.items()]


def _scores(report: dict) -> list[str]:
    (first, *_) = report["scores"].values()
    known = [name for name in SCORES if name in first]
    if not known:
        return ["MPJPE and PCKh were not measured: the examples have neither 3D labels nor head sizes."]
    lines = [
        "Scores, and their change from the Keras model with its 95 % bootstrap interval. 3D is "
        "root-relative, scale: camera.",
        "",
        "| | " + " | ".join(f"{SCORES[name]} | change (interval)" for name in known) + " |",
        "|---|" + "---:|---:|" * len(known),
    ]
    reference = " | ".join(f"{first[name]['reference']:.2f} | " for name in known)
    lines.append(f"| Keras float32 | {reference} |")
    for artefact, changes in report["scores"].items():
        cells = [
            f"{changes[name]['exported']:.2f} | {changes[name]['change']:+.3f} "
            f"({changes[name]['interval'][0]:+.3f} to {changes[name]['interval'][1]:+.3f})"
            for name in known
        ]
        lines.append(f"| {artefact} | " + " | ".join(cells) + " |")
    return lines


def model_card(metadata: dict, report: dict) -> str:
    """What someone who is to use the export should know, from its metadata and its parity report."""
    config = configuration.from_dict(metadata["config"])
    (first, *_) = report["scores"].values()
    accuracy = [
        f"- {SCORES[name]}: {first[name]['reference']:.1f}" for name in SCORES if name in first
    ] or ["- not measured: the examples have neither 3D labels nor head sizes"]
    lines = [
        "# Model card",
        "",
        f"Sixteen joints of one person in 3D, from a square crop of {metadata['image_size']} pixels: a "
        f"stacked hourglass (stacks: {config.generator.num_stacks}, width: "
        f"{config.generator.width}) and a depth module, trained after Yang et al., 3D Human Pose "
        "Estimation in the Wild by Adversarial Learning (CVPR 2018).",
        "",
        "## Training",
        "",
        *_training(config, metadata["stage"], metadata["weights"], metadata["initial_hourglass"]),
        "",
        f"Exported with the code {metadata['code_version']}, TensorFlow {metadata['tensorflow_version']}, "
        f"Keras {metadata['keras_version']}; trained perhaps with others. The whole configuration is in "
        "`metadata.json`.",
        "",
        "## Accuracy",
        "",
        f"The Keras model on {report['examples']} examples of `{report['data']}`, split "
        f"`{report['split']}`, root-relative, scale: camera:",
        "",
        *accuracy,
        "",
        "What the exports add to that is in `parity.md` beside the SavedModel. Other photos, other people, "
        "other cameras: measure first.",
        "",
        "## Limits",
        "",
        "- One person a crop, who has to be found by other means. The crop's side is "
        f"{metadata['crop_margin']} times the longer side of the person's box, about its centre.",
        "- Depth is relative to the pelvis and in halves of the crop's width. A photo alone does not say "
        "how large a person is: millimetres need the true distance, or the assumption that the bones "
        f"together have {metadata['total_bone_length']:.0f} mm, the mean of `{config.lab}`.",
        "- `confidence` is the peak of a heatmap, not a probability. Joints that are hidden or outside the "
        "crop get a place all the same.",
        "- Orientation tags of photos are not applied by the SavedModel.",
        "",
    ]
    return "\n".join(lines)


def _training(
    config: configuration.Config, stage: str, weights: str, initial_hourglass: str | None
) -> list[str]:
    """How the weights came about, and from which data."""
    stages = [name for name in STAGES[: STAGES.index(stage) + 1] if config.stage(name).steps]
    began = []
    if config.initial_weights:
        began.append(f"The first stage began with the weights of the run `{config.initial_weights}`.")
    if initial_hourglass:
        stages.remove(STAGES[0])
        began.append(
            f"The 2D module began, in place of `{STAGES[0]}`, with the weights of `{initial_hourglass}`."
        )
    wild = [pipeline.num_wild(config, name) for name in stages]
    data = [f"`{config.lab}` with depth labels"] if any(n < config.batch_size for n in wild) else []
    data += [f"`{config.wild}` with 2D labels"] if any(wild) else []
    steps = ", ".join(f"{name} ({config.stage(name).steps} steps)" for name in stages)
    of_data = "these datasets and of the data behind those weights" if began else "these datasets"
    return [
        f"Preset `{config.preset}`, exported after stage `{stage}`, "
        f"{WEIGHTS[weights].format(config.validate_on)}; stages: {steps or 'none'}. "
        f"Data: {', '.join(data) or 'none'}.",
        *began,
        f"What the terms of {of_data} allow, this model is allowed, and no more.",
    ]
