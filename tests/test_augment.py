import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tf_advpose import presets
from tf_advpose.config import AugmentationConfig
from tf_advpose.data import augment
from tf_advpose.data import crop as cropping
from tf_advpose.data.schema import CROP_MARGIN, CUT_MARGIN

BOX = np.array([100, 50, 80, 160], np.float32)
CENTRE, SIDE, SIZE = BOX[:2] + BOX[2:] / 2, CROP_MARGIN * 160, 64
NOTHING = AugmentationConfig(
    scale=0, rotation=0, rotation_probability=0, mirror_probability=0, colour=0, shift=0, contrast=0
)
EVERYTHING = dataclasses.replace(AugmentationConfig(), shift=0.05, contrast=0.1)


def seeds(count: int) -> tf.Tensor:
    return tf.stack([tf.fill([count], tf.constant(7, tf.int64)), tf.range(count, dtype=tf.int64)], axis=1)


def for_each_seed(function, count: int):
    """What `function` makes of each of `count` seeds, stacked."""
    return tf.data.Dataset.from_tensor_slices(seeds(count)).map(function).batch(count).get_single_element()


def frames(config: AugmentationConfig, count: int = 300) -> dict[str, np.ndarray]:
    """Scale, rotation in degrees, shift in sides, and mirroring of the crops of `count` seeds."""
    affines, mirrored = for_each_seed(
        lambda seed: augment.random_crop_to_image(BOX, SIZE, config, seed), count
    )
    affines = affines.numpy()
    down = affines[:, :, 1] * SIZE / SIDE
    centre = affines[:, :, :2].sum(axis=2) * SIZE / 2 + affines[:, :, 2]
    scale = np.linalg.norm(down, axis=1)
    return {
        "scale": scale,
        "rotation": np.rad2deg(np.arctan2(-down[:, 0], down[:, 1])),
        "shift": (centre - CENTRE) / SIDE,
        "mirrored": mirrored.numpy(),
        "flipped": np.linalg.det(affines[:, :, :2]) < 0,
    }


def test_the_same_seed_gives_the_same_change():
    """Runs are repeated, and resumed in their middle, by it."""
    image = tf.random.stateless_uniform([SIZE, SIZE, 3], [0, 0])
    for _ in range(2):
        first, second = seeds(2)
        for config in (AugmentationConfig(), EVERYTHING):
            same = [augment.random_crop_to_image(BOX, SIZE, config, first)[0] for _ in range(2)]
            np.testing.assert_array_equal(*same)
            other, _ = augment.random_crop_to_image(BOX, SIZE, config, second)
            assert np.abs(other - same[0]).max() > 1e-3
            colours = [augment.random_colour(image, config, first) for _ in range(2)]
            np.testing.assert_array_equal(*colours)
            assert np.abs(augment.random_colour(image, config, second) - colours[0]).max() > 1e-3


def test_a_graph_changes_as_eager_code_does():
    """The pipeline is compiled; what it does to an example can be looked up outside it."""
    dataset = tf.data.Dataset.from_tensor_slices(seeds(4)).map(
        lambda seed: augment.random_crop_to_image(BOX, SIZE, EVERYTHING, seed)
    )
    for (affine, mirrored), seed in zip(dataset, seeds(4), strict=True):
        expected, expected_mirrored = augment.random_crop_to_image(BOX, SIZE, EVERYTHING, seed)
        np.testing.assert_allclose(affine, expected, rtol=1e-5, atol=1e-4)
        assert mirrored == expected_mirrored


def test_crops_change_within_their_ranges_and_use_them():
    drawn = frames(EVERYTHING)
    scale, rotation, shift = drawn["scale"], drawn["rotation"], drawn["shift"] / drawn["scale"][:, None]
    assert 0.75 - 1e-4 <= scale.min() < 0.78 and 1.22 < scale.max() <= 1.25 + 1e-4
    assert -30.01 <= rotation.min() < -27 and 27 < rotation.max() <= 30.01
    assert np.abs(shift).max() <= 0.0501
    assert (shift.min(axis=0) < -0.045).all() and (shift.max(axis=0) > 0.045).all()
    assert np.mean(np.abs(rotation) > 1e-2) == pytest.approx(0.6, abs=0.1)
    assert np.mean(drawn["mirrored"]) == pytest.approx(0.5, abs=0.1)


def test_changes_are_independent_of_each_other():
    """Mirrored people must not be turned or scaled otherwise than the rest."""
    drawn = frames(dataclasses.replace(EVERYTHING, rotation_probability=1))
    table = np.column_stack([drawn[name] for name in ("scale", "rotation", "shift", "mirrored")])
    correlation = np.corrcoef(table.T) - np.eye(table.shape[1])
    assert np.abs(correlation).max() < 0.2


def test_what_is_said_to_be_mirrored_is():
    """Left and right labels change places by it."""
    drawn = frames(EVERYTHING)
    np.testing.assert_array_equal(drawn["mirrored"], drawn["flipped"])
    assert 0 < drawn["flipped"].sum() < len(drawn["flipped"])


def test_without_ranges_nothing_changes():
    for seed in seeds(5):
        affine, mirrored = augment.random_crop_to_image(BOX, SIZE, NOTHING, seed)
        np.testing.assert_allclose(affine, cropping.crop_to_image(BOX, SIZE), rtol=1e-6)
        assert not mirrored
        image = tf.random.stateless_uniform([8, 8, 3], seed)
        np.testing.assert_allclose(augment.random_colour(image, NOTHING, seed), image, atol=1e-6)


def test_probabilities_of_0_and_1_are_never_and_always():
    always = frames(dataclasses.replace(NOTHING, mirror_probability=1, rotation=30, rotation_probability=1))
    never = frames(dataclasses.replace(NOTHING, rotation=30))
    assert always["mirrored"].all() and (np.abs(always["rotation"]) > 1e-3).all()
    assert not never["mirrored"].any() and np.abs(never["rotation"]).max() < 1e-3


def test_colours_stay_in_0_to_1():
    image = tf.random.stateless_uniform([16, 16, 3], [3, 3])
    strong = dataclasses.replace(NOTHING, colour=0.9, contrast=0.9)
    changed = for_each_seed(lambda seed: augment.random_colour(image, strong, seed), 50)
    assert changed.dtype == tf.float32 and changed.shape == (50, 16, 16, 3)
    assert tf.reduce_min(changed) == 0 and tf.reduce_max(changed) == 1


def test_each_channel_has_a_gain_of_its_own():
    """0.8 to 1.2 by default, as in the public training code of the backbone."""
    image = tf.fill([4, 4, 3], 0.5)
    changed = for_each_seed(lambda seed: augment.random_colour(image, AugmentationConfig(), seed), 100)
    gains = changed.numpy()[:, 0, 0] * 2
    assert (gains.min(axis=0) >= 0.8).all() and (gains.min(axis=0) < 0.83).all()
    assert (gains.max(axis=0) <= 1.2).all() and (gains.max(axis=0) > 1.17).all()
    assert np.abs(np.corrcoef(gains.T) - np.eye(3)).max() < 0.3


def test_contrast_stretches_about_the_mean():
    image = tf.random.stateless_uniform([16, 16, 3], [5, 5], minval=0.4, maxval=0.6)
    config = dataclasses.replace(NOTHING, contrast=0.5)
    changed = for_each_seed(lambda seed: augment.random_colour(image, config, seed), 100)
    np.testing.assert_allclose(
        tf.reduce_mean(changed, axis=[1, 2, 3]), [tf.reduce_mean(image)] * 100, atol=1e-4
    )
    stretches = tf.math.reduce_std(changed, axis=[1, 2, 3]).numpy() / tf.math.reduce_std(image).numpy()
    assert 0.5 <= stretches.min() < 0.55 and 1.45 < stretches.max() <= 1.501


def reach(ranges: AugmentationConfig) -> float:
    """How far from the box's centre the widest crop reaches, in its longer side."""
    affine = cropping.crop_to_image(
        np.array([-0.5, -0.5, 1, 1], np.float32),
        SIZE,
        scale=1 + ranges.scale,
        rotation=ranges.rotation,
        shift=(ranges.shift, ranges.shift),
    )
    corners = np.array([[0, 0], [SIZE, 0], [0, SIZE], [SIZE, SIZE]], np.float32)
    return float(np.abs(cropping.transform(corners, affine)).max())


@pytest.mark.parametrize("preset", ["full_2s", "demo"])
def test_the_widest_crop_stays_within_the_prepared_photo(preset):
    """Prepared photos are cut to a part around the person; beyond it the crop would be black."""
    assert reach(presets.from_preset(preset).augmentation) <= CUT_MARGIN / 2


@pytest.mark.parametrize(("scale", "rotation", "shift"), [(0.25, 30, 0.0), (0.1, 10, 0.2), (0.5, 40, 0.1)])
def test_the_reach_of_other_settings_is_as_documented(scale, rotation, shift):
    """By it users know whether theirs show black corners."""
    ranges = dataclasses.replace(NOTHING, scale=scale, rotation=rotation, shift=shift)
    angle = np.radians(rotation)
    expected = (1 + scale) * (np.cos(angle) + np.sin(angle) + 2 * shift)
    assert reach(ranges) == pytest.approx(expected * CROP_MARGIN / 2, rel=1e-5)
