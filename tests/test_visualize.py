"""Pictures: joints where they are, sides in their colours, people upright, files complete."""

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from standing_person import STANDING, flat_image, joints_in_image

from tf_advpose import drawing, visualize
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS


def drawn_bones(degrees: float) -> dict[str, np.ndarray]:
    """Where `plot_skeletons` draws the bones of `STANDING`: {child: its two ends}, far ones first."""
    axes = Figure().add_subplot()
    visualize.plot_skeletons(axes, STANDING, degrees)
    lines = axes.collections[-1]
    segments, colours = lines.get_segments()[1::2], lines.get_colors()[1::2]  # each lies on a white border
    right = "#{:02x}{:02x}{:02x}".format(*drawing.RIGHT)
    assert [to_hex(colour) for colour in colours].count(right) == 6
    bones = {}
    for segment in segments:
        ends = [drawing.seen_from(STANDING[list(bone)], degrees)[0] for bone in BONES]
        child, _ = BONES[int(np.argmin([np.abs(end - segment).sum() for end in ends]))]
        bones[JOINT_NAMES[child]] = segment
    assert len(bones) == len(BONES)
    return bones


@pytest.mark.parametrize("degrees", [drawing.FRONT_DEGREES, drawing.SIDE_DEGREES])
def test_people_stand_upright(degrees):
    """y points down in the camera frame and up on paper."""
    bones = drawn_bones(degrees)
    assert bones["head_top"][0, 1] > 700
    assert bones["right_ankle"][0, 1] < -800


def test_front_view_is_what_the_camera_saw():
    """Who faces the camera has their right side on the paper's left."""
    bones = drawn_bones(drawing.FRONT_DEGREES)
    right, middle, left = (bones[name][0, 0] for name in ("right_hip", "thorax", "left_hip"))
    assert right < middle < left
    order = list(bones)
    assert order.index("thorax") < order.index("right_elbow"), "the arm must pass before the trunk"


def test_side_view_has_the_camera_on_the_left():
    bones = drawn_bones(drawing.SIDE_DEGREES)
    np.testing.assert_allclose(bones["right_wrist"][0, 0], -500, atol=1e-6)
    order = list(bones)
    assert order.index("right_knee") < order.index("left_knee"), "the left leg is the nearer one"


def example_row(with_3d: bool) -> visualize.ExampleRow:
    return visualize.ExampleRow(
        image=flat_image(),
        heatmaps=np.zeros((64, 64, NUM_JOINTS), np.float32),
        predicted_joints_2d=joints_in_image() + 5,
        joints_2d=joints_in_image(),
        joint_weight=np.ones(NUM_JOINTS),
        pretrained_joints_3d=STANDING * 1.2,
        adversarial_joints_3d=STANDING * 1.1,
        joints_3d=STANDING if with_3d else None,
    )


def test_example_sheet_is_written_whole(tmp_path):
    path = tmp_path / "new/sheet.png"
    visualize.example_sheet([example_row(True), example_row(False)], path)
    assert [file.name for file in path.parent.iterdir()] == ["sheet.png"]
    sheet = cv2.imread(str(path))[..., ::-1]
    coloured = np.ptp(sheet.astype(int), axis=-1) > 60
    rows = np.array_split(coloured[sheet.shape[0] % 180 :], 2)  # below the titles, two rows of 1.5 inches
    shown = [[bool(cell.any()) for cell in np.array_split(row, 10, axis=1)] for row in rows]
    # Input and heatmaps are grey here; the second row has no true skeletons.
    assert shown == [[False] * 2 + [True] * 8, [False] * 2 + [True] * 6 + [False] * 2]


def test_prediction_sheet_shows_labels_then_prediction(tmp_path):
    """Two people a line; who has no label has an empty first picture, and skeletons all the same."""
    cells = [
        visualize.PredictionCell(
            title="someone",
            image=flat_image(),
            joints_2d=joints_in_image(),
            joint_weight=np.full(NUM_JOINTS, labelled),
            joints_3d=STANDING if labelled else None,
            predicted_joints_2d=joints_in_image() + 5,
            predicted_joints_3d=STANDING * 1.1,
        )
        for labelled in (1, 0, 0)
    ]
    path = tmp_path / "sheet.png"
    visualize.prediction_sheet(cells, path)
    sheet = cv2.imread(str(path))
    coloured = np.ptp(sheet.astype(int), axis=-1) > 60
    shown = [
        [bool(cell.any()) for cell in np.array_split(row, 8, axis=1)] for row in np.array_split(coloured, 2)
    ]
    assert shown == [[True] * 4 + [False] + [True] * 3, [False] + [True] * 3 + [False] * 4]


def test_curves_are_written(tmp_path):
    steps = np.arange(10)
    path = tmp_path / "curves.png"
    visualize.plot_curves(
        {"loss": {"D": (steps, steps), "G": (steps, -steps)}, "MPJPE mm": {"wild": (steps, steps**2)}},
        path,
        "step",
    )
    picture = cv2.imread(str(path))
    assert picture.shape[1] > 1.5 * picture.shape[0]  # two panels side by side
    assert picture.std() > 5


def test_a_curve_has_one_colour_in_all_panels(monkeypatch):
    """Also where another panel lacks the first curve."""
    drawn = []
    monkeypatch.setattr(visualize, "save", lambda figure, path: drawn.append(figure))
    line = (np.arange(3), np.arange(3))
    visualize.plot_curves({"one": {"a": line, "b": line}, "two": {"b": line, "c": line}}, "unused", "step")
    first, second = ({part.get_label(): part.get_color() for part in axes.lines} for axes in drawn[0].axes)
    assert first["b"] == second["b"]
    assert len({first["a"], first["b"], second["c"]}) == 3
