"""Figures: which examples are shown, what curves and sheets show, and that they are complete."""

import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf
from drawn_people import small_config
from evaluated_people import moved, random_people, with_errors

from tf_advpose import work_folder
from tf_advpose.evaluation import figures, training_curve
from tf_advpose.evaluation.conventions import PAPERS
from tf_advpose.evaluation.scores import score
from tf_advpose.skeleton import PELVIS
from tf_advpose.training.checkpoints import Checkpoints


def off_by(millimetres: list[float]):
    """As many people, each off by so much at every joint but the pelvis."""
    people = random_people(len(millimetres))
    errors = np.zeros(people.joints_3d.shape)
    errors[..., 0] = np.array(millimetres)[:, None]
    errors[:, PELVIS] = 0
    return score(with_errors(people, errors), PAPERS)


def test_examples_are_chosen_by_what_changed():
    scores = {
        "before": off_by([10, 500, 30, 40, 50, 60, 70, 80]),
        "after": off_by([400, 100, 35, 40, 45, 50, 55, 60]),
    }
    chosen = figures.choose(scores, seed=0)
    assert {name: len(numbers) for name, numbers in chosen.items()} == dict.fromkeys(
        ("random", "failures", "improved", "worsened"), figures.SHOWN
    )
    assert (chosen["failures"][0], chosen["improved"][0], chosen["worsened"][0]) == (0, 1, 0)
    assert chosen["worsened"][1] == 2
    assert chosen == figures.choose(scores, seed=0)
    assert chosen["random"] != figures.choose(scores, seed=1)["random"]
    assert set(figures.choose({"one": scores["after"]}, 0)) == {"random", "failures"}


def test_curves_end_where_the_tables_say(monkeypatch, tmp_path):
    """Half of the joints are 60 mm off, the others 120."""
    drawn = {}
    monkeypatch.setattr(figures.visualize, "plot_curves", lambda panels, *_: drawn.update(panels))
    figures.curves({"model": off_by([60, 120])}, tmp_path / "curves.png")
    assert list(drawn) == ["3D PCK in %, threshold in mm"], "they predict no pixels"
    thresholds, shares = drawn["3D PCK in %, threshold in mm"]["model"]
    np.testing.assert_allclose(np.interp([50, 70, 130], thresholds, shares), [0, 50, 100])
    figures.curves({"model": score(random_people(), PAPERS)}, tmp_path / "curves.png")
    _, shares = drawn["PCKh in %, threshold in head sizes"]["model"]
    assert shares[0] == 0 and (shares[1:] == 100).all()


def grey(names: list[str]) -> dict[str, np.ndarray]:
    return {name: np.full((64, 64, 3), 128, np.uint8) for name in names}


def without_3d(people):
    return dataclasses.replace(people, has_scale=np.zeros(len(people), bool))


@pytest.mark.parametrize("labels", [lambda people: people, without_3d], ids=["3d", "2d"])
def test_every_figure_is_written(tmp_path, monkeypatch, labels):
    monkeypatch.setattr(figures, "SHOWN", 1)
    people = labels(random_people(3))
    scores = {
        "baseline": score(moved(people, predicted_joints_2d=np.array([6.0, 0])), PAPERS),
        "full": score(people, PAPERS),
    }
    asked = []

    def read_crops(names):
        asked.extend(names)
        return grey(names)

    written = figures.draw(str(tmp_path / "new"), scores, read_crops)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        path.name for path in written
    )
    assert len(written) == 6 and set(asked) <= set(people.example_id) and asked
    for path in written:
        assert cv2.imread(str(path)).std() > 5, path.name


def test_models_of_pixels_alone_have_figures_beside_others(tmp_path):
    """Errors are then in pixels, and no skeleton is drawn of those without depths."""
    people = random_people(3)
    flat = dataclasses.replace(people, predicted_depth=None, crop_size=None, total_bone_length=None)
    for number, scores in enumerate(
        (
            {"flat": score(without_3d(flat), PAPERS)},
            {"ours": score(people, PAPERS), "flat": score(flat, PAPERS)},
        )
    ):
        written = figures.draw(str(tmp_path / str(number)), scores, grey)
        assert all(path.is_file() for path in written)


def test_without_photos_there_are_curves_and_histograms(tmp_path):
    scores = {"model": score(random_people(2), PAPERS)}
    written = figures.draw(str(tmp_path), scores, None)
    assert [path.stem for path in written] == ["curves", "error_histograms"]


def test_a_sheet_shows_photo_models_and_truth(tmp_path):
    people = random_people(2)
    people = dataclasses.replace(people, has_scale=np.array([True, False]))
    scores = {"one": score(people, PAPERS)}
    path = tmp_path / "sheet.png"
    figures.example_sheet(scores, [0, 1], grey(people.example_id.tolist()), path)
    sheet = cv2.imread(str(path))[..., ::-1].astype(int)
    top = round(0.55 * 110)  # inches above the rows
    coloured = np.ptp(sheet[top:], axis=-1) > 60
    shown = [
        [bool(cell.any()) for cell in np.array_split(row, 5, axis=1)] for row in np.array_split(coloured, 2)
    ]
    assert shown == [[False, True, True, True, True], [False, True, True, False, False]]


def test_models_that_share_no_metric_share_no_figure(tmp_path):
    people = random_people()
    in_2d = score(dataclasses.replace(people, predicted_depth=None, has_scale=None), PAPERS)
    with pytest.raises(ValueError, match="some are scored in 2D alone, others in 3D alone"):
        figures.draw(str(tmp_path / "new"), {"2D": in_2d, "3D": off_by([1.0] * 6)}, None)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def run(tmp_path) -> str:
    """A run of 5 + 5 steps with a checkpoint at step 2 of its first stage; the depth says at which step."""
    config = small_config()
    config.pretrain_3d.steps = config.adversarial.steps = 5
    folder = str(tmp_path / "run")
    work_folder.create(folder, config, 4000.0)
    generator = work_folder.new_generator(config)
    generator.get_layer("depth").bias.assign(np.full(16, 2.0))
    Checkpoints(tmp_path / "run/pretrain_3d" / work_folder.CHECKPOINTS, generator=generator).save(2)
    for stage, step in (("pretrain_3d", 5.0), ("adversarial", 10.0)):
        generator.get_layer("depth").bias.assign(np.full(16, step))
        work_folder.save_weights(generator, work_folder.weights_path(folder, stage, "generator"))
    log = tmp_path / "run/adversarial/metrics.jsonl"
    log.write_text('{"step": 1, "depth_loss": 0.5, "heatmap_loss": 0.1}\n')
    log.with_name(work_folder.VALIDATION_FILE).write_text('{"step": 3, "mpjpe": 90.0}\n')
    return folder


def test_training_curve_scores_every_weights_that_are_kept(run, tmp_path, monkeypatch):
    def depth(model):
        return float(model.predict(tf.zeros([1, 32, 32, 3]))["depth"][0, 0])

    drawn = {}
    monkeypatch.setattr(training_curve.visualize, "plot_curves", lambda panels, *_: drawn.update(panels))
    points = training_curve.draw([run], depth, tmp_path / "curve.png")
    steps, values = zip(*points[run], strict=True)
    assert steps == (2, 5, 10)
    np.testing.assert_allclose(np.diff(values), [3, 5], atol=1e-3)
    steps, losses = drawn["depth loss, training"][run]
    np.testing.assert_array_equal([steps, losses], [[6], [0.5]])
    np.testing.assert_array_equal(drawn["MPJPE in mm, validation"][run], [[8], [90.0]])


def test_training_curve_of_a_run_that_goes_on(run, tmp_path, monkeypatch):
    """Its log may be empty or end in half a line, and checkpoints go while others are scored."""
    checkpoints = tmp_path / "run/pretrain_3d" / work_folder.CHECKPOINTS
    Checkpoints(checkpoints, generator=work_folder.new_generator(small_config())).save(3)
    (tmp_path / "run/pretrain_3d/metrics.jsonl").touch()
    with (tmp_path / "run/adversarial/metrics.jsonl").open("a") as log:
        log.write('{"step": 2, "depth_l')
    drawn = {}
    monkeypatch.setattr(training_curve.visualize, "plot_curves", lambda panels, *_: drawn.update(panels))

    def error_of(model):
        for path in checkpoints.glob("ckpt-3.*"):
            path.unlink()
        return 1.0

    points = training_curve.draw([run], error_of, tmp_path / "curve.png")
    assert points == {run: [(2, 1.0), (5, 1.0), (10, 1.0)]}
    np.testing.assert_array_equal(drawn["depth loss, training"][run], [[6], [0.5]])


def test_training_curve_needs_weights(tmp_path):
    work_folder.create(str(tmp_path / "new"), small_config(), 4000.0)
    with pytest.raises(FileNotFoundError, match="keeps no weights of pretrain_3d or later"):
        list(training_curve.saved_models(str(tmp_path / "new")))
