"""A model that really finds joints: dots of their colours; and pictures of people who are such dots."""

import pathlib

import cv2
import keras
import numpy as np
from drawn_people import COLOURS

from tf_advpose import presets
from tf_advpose.deploy import metadata, tflite
from tf_advpose.skeleton import NUM_JOINTS

SIZE = 128
NARROWNESS = 45.0  # of the colours that are taken for a joint's; the next colour is too far
DEPTH = (np.arange(NUM_JOINTS) - 6) / 40.0  # what it says of every person, half-crop units; the pelvis: 0
TOTAL_BONE_LENGTH = 4000.0
METADATA = metadata.describe(presets.from_preset("demo"), "adversarial", TOTAL_BONE_LENGTH)
METADATA = METADATA | {"image_size": SIZE}
GREY = 128


def generator() -> keras.Model:
    """A heatmap is 1 less the squared distance from the joint's colour, where that is above 0."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    colour = keras.layers.AveragePooling2D(4)(image)
    both = keras.layers.Concatenate()([colour, keras.layers.Multiply()([colour, colour])])
    near = keras.layers.Conv2D(NUM_JOINTS, 1, activation="relu", name="stack1_heatmaps")
    heatmaps = near(both)
    wanted = COLOURS.T / 255  # [3, P]
    kernel = np.concatenate([2 * NARROWNESS * wanted, np.full((3, NUM_JOINTS), -NARROWNESS)])
    near.set_weights([kernel[None, None], 1 - NARROWNESS * np.sum(wanted**2, axis=0)])
    said = keras.layers.Dense(NUM_JOINTS, name="depth")
    depth = said(keras.layers.GlobalAveragePooling2D()(image))
    said.set_weights([np.zeros((3, NUM_JOINTS)), DEPTH])
    return keras.Model(image, {"heatmaps": [heatmaps], "depth": depth}, name="generator")


def write_tflite(path: pathlib.Path) -> pathlib.Path:
    """Writes it in float32."""
    crops = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    path.write_bytes(tflite.convert(generator(), METADATA, crops, formats=("float32",))["float32"])
    return path


def joints(seed: int, left: float, top: float, side: float) -> np.ndarray:
    """Places [P, 2] in a square of a picture, none near another; some are at its edges."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=-1).reshape(-1, 2) / 3
    moved = np.clip(grid + rng.uniform(-0.06, 0.06, grid.shape), 0, 1)
    return np.array([left, top]) + side * moved[rng.permutation(NUM_JOINTS)]


def box_of(joints_2d: np.ndarray) -> list[float]:
    low, high = joints_2d.min(axis=0), joints_2d.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def draw(people: list[np.ndarray], width: int, height: int) -> np.ndarray:
    """A grey picture, [H, W, 3] uint8 RGB, of people who are dots at their joints [P, 2]."""
    picture = np.full((height, width, 3), GREY, np.uint8)
    for joints_2d in people:
        radius = max(3, round(0.06 * max(box_of(joints_2d)[2:])))
        for (x, y), colour in zip(joints_2d, COLOURS.tolist(), strict=True):
            centre = (round((x - 0.5) * 16), round((y - 0.5) * 16))
            cv2.circle(picture, centre, radius * 16, colour, cv2.FILLED, cv2.LINE_AA, 4)
    return picture


def write(path: pathlib.Path, picture: np.ndarray) -> pathlib.Path:
    """Writes an RGB picture as a photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imencode(path.suffix, picture[..., ::-1])[1].tofile(path)
    return path


def write_video(path: pathlib.Path, pictures: list[np.ndarray], frames_per_second: float = 20.0) -> None:
    height, width = pictures[0].shape[:2]
    code = cv2.VideoWriter_fourcc(*"mp4v")
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), code, frames_per_second, (width, height))
    assert writer.isOpened()
    for picture in pictures:
        writer.write(np.ascontiguousarray(picture[..., ::-1]))
    writer.release()
