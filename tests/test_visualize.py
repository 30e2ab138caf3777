"""Pictures: joints where they are, sides in their colours, people upright, files complete."""

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tf_advpose import visualize
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS

INDEX = {name: joint for joint, name in enumerate(JOINT_NAMES)}


def standing_person() -> np.ndarray:
    """Stands facing the camera, the right arm stretched towards it: [P, 3] mm, root-relative."""
    heights = {"ankle": 900, "knee": 450, "hip": 0, "shoulder": -500, "elbow": -250, "wrist": 0}
    joints = {f"right_{part}": (-150, y, 0) for part, y in heights.items()}
    joints |= {f"left_{part}": (150, y, 0) for part, y in heights.items()}
    heights = {"pelvis": 0, "thorax": -500, "upper_neck": -550, "head_top": -800}
    joints |= {part: (0, y, 0) for part, y in heights.items()}
    joints |= {"right_elbow": (-150, -500, -250), "right_wrist": (-150, -500, -500)}
    return np.array([joints[name] for name in JOINT_NAMES], float)


STANDING = standing_person()


def flat_image(value: int = 90, size: int = 256) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


def joints_in_image() -> np.ndarray:
    """`STANDING` seen from its left and above, so that no bone hides another, in pixels."""
    return np.stack(
        [128 + STANDING[:, 0] * 0.3 - STANDING[:, 2] * 0.1, 120 + STANDING[:, 1] * 0.12], axis=-1
    )


def test_limbs_have_the_colours_of_their_sides():
    image = flat_image()
    joints_2d = joints_in_image()
    drawn = visualize.draw_joints(image, joints_2d)
    for child, parent in (("right_knee", "right_hip"), ("left_knee", "left_hip"), ("thorax", "pelvis")):
        x, y = joints_2d[[INDEX[child], INDEX[parent]]].mean(axis=0).astype(int)
        np.testing.assert_array_equal(drawn[y, x], visualize.side_colour(INDEX[child]))
    assert visualize.side_colour(INDEX["right_knee"]) != visualize.side_colour(INDEX["left_knee"])
    np.testing.assert_array_equal(image, flat_image())


def test_joint_is_drawn_centred_on_its_pixel():
    """The centre of the top-left pixel is (0.5, 0.5)."""
    weight = np.zeros(NUM_JOINTS)
    weight[4] = 1
    joints_2d = np.full((NUM_JOINTS, 2), np.nan)
    joints_2d[4] = 101.25, 60.75
    drawn = visualize.draw_joints(flat_image(), joints_2d, weight)
    rows, columns = np.nonzero((drawn > 200).all(axis=-1))
    assert len(rows) > 5
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], joints_2d[4], atol=0.3)


def test_bones_of_unlabelled_joints_are_left_out():
    weight = np.zeros(NUM_JOINTS)
    untouched = visualize.draw_joints(flat_image(), joints_in_image(), weight)
    np.testing.assert_array_equal(untouched, flat_image())
    weight[[INDEX["left_hip"], INDEX["left_ankle"]]] = 1
    drawn = visualize.draw_joints(flat_image(), joints_in_image(), weight)
    assert not (drawn == visualize.LEFT).all(axis=-1).any()


def test_joints_far_outside_do_no_harm():
    joints_2d = joints_in_image()
    joints_2d[0] = 1e12, -1e12
    drawn = visualize.draw_joints(flat_image(), joints_2d)
    assert (drawn == visualize.LEFT).all(axis=-1).any()


def test_a_heatmap_lights_its_place_in_its_colour():
    heatmaps = np.zeros((64, 64, NUM_JOINTS), np.float32)
    heatmaps[10, 40, INDEX["left_wrist"]] = 1.0
    heatmaps[50, 20, INDEX["right_wrist"]] = 1.0
    drawn = visualize.draw_heatmaps(flat_image(), heatmaps).astype(int)
    blue, orange = drawn[..., 2] - drawn[..., 0], drawn[..., 0] - drawn[..., 2]
    for difference, cell in ((blue, (10, 40)), (orange, (50, 20))):
        row, column = np.unravel_index(difference.argmax(), difference.shape)
        assert (row // 4, column // 4) == cell
    assert (drawn[:20, :20] == drawn[0, 0, 0]).all() and drawn[0, 0, 0] < 90


def drawn_bones(degrees: float) -> dict[str, np.ndarray]:
    """Where `plot_skeletons` draws the bones of `STANDING`: {child: its two ends}, far ones first."""
    axes = Figure().add_subplot()
    visualize.plot_skeletons(axes, STANDING, degrees)
    lines = axes.collections[-1]
    segments, colours = lines.get_segments()[1::2], lines.get_colors()[1::2]  # each lies on a white border
    right = "#{:02x}{:02x}{:02x}".format(*visualize.RIGHT)
    assert [to_hex(colour) for colour in colours].count(right) == 6
    bones = {}
    for segment in segments:
        ends = [visualize._seen_from(STANDING[list(bone)], degrees)[0] for bone in BONES]
        child, _ = BONES[int(np.argmin([np.abs(end - segment).sum() for end in ends]))]
        bones[JOINT_NAMES[child]] = segment
    assert len(bones) == len(BONES)
    return bones


@pytest.mark.parametrize("degrees", [visualize.FRONT_DEGREES, visualize.SIDE_DEGREES])
def test_people_stand_upright(degrees):
    """y points down in the camera frame and up on paper."""
    bones = drawn_bones(degrees)
    assert bones["head_top"][0, 1] > 700
    assert bones["right_ankle"][0, 1] < -800


def test_front_view_is_what_the_camera_saw():
    """Who faces the camera has their right side on the paper's left."""
    bones = drawn_bones(visualize.FRONT_DEGREES)
    right, middle, left = (bones[name][0, 0] for name in ("right_hip", "thorax", "left_hip"))
    assert right < middle < left
    order = list(bones)
    assert order.index("thorax") < order.index("right_elbow"), "the arm must pass before the trunk"


def test_side_view_has_the_camera_on_the_left():
    bones = drawn_bones(visualize.SIDE_DEGREES)
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
