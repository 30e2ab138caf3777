"""Draws what people of the everyday domain wear: see `looks.Look`."""

import dataclasses

import numpy as np

from tf_advpose.people import looks
from tf_advpose.people.looks import NOWHERE, Garment, Hat, Look
from tf_advpose.people.textures import linear

_PATTERNS = ("plain", "stripes", "checks", "dots", "mottled", "blocks")
_BLACK_SHARE = 0.15  # of the garments are black or nearly so
_DENIM = linear(((0.15, 0.19, 0.28), (0.27, 0.34, 0.46), (0.45, 0.53, 0.62), (0.08, 0.08, 0.10)))


def draw_look(rng: np.random.Generator, male: bool, child: bool) -> tuple[Look, str]:
    """An outfit on skin of any tone, and its groups: skin=1 (lightest) to 6, top=bare, short or long (its
    sleeves), legs=bare, shorts, trousers, skirt or coat (what hides them)."""
    tone = rng.uniform(0, 5)
    warmth = np.exp(rng.normal(0, 0.06, 3))
    skin = np.clip(looks.skin_of(tone) * rng.uniform(0.8, 1.15) * warmth, 0.01, 1).astype(np.float32)
    sleeves = str(rng.choice(["bare", "short", "long"], p=[0.12, 0.38, 0.5]))
    legs = str(rng.choice(["bare", "shorts", "trousers"], p=[0.08, 0.24, 0.68]))
    if not male and rng.random() < 0.28:
        legs = "skirt"
    top = _top(rng, sleeves)
    bottom = _bottom(rng, legs)
    jacket, coat = None, 0.0
    if rng.random() < 0.3:
        jacket = _garment(
            rng, loose=rng.uniform(12, 42), sleeve=rng.uniform(1.8, 2.05), low=rng.uniform(-0.4, 0.1)
        )
        sleeves = "long"
        if rng.random() < 0.4:
            coat = rng.uniform(0.3, 1.6)
            legs = "coat" if coat > 0.8 else legs
    if rng.random() < 0.12:  # overalls, tracksuits, ski suits, uniforms
        bottom = _recoloured(bottom, top.colours, top.kind if rng.random() < 0.3 else "plain", top.scale)
    hair = looks.hair_of(rng, tone)
    bald = male and not child and rng.random() < 0.12
    long_hair = not bald and rng.random() < (0.1 if male else 0.6)
    seed = int(rng.integers(1 << 16))
    look = Look(
        skin=skin,
        hair=hair,
        hair_volume=0.0 if bald else rng.uniform(3, 22) if male else rng.uniform(6, 34),
        hair_length=rng.uniform(80, 420) if long_hair else 0.0,
        beard=rng.uniform(0.3, 0.9) if male and not child and rng.random() < 0.35 else 0.0,
        top=top,
        bottom=bottom,
        skirt=rng.uniform(0.4, 1.85) if legs == "skirt" else 0.0,
        jacket=jacket,
        shoe=_shoes(rng, skin),
        shoe_height=rng.choice([1.95, rng.uniform(1.3, 1.9)], p=[0.7, 0.3]),
        seed=seed,
        hat=_hat(rng) if rng.random() < 0.3 else None,
        glasses=rng.uniform(0.4, 0.97) if rng.random() < 0.2 else 0.0,
        sockets=rng.uniform(0.15, 0.5),
        folds=rng.uniform(0.08, 0.45),
        coat=coat,
        sole=None if rng.random() < 0.4 else looks.draw_colour(rng, neutral=0.8),
        legwear=looks.draw_colour(rng, neutral=0.8) if legs != "trousers" and rng.random() < 0.35 else None,
        legwear_from=rng.choice([NOWHERE, rng.uniform(1.1, 1.8)]),
        gloves=looks.draw_colour(rng, neutral=0.7) if rng.random() < 0.07 else None,
        emblem=_emblem(rng) if rng.random() < 0.3 else None,
    )
    return look, f"skin={int(round(tone)) + 1} top={sleeves} legs={legs}"


def recoloured(rng: np.random.Generator, look: Look) -> Look:
    """An outfit of the same cut in other colours."""
    alike = np.array_equal(look.top.colours, look.bottom.colours)
    top = dataclasses.replace(look.top, **_cloth(rng))
    bottom = _recoloured(look.bottom, top.colours, "plain", 50.0)
    if not alike:
        bottom = _dyed(rng, dataclasses.replace(look.bottom, **_cloth(rng)))
    return dataclasses.replace(
        look,
        top=top,
        bottom=bottom,
        jacket=look.jacket and dataclasses.replace(look.jacket, **_cloth(rng)),
        shoe=look.shoe if look.shoe is look.skin else looks.draw_colour(rng, neutral=0.65),
        hat=look.hat and dataclasses.replace(look.hat, colour=looks.draw_colour(rng, neutral=0.5)),
        emblem=_emblem(rng) if rng.random() < 0.3 else None,
        folds=rng.uniform(0.08, 0.45),
        seed=int(rng.integers(1 << 16)),
    )


def _top(rng: np.random.Generator, sleeves: str) -> Garment:
    ends = {"bare": NOWHERE, "short": rng.uniform(0.25, 0.85), "long": rng.uniform(1.6, 2.02)}
    high = rng.uniform(0.75, 1.05) if sleeves == "bare" else rng.uniform(0.88, 1.1)
    return _garment(
        rng,
        loose=rng.uniform(2, 36),
        sleeve=ends[sleeves],
        low=rng.uniform(-0.35, 0.3),
        high=high,
        neck=rng.uniform(52, 105),
    )


def _bottom(rng: np.random.Generator, legs: str) -> Garment:
    ends = {
        "bare": rng.uniform(0.1, 0.25),
        "shorts": rng.uniform(0.3, 1.05),
        "trousers": rng.uniform(1.7, 2.02),
        "skirt": 0.3,
    }
    garment = _garment(
        rng,
        loose=rng.uniform(1, 38),
        hem=ends[legs],
        high=rng.uniform(0.15, 0.42),
        neck=np.inf,
        flare=rng.uniform(0, 45) if rng.random() < 0.5 else 0.0,
    )
    return _dyed(rng, garment)


def _dyed(rng: np.random.Generator, garment: Garment) -> Garment:
    """What is worn on the legs, often of denim or dark and plain."""
    style = rng.random()
    if style < 0.3:
        denim = _DENIM[rng.integers(len(_DENIM))] * rng.uniform(0.7, 1.4)
        return _recoloured(garment, np.stack([denim, denim * 1.25]), "mottled", 200.0)
    if style < 0.6:
        colours = looks.draw_colour(rng, neutral=1.0) * np.ones((2, 1)) * rng.uniform(0.4, 1.0)
        return _recoloured(garment, colours, "plain", 60.0)
    return garment


def _recoloured(garment: Garment, colours: np.ndarray, kind: str, scale: float) -> Garment:
    return dataclasses.replace(garment, colours=np.clip(colours, 0, 0.9), kind=kind, scale=scale)


def _garment(rng: np.random.Generator, **where: float) -> Garment:
    return Garment(**_cloth(rng), **where)


def _cloth(rng: np.random.Generator) -> dict:
    """Colours and pattern, as `Garment` names them."""
    first = looks.draw_colour(rng, neutral=0.5)
    if rng.random() < _BLACK_SHARE:
        first = np.full(3, rng.uniform(0.004, 0.025))
    second = looks.draw_colour(rng, neutral=0.5) if rng.random() < 0.6 else first * rng.uniform(0.3, 0.8)
    return {
        "colours": np.stack([first, second]),
        "kind": str(rng.choice(_PATTERNS, p=[0.66, 0.13, 0.1, 0.03, 0.06, 0.02])),
        "scale": rng.uniform(20, 130),
        "turned": bool(rng.random() < 0.5),
    }


def _shoes(rng: np.random.Generator, skin: np.ndarray) -> np.ndarray:
    return skin if rng.random() < 0.12 else looks.draw_colour(rng, neutral=0.65)  # some are barefoot


def _hat(rng: np.random.Generator) -> Hat:
    kind = str(rng.choice(["cap", "beanie", "brim", "helmet", "scarf"], p=[0.32, 0.22, 0.14, 0.2, 0.12]))
    return Hat(kind, looks.draw_colour(rng, neutral=0.5), heading=np.pi if rng.random() < 0.12 else 0.0)


def _emblem(rng: np.random.Generator) -> np.ndarray:
    """A print on the chest and back, [7, 9, 3]: blocks of two or three colours, like letters and logos."""
    colours = np.stack([looks.draw_colour(rng, neutral=0.4) for _ in range(3)])
    choice = rng.choice(3, size=(7, 9), p=[0.5, 0.35, 0.15])
    if rng.random() < 0.5:  # of two halves alike
        choice[:, 5:] = choice[:, 3::-1]
    return colours[choice].astype(np.float32)
