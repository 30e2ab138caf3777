"""Pictures of surfaces and of what stands in the distance, drawn once and used for many photos.

`ground` is what one stands on, `wall` plain or patterned surfaces, `vista` what is seen behind people: the
side of a room, a street, trees, stands of a hall. Nobody looks at them for long: what counts is that their
shapes come in all sizes, hide each other, and have edges, colours and grain as those of photos have.
"""

import functools

import cv2
import numpy as np

from tf_advpose.people.textures import noise_bank, pattern

SIDE = 256  # pixels of a picture
COUNTS = {"ground": 300, "wall": 200, "vista": 900}
_SEED = {"train": 77, "test": 78, "validation": 79}
_LEVELS = 5  # each half as large as the one before
_CELLS = ("checks", "bricks", "planks", "stripes", "blocks", "dots")


@functools.cache
def picture(kind: str, split: str, number: int) -> tuple[np.ndarray, ...]:
    """One of the `COUNTS[kind]` pictures of a kind: [S, S, 3] uint8 in screen colours, and smaller ones for
    who is far from it. The splits have different ones."""
    rng = np.random.default_rng([_SEED[split], list(COUNTS).index(kind), number])
    return pyramid({"ground": _ground, "wall": _wall, "vista": _vista}[kind](rng))


def pyramid(image: np.ndarray) -> tuple[np.ndarray, ...]:
    """`image` [H, W, 3], and smaller copies of it for who is far from it."""
    levels = [image]
    while len(levels) < _LEVELS:
        levels.append(cv2.pyrDown(levels[-1]))
    return tuple(levels)


def colour(rng: np.random.Generator, vivid: float = 1.0) -> np.ndarray:
    """A screen colour [3] in [0, 255], float32: seldom a strong one, never one if `vivid` is 0."""
    hue, value = rng.random(), rng.uniform(0.08, 0.97)
    saturation = vivid * rng.beta(1.1, 2.6)
    if rng.random() < 0.75:  # most things are orange or blue, as wood, brick, sand and sky are, or green
        hue = rng.choice([0.08, 0.6, 0.27], p=[0.5, 0.32, 0.18]) + rng.normal(0, 0.04)
    wheel = np.clip(np.abs(np.mod(hue + np.array([0, 2 / 3, 1 / 3]), 1) * 6 - 3) - 1, 0, 1)
    return (255 * value * (1 - saturation + saturation * wheel)).astype(np.float32)


def grain(rng: np.random.Generator, zoom: float) -> np.ndarray:
    """Noise of all scales [S, S] float32, mean 0.5; its coarsest features are `zoom` times S large."""
    bank = noise_bank()[rng.integers(4)]
    angle, scale = rng.uniform(0, 2 * np.pi), len(bank) / SIDE / zoom
    c, s = scale * np.cos(angle), scale * np.sin(angle) * rng.uniform(0.5, 1.5)
    warp = np.array([[c, -s, rng.uniform(0, 512)], [s, c, rng.uniform(0, 512)]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(bank, warp, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_WRAP)


def _ground(rng: np.random.Generator) -> np.ndarray:
    style = rng.random()
    if style < 0.5:
        return _mottled(rng)
    if style < 0.56:
        return _leaves(rng, rng.integers(100, 400), largest=rng.uniform(0.1, 0.3))
    return _patterned(rng)


def _wall(rng: np.random.Generator) -> np.ndarray:
    style = rng.random()
    if style < 0.4:
        return _mottled(rng, contrast=rng.uniform(0.02, 0.3))
    return _patterned(rng) if style < 0.75 else _leaves(rng, rng.integers(10, 250), rng.uniform(0.1, 0.6))


def _mottled(rng: np.random.Generator, contrast: float | None = None) -> np.ndarray:
    """Grass, sand, snow, carpet, plaster: shades of a colour or two."""
    contrast = rng.uniform(0.05, 0.9) if contrast is None else contrast
    first = colour(rng)
    second = first * rng.uniform(0.5, 1.4) + rng.normal(0, 12, 3) if rng.random() < 0.8 else colour(rng)
    share = 0.5 + contrast * (grain(rng, rng.uniform(0.2, 2.0)) - 0.5)
    if rng.random() < 0.7:  # blades, grains, fibres
        fine = rng.standard_normal((SIDE, SIDE), np.float32)
        share += rng.uniform(0, 0.35) * cv2.GaussianBlur(fine, (0, 0), rng.uniform(0.5, 1.5))
    return _finish(rng, first + np.clip(share, -0.3, 1.3)[..., None] * (second - first))


def _patterned(rng: np.random.Generator) -> np.ndarray:
    """Tiles, bricks, planks, curtains."""
    v, u = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE * rng.uniform(2, 14)
    if rng.random() < 0.5:
        u, v = v, u
    share = pattern(str(rng.choice(_CELLS)), u, v * rng.uniform(0.5, 2), int(rng.integers(100)))
    first = colour(rng)
    second = first * rng.uniform(0.55, 1.3) if rng.random() < 0.75 else colour(rng)
    image = first + np.asarray(share, np.float32)[..., None] * (second - first)
    return _finish(rng, image * (1 + 0.5 * (grain(rng, rng.uniform(0.3, 2)) - 0.5))[..., None])


def _finish(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Clips, after some shading from one side to the other."""
    ramp = np.linspace(-1, 1, SIDE, dtype=np.float32) * rng.normal(0, 0.1)
    return np.clip(image * (1 + ramp[:, None, None]), 0, 255).astype(np.uint8)


def _leaves(rng: np.random.Generator, count: int, largest: float) -> np.ndarray:
    """Shapes of all sizes that hide each other, large ones up to a share `largest` of the picture."""
    image = _mottled(rng)
    for size in np.sort(largest * SIDE * rng.power(0.5, count))[::-1] + 2:
        shape(rng, image, rng.uniform(0, SIDE, 2), size * rng.uniform(0.4, 1.6, 2), colour(rng))
    return image


def shape(
    rng: np.random.Generator, image: np.ndarray, at: np.ndarray, half: np.ndarray, tone: np.ndarray
) -> None:
    """Draws an ellipse, a box or a shard into `image`, with one of its sides in the shade."""
    angle = rng.choice([0.0, rng.uniform(0, 180)])
    kind = rng.integers(3)
    for part in range(2):
        if part:  # the shaded side
            at, half, tone = (
                at + half * rng.uniform(-0.5, 0.5, 2),
                half * rng.uniform(0.3, 0.8, 2),
                0.8 * tone,
            )
        if kind == 0:
            axes = tuple(np.maximum(half, 1).astype(int).tolist())
            cv2.ellipse(image, at.astype(int).tolist(), axes, angle, 0, 360, tone.tolist(), -1, cv2.LINE_AA)
            continue
        corners = 4 if kind == 1 else int(rng.integers(3, 7))
        turns = np.pi / 4 + np.arange(corners) * 2 * np.pi / corners
        spread = 1.0 if kind == 1 else rng.uniform(0.5, 1.3, corners)[:, None]
        points = 1.4 * half * spread * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        points = (points @ np.array([[c, s], [-s, c]]) + at).astype(np.int32)
        cv2.fillConvexPoly(image, cv2.convexHull(points), tone.tolist(), cv2.LINE_AA)


def _vista(rng: np.random.Generator) -> np.ndarray:
    kinds = (_interior, _street, _nature, _stands, _wall, _leafy)
    image = kinds[rng.choice(len(kinds), p=[0.38, 0.21, 0.22, 0.06, 0.08, 0.05])](rng)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), np.exp(rng.uniform(np.log(0.4), np.log(3))))
    return image


def _leafy(rng: np.random.Generator) -> np.ndarray:
    return _leaves(rng, rng.integers(150, 700), rng.uniform(0.1, 0.5))


def _interior(rng: np.random.Generator) -> np.ndarray:
    """The side of a room: doors, windows, pictures, shelves, curtains, furniture along the wall."""
    image = _mottled(rng, contrast=rng.uniform(0, 0.2))
    if rng.random() < 0.7:
        image = np.clip(image.astype(np.float32) * 0.4 + 0.6 * rng.uniform(120, 250), 0, 255).astype(
            np.uint8
        )
    for _ in range(rng.integers(2, 12)):
        left, top = rng.uniform(-20, SIDE), rng.uniform(0, 170)
        width, height = rng.uniform(8, 90), rng.uniform(10, 120)
        _panel(rng, image, left, top, left + width, top + height)
    for _ in range(rng.integers(0, 7)):  # furniture stands on the floor
        width, height = rng.uniform(15, 110), rng.uniform(20, 130)
        left = rng.uniform(-30, SIDE)
        _panel(rng, image, left, SIDE - height, left + width, SIDE)
    if rng.random() < 0.5:
        image[-int(rng.integers(4, 9)) :] = colour(rng, 0.3)
    return image


def _panel(rng, image: np.ndarray, left: float, top: float, right: float, bottom: float, depth: int = 0):
    """A board or opening with a frame, and others within it."""
    left, top, right, bottom = (int(edge) for edge in (left, top, right, bottom))
    tone = colour(rng) if rng.random() < 0.8 else np.full(3, rng.uniform(180, 255))
    cv2.rectangle(image, (left, top), (right, bottom), tone.tolist(), -1)
    if rng.random() < 0.5:
        edge = (tone * rng.uniform(0.4, 1.3)).tolist()
        cv2.rectangle(image, (left, top), (right, bottom), edge, int(rng.integers(1, 4)))
    width, height = right - left, bottom - top
    if depth == 2 or min(width, height) < 8 or rng.random() < 0.3:
        return
    if rng.random() < 0.5:  # shelves, panes, rows of things
        rows, columns = rng.integers(1, 6), rng.integers(1, 9)
        alike = colour(rng)
        for row in range(rows):
            for column in range(columns):
                inner = tone if rng.random() < 0.2 else alike if rng.random() < 0.5 else colour(rng)
                x, y = left + width * column / columns, top + height * row / rows
                end = x + width * rng.uniform(0.6, 0.95) / columns, y + height * 0.9 / rows
                start = int(x + 1), int(y + height * rng.uniform(0.05, 0.3) / rows)
                cv2.rectangle(image, start, (int(end[0]), int(end[1])), inner.tolist(), -1)
    else:
        for _ in range(rng.integers(1, 4)):
            x, y = left + width * rng.uniform(0, 0.7), top + height * rng.uniform(0, 0.7)
            end = x + width * rng.uniform(0.15, 0.5), y + height * rng.uniform(0.15, 0.5)
            _panel(rng, image, x, y, min(end[0], right), min(end[1], bottom), depth + 1)


def _sky(rng: np.random.Generator) -> np.ndarray:
    low, high = (
        (np.array((205, 220, 235)), np.array((90, 140, 210))),
        (np.full(3, 235.0), np.full(3, 190.0)),
        (np.array((250, 220, 190)), np.array((130, 140, 180))),
        (np.full(3, 60.0), np.array((15, 20, 40))),
    )[rng.choice(4, p=[0.45, 0.35, 0.12, 0.08])]
    down = np.linspace(0, 1, SIDE)[:, None, None] ** 0.7
    image = np.broadcast_to(high + down * (low - high), (SIDE, SIDE, 3))
    if rng.random() < 0.6:
        clouds = np.clip((grain(rng, rng.uniform(0.8, 2)) - rng.uniform(0.4, 0.7)) * 4, 0, 0.9)[..., None]
        image = image * (1 - clouds) + rng.uniform(200, 250) * clouds
    return np.clip(image, 0, 255).astype(np.uint8)


def _nature(rng: np.random.Generator) -> np.ndarray:
    image = _sky(rng)
    if rng.random() < 0.5:
        _ridge(rng, image, rng.uniform(60, 200), rng.uniform(5, 50), colour(rng, 0.4))
    green = np.array((rng.uniform(40, 110), rng.uniform(70, 130), rng.uniform(20, 70)))
    if rng.random() < 0.25:
        green = colour(rng, 0.6)  # autumn, blossom, snow
    horizon = rng.uniform(120, 250)
    if rng.random() < 0.5:
        _ridge(rng, image, horizon, rng.uniform(2, 20), green * rng.uniform(0.6, 1.4))
    for _ in range(rng.integers(0, 9)):
        _tree(rng, image, rng.uniform(0, SIDE), min(horizon + rng.uniform(-20, 60), 256), green)
    if rng.random() < 0.5:  # undergrowth
        for x in rng.uniform(0, SIDE, 60):
            half = rng.uniform(4, 22, 2)
            shape(rng, image, np.array([x, SIDE - rng.uniform(0, 25)]), half, green * rng.uniform(0.4, 1.3))
    return image


def _ridge(rng: np.random.Generator, image: np.ndarray, level: float, height: float, tone) -> None:
    """Hills or a wood: everything below a rough line."""
    line = level + height * 4 * (grain(rng, rng.uniform(0.5, 2))[0] - 0.5)
    below = np.arange(SIDE)[:, None] > line
    rough = 0.75 + 0.5 * grain(rng, rng.uniform(0.1, 0.6))[..., None]
    image[below] = np.clip(np.broadcast_to(tone, image.shape) * rough, 0, 255)[below]


def _tree(rng: np.random.Generator, image: np.ndarray, x: float, foot: float, green: np.ndarray) -> None:
    height = rng.uniform(30, 230)
    bark = (np.array((80, 65, 50)) * rng.uniform(0.4, 1.8)).tolist()
    top = (int(x + rng.uniform(-15, 15)), int(foot - height))
    cv2.line(image, (int(x), int(foot)), top, bark, int(rng.integers(1, 16)), cv2.LINE_AA)
    if rng.random() < 0.85:
        width = rng.uniform(0.15, 0.5) * height
        for _ in range(rng.integers(20, 60)):
            at = np.array(top) + rng.normal(0, 0.5, 2) * (width, width) + (0, 0.5 * width)
            shape(rng, image, at, rng.uniform(0.08, 0.3, 2) * width, green * rng.uniform(0.4, 1.5))


def _street(rng: np.random.Generator) -> np.ndarray:
    """Houses with windows, cars, poles, trees."""
    image, x = _sky(rng), -20.0
    while x < SIDE and rng.random() < 0.95:
        width, top = rng.uniform(40, 180), rng.uniform(-60, 170)
        _house(rng, image, x, top, width)
        x += width + max(rng.normal(0, 30), 0)
    for _ in range(rng.integers(0, 4)):
        _tree(rng, image, rng.uniform(0, SIDE), 256, np.array((60, 90, 45)) * rng.uniform(0.6, 1.4))
    for _ in range(rng.integers(0, 4)):
        tone, left, width = colour(rng), rng.uniform(-40, SIDE), rng.uniform(40, 110)
        top = SIDE - 0.33 * width
        for start, end, share in ((0, 1, 0.55), (0.2, 0.8, 1.0)):
            low = (int(left + start * width), int(SIDE - 0.33 * width * share))
            high = (int(left + end * width), int(SIDE - 0.06 * width))
            cv2.rectangle(image, low, high, tone.tolist() if share < 1 else (45, 50, 58), -1)
        for wheel in (0.2, 0.8):
            centre = (int(left + wheel * width), int(SIDE - 0.07 * width))
            cv2.circle(image, centre, int(0.08 * width), (25, 25, 27), -1, cv2.LINE_AA)
    for x in rng.uniform(0, SIDE, rng.integers(0, 4)):
        top = int(rng.uniform(0, 160))
        cv2.line(image, (int(x), top), (int(x), SIDE), colour(rng, 0.5).tolist(), int(rng.integers(1, 5)))
    return image


def _house(rng: np.random.Generator, image: np.ndarray, left: float, top: float, width: float) -> None:
    tone = colour(rng, 0.7) * 0.6 + 70
    cv2.rectangle(image, (int(left), int(top)), (int(left + width), SIDE), tone.tolist(), -1)
    pitch, pane = rng.uniform(10, 45, 2), rng.uniform(0.3, 0.8, 2)
    glass = colour(rng, 0.3) * 0.5
    for y in np.arange(top + 4, SIDE - 20, pitch[1]):
        for x in np.arange(left + 4, left + width - 5, pitch[0]):
            end = x + pane[0] * pitch[0], y + pane[1] * pitch[1]
            shade = (glass * rng.uniform(0.6, 1.5)).tolist()
            cv2.rectangle(image, (int(x), int(y)), (int(end[0]), int(end[1])), shade, -1)
    for _ in range(rng.integers(0, 4)):  # shops, doors, signs
        x = left + rng.uniform(0, 0.8) * width
        _panel(rng, image, x, SIDE - rng.uniform(20, 75), x + rng.uniform(0.1, 0.5) * width, SIDE)


def _stands(rng: np.random.Generator) -> np.ndarray:
    """Many people, small and far, over a banner."""
    image = _mottled(rng)
    size = rng.uniform(4, 14)
    for y in np.arange(rng.uniform(-20, 80), 215, 1.6 * size):
        for x in np.arange(0, SIDE, 1.3 * size) + rng.uniform(-3, 3):
            if rng.random() < 0.85:
                at = np.array([x, y]) + rng.normal(0, 0.15 * size, 2)
                half = np.array([0.5, 0.8]) * size
                shape(rng, image, at + (0, size), half, colour(rng))
                skin = (np.array((200, 150, 120)) * rng.uniform(0.4, 1.2)).tolist()
                cv2.circle(image, (int(at[0]), int(at[1])), max(int(0.3 * size), 1), skin, -1)
    if rng.random() < 0.7:
        for x in np.arange(-20, SIDE, 60):
            _panel(rng, image, x, rng.uniform(195, 215), x + 60, SIDE, depth=1)
    return image
