"""Small prepared datasets of drawn people, whose every joint is a dot of its own colour, and small runs."""

import itertools
import sys
import types
from pathlib import Path

import cv2
import keras
import layouts
import numpy as np
import pytest

import tf_advpose.people
from tf_advpose import camera
from tf_advpose.config import AugmentationConfig, Config, DiscriminatorConfig, GeneratorConfig, StageConfig
from tf_advpose.data import prepared
from tf_advpose.skeleton import NUM_JOINTS

LAB, WILD = "synthetic_people/lab", "synthetic_people/wild"
TRAIN_EXAMPLES, TEST_EXAMPLES = 13, 5
INTRINSICS = layouts.HUMAN36M_INTRINSICS
PHOTO_SIZE, DOT_RADIUS, GREY = 200, 7, 128
COLOURS = np.array(
    [colour for colour in itertools.product((30, 128, 225), repeat=3) if np.ptp(colour) > 90][:NUM_JOINTS]
)


def joints_of(domain: str, split: str, number: int) -> np.ndarray:
    """A person's joints [P, 3], absolute mm: the dots of all joints lie apart, wherever they are."""
    rng = np.random.default_rng([number, domain == "lab", split == "train"])
    places = np.stack(np.meshgrid([-450, -150, 150, 450], [-780, -260, 260, 780]), axis=-1).reshape(-1, 2)
    joints = np.column_stack([rng.permutation(places), np.zeros(NUM_JOINTS)])
    return joints + rng.uniform(-1, 1, (NUM_JOINTS, 3)) * (40, 80, 150) + (30, -20, 3000)


def examples(domain: str, split: str, count: int, **_):
    """Stands for the rendering of people."""
    for number in range(count):
        joints = joints_of(domain, split, number)
        joints_2d = camera.project(joints, INTRINSICS)
        photo = np.full((PHOTO_SIZE, PHOTO_SIZE, 3), GREY, np.uint8)
        for (x, y), colour in zip(joints_2d, COLOURS.tolist(), strict=True):
            cv2.circle(photo, (round(x - 0.5), round(y - 0.5)), DOT_RADIUS, colour, cv2.FILLED)
        yield {
            "image": photo,
            "joints_2d": joints_2d,
            "joints_3d_absolute": joints,
            "intrinsics": INTRINSICS,
            "train_depth": domain == "lab",
            "example_id": f"{domain}-{split}-{number}",
        }


def prepare(data_dir: Path) -> str:
    """Prepares both domains in `data_dir`."""
    module = types.SimpleNamespace(generate=examples)
    counts = {"train_examples": TRAIN_EXAMPLES, "test_examples": TEST_EXAMPLES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tf_advpose.people.dataset", module)
        patch.setattr(tf_advpose.people, "dataset", module, raising=False)
        for name in (LAB, WILD):
            prepared.prepare(name, str(data_dir), **counts, size=PHOTO_SIZE, seed=0, processes=1)
    return str(data_dir)


def small_config(**changes) -> Config:
    """A run of seconds."""
    settings = {
        "preset": "full_demo",
        "lab": LAB,
        "wild": WILD,
        "batch_size": 4,
        "generator": GeneratorConfig(num_stacks=1, image_size=32, width=16, depth=1),
        "discriminator": DiscriminatorConfig(width=4, dense_width=16),
        "augmentation": AugmentationConfig(),
        "pretrain_2d": StageConfig(steps=2, wild_share=1.0, learning_rate=1e-3),
        "pretrain_3d": StageConfig(steps=2, wild_share=0.5, learning_rate=1e-3),
        "adversarial": StageConfig(steps=5, wild_share=0.5, learning_rate=1e-3, schedule="cosine"),
        "log_every": 1,
        "checkpoint_every": 2,
    }
    return Config(**settings | changes)


def plain_generator() -> keras.Model:
    """A generator for `small_config` of a few layers, for tests of what surrounds it to be fast."""
    image = keras.Input((32, 32, 3), name="image")
    features = keras.layers.Conv2D(8, 3, strides=2, padding="same", name="stem_conv")(image)
    features = keras.layers.BatchNormalization(name="stem_bn")(features)
    features = keras.layers.MaxPooling2D(name="stem_pool")(features)
    heatmaps = keras.layers.Conv2D(NUM_JOINTS, 3, padding="same", name="stack1_heatmaps")(features)
    pooled = keras.layers.GlobalAveragePooling2D(name="depth_average")(features)
    depth = keras.layers.Dense(NUM_JOINTS, name="depth")(pooled)
    return keras.Model(image, {"heatmaps": [heatmaps], "depth": depth}, name="generator")
