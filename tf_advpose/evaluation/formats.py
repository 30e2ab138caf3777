"""Tables as plain text, Markdown, CSV and LaTeX."""

import csv
import dataclasses
import io

_LATEX = {
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "^": r"\^{}",
    "$": r"\$",
}


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number and the interval around it."""

    value: float
    interval: tuple[float, float] | None  # None: not known


Cell = float | Estimate | None  # None: not known


@dataclasses.dataclass(frozen=True)
class Table:
    """A title that says what was measured and how, column heads, a row of cells a model, and notes."""

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[Cell, ...]]
    notes: tuple[str, ...] = ()


def to_text(table: Table) -> str:
    """`table` for a terminal: the title, columns in line, the notes."""
    cells = [("", *table.columns), *([model, *map(_cell, row)] for model, row in table.rows.items())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([table.title, *lines, *table.notes])


def to_markdown(table: Table) -> str:
    """`table` for a README: the title in bold, a Markdown table, the notes."""
    cells = [("", *table.columns), *((model, *map(_cell, row)) for model, row in table.rows.items())]
    head, *rows = ("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells)
    rule = "|---|" + "---:|" * len(table.columns)
    notes = ["", *(f"{note}  " for note in table.notes)] if table.notes else []
    return "\n".join([f"**{table.title}**", "", head, rule, *rows, *notes])


def to_latex(table: Table) -> str:
    """`table` for a paper: a table environment that needs the package booktabs."""
    head, *rows = (
        " & ".join(_escape(cell) for cell in row) + r" \\"
        for row in [
            ("", *table.columns),
            *((model, *map(_cell, row)) for model, row in table.rows.items()),
        ]
    )
    caption = " ".join(_escape(text) for text in (f"{table.title}.", *table.notes))
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def to_csv(tables: list[Table]) -> str:
    """All `tables` as one, a line a number, not rounded; low and high are empty without interval."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["table", "model", "column", "value", "low", "high"])
    for table in tables:
        for model, row in table.rows.items():
            for column, cell in zip(table.columns, row, strict=True):
                if cell is None:
                    continue
                value, interval = (
                    (cell.value, cell.interval) if isinstance(cell, Estimate) else (cell, None)
                )
                writer.writerow([table.title, model, column, value, *(interval or (None, None))])
    return text.getvalue()


def _cell(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, Estimate):
        low_high = f" [{', '.join(map(_cell, cell.interval))}]" if cell.interval else ""
        return _cell(cell.value) + low_high
    return f"{round(cell, 1) + 0.0:.1f}"  # adding 0 takes the sign from -0.0


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
