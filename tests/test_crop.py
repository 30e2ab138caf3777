import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_advpose.data import crop as cropping
from tf_advpose.data.schema import CROP_MARGIN

IDENTITY = np.eye(2, 3, dtype=np.float32)
frames = st.fixed_dictionaries(
    {
        "scale": st.floats(0.75, 1.25),
        "rotation": st.floats(-180, 180),
        "shift": st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
        "mirror": st.booleans(),
    }
)


def random_photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def centred_box(x: float, y: float, side: float) -> np.ndarray:
    """The box whose crop is a square of `side` photo pixels about (x, y), wider than high."""
    longer = side / CROP_MARGIN
    return np.array([x - longer / 2, y - longer / 4, longer, longer / 2], np.float32)


def block_means(photo: np.ndarray, factor: int) -> np.ndarray:
    height, width = photo.shape[0] // factor, photo.shape[1] // factor
    blocks = photo[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return blocks.mean(axis=(1, 3))


def test_the_identity_gives_the_photo_back():
    photo = random_photo(20, 20)
    cut = cropping.crop(photo, IDENTITY, 20)
    assert cut.dtype == tf.float32 and cut.shape == (20, 20, 3)
    np.testing.assert_array_equal(cut, photo)


def test_a_crop_is_the_square_about_the_boxs_centre():
    """Its side is 1.25 times the longer side of the box."""
    photo = random_photo(50, 60)
    affine = cropping.crop_to_image(centred_box(30, 26, 20), 20)
    np.testing.assert_allclose(affine, [[1, 0, 20], [0, 1, 16]], atol=1e-5)
    np.testing.assert_allclose(cropping.crop(photo, affine, 20), photo[16:36, 20:40], atol=1e-2)


def test_enlarging_interpolates_between_pixel_centres():
    """The centre of the top-left pixel is (0.5, 0.5), in the photo as in the crop."""
    photo = np.zeros((1, 4, 3), np.float32) + np.array([0, 4, 8, 12], np.float32)[:, None]
    photo = np.repeat(photo, 4, axis=0)
    cut = cropping.crop(photo, IDENTITY / 2 + [[0, 0, 1], [0, 0, 1]], 4).numpy()
    # Crop centres at 0.5, 1.5, 2.5, 3.5 lie at 1.25, 1.75, 2.25, 2.75 in the photo.
    np.testing.assert_allclose(cut[0, :, 0], [3, 5, 7, 9], atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("nudge", [1.0, 1 - 1e-6], ids=["exact", "rounded down"])
def test_a_reduction_averages_all_pixels(factor, nudge):
    """The warp alone would look at four pixels of each block, and skip the rest.

    Turned frames give factors that float32 rounds to a hair below the whole number.
    """
    photo = random_photo(16 * factor + 1, 16 * factor + 1)
    cut = cropping.crop(photo, IDENTITY * factor * nudge, 16)
    np.testing.assert_allclose(cut, block_means(photo, factor), atol=0.02)


def test_a_reduction_between_whole_factors_does_not_alias():
    """Stripes of one pixel, reduced 3.5 times, fade to grey, and do not become stripes of another width."""
    photo = np.zeros((140, 140, 3), np.uint8)
    photo[:, ::2] = 200
    inner = cropping.crop(photo, IDENTITY * 3.5, 40).numpy()[2:-2, 2:-2]
    assert np.abs(inner - 100).max() < 30  # 50 without the area reduction
    assert inner.std() < 20  # and 50


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_quarter_turns(quarters, factor):
    """The crop's frame turns clockwise, so that what it shows turns anticlockwise."""
    side = 24 * factor
    photo = random_photo(side, side)
    affine = cropping.crop_to_image(centred_box(side / 2, side / 2, side), 24, rotation=90.0 * quarters)
    expected = np.rot90(block_means(photo, factor), quarters)
    np.testing.assert_allclose(cropping.crop(photo, affine, 24), expected, atol=0.05)


def test_mirroring_turns_the_same_crop_about():
    photo = random_photo(40, 40)
    box = centred_box(21, 18, 22)
    options = {"rotation": 20.0, "scale": 1.1, "shift": (0.05, -0.1)}
    plain, mirrored = (
        cropping.crop(photo, cropping.crop_to_image(box, 22, mirror=mirror, **options), 22)
        for mirror in (False, True)
    )
    np.testing.assert_allclose(mirrored, np.flip(plain, axis=1), atol=0.05)


@settings(max_examples=20)
@given(frame=frames)
def test_cropping_and_uncropping_points_are_inverse(frame):
    affine = cropping.crop_to_image(centred_box(400, 300, 500), 256, **frame)
    points = np.random.default_rng(0).uniform(0, 256, (16, 2)).astype(np.float32)
    photo_points = cropping.transform(points, affine)
    np.testing.assert_allclose(cropping.transform(photo_points, cropping.invert(affine)), points, atol=2e-3)
    back = cropping.invert(cropping.invert(affine))
    np.testing.assert_allclose(back, affine, rtol=1e-4, atol=1e-3)


@settings(max_examples=20)
@given(frame=frames)
def test_a_frame_has_the_promised_centre_side_and_turn(frame):
    """Read off where the crop's corners lie in the photo."""
    affine = cropping.crop_to_image(centred_box(400, 300, 500), 256, **frame)
    corners = np.array([[0, 0], [256, 0], [0, 256], [128, 128]], np.float32)
    top_left, top_right, bottom_left, centre = cropping.transform(corners, affine).numpy()
    side = 500 * frame["scale"]
    np.testing.assert_allclose(centre, [400, 300] + np.array(frame["shift"]) * side, atol=1e-2)
    assert np.linalg.norm(top_right - top_left) == pytest.approx(side, rel=1e-4)
    down = (bottom_left - top_left) / side
    angle = np.deg2rad(frame["rotation"])
    np.testing.assert_allclose(down, [-np.sin(angle), np.cos(angle)], atol=1e-4)
    across = (top_right - top_left) / side * (-1 if frame["mirror"] else 1)
    np.testing.assert_allclose(across, [np.cos(angle), np.sin(angle)], atol=1e-4)


@settings(max_examples=30)
@given(
    frame=frames,
    x=st.floats(-0.2, 0.2),
    y=st.floats(-0.2, 0.2),
    pixels=st.sampled_from([0.6, 1.0, 1.7, 2.0, 3.3]),
)
def test_labels_land_where_the_image_does(frame, x, y, pixels):
    """A bright blob drawn at a joint is found, within 0.1 pixels, where the joint is taken to."""
    side = 64 * pixels
    size = int(2 * side)
    joint = np.float32([[size / 2 + x * side, size / 2 + y * side]])
    centres = np.arange(size) + 0.5
    sigma = 2.5 * pixels
    profiles = [np.exp(-((centres - coordinate) ** 2) / (2 * sigma**2)) for coordinate in joint[0]]
    photo = np.repeat(np.outer(profiles[1], profiles[0])[..., None], 3, axis=2).astype(np.float32)

    affine = cropping.crop_to_image(centred_box(size / 2, size / 2, side), 64, **frame)
    cut = cropping.crop(photo, affine, 64).numpy()[..., 0]
    expected = cropping.transform(joint, cropping.invert(affine))[0]
    rows, columns = np.mgrid[:64, :64] + 0.5
    centroid = np.array([(cut * columns).sum(), (cut * rows).sum()]) / cut.sum()
    np.testing.assert_allclose(centroid, expected, atol=0.1)


def test_beyond_the_photo_it_is_black():
    photo = np.full((30, 30, 3), 200, np.uint8)
    cut = cropping.crop(photo, IDENTITY * [[1, 1, -10], [1, 1, 5]] + [[0, 0, -10], [0, 0, 5]], 50).numpy()
    # The photo's top-left corner lies at (10, -5) of the crop.
    assert (cut[:24, 11:39] == 200).all()
    cut[:26, 9:41] = 0
    assert (cut == 0).all()


def test_a_photo_smaller_than_the_reduction_does_not_fail():
    """As of a person far outside the photo, of which one row of pixels was kept."""
    photo = np.full((1, 5, 3), 100, np.uint8)
    cut = cropping.crop(photo, IDENTITY * 8, 8).numpy()
    assert np.isfinite(cut).all() and cut.max() <= 100


def test_it_runs_inside_a_pipeline_on_photos_of_any_size():
    """Compiled once for all sizes; the factor is chosen anew for each photo."""
    photos = [random_photo(24, 40), random_photo(64, 48)]
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(photos), output_signature=tf.TensorSpec([None, None, 3], tf.uint8)
    )

    def whole(photo):
        size = tf.cast(tf.shape(photo), tf.float32)
        box = tf.stack([0.0, 0.0, size[1] / CROP_MARGIN, size[0] / CROP_MARGIN])
        return cropping.crop(photo, cropping.crop_to_image(box, 16), 16)

    dataset = dataset.map(whole)
    assert dataset.element_spec.shape == (16, 16, 3)
    for cut, photo in zip(dataset, photos, strict=True):
        np.testing.assert_allclose(cut, whole(tf.constant(photo)), atol=1e-3)


@settings(max_examples=30)
@given(
    frame=frames,
    x=st.floats(-100, 330),
    y=st.floats(-100, 250),
    pixels=st.sampled_from([0.6, 1.0, 1.7, 2.0, 3.3]),
    subsampled=st.booleans(),
)
def test_a_jpeg_decoded_only_where_it_is_shown_gives_the_same_crop(frame, x, y, pixels, subsampled):
    """Inside the photo, across its edge and beside it."""
    photo = tf.image.resize(random_photo(23, 31), [161, 217])
    encoded = tf.io.encode_jpeg(tf.cast(photo, tf.uint8), quality=90, chroma_downsampling=subsampled)
    affine = cropping.crop_to_image(centred_box(x, y, 32 * pixels), 32, **frame)
    whole = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    part = cropping.crop_jpeg(encoded, affine, 32)
    np.testing.assert_allclose(part, cropping.crop(whole, affine, 32), atol=0.1)
