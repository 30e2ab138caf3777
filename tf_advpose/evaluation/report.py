"""The paper's tables of several models on the same data, and the files they are written to."""

import os
import pathlib

from tf_advpose import files
from tf_advpose.evaluation import conventions, published
from tf_advpose.evaluation.formats import Cell, Estimate, Table, to_csv, to_latex, to_markdown, to_text
from tf_advpose.evaluation.protocols import SCENES

WRITERS = {  # by a file's ending; .json holds the results that tables are made of
    ".md": lambda tables: "\n\n".join(map(to_markdown, tables)) + "\n",
    ".tex": lambda tables: "\n\n".join(map(to_latex, tables)) + "\n",
    ".txt": lambda tables: "\n\n".join(map(to_text, tables)) + "\n",
    ".csv": to_csv,
}
SCORES_3D = {
    "MPJPE mm": "mpjpe",
    "PA-MPJPE mm": "pa_mpjpe",
    "PA-MPJPE without scale mm": "pa_mpjpe_rigid",
    "N-MPJPE mm": "n_mpjpe",
    "depth mm": "depth_error",
    "velocity mm": "velocity",
    "PCK@150 %": "pck3d",
    "AUC %": "auc3d",
}
PROTOCOLS = {  # of Table 1: the metric, what the paper calls it, the published rows
    "mpjpe": ("MPJPE", "Protocol #1", published.TABLE_1_PROTOCOL_1),
    "pa_mpjpe": ("PA-MPJPE", "Protocol #2, by a similarity", published.TABLE_1_PROTOCOL_2),
    "pa_mpjpe_rigid": ("PA-MPJPE without scale", "Protocol #2, by a rigid motion", {}),
}
PUBLISHED_MARK = "*"
PUBLISHED_NOTE = f"{PUBLISHED_MARK} as printed in {published.PAPER}, by the authors' own conventions."

Results = dict[str, dict]


def tables(results: Results, data: str, comparisons: dict[str, dict] | None = None) -> list[Table]:
    """The tables of what `protocols.summarise` gave for several models on the same data.

    Args:
      results: {model: its results}.
      data: names the dataset and split in the titles, such as "human36m test". Published rows stand
        beside ours where the dataset is the paper's.
      comparisons: {model: `protocols.compare` of the first model with it}.

    Raises:
      ValueError: the models were not scored on as many examples by the same conventions.
    """
    _check_alike(results)
    in_3d = {model: result for model, result in results.items() if "mpjpe" in result}
    in_2d = {model: result for model, result in results.items() if "pckh" in result}
    made = []
    if in_3d:
        made += [_overview(in_3d, data), *_table_1(in_3d, data), _table_2(in_3d, data)]
    if in_2d:
        made.append(_table_3(in_2d, data))
    if in_3d:
        made += _table_4(in_3d, data)
    if comparisons and any(comparisons.values()):  # models of 2D alone and of 3D alone share no metric
        made.append(_differences(results, comparisons, data))
    return made


def check_outputs(paths: list[str]) -> None:
    """Raises ValueError for an ending that no format has, FileExistsError for a file that is there."""
    for path in paths:
        if pathlib.Path(path).suffix not in (*WRITERS, ".json"):
            raise ValueError(f"{path} must end in one of {', '.join([*WRITERS, '.json'])}.")
        if os.path.exists(path):
            raise FileExistsError(f"{path} exists; name another file or remove it.")


def write(path: str, made: list[Table], results: dict) -> None:
    """Writes the tables, or the `results` where `path` ends in .json, to a new file.

    Raises:
      FileExistsError, ValueError: as `check_outputs`.
    """
    check_outputs([path])
    suffix = pathlib.Path(path).suffix
    if suffix == ".json":
        files.write_json(path, results)
        return
    with files.written_aside(path) as aside:
        aside.write_text(WRITERS[suffix](made))


def _check_alike(results: Results) -> None:
    (first_model, first), *_ = results.items()
    for model, result in results.items():
        for name in ("examples", "conventions"):
            if result[name] != first[name]:
                raise ValueError(
                    f"These results cannot share a table: {name} of {model} is {result[name]}, of "
                    f"{first_model} {first[name]}."
                )


def _overview(results: Results, data: str) -> Table:
    columns = [
        column
        for column, name in SCORES_3D.items()
        if any(name in result["intervals"] for result in results.values())
    ]
    rows = {
        model: tuple(_estimate(result, SCORES_3D[column]) for column in columns)
        for model, result in results.items()
    }
    return Table(f"3D, {_suffix(results, data)}", tuple(columns), rows, _notes(results, velocity=True))


def _table_1(results: Results, data: str) -> list[Table]:
    """MPJPE and PA-MPJPE by action, the paper's columns where the actions are Human3.6M's."""
    by_action = next(iter(results.values()))["by_action"]
    if len(by_action) < 2 and not _is(data, "human36m"):
        return []
    heads = {action: action for action in by_action}
    if _is(data, "human36m"):
        heads = published.HUMAN36M_ACTIONS
    made = []
    for name, (metric, protocol, rows) in PROTOCOLS.items():
        ours = {
            model: (
                *(result["by_action"].get(action, {}).get(name) for action in heads),
                _estimate(result, name),
            )
            for model, result in results.items()
        }
        known = _published(rows) if _is(data, "human36m") else {}
        title = f"{metric} in mm by action (the paper's {protocol}), {_suffix(results, data, name)}"
        notes = _notes(results) + ((PUBLISHED_NOTE, *_references(known)) if known else ())
        made.append(Table(title, (*heads.values(), "Avg."), known | ours, notes))
    return made


def _table_2(results: Results, data: str) -> Table:
    limbs = next(iter(results.values()))["mpjpe_by_limb"]
    ours = {
        model: (*result["mpjpe_by_limb"].values(), _estimate(result, "mpjpe"))
        for model, result in results.items()
    }
    known = _published(published.TABLE_2) if _is(data, "human36m") else {}
    notes = _notes(results) + ((PUBLISHED_NOTE,) if known else ())
    columns = (*(limb.replace("_", " ") for limb in limbs), "mean")
    return Table(f"MPJPE in mm by limb, {_suffix(results, data)}", columns, known | ours, notes)


def _table_3(results: Results, data: str) -> Table:
    first = next(iter(results.values()))
    groups = [group for group in first["pckh"] if group != "mean"]
    ours = {
        model: (*(result["pckh"].get(group) for group in groups), _estimate(result, "pckh"))
        for model, result in results.items()
    }
    known = _published(published.TABLE_3) if _is(data, "mpii") and len(groups) == 7 else {}
    rule = conventions.PCKH_RULES[first["conventions"]["pckh"]]
    title = f"PCKh@0.5 in %, {data}, {_count(first['examples'], 'example')}, {rule}"
    notes = _notes(results) + ((PUBLISHED_NOTE,) if known else ())
    return Table(title, (*groups, "mean"), known | ours, notes)


def _table_4(results: Results, data: str) -> list[Table]:
    """3D PCK and AUC: overall, by scene, by activity."""
    first = next(iter(results.values()))
    chosen = first["conventions"]
    rule = ", ".join(
        [
            conventions.PCK3D_RULES[chosen["pck3d"]],
            conventions.PCK3D_SKELETONS[first["pck3d_skeleton"]],
            conventions.PCK3D_JOINTS[chosen["pck3d_joints"]],
        ]
    )
    where = f"{data}, {_count(first['examples_3d'], 'example')}{_scale(results)}, root-relative, {rule}"
    known = _published(published.TABLE_4) if _is(data, "mpi_inf_3dhp") else {}
    ours = {
        model: tuple(_estimate(result, name) for name in ("pck3d", "auc3d"))
        for model, result in results.items()
    }
    notes = _notes(results) + ((PUBLISHED_NOTE, *_references(known)) if known else ())
    made = [Table(f"3D PCK@150 mm and AUC in %, {where}", ("PCK", "AUC"), known | ours, notes)]
    if not first["by_scene"]:
        return made
    for part, names in (("by_scene", tuple(SCENES)), ("by_action", tuple(first["by_action"]))):
        if not names:
            continue
        rows = {
            model: tuple(
                result[part].get(name, {}).get(metric) for metric in ("pck3d", "auc3d") for name in names
            )
            for model, result in results.items()
        }
        columns = tuple(f"{metric} {name}" for metric in ("PCK", "AUC") for name in names)
        title = "sequence kind" if part == "by_scene" else "activity"
        made.append(Table(f"3D PCK@150 mm and AUC in % by {title}, {where}", columns, rows))
    return made


def _differences(results: Results, comparisons: dict[str, dict], data: str) -> Table:
    first, examples = next((model, result["examples"]) for model, result in results.items())
    names = {**SCORES_3D, "PCKh@0.5 %": "pckh"}
    columns = {
        column: name
        for column, name in names.items()
        if any(name in comparison for comparison in comparisons.values())
    }
    rows = {
        model: tuple(
            Estimate(one["difference"], one["interval"]) if (one := comparison.get(name)) else None
            for name in columns.values()
        )
        for model, comparison in comparisons.items()
    }
    headlines = {
        model: "mpjpe" if "mpjpe" in found else "pckh" for model, found in comparisons.items() if found
    }
    notes = tuple(
        verdict(first, model, name, comparisons[model][name]) for model, name in headlines.items()
    )
    title = f"Differences from {first}, on the same {_count(examples, 'example')}, {data}{_scale(results)}"
    return Table(title, tuple(columns), rows, notes + _notes(results))


def verdict(first: str, second: str, name: str, found: dict) -> str:
    """One sentence on which of two models is better by a metric, "mpjpe" or "pckh", and how surely."""
    metric, unit, low_is_good = {"mpjpe": ("MPJPE", "mm", True), "pckh": ("PCKh@0.5", "points", False)}[
        name
    ]
    difference, interval = found["difference"], found["interval"]
    if interval is None:
        return f"{metric}: {second} differs from {first} by {difference:+.2f} {unit}; there is no interval."
    low, high = interval
    if low <= 0 <= high:
        return (
            f"{metric}: {second} and {first} cannot be told apart; the difference is "
            f"{difference:+.2f} {unit} [{low:+.2f}, {high:+.2f}]."
        )
    better, worse = (second, first) if (difference < 0) == low_is_good else (first, second)
    low, high = sorted([abs(low), abs(high)])
    by = f"{abs(difference):.2f} {unit} [{low:.2f}, {high:.2f}]"
    return f"{metric}: {better} is better than {worse} by {by}."


def _suffix(results: Results, data: str, metric: str = "mpjpe") -> str:
    """What an error in mm depends on; how MPJPE lays the pose is of no matter to an aligned one."""
    first = next(iter(results.values()))
    chosen = first["conventions"]
    parts = [f"{data}, {_count(first['examples_3d'], 'example')}{_scale(results)}", "16 joints"]
    if metric == "mpjpe":
        parts.append(conventions.ROOT_ALIGNMENTS[chosen["root_align"]])
    return ", ".join([*parts, conventions.AVERAGES[chosen["average"]]])


def _scale(results: Results) -> str:
    """Where millimetres came from, of each model where they differ."""
    scales = {model: result["scale"] for model, result in results.items() if "scale" in result}
    different = set(scales.values())
    if len(different) > 1:
        return ", scale: " + ", ".join(f"{scale} ({model})" for model, scale in scales.items())
    return "".join(f", scale: {scale}" for scale in different)


def _estimate(result: dict, name: str) -> Estimate | None:
    if name not in result["intervals"]:
        return None
    value = {"pckh": lambda: result["pckh"]["mean"], "velocity": lambda: result["velocity"]["error"]}
    return Estimate(value[name]() if name in value else result[name], result["intervals"][name])


def _notes(results: Results, velocity: bool = False) -> tuple[str, ...]:
    first = next(iter(results.values()))
    number, drawn = first["draws_from"], first["drawn_by"]
    notes = [
        f"[low, high]: 95 % interval by bootstrap over {number} {drawn}s."
        if number > 1
        else f"No intervals: there is but one {drawn}."
    ]
    if velocity:
        found = first["velocity"]
        notes.append(
            f"No velocity error: {found['skipped']}."
            if "skipped" in found
            else f"Velocity error: mm a step of {found['frame_step']} frames, {found['pairs']} steps."
        )
    return tuple(notes)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _published(rows: dict[str, tuple]) -> dict[str, tuple[Cell, ...]]:
    return {f"{PUBLISHED_MARK} {name}": row for name, row in rows.items()}


def _references(rows: dict) -> tuple[str, ...]:
    cited = [f"{number} {text}" for number, text in published.REFERENCES.items() if number in "".join(rows)]
    return ("; ".join(cited) + ".",)


def _is(data: str, dataset: str) -> bool:
    return data.split()[0] == dataset
