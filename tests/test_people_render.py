"""Light, shadow and geometry of rendered pictures, against what can be worked out by hand."""

import numpy as np
import pytest

pytest.importorskip("embreex", reason="synthetic people need requirements-people.txt")

from tf_advpose.camera import project
from tf_advpose.people import photo, things
from tf_advpose.people.backdrop import Paint, Panel, Room
from tf_advpose.people.render import Light, Surface, Tracer, render
from tf_advpose.people.textures import PATTERNS, linear, noise, pattern

LIGHT = Light(np.array([0.0, 0.0, 1.0]), np.array([0.6, 0.5, 0.4]), np.array([0.2, 0.2, 0.2]), size=0.01)
SIZE = 64


def white_room() -> Room:
    plain = Paint(np.ones((2, 3)), "plain", 1000.0, 0)
    return Room(np.array([5000.0, 5000.0]), 6000.0, plain, plain, panels=())


def camera_above(intrinsics=(64.0, 64.0, 32.0, 32.0, 0, 0, 0, 0, 0)):
    return photo.camera_at(np.array([0.0, -10.0, 4000.0]), np.zeros(3), np.array(intrinsics))


def quad(height: float, half: float, colour: float) -> Surface:
    corners = np.array(
        [(-half, -half, height), (half, -half, height), (half, half, height), (-half, half, height)]
    )
    triangles = np.array([(0, 1, 2), (0, 2, 3)])
    return Surface(
        corners, triangles, None, corners.astype(np.float32), lambda f: np.full((len(f), 3), colour)
    )


def test_a_lit_surface_has_lamberts_brightness():
    picture = render(Tracer([quad(1000.0, 3000.0, 0.5)]), white_room(), LIGHT, camera_above(), SIZE, rng())
    np.testing.assert_allclose(picture[32, 32], 0.5 * (LIGHT.colour + LIGHT.ambient), rtol=0.01)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_things_cast_shadows_where_the_light_says():
    """A plate one metre up, light from the side at 45 degrees: the shadow lies one metre away."""
    side = Light(np.array([-1.0, 0.0, 1.0]) / np.sqrt(2), LIGHT.colour, LIGHT.ambient, size=0.01)
    camera = photo.camera_at(np.array([0.0, -10.0, 5000.0]), np.zeros(3), camera_above().intrinsics)
    picture = render(Tracer([quad(1000.0, 400.0, 0.0)]), white_room(), side, camera, SIZE, rng())
    shadow, lit = (
        project(camera.to_camera(np.array([[x, 0.0, 0.0]])), camera.intrinsics)[0].astype(int)
        for x in (1000.0, -1500.0)
    )
    assert picture[shadow[1], shadow[0], 0] < 0.6 * picture[lit[1], lit[0], 0]


def test_pixels_are_where_the_camera_projects_points():
    """A small box's middle in the picture is its middle projected, off-centre crops included."""
    camera = camera_above((90.0, 90.0, 20.0, 40.0, 0, 0, 0, 0, 0))
    marker = things.surface([things.box(200, 200, 200, np.zeros(3), (400, -300, 1000))])
    picture = render(Tracer([marker]), white_room(), LIGHT, camera, SIZE, rng())
    rows, columns = np.nonzero(picture.max(axis=2) < 0.05)
    middle = project(camera.to_camera(np.array([[400.0, -300.0, 1100.0]])), camera.intrinsics)[0]
    np.testing.assert_allclose((columns.mean() + 0.5, rows.mean() + 0.5), middle, atol=0.6)


def test_edges_are_smooth():
    picture = render(Tracer([quad(500.0, 1003.0, 0.0)]), white_room(), LIGHT, camera_above(), SIZE, rng())
    brightest = picture.max()
    between = (picture[:, :, 0] > 0.1 * brightest) & (picture[:, :, 0] < 0.6 * brightest)
    assert between.any(), "partly covered pixels are mixed"


def test_room_shows_floor_walls_ceiling_and_panels():
    red = np.array([0.8, 0.1, 0.1])
    panels = (Panel(0, -500.0, 500.0, 1000.0, 2000.0, red, glowing=True),)
    room = Room(np.array([3000.0, 3000.0]), 2500.0, white_room().floor, white_room().wall, panels)
    rays = np.array([(0, 0, -1), (1, 0, 0), (-1, 0, 0), (0, 0, 1)], np.float32)
    colours, points, normals = room.look(np.array([0, 0, 1500], np.float32), rays)
    np.testing.assert_allclose(points[[0, 2, 3]], [(0, 0, 0), (-3000, 0, 1500), (0, 0, 2500)], atol=1e-3)
    np.testing.assert_allclose(normals, -rays, atol=1e-6)
    assert np.isnan(points[1]).all(), "no shadow falls on what glows"
    assert colours[1, 0] > 3 * colours[1, 1], "the panel is red"


def test_camera_at_looks_at_its_target_the_right_way_up():
    camera = photo.camera_at(np.array([3000.0, 2000.0, 1500.0]), np.array([0, 0, 900.0]), np.zeros(9))
    target = camera.to_camera(np.array([0.0, 0.0, 900.0]))
    np.testing.assert_allclose(target[:2], 0, atol=1e-9)
    assert target[2] > 0
    assert camera.to_camera(np.array([0.0, 0.0, 1000.0]))[1] < 0, "up in the world is up in the picture"
    np.testing.assert_allclose(np.linalg.det(camera.rotation), 1)


def test_cutting_out_moves_points_as_the_square_says():
    camera = camera_above((1000.0, 1000.0, 500.0, 400.0, 0, 0, 0, 0, 0))
    points = rng().uniform(-500, 500, (20, 3))
    whole = project(camera.to_camera(points), camera.intrinsics)
    cut = photo.cut_out(camera, np.array([100.0, 50.0, 400.0]), 128)
    np.testing.assert_allclose(
        project(cut.to_camera(points), cut.intrinsics), (whole - (100, 50)) * 128 / 400, atol=1e-9
    )


def test_windows_hold_the_person_and_cutting_ones_do_not():
    box = np.array([200.0, 100.0, 150.0, 400.0])
    generator = rng()
    for _ in range(50):
        left, top, side = photo.window(generator, box, (0.6, 0.68), 0.05)
        assert 0.6 <= 400 / side <= 0.68
        assert left < box[0] and top < box[1] and left + side > 350 and top + side > 500
        left, top, side = photo.window_cutting(generator, box, (0.6, 0.68))
        inside = np.minimum([left + side, top + side], [350, 500]) - np.maximum([left, top], box[:2])
        assert 0.35 < inside.prod() / box[2:].prod() < 0.95


@pytest.mark.parametrize("kind", PATTERNS)
def test_patterns_are_shares(kind):
    u, v = rng().uniform(-50, 50, (2, 500)).astype(np.float32)
    share = pattern(kind, u, v, 3)
    assert share.shape == (500,) and share.min() >= 0 and share.max() <= 1
    assert kind == "plain" or share.std() > 0.05


def test_unknown_pattern_is_told():
    with pytest.raises(ValueError, match="Unknown pattern 'tartan'; there are plain, "):
        pattern("tartan", np.zeros(1), np.zeros(1))


def test_noise_repeats_and_linear_darkens():
    u, v = rng().uniform(0, 1, (2, 100))
    np.testing.assert_array_equal(noise(u, v, 1), noise(u, v, 1))
    assert 0.1 < noise(u, v).std() < 0.4
    np.testing.assert_allclose(linear((0.0, 0.5, 1.0)), (0, 0.2176, 1), atol=1e-3)
