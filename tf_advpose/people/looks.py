"""Draws what synthetic people look like: skin, hair and outfits."""

from dataclasses import dataclass

import numpy as np

from tf_advpose.people.textures import linear

NOWHERE = -0.3  # along an arm or a leg: not on it

_SKIN_TONES = linear(
    (
        (0.98, 0.84, 0.75),
        (0.93, 0.75, 0.63),
        (0.85, 0.65, 0.50),
        (0.72, 0.51, 0.37),
        (0.52, 0.34, 0.24),
        (0.33, 0.21, 0.15),
    )
)
# The first three are dark.
_HAIR_COLOURS = linear(
    (
        (0.07, 0.06, 0.05),
        (0.14, 0.10, 0.08),
        (0.30, 0.20, 0.13),
        (0.48, 0.33, 0.20),
        (0.75, 0.60, 0.38),
        (0.45, 0.20, 0.10),
        (0.70, 0.70, 0.70),
    )
)
_NEUTRALS = linear(
    (
        (0.08, 0.08, 0.09),
        (0.25, 0.25, 0.27),
        (0.55, 0.55, 0.55),
        (0.92, 0.92, 0.90),
        (0.16, 0.20, 0.33),
        (0.30, 0.38, 0.52),
        (0.60, 0.52, 0.40),
        (0.35, 0.27, 0.20),
    )
)


@dataclass(frozen=True)
class Garment:
    """One garment: two colours in a pattern, `loose` mm off the skin, and where it ends.

    Attributes:
      sleeve: along the arm: 0 shoulder, 1 elbow, 2 wrist; below 0 sleeveless.
      hem: along the leg: 0 hip, 1 knee, 2 ankle.
      low, high: heights on the trunk: 0 hips, 1 shoulders.
      neck: mm from the neck's axis beyond which it goes on above `high`.
      flare: mm that it is looser at the ankles than at the knees.
    """

    colours: np.ndarray
    kind: str
    scale: float
    turned: bool
    loose: float
    sleeve: float = NOWHERE
    hem: float = NOWHERE
    low: float = 0.0
    high: float = 0.95
    neck: float = 90.0
    flare: float = 0.0


@dataclass(frozen=True)
class Hat:
    """A cap with a visor, a beanie, a hat with a brim, a helmet or a scarf over head and shoulders, of one
    colour [3]; `heading` pi is worn back to front."""

    kind: str
    colour: np.ndarray
    heading: float = 0.0


@dataclass(frozen=True)
class Look:
    """All of a person's appearance. Lengths in mm.

    Attributes:
      skin, hair, shoe: colours [3]. hair_volume: how far hair stands off the head; 0 is bald.
      hair_length: below the head's middle, 0 for short hair. beard: its share of the colour.
      skirt: its hem as `Garment.hem`, 0 without. shoe_height: where shoes begin, as `Garment.hem`.
      seed: of noise.
      glasses: how dark they are, 0 without. sockets: the same of the shade round the eyes.
      folds: how much folds of the cloth tilt its surface.
      coat: the jacket's hem as `Garment.hem`, 0 where it ends on the trunk.
      sole, gloves: colours [3] or None. legwear: of stockings or socks, from `legwear_from` on the leg.
      emblem: a print on the chest, colours [H, W, 3] or None.
    """

    skin: np.ndarray
    hair: np.ndarray
    hair_volume: float
    hair_length: float
    beard: float
    top: Garment
    bottom: Garment
    skirt: float
    jacket: Garment | None
    shoe: np.ndarray
    shoe_height: float
    seed: int
    hat: Hat | None = None
    glasses: float = 0.0
    sockets: float = 0.0
    folds: float = 0.0
    coat: float = 0.0
    sole: np.ndarray | None = None
    legwear: np.ndarray | None = None
    legwear_from: float = NOWHERE
    gloves: np.ndarray | None = None
    emblem: np.ndarray | None = None


def skin_of(tone: float) -> np.ndarray:
    """The skin colour [3] of a tone from 0, the lightest, to 5."""
    return np.array(
        [np.interp(tone, range(len(_SKIN_TONES)), _SKIN_TONES[:, channel]) for channel in range(3)]
    )


def hair_of(rng: np.random.Generator, tone: float) -> np.ndarray:
    """A hair colour [3] that goes with a skin tone."""
    dark = rng.random() < 0.3 + 0.12 * tone
    return _HAIR_COLOURS[rng.integers(3 if dark else len(_HAIR_COLOURS))] * rng.uniform(0.7, 1.3)


def draw_look(rng: np.random.Generator, male: bool) -> Look:
    """Draws skin, hair and outfit."""
    tone = rng.uniform(0, len(_SKIN_TONES) - 1)
    hair = hair_of(rng, tone)
    bald = male and rng.random() < 0.12
    long_hair = rng.random() < (0.07 if male else 0.65)
    sleeve = rng.choice([NOWHERE, rng.uniform(0.3, 0.75), rng.uniform(1.8, 1.98)], p=[0.1, 0.45, 0.45])
    top = _garment(
        rng,
        loose=rng.uniform(4, 28),
        sleeve=sleeve,
        low=rng.uniform(-0.25, 0.25),
        high=rng.uniform(0.8, 1.05),
        neck=rng.uniform(55, 110),
    )
    skirt = 0.0 if male or rng.random() < 0.7 else rng.uniform(0.45, 1.7)
    trousers = rng.choice([rng.uniform(0.35, 0.95), rng.uniform(1.75, 2.0)], p=[0.3, 0.7])
    bottom = _garment(
        rng,
        loose=rng.uniform(2, 30),
        hem=0.3 if skirt else trousers,
        high=rng.uniform(0.2, 0.42),
        neck=np.inf,
    )
    jacket = None
    if rng.random() < 0.22:
        jacket = _garment(
            rng,
            loose=rng.uniform(14, 38),
            sleeve=rng.uniform(1.8, 2.0),
            low=rng.uniform(-0.35, 0.1),
            neck=60.0,
        )
    return Look(
        skin=skin_of(tone).astype(np.float32),
        hair=hair,
        hair_volume=0.0 if bald else rng.uniform(4, 18) if male else rng.uniform(8, 28),
        hair_length=rng.uniform(100, 400) if long_hair and not bald else 0.0,
        beard=rng.uniform(0.4, 0.9) if male and rng.random() < 0.3 else 0.0,
        top=top,
        bottom=bottom,
        skirt=skirt,
        jacket=jacket,
        shoe=draw_colour(rng, neutral=0.7),
        shoe_height=rng.choice([1.95, rng.uniform(1.3, 1.85)], p=[0.8, 0.2]),
        seed=int(rng.integers(1 << 16)),
    )


def draw_colour(rng: np.random.Generator, neutral: float = 0.45) -> np.ndarray:
    """A colour [3] of clothes, one of the neutral ones with a probability of `neutral`."""
    if rng.random() < neutral:
        return np.clip(_NEUTRALS[rng.integers(len(_NEUTRALS))] * rng.uniform(0.75, 1.25), 0, 0.9)
    hue, saturation, value = rng.random(), rng.beta(2, 2), rng.uniform(0.15, 0.9)
    wheel = np.clip(np.abs(np.mod(hue + np.array([0, 2 / 3, 1 / 3]), 1) * 6 - 3) - 1, 0, 1)
    return linear(value * (1 - saturation + saturation * wheel))


def _garment(rng: np.random.Generator, **where: float) -> Garment:
    kinds = ("plain", "stripes", "checks", "dots", "mottled", "blocks")
    return Garment(
        colours=np.stack([draw_colour(rng), draw_colour(rng, neutral=0.6)]),
        kind=str(rng.choice(kinds, p=[0.6, 0.13, 0.1, 0.04, 0.1, 0.03])),
        scale=rng.uniform(25, 110),
        turned=rng.random() < 0.5,
        **where,
    )
