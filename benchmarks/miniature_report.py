"""Makes the tables and curves of docs/reproduction.md of the JSON that benchmarks/miniature.py wrote.

  python benchmarks/miniature_report.py

What stands between `<!-- made: name -->` and `<!-- end -->` in the document is replaced, and
docs/images/miniature_*.png are drawn. Runs that are still to come are left out.
"""

import collections
import json
import pathlib
import re
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import numpy as np
import scipy.stats

from tf_advpose import visualize
from tf_advpose.evaluation import discriminator_probe, published
from tf_advpose.evaluation.formats import Estimate, Table, to_markdown
from tf_advpose.files import written_aside

FLAGS = flags.FLAGS
flags.DEFINE_string("results", "benchmarks/results/miniature", "Folder of the JSON files.")
flags.DEFINE_string("document", "docs/reproduction.md", "The document whose tables are replaced.")
flags.DEFINE_string("images", "docs/images", "Folder of the curves.")

ROWS = {  # of Table 2: {run: what the paper calls it}
    "baseline_fix2d": "Baseline (fix 2D)",
    "baseline": "Baseline",
    "map": "Map",
    "geo": "Geo",
    "full_fix2d": "Full (fix 2D)",
    "full_without_pretraining": "Full (w/o pretrain)",
    "full": "Full",
    "descriptor": "Descriptor (ours)",
}
LAMBDAS = {
    "full": "full, 1e-4",
    "descriptor_lambda_1e-5": "descriptor, 1e-5",
    "descriptor": "descriptor, 1e-4",
    "descriptor_lambda_1e-3": "descriptor, 1e-3",
    "descriptor_lambda_1e-2": "descriptor, 1e-2",
}
WILD_SHARES = {
    "descriptor_wild_0.0": "0 %",
    "descriptor_wild_0.25": "25 %",
    "descriptor": "50 %",
    "descriptor_wild_0.75": "75 %",
}
SEEN = {  # what the discriminator sees
    "image": "image",
    "map": "image, maps",
    "geo": "image, descriptor",
    "full": "image, descriptor, maps",
    "full_redrawn": "the same, predicted maps drawn anew",
    "descriptor": "descriptor",
}
PAPERS_MARK = "*"
PAPER_NOTE = f"{PAPERS_MARK} as printed in {published.PAPER}"
DRAWS = 1000  # of the bootstrap
TOGETHER = 5  # logged batches, which are small, that are a point of a curve

Runs = dict[str, dict[int, dict]]  # {run: {seed: result}}


def main(_) -> None:
    runs = read_runs(pathlib.Path(FLAGS.results))
    if "baseline" not in runs:
        sys.exit(f"error: {FLAGS.results} lacks the baseline; run benchmarks/miniature.py first.")
    document = pathlib.Path(FLAGS.document)
    text = document.read_text()
    for name, made in sections(runs).items():
        text = replaced(text, name, made)
    with written_aside(document) as aside:
        aside.write_text(text)
    draw(runs, pathlib.Path(FLAGS.images))
    print(f"Written: {document}, {FLAGS.images}/miniature_*.png")


def read_runs(folder: pathlib.Path) -> Runs:
    """The results of all runs and seeds that there are."""
    found = collections.defaultdict(dict)
    for path in sorted(folder.glob("*_seed*.json")):
        name, _, seed = path.stem.rpartition("_seed")
        found[name][int(seed)] = json.loads(path.read_text())
    return dict(found)


def sections(runs: Runs) -> dict[str, str]:
    """The tables of the document by their names, in Markdown."""
    of_rows, of_sweeps = runs_of_rows(runs), runs_of_sweeps(runs)
    rows = known(ROWS, of_rows)
    made = {
        "table 2 lab": limbs_table(of_rows, rows, "lab"),
        "table 2 wild": limbs_table(of_rows, rows, "wild"),
        "table 3": pckh_table(of_rows, rows),
        "table 4": shares_table(of_rows, rows),
        "gains": gains_table(of_rows, rows),
        "lambda": gains_table(of_sweeps, known(LAMBDAS, of_sweeps)),
        "wild share": gains_table(of_sweeps, known(WILD_SHARES, of_sweeps)),
        "seen": gains_table(runs, known(SEEN, runs)),
        "accuracy": accuracy_table(runs, known(SEEN, runs)),
        "probe": probe_table(runs, known(SEEN, runs)),
    }
    return {name: to_markdown(table) if table.rows else "Not trained yet." for name, table in made.items()}


def runs_of_rows(runs: Runs) -> Runs:
    """The rows of Table 2 with the seeds that all of them have."""
    rows = known(ROWS, runs)
    seeds = set.intersection(*(set(runs[name]) for name in rows))
    return {name: {seed: runs[name][seed] for seed in sorted(seeds)} for name in rows}


def runs_of_sweeps(runs: Runs) -> Runs:
    """Every run with the seeds of those that are no row of Table 2, which the sweeps are made of."""
    seeds = {seed for name in runs if name not in ROWS for seed in runs[name]}
    kept = {name: {seed: by_seed[seed] for seed in seeds & set(by_seed)} for name, by_seed in runs.items()}
    return {name: by_seed for name, by_seed in kept.items() if by_seed}


def known(labels: dict[str, str], runs: Runs) -> dict[str, str]:
    """Those of {run: label} that there are."""
    return {name: label for name, label in labels.items() if name in runs}


def figures(runs: Runs, name: str, domain: str, stage: str = "adversarial") -> list[dict]:
    """A run's figures on a test split, a dictionary a seed."""
    return [result["stages"][stage][domain] for result in runs[name].values()]


def limbs_table(runs: Runs, rows: dict[str, str], domain: str) -> Table:
    """Table 2: MPJPE by limb and its mean, with the interval of one more run."""
    limbs = tuple(figures(runs, "baseline", domain)[0]["mpjpe_by_limb"])

    def cells(name: str) -> tuple:
        found = figures(runs, name, domain)
        by_limb = [np.mean([one["mpjpe_by_limb"][limb] for one in found]) for limb in limbs]
        mean = one_more_run([one["mpjpe"] for one in found])
        paper = (published.TABLE_2.get(rows[name], (None,))[-1],) if domain == "lab" else ()
        return (*by_limb, mean, *paper)

    paper = ("the paper's mean, Human3.6M",) if domain == "lab" else ()
    columns = (*(limb.replace("_", " ") for limb in limbs), "mean", *paper)
    title = f"MPJPE in mm by limb, {domain} test split, scale: camera"
    return Table(title, columns, {rows[name]: cells(name) for name in rows}, (run_note(runs),))


def pckh_table(runs: Runs, rows: dict[str, str]) -> Table:
    """Table 3: PCKh by joint group in the wild, before and after the stages with 3D labels."""
    groups = tuple(figures(runs, "baseline", "wild")[0]["pckh"])

    def cells(found: list[dict]) -> tuple:
        *by_group, _ = (np.mean([one["pckh"][group] for one in found]) for group in groups)
        return (*by_group, one_more_run([one["pckh"]["mean"] for one in found]))

    body = {"Pretrain (2D alone)": cells(figures(runs, "baseline", "wild", "pretrain_2d"))}
    body |= {label: cells(figures(runs, name, "wild")) for name, label in rows.items()}
    paper = {f"{PAPERS_MARK} {label}": row for label, row in published.TABLE_3.items()}
    return Table(
        "PCKh@0.5 in %, wild test split", groups, paper | body, (PAPER_NOTE + " on MPII.", run_note(runs))
    )


def shares_table(runs: Runs, rows: dict[str, str]) -> Table:
    """Table 4: 3D PCK and AUC in the wild."""

    def cells(name: str) -> tuple:
        found = figures(runs, name, "wild")
        return tuple(one_more_run([one[share] for one in found]) for share in ("pck3d", "auc3d"))

    paper = {f"{PAPERS_MARK} {label}": row for label, row in published.TABLE_4.items()}
    body = paper | {label: cells(name) for name, label in rows.items()}
    title = "3D PCK@150 mm and AUC in %, wild test split, scale: camera"
    return Table(title, ("PCK", "AUC"), body, (PAPER_NOTE + " on MPI-INF-3DHP.", run_note(runs)))


def gains_table(runs: Runs, rows: dict[str, str]) -> Table:
    """Each run minus that run of the same seed which differs from it by having no discriminator."""
    columns = {
        "wild MPJPE": ("wild", "mpjpe", None),
        "wild PA-MPJPE": ("wild", "pa_mpjpe", None),
        "wild PCKh": ("wild", "pckh", None),
        "PA-MPJPE, wild poses of the lab's kinds": ("wild", "pa_mpjpe", True),
        "PA-MPJPE, other wild poses": ("wild", "pa_mpjpe", False),
        "lab MPJPE": ("lab", "mpjpe", None),
        "lab PA-MPJPE": ("lab", "pa_mpjpe", None),
    }

    def cells(name: str) -> tuple:
        return tuple(difference(runs, name, *column) for column in columns.values())

    def label(name: str) -> str:
        count = len(seeds_of_both(runs, name))
        return f"{rows[name]} ({count} seed{'s' if count > 1 else ''})"

    body = {label(name): cells(name) for name in rows if name != "baseline"}
    notes = (
        "Means over seeds of the difference from the same seed's baseline, in mm, below 0 being better, "
        "and of PCKh@0.5 in points, above 0 being better.",
        f"[low, high]: 95 % by a bootstrap ({DRAWS} draws) over the seeds and the examples they share; of "
        "PCKh over the seeds alone.",
    )
    return Table("Differences from the baseline", tuple(columns), body, notes)


def seeds_of_both(runs: Runs, name: str) -> list[int]:
    """Those of a run that the baseline has as well."""
    return sorted(set(runs[name]) & set(runs["baseline"]))


def difference(runs: Runs, name: str, domain: str, metric: str, in_lab: bool | None) -> Estimate:
    """A run minus the baseline, paired by seed and example (PCKh by seed alone), with its 95 % interval.

    `in_lab`: over the kinds of poses that the lab has, or those that it has not; None: over all.
    """
    pairs = []
    for seed in seeds_of_both(runs, name):
        ours, others = (runs[run][seed]["stages"]["adversarial"][domain] for run in (name, "baseline"))
        if metric == "pckh":
            pairs.append([ours[metric]["mean"] - others[metric]["mean"]])
        else:
            change = np.subtract(ours["by_example"][metric], others["by_example"][metric])
            pairs.append(change if in_lab is None else change[np.equal(ours["in_lab"], in_lab)])
    pairs = np.array(pairs)  # [seeds, examples]
    if pairs.size == 1:  # nothing to draw from
        return Estimate(float(pairs.mean()), None)
    rng = np.random.default_rng(0)
    seeds, examples = pairs.shape
    drawn = [
        pairs[rng.integers(seeds, size=seeds)][:, rng.integers(examples, size=examples)].mean()
        for _ in range(DRAWS)
    ]
    return Estimate(float(pairs.mean()), tuple(np.percentile(drawn, [2.5, 97.5]).tolist()))


def accuracy_table(runs: Runs, rows: dict[str, str]) -> Table:
    """How often the discriminator is right over the last fifth of its training, by domain."""
    names = {
        "real lab": "accuracy_real",
        "predicted lab": "accuracy_fake_lab",
        "predicted wild": "accuracy_fake_wild",
    }

    def cells(name: str) -> tuple:
        logs = [result["training"]["adversarial"] for result in runs[name].values()]
        late = [slice(-max(1, len(log["step"]) // 5), None) for log in logs]
        return tuple(
            100 * np.mean([np.mean(log[metric][part]) for log, part in zip(logs, late, strict=True)])
            for metric in names.values()
        )

    return Table(
        "Poses that the discriminator judges rightly, in %, while it learns",
        tuple(names),
        {label: cells(name) for name, label in rows.items()},
    )


def probe_table(runs: Runs, rows: dict[str, str]) -> Table:
    """How many true poses a trained discriminator prefers to the same poses spoiled, lab test split."""
    ways = tuple(discriminator_probe.WAYS)

    def cells(name: str) -> tuple:
        probes = [result["probe"]["lab"] for result in runs[name].values()]
        return tuple(np.mean([probe[way]["told"] for probe in probes]) for way in ways)

    note = "50: it cannot tell; a pose spoiled by less than a twentieth of the crop is left out."
    return Table(
        "True poses preferred to spoiled ones, in %, lab test split",
        ways,
        {label: cells(name) for name, label in rows.items()},
        (note,),
    )


def one_more_run(values: list[float]) -> Estimate:
    """The mean over seeds, and where a run of one more seed lies with 95 % (Student's t)."""
    if len(values) == 1:
        return Estimate(values[0], None)
    reach = (
        scipy.stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / len(values))
    )
    mean = float(np.mean(values))
    return Estimate(mean, (mean - reach, mean + reach))


def run_note(runs: Runs) -> str:
    seeds = max(map(len, runs.values()), default=0)
    if seeds < 2:
        return "One seed."
    return f"Means over seeds, {seeds} at most. [low, high]: where one more run lies, 95 % (Student's t)."


def replaced(text: str, name: str, made: str) -> str:
    """`text` with `made` as the section `name`. Raises ValueError if there is no such section."""
    pattern = rf"(<!-- made: {re.escape(name)} -->\n).*?(<!-- end -->)"
    text, count = re.subn(pattern, lambda found: f"{found[1]}\n{made}\n\n{found[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"The document has {count} sections `<!-- made: {name} -->`, expected one.")
    return text


def draw(runs: Runs, folder: pathlib.Path) -> None:
    """Figure 5, and how the discriminators fare over time."""
    trained = {"full": "with pretraining", "full_without_pretraining": "without", "baseline": "no D"}
    panels = {
        f"{title}, wild validation split": {
            label: validation_curve(runs, name, metric) for name, label in known(trained, runs).items()
        }
        for title, metric in (("MPJPE in mm", "mpjpe"), ("PCKh@0.5 in %", "pckh"))
    }
    visualize.plot_curves(panels, folder / "miniature_training.png", "step since the start of pretrain_3d")
    panels = {
        f"predicted {domain} poses called fake, %": {
            label: accuracy_curve(runs, name, f"accuracy_fake_{domain}")
            for name, label in known(SEEN, runs).items()
        }
        for domain in ("lab", "wild")
    }
    visualize.plot_curves(panels, folder / "miniature_discriminators.png", "step of the adversarial stage")


def validation_curve(runs: Runs, name: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """A run's validations against the step since the start of `pretrain_3d`, mean over the seeds.

    What it shares with the baseline is read from the baseline's.
    """
    results = list(runs[name].values())
    planned = results[0]["steps"]
    steps, values = [], []
    for stage, first in (("pretrain_3d", 0), ("adversarial", planned["pretrain_3d"])):
        if planned[stage]:
            owners = results if stage in results[0]["validation"] else runs["baseline"].values()
            logs = [owner["validation"][stage] for owner in owners]
            steps.append(first + np.array(logs[0]["step"]))
            values.append(np.mean([log[metric] for log in logs], axis=0))
    return np.concatenate(steps), np.concatenate(values)


def accuracy_curve(runs: Runs, name: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """How often a run's discriminator is right, in percent, mean over the seeds and `TOGETHER` batches."""
    logs = [result["training"]["adversarial"] for result in runs[name].values()]
    steps, values = logs[0]["step"], np.mean([log[metric] for log in logs], axis=0)
    whole = len(steps) // TOGETHER * TOGETHER
    return tuple(np.reshape(each[:whole], (-1, TOGETHER)).mean(axis=1) for each in (steps, 100 * values))


if __name__ == "__main__":
    app.run(main)
