"""The presets, named as in the paper's tables.

A preset is a size and a row of Table 2: `full_2s`, `geo_4s`, `baseline_demo`. A row changes only what
Table 2 says of it. One row is our own: `descriptor`, whose discriminator sees the geometric descriptor and
nothing else. A row alone means two stacks; `demo` means `descriptor_demo`, `mobile` means `full_mobile`,
`everyday` means `baseline_everyday`, and likewise `everyday_1s`.
"""

from tf_advpose.config import (
    AugmentationConfig,
    Config,
    DiscriminatorConfig,
    GeneratorConfig,
    StageConfig,
)


def _full(config: Config) -> None:
    pass


def _full_fix2d(config: Config) -> None:
    config.freeze_hourglass = True


def _full_without_pretraining(config: Config) -> None:
    config.adversarial.steps += config.pretrain_3d.steps
    config.pretrain_3d.steps = 0


def _map(config: Config) -> None:
    config.discriminator.sources = ("image", "maps")


def _geo(config: Config) -> None:
    config.discriminator.sources = ("image", "geometry")


def _descriptor(config: Config) -> None:
    config.discriminator.sources = ("geometry",)


def _baseline(config: Config) -> None:
    config.discriminator.sources = ()


def _baseline_fix2d(config: Config) -> None:
    _baseline(config)
    config.freeze_hourglass = True


ROWS = {  # of Table 2, and `descriptor`
    "full": _full,
    "full_fix2d": _full_fix2d,
    "full_without_pretraining": _full_without_pretraining,
    "map": _map,
    "geo": _geo,
    "descriptor": _descriptor,
    "baseline": _baseline,
    "baseline_fix2d": _baseline_fix2d,
}


def _two_stacks() -> Config:
    return Config()


def _four_stacks() -> Config:
    config = Config()
    config.generator.num_stacks = 4
    return config


def _mobile() -> Config:
    """For phones: half as wide, which is a quarter of the work and of the weights."""
    config = Config()
    config.generator.width = 128
    return config


def _demo() -> Config:
    """Synthetic people, small enough to train on two CPU cores in minutes."""
    return Config(
        lab="synthetic_people/lab",
        wild="synthetic_people/wild",
        batch_size=16,
        generator=GeneratorConfig(num_stacks=1, image_size=64, width=64, depth=3),
        discriminator=DiscriminatorConfig(width=16, dense_width=128),
        generator_optimizer="adam",  # gets further than RMSprop in so few steps
        pretrain_2d=StageConfig(steps=4000, wild_share=1.0, learning_rate=4e-3, schedule="cosine"),
        pretrain_3d=StageConfig(steps=1500, wild_share=0.5, learning_rate=2e-3, schedule="cosine"),
        adversarial=StageConfig(steps=1000, wild_share=0.5, learning_rate=1e-3, schedule="cosine"),
        checkpoint_every=500,
        jit_compile=True,
    )


def _miniature() -> Config:
    """As `demo`, trained long enough to compare the rows: about half an hour on one CPU core."""
    config = _demo()
    config.pretrain_2d.steps, config.pretrain_2d.learning_rate = 10_000, 5e-3
    config.pretrain_3d.steps = 5000
    config.adversarial.steps = 3000
    config.checkpoint_every = 1000
    config.validate_on, config.validate_every = "synthetic_people/wild:validation", 500
    return config


def _everyday_1s() -> Config:
    """For photos of anyone: synthetic people who all have depths, 2D and 3D learned at once.

    The network is small because what it learns on a processor is limited by how many pictures it sees.
    """
    people = "synthetic_people/everyday"
    return Config(
        lab=people,
        wild=people,
        batch_size=32,
        generator=GeneratorConfig(
            num_stacks=1, width=64, width_growth=64, image_size=128, softmax_heatmaps=True
        ),
        augmentation=AugmentationConfig(shift=0.05, contrast=0.2),
        pretrain_2d=StageConfig(steps=0, wild_share=1.0),
        pretrain_3d=StageConfig(
            steps=44_000, wild_share=0.0, learning_rate=3e-3, schedule="cosine", warm_up=500
        ),
        adversarial=StageConfig(steps=0, wild_share=0.5),
        depth_weight=10.0,  # a gradient of the size of the cross-entropy's
        lambda_adversarial=1e-2,  # beside that depth term what the default is beside its own
        generator_optimizer="adam",
        average_decay=0.999,
        largest_gradient=2.0,
        checkpoint_every=500,
        validate_on=f"{people}:validation",
        validate_every=1000,
    )


def _everyday() -> Config:
    """As `everyday_1s` with one stack more, best begun with its weights."""
    config = _everyday_1s()
    config.generator.num_stacks = 2
    config.pretrain_3d.steps = 38_000
    return config


# What `prepared.prepare_people_once` makes for it: the weights that come with the package saw these.
EVERYDAY_PEOPLE = {
    "train_examples": 48_000,
    "validation_examples": 600,
    "test_examples": 2000,
    "size": 160,  # pixels
}

SIZES = {
    "2s": _two_stacks,
    "4s": _four_stacks,
    "mobile": _mobile,
    "demo": _demo,
    "miniature": _miniature,
    "everyday": _everyday,
    "everyday_1s": _everyday_1s,
}
PRESETS = {  # name: row and size
    "demo": ("descriptor", "demo"),
    "mobile": ("full", "mobile"),
    "everyday": ("baseline", "everyday"),
    "everyday_1s": ("baseline", "everyday_1s"),
    **{row: (row, "2s") for row in ROWS},
    **{f"{row}_{size}": (row, size) for row in ROWS for size in SIZES},
}


def from_preset(name: str) -> Config:
    """The configuration of a preset.

    Raises:
      ValueError: no such preset; lists those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"Unknown preset {name!r}. Presets: {', '.join(PRESETS)}.")
    row, size = PRESETS[name]
    config = SIZES[size]()
    ROWS[row](config)
    config.preset = name
    return config
