"""Procedural textures: noise, and patterns of two colours on a surface's own coordinates.

Colours are linear light in [0, 1]; `linear` makes them from what is seen on a screen.
"""

import functools

import numpy as np

_NOISE_SIDE = 512  # a power of two


def linear(colour) -> np.ndarray:
    """Linear light of screen colours (sRGB, approximated by a power) in [0, 1]."""
    return np.asarray(colour, np.float32) ** 2.2


@functools.cache
def noise_bank() -> np.ndarray:
    """Four tileable fields of 1/f noise [4, S, S] float32, mean 0.5, mostly within [0, 1]."""
    rng = np.random.default_rng(20180618)
    frequency = (
        np.hypot(*np.meshgrid(np.fft.fftfreq(_NOISE_SIDE), np.fft.fftfreq(_NOISE_SIDE))) * _NOISE_SIDE
    )
    spectrum = np.fft.fft2(rng.normal(size=(4, _NOISE_SIDE, _NOISE_SIDE)))
    field = np.fft.ifft2(spectrum / np.maximum(frequency, 2.0) ** 1.2).real
    field = field / field.std(axis=(1, 2), keepdims=True)
    return (0.5 + 0.22 * field).astype(np.float32)


def noise(u: np.ndarray, v: np.ndarray, seed: int = 0) -> np.ndarray:
    """Noise of all scales at coordinates `u`, `v` (any equal shape; it repeats after 1), about [0, 1]."""
    x = ((u + 0.37 * seed) * _NOISE_SIDE).astype(np.int32) & (_NOISE_SIDE - 1)
    y = ((v + 0.61 * seed) * _NOISE_SIDE).astype(np.int32) & (_NOISE_SIDE - 1)
    return noise_bank()[seed % 4, y, x]


@functools.cache
def _fold_bank() -> np.ndarray:
    """The slopes of a tileable crumpled cloth, [S, S, 2] float32, of standard deviation 1."""
    rng = np.random.default_rng(1868)
    frequency = (
        np.hypot(*np.meshgrid(np.fft.fftfreq(_NOISE_SIDE), np.fft.fftfreq(_NOISE_SIDE))) * _NOISE_SIDE
    )
    height = 0.0
    for wave, weight in ((5, 1.0), (10, 0.3)):  # folds a tile
        band = np.exp(-(((frequency - wave) / (0.4 * wave)) ** 2))
        field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(_NOISE_SIDE, _NOISE_SIDE))) * band).real
        height = height - weight * np.sqrt((field / field.std()) ** 2 + 0.05)  # ridges and round valleys
    slopes = np.stack(np.gradient(height), axis=-1)
    return (slopes / slopes.std()).astype(np.float32)


def folds(u: np.ndarray, v: np.ndarray, seed: int = 0) -> np.ndarray:
    """The slopes [N, 2] of crumpled cloth at `u`, `v` [N]; it repeats after 1."""
    x = ((u + 0.37 * seed) * _NOISE_SIDE).astype(np.int32) & (_NOISE_SIDE - 1)
    y = ((v + 0.61 * seed) * _NOISE_SIDE).astype(np.int32) & (_NOISE_SIDE - 1)
    return _fold_bank()[y, x]


PATTERNS = ("plain", "mottled", "stripes", "checks", "dots", "bricks", "planks", "blocks")


def pattern(kind: str, u: np.ndarray, v: np.ndarray, seed: int = 0) -> np.ndarray:
    """How much of a surface's second colour shows at `u`, `v` [N], in units of the pattern: [N] in [0, 1].

    Raises:
      ValueError: `kind` is none of `PATTERNS`.
    """
    if kind == "plain":
        return np.zeros_like(u)
    if kind == "mottled":
        return np.clip(noise(u / 8, v / 8, seed) * 2 - 0.5, 0, 1)
    if kind == "stripes":
        return (np.mod(u, 1) < 0.4).astype(np.float32)
    if kind == "checks":
        return 0.5 * (np.mod(u, 1) < 0.5) + 0.5 * (np.mod(v, 1) < 0.5)
    if kind == "dots":
        return (np.hypot(np.mod(u, 1) - 0.5, np.mod(v, 1) - 0.5) < 0.3).astype(np.float32)
    if kind == "bricks":
        row = np.floor(v * 2)
        return ((np.mod(v * 2, 1) < 0.12) | (np.mod(u + 0.5 * row, 1) < 0.06)).astype(np.float32)
    if kind == "planks":
        row = np.floor(v * 3)
        tone = np.mod(np.sin(row * 12.9898 + seed) * 43.7585, 1)
        return np.clip(0.7 * tone + (np.mod(v * 3, 1) < 0.06) + 0.3 * noise(u / 8, v, seed), 0, 1)
    if kind == "blocks":
        cell = np.floor(u) * 127.1 + np.floor(v) * 311.7
        return np.mod(np.sin(cell + seed) * 437.585, 1).astype(np.float32)
    raise ValueError(f"Unknown pattern {kind!r}; there are {', '.join(PATTERNS)}.")
