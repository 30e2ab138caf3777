"""Tables: what stands in them, what they say of their conventions, and the forms they are written in."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from evaluated_people import moved, random_people, with_errors

from tf_advpose.data.human36m.views import ACTIONS
from tf_advpose.evaluation import protocols, published, report
from tf_advpose.evaluation.conventions import Conventions
from tf_advpose.evaluation.formats import Estimate, Table, to_csv, to_latex, to_markdown, to_text
from tf_advpose.evaluation.scores import score
from tf_advpose.skeleton import NUM_JOINTS, PCKH_GROUPS


def scores_of_two_models(**labels) -> dict:
    people = dataclasses.replace(random_people(), **labels)
    worse = moved(people, predicted_depth=np.linspace(0, 0.5, NUM_JOINTS))
    return {"baseline": score(worse, Conventions()), "full": score(people, Conventions())}


def tables_of(scores: dict, data: str) -> dict[str, Table]:
    """The tables by what they are of."""
    results = {model: protocols.summarise(one) for model, one in scores.items()}
    made = report.tables(results, data, protocols.compare_with_first(scores))
    return {table.title.partition(",")[0]: table for table in made}


def test_every_table_says_what_it_is_of():
    tables = tables_of(scores_of_two_models(), "synthetic_people/wild test")
    assert list(tables) == [
        "3D",
        "MPJPE in mm by action (the paper's Protocol #1)",
        "PA-MPJPE in mm by action (the paper's Protocol #2",
        "PA-MPJPE without scale in mm by action (the paper's Protocol #2",
        "MPJPE in mm by limb",
        "PCKh@0.5 in %",
        "3D PCK@150 mm and AUC in %",
        "Differences from baseline",
    ]
    for name, table in tables.items():
        assert "synthetic_people/wild test" in table.title and "6 examples" in table.title
        assert ("scale: camera" in table.title) == ("PCKh" not in name)
        assert all(len(row) == len(table.columns) for row in table.rows.values())
        assert list(table.rows) == (["full"] if "Differences" in name else ["baseline", "full"])
        assert any("95 % interval by bootstrap over 6 examples" in note for note in table.notes)
    assert "pelvis moved onto the true one, mean over frames" in tables["MPJPE in mm by limb"].title
    assert "below 0.5" in tables["PCKh@0.5 in %"].title
    assert "14 joints" in tables["3D PCK@150 mm and AUC in %"].title
    assert any("No velocity error: " in note for note in tables["3D"].notes)


def test_figures_stand_where_they_belong():
    scores = scores_of_two_models()
    results = protocols.summarise(scores["baseline"])
    tables = tables_of(scores, "synthetic_people/wild test")
    row = dict(zip(tables["3D"].columns, tables["3D"].rows["baseline"], strict=True))
    assert row["MPJPE mm"].value == results["mpjpe"] > 10
    assert row["MPJPE mm"].interval == results["intervals"]["mpjpe"]
    assert row["PA-MPJPE without scale mm"].value == results["pa_mpjpe_rigid"] >= results["pa_mpjpe"]
    assert tables["MPJPE in mm by limb"].rows["baseline"][-1].value == results["mpjpe"]
    by_action = tables["MPJPE in mm by action (the paper's Protocol #1)"]
    assert by_action.columns == ("Sitting", "Walking", "Avg.")
    sitting, walking, everyone = by_action.rows["baseline"]
    np.testing.assert_allclose(everyone.value, (4 * sitting + 2 * walking) / 6)
    difference = tables["Differences from baseline"].rows["full"][0]
    np.testing.assert_allclose(difference.value, -results["mpjpe"], atol=1e-4)
    assert "full is better than baseline by" in tables["Differences from baseline"].notes[0]


def test_human36m_stands_beside_what_is_published_in_the_papers_order():
    actions = np.array(["WalkTogether", "Directions", "Photo", "Photo", "Sitting", "Sitting"])
    tables = tables_of(scores_of_two_models(action=actions), "human36m test")
    table = tables["MPJPE in mm by action (the paper's Protocol #1)"]
    assert table.columns[:8] == (
        "Direct.", "Discuss", "Eating", "Greet", "Phone", "Photo", "Pose", "Purch.",
    )  # fmt: skip
    assert table.columns[-4:] == ("WalkD.", "Walk", "WalkT.", "Avg.")
    assert table.rows["* Yang et al., CVPR'18, Full-4s"][-1] == 58.6
    ours = table.rows["full"]
    assert [place for place, cell in enumerate(ours[:15]) if cell is not None] == [0, 5, 8, 14]
    assert any("Yang et al., CVPR 2018" in note for note in table.notes)
    assert any("[57] Zhou et al." in note for note in table.notes)
    assert "* Full" in tables["MPJPE in mm by limb"].rows
    assert not any(row.startswith("*") for row in tables["PCKh@0.5 in %"].rows)


def test_mpi_inf_3dhp_has_scenes_and_activities():
    sequences = np.array(["TS1", "TS2", "TS3", "TS4", "TS5", "TS6"])
    tables = tables_of(scores_of_two_models(sequence=sequences), "mpi_inf_3dhp test")
    table = tables["3D PCK@150 mm and AUC in % by sequence kind"]
    assert table.columns[0] == "PCK studio, green screen" and table.columns[-1] == "AUC outdoor"
    assert tables["3D PCK@150 mm and AUC in % by activity"].columns[0] == "PCK Sitting"
    overall = tables["3D PCK@150 mm and AUC in %"]
    assert overall.rows["* Yang et al., CVPR'18"] == (69.0, 32.0)
    assert any("bootstrap over 6 sequences" in note for note in overall.notes)


def test_one_example_has_no_interval():
    one = score(random_people(1), Conventions())
    overview, *_ = report.tables({"full": protocols.summarise(one)}, "mpi_inf_3dhp test")
    assert overview.notes[0] == "No intervals: there is but one example."


def test_mpii_stands_beside_table_3():
    people = {name: None for name in ("has_scale", "joints_3d")}
    table = tables_of(scores_of_two_models(**people), "mpii validation")["PCKh@0.5 in %"]
    assert table.columns == (*PCKH_GROUPS, "mean")
    assert len(table.rows["* Pretrain"]) == 8


def test_published_tables_are_whole():
    """Slips of the pen: averages are near the actions' mean, means of Table 3 of its groups."""
    assert set(published.HUMAN36M_ACTIONS) == set(ACTIONS)
    for table in (published.TABLE_1_PROTOCOL_1, published.TABLE_1_PROTOCOL_2):
        for name, row in table.items():
            assert len(row) == 16, name
            if row[0] is not None:
                assert abs(np.mean(row[:15]) - row[15]) < 1.9, name
    for row in published.TABLE_2.values():
        assert len(row) == 5 and min(row[:4]) < row[4] < max(row[:4])
    for head, *groups, mean in published.TABLE_3.values():
        neck = 14 * mean - head - 2 * sum(groups)  # the fourteenth joint, which has no column
        np.testing.assert_allclose(neck, 97.5, atol=1.5)
    cited = {number for number in published.REFERENCES}
    rows = "".join([*published.TABLE_1_PROTOCOL_1, *published.TABLE_1_PROTOCOL_2, *published.TABLE_4])
    assert all(number in rows for number in cited)
    assert {part.partition("]")[0] for part in rows.split("[")[1:]} == {number[1:-1] for number in cited}


def test_papers_averages_are_over_frames(samples):
    """Weighed by the frames of each action, Table 1's rows give the averages that it prints."""
    counts = dict.fromkeys(published.HUMAN36M_ACTIONS, 0)
    frames = json.loads((samples / "h36m_calibration/frame_counts_S9_S11.json").read_text())
    for sequences in frames.values():
        for name, cameras in sequences.items():
            counts[name.split()[0]] += sum(cameras.values())
    weights = np.array(list(counts.values())) / sum(counts.values())
    for name in (
        "Zhou et al., ICCV'17 [57]",
        "Pavlakos et al., CVPR'17 [31]",
        "Yang et al., CVPR'18, Full-4s",
    ):
        row = published.TABLE_1_PROTOCOL_1[name]
        by_frames, by_actions = weights @ row[:15], np.mean(row[:15])
        np.testing.assert_allclose(by_frames, row[15], atol=0.1)
        assert abs(by_actions - row[15]) > 0.3


def test_results_of_other_conventions_share_no_table():
    people = random_people()
    results = {
        "a": protocols.evaluate(people),
        "b": protocols.evaluate(people, Conventions(scale="bones")),
    }
    with pytest.raises(ValueError, match="conventions of b is .*'bones'"):
        report.tables(results, "human36m test")
    fewer = {"a": results["a"], "b": protocols.evaluate(people.where(np.arange(5)))}
    with pytest.raises(ValueError, match="examples of b is 5, of a 6"):
        report.tables(fewer, "human36m test")


def test_another_systems_millimetres_stand_beside_ours_and_are_named():
    people = random_people()
    theirs = with_errors(people, np.zeros(people.joints_3d.shape))
    scores = {"ours": score(people, Conventions()), "theirs": score(theirs, Conventions())}
    tables = tables_of(scores, "human36m test")
    assert "scale: camera (ours), given (theirs)" in tables["3D"].title
    assert list(tables["PCKh@0.5 in %"].rows) == ["ours"], "they predict no pixels"


def test_models_are_compared_by_what_they_share():
    """Models of 3D alone and of 2D alone share nothing: their tables stand, and no differences."""
    people = random_people()
    in_3d = with_errors(people, np.zeros(people.joints_3d.shape))
    in_2d = dataclasses.replace(people, predicted_depth=None, confidence=None, has_scale=None)
    both, in_3d, in_2d = (score(one, Conventions()) for one in (people, in_3d, in_2d))
    tables = tables_of({"3D alone": in_3d, "2D alone": in_2d}, "human36m test")
    assert list(tables["3D"].rows) == ["3D alone"] and list(tables["PCKh@0.5 in %"].rows) == ["2D alone"]
    assert "Differences from 3D alone" not in tables
    differences = tables_of({"both": both, "3D": in_3d, "2D": in_2d}, "a")["Differences from both"]
    assert [note.partition(":")[0] for note in differences.notes[:2]] == ["MPJPE", "PCKh@0.5"]
    differences = tables_of({"3D": in_3d, "both": both, "2D": in_2d}, "a")["Differences from 3D"]
    assert [note.partition(":")[0] for note in differences.notes] == ["MPJPE", "[low, high]"]
    assert set(differences.rows["2D"]) == {None}
    assert "scale: given (3D), camera (both)" in differences.title


def test_verdicts():
    def one(difference, interval):
        return {"difference": difference, "interval": interval}

    assert report.verdict("a", "b", "mpjpe", one(-3.0, (-4.0, -2.0))) == (
        "MPJPE: b is better than a by 3.00 mm [2.00, 4.00]."
    )
    assert "PCKh@0.5: a is better than b by 3.00" in report.verdict(
        "a", "b", "pckh", one(-3.0, (-4.0, -2.0))
    )
    assert "cannot be told apart" in report.verdict("a", "b", "mpjpe", one(1.0, (-1.0, 2.0)))
    assert "no interval" in report.verdict("a", "b", "mpjpe", one(1.0, None))


TABLE = Table(
    "MPJPE in mm",
    ("knees", "50 %"),
    {"base_line": (None, Estimate(5.0, (4.0, 6.04))), "full": (-0.04, Estimate(100.0, None))},
    ("A note.",),
)


def test_text_and_markdown():
    assert to_text(TABLE).splitlines() == [
        "MPJPE in mm",
        "           knees            50 %",
        "base_line      -  5.0 [4.0, 6.0]",
        "full         0.0           100.0",
        "A note.",
    ]
    assert to_markdown(TABLE).splitlines() == [
        "**MPJPE in mm**",
        "",
        "|  | knees | 50 % |",
        "|---|---:|---:|",
        "| base_line | - | 5.0 [4.0, 6.0] |",
        "| full | 0.0 | 100.0 |",
        "",
        "A note.  ",
    ]


def test_latex_has_balanced_rows_and_no_bare_specials():
    lines = to_latex(TABLE).splitlines()
    rows = [line for line in lines if line.endswith(r"\\")]
    assert rows == [
        r" & knees & 50 \% \\",
        r"base\_line & - & 5.0 [4.0, 6.0] \\",
        r"full & 0.0 & 100.0 \\",
    ]
    assert r"\begin{tabular}{lrr}" in lines and r"\caption{MPJPE in mm. A note.}" in lines


def test_csv_has_a_line_a_number():
    rows = list(csv.DictReader(io.StringIO(to_csv([TABLE]))))
    assert [(row["model"], row["column"], row["value"], row["low"], row["high"]) for row in rows] == [
        ("base_line", "50 %", "5.0", "4.0", "6.04"),
        ("full", "knees", "-0.04", "", ""),
        ("full", "50 %", "100.0", "", ""),
    ]


def test_files_are_written_once(tmp_path):
    results = {"models": {"a": protocols.evaluate(random_people())}}
    paths = [str(tmp_path / f"new/table{ending}") for ending in (*report.WRITERS, ".json")]
    report.check_outputs(paths)
    for path in paths:
        report.write(path, [TABLE, TABLE], results)
    assert json.loads((tmp_path / "new/table.json").read_text())["models"]["a"]["examples"] == 6
    assert (tmp_path / "new/table.md").read_text().count("**MPJPE in mm**") == 2
    for path in paths:
        with pytest.raises(FileExistsError, match="exists; name another file"):
            report.write(path, [TABLE], results)
    assert len(list((tmp_path / "new").iterdir())) == len(paths)
    with pytest.raises(ValueError, match="must end in one of .md, .tex, .txt, .csv, .json"):
        report.check_outputs(["table.xlsx"])
