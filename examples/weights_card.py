"""The model card of the weights that come with this package: weights_card.md, filled in with figures."""

import pathlib
import string

from tf_advpose.evaluation.formats import Estimate, Table, to_markdown
from tf_advpose.evaluation.groups import worst_over_best

CARD_FILE, FIGURES_FILE = "README.md", "figures.json"
TEMPLATE = pathlib.Path(__file__).with_suffix(".md")
ALLOWED_RATIO = 1.25  # worst group over best, in PA-MPJPE
FEWEST = 50  # examples of a group that is compared
COLUMNS = {"pckh": "PCKh@0.5 %", "mpjpe": "MPJPE mm", "pa_mpjpe": "PA-MPJPE mm"}


def card(figures: dict) -> str:
    """The card, in Markdown, of what `weights.measure` returns."""
    generator, people = figures["generator"], figures["people"]
    pictures = sum(run["pictures"] for run in figures["training"])
    return string.Template(TEMPLATE.read_text()).substitute(
        figures,
        image_size=generator["image_size"],
        stacks=_stacks(generator["num_stacks"]),
        widths=_widths(generator),
        parameters=f"{figures['parameters'] / 1e6:.2f}",
        megabytes=" and ".join(f"{size / 1e6:.1f} MB in {name}" for name, size in figures["bytes"].items()),
        train_examples=f"{people['train_examples']:,}",
        picture_size=people["size"],
        training=", and from its weights ".join(map(_run, figures["training"])),
        pictures=f"{pictures:,}",
        times=round(pictures / people["train_examples"]),
        families=len(figures["poses"]),
        accuracy=_accuracy(figures["test"]),
        other_domains=_other_domains(figures["other_domains"]),
        groups=_groups(figures["groups"]),
        fewest=FEWEST,
        ratios="; ".join(_ratio(kind, groups) for kind, groups in figures["groups"].items()),
        views=_views(figures["views"]),
        poses=_poses(figures["poses"]),
        real=_real(figures["real"]) if "real" in figures else "Not measured.",
    )


def _stacks(count: int) -> str:
    return "one hourglass" if count == 1 else f"{count} hourglasses"


def _run(run: dict) -> str:
    return f"{_stacks(run['num_stacks'])} (preset `{run['preset']}`, {run['steps']:,} steps)"


def _widths(generator: dict) -> str:
    """Channels at the full resolution of the heatmaps, and at the lowest."""
    width, growth = generator["width"], generator["width_growth"]
    return f"{width} to {width + generator['depth'] * growth}" if growth else f"{width}"


def _accuracy(test: dict[str, dict]) -> str:
    return _with_intervals(
        "synthetic people whose bodies, clothes and places were not in training, in pictures as hard as "
        "those of training; root-relative, scale: camera",
        test,
    )


def _other_domains(scored: dict[str, dict]) -> str:
    return _with_intervals(
        "people each of `synthetic_people/lab` and `synthetic_people/wild`, whose poses, clothes, places "
        "and light are drawn by other rules, by the float16 file",
        scored,
    )


def _with_intervals(people: str, scored: dict[str, dict]) -> str:
    """The table of {row: summary}, all of equally many `people`."""
    first, *_ = scored.values()
    rows = {name: _row(summary) for name, summary in scored.items()}
    return to_markdown(Table(f"{first['examples']:,} {people}", tuple(COLUMNS.values()), rows))


def _row(summary: dict) -> tuple[Estimate, ...]:
    values = {**summary, "pckh": summary["pckh"]["mean"]}
    return tuple(Estimate(values[name], tuple(summary["intervals"][name])) for name in COLUMNS)


def _groups(groups: dict[str, dict[str, dict]]) -> str:
    rows = {
        f"{kind} {name} ({figures['examples']})": _figures(figures)
        for kind, of_kind in groups.items()
        for name, figures in of_kind.items()
    }
    title = (
        "People of each group (how many), by the float16 file; children include teenagers; skin is the "
        "tone drawn, from 1, the lightest, to 6, before a person's own brightness and the light change it"
    )
    return to_markdown(Table(title, tuple(COLUMNS.values()), rows))


def _ratio(kind: str, groups: dict[str, dict]) -> str:
    ratio = worst_over_best(groups, "pa_mpjpe", FEWEST)
    return f"{kind} {ratio:.2f}" + (f" (more than {ALLOWED_RATIO})" if ratio > ALLOWED_RATIO else "")


def _views(views: dict[str, dict]) -> str:
    rows = {
        f"{side} ({views[side]['examples']})": _figures(views[side]) for side in ("front", "side", "back")
    }
    title = "The side that the camera sees, by the way the chest faces (how many), by the float16 file"
    return to_markdown(Table(title, tuple(COLUMNS.values()), rows))


def _poses(poses: dict[str, dict]) -> str:
    rows = {
        f"{name.replace('_', ' ')} ({figures['examples']})": _figures(figures)
        for name, figures in sorted(poses.items(), key=lambda item: item[1]["pa_mpjpe"])
    }
    return to_markdown(Table("Families of poses, the easiest first", tuple(COLUMNS.values()), rows))


def _figures(figures: dict) -> tuple[float, ...]:
    return tuple(figures[column] for column in COLUMNS)


def _real(real: dict[str, dict]) -> str:
    in_2d = {"pck@0.2": "PCK@0.2 %", "pck@0.5": "PCK@0.5 %"}
    in_3d = {"pa_mpjpe": "PA-MPJPE mm", "n_mpjpe": "N-MPJPE mm", "pck@150": "PCK@150 %"}
    tables = [
        Table(
            f"{title} (how many people)",
            tuple(columns.values()),
            {f"{who} ({row['people']})": tuple(row[name] for name in columns) for who, row in rows},
        )
        for title, columns, rows in (
            ("Joints near their label, of heads (COCO: of torsos)", in_2d, real["pck"].items()),
            ("3D, scale: bones", in_3d, real["3d"].items()),
        )
    ]
    sides = real["sides"]["all"]
    return "\n\n".join(
        [
            "People of a few dozen photographs of public datasets. Nothing was trained on them and no two "
            "settings compared, but what earlier networks confused on them led to this wider one, and to "
            "more rendered people from behind and in wheelchairs; `benchmarks/real_accuracy.py` defines "
            "the figures. So few give no more than an idea.",
            *map(to_markdown, tables),
            f"Of {sides['pairs']} pairs of left and right joints, {sides['wrong_side']:.0f} % of the "
            "joints lie on the wrong side; guessing sides at random would give 50 %.",
        ]
    )
