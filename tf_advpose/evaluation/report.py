"""Results as tables in plain text and Markdown, one row a model, and as JSON."""

import dataclasses
import pathlib

import numpy as np

from tf_advpose import files

SCORES_3D = {
    "MPJPE mm": "mpjpe",
    "PA-MPJPE mm": "pa_mpjpe",
    "N-MPJPE mm": "n_mpjpe",
    "depth mm": "depth_error",
    "PCK@150 %": "pck3d",
    "AUC %": "auc3d",
}


@dataclasses.dataclass(frozen=True)
class Table:
    """A title that says what was measured and how, column heads, and a row of numbers a model."""

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]


def tables(results: dict[str, dict], data: str) -> list[Table]:
    """The tables of what `protocols.evaluate` gave for several models on the same data.

    Args:
      results: {model: its results}.
      data: names the data in the titles, such as "human36m, test".

    Raises:
      ValueError: the models were not scored on as many examples with the same scale.
    """
    first = next(iter(results.values()))
    for model, result in results.items():
        for name in ("examples", "examples_3d", "scale"):
            if result.get(name) != first.get(name):
                raise ValueError(
                    f"These results cannot share a table: {name} of {model} is {result.get(name)}, of "
                    f"{next(iter(results))} {first.get(name)}."
                )
    made = []
    if "pckh" in first:
        made.append(
            Table(
                f"PCKh@0.5 in %, {data}, {first['examples']} examples",
                tuple(group.replace("_", " ") for group in first["pckh"]),
                {model: tuple(result["pckh"].values()) for model, result in results.items()},
            )
        )
    if "mpjpe" not in first:
        return made

    suffix = f"{data}, {first['examples_3d']} examples, root-relative, scale: {first['scale']}"
    made.append(
        Table(
            f"3D, {suffix}",
            tuple(SCORES_3D),
            {
                model: tuple(result[name] for name in SCORES_3D.values())
                for model, result in results.items()
            },
        )
    )
    made.append(
        Table(
            f"MPJPE in mm by limb, {suffix}",
            (*(limb.replace("_", " ") for limb in first["mpjpe_by_limb"]), "all joints"),
            {
                model: (*result["mpjpe_by_limb"].values(), result["mpjpe"])
                for model, result in results.items()
            },
        )
    )
    if len(first["by_action"]) > 1:
        made += [
            Table(
                f"{title} in mm by action, {suffix}",
                (*first["by_action"], "mean of actions", "all examples"),
                {model: _by_action(result, name) for model, result in results.items()},
            )
            for title, name in (("MPJPE", "mpjpe"), ("PA-MPJPE", "pa_mpjpe"))
        ]
    return made


def to_text(table: Table) -> str:
    """`table` for a terminal: the title, then columns in line."""
    cells = _cells(table)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([table.title, *lines])


def to_markdown(table: Table) -> str:
    """`table` for a README: the title in bold, then a Markdown table."""
    head, *rows = ("| " + " | ".join(row) + " |" for row in _cells(table))
    rule = "|---|" + "---:|" * len(table.columns)
    return "\n".join([f"**{table.title}**", "", head, rule, *rows])


def write_json(results: dict, path: str) -> None:
    """Writes `results` to a new file `path`.

    Raises:
      FileExistsError: `path` exists; nothing is overwritten.
    """
    if pathlib.Path(path).exists():
        raise FileExistsError(f"{path} exists; name another file or remove it.")
    files.write_json(path, results)


def _by_action(result: dict, name: str) -> tuple[float, ...]:
    values = [action[name] for action in result["by_action"].values()]
    return (*values, float(np.mean(values)), result[name])


def _cells(table: Table) -> list[tuple[str, ...]]:
    rows = [(model, *(f"{value:.1f}" for value in values)) for model, values in table.rows.items()]
    return [("", *table.columns), *rows]
