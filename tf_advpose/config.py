"""What a training run is made of; `presets` has whole ones."""

import dataclasses

from tf_advpose.losses import DEPTH_WEIGHT, LAMBDA_ADVERSARIAL
from tf_advpose.models.discriminator import SOURCES
from tf_advpose.models.hourglass import MPII_MEAN

STAGES = ("pretrain_2d", "pretrain_3d", "adversarial")
MIN_IMAGE_SIZE = 32  # the depth module halves the quarter-size maps three times
OPTIMIZERS = ("rmsprop", "adam")
SCHEDULES = ("constant", "cosine", "step")
VALIDATION_METRICS = {"mpjpe": min, "pckh": max}  # and which of two values is the better one
POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


@dataclasses.dataclass
class GeneratorConfig:
    """Arguments of `build_generator`."""

    num_stacks: int = 2  # Sec. 5, ablation studies
    image_size: int = 256  # Sec. 3.1
    width: int = 256
    width_growth: int = 0  # channels more at every halving within an hourglass
    num_residuals: int = 1  # Sec. 5
    depth: int = 4
    mean: tuple[float, float, float] = MPII_MEAN
    softmax_heatmaps: bool = False  # learned by cross-entropy in place of Eq. 2's squared error


@dataclasses.dataclass
class DiscriminatorConfig:
    """Arguments of `build_discriminator`, and how predictions are shown to it."""

    sources: tuple[str, ...] = SOURCES  # none: stage `adversarial` runs with L_pose only
    width: int = 64
    dense_width: int = 512
    spectral_norm: bool = False
    redraw_heatmaps: bool = False  # fakes as maps drawn anew from the decoded joints


@dataclasses.dataclass
class AugmentationConfig:
    """Ranges of the random changes to a training crop.

    Prepared photos reach as far as the corners of the widest crop of the defaults. Where
    (1 + scale) * (cos rotation + sin rotation + 2 * shift) exceeds 1.75, corners may be black.
    """

    scale: float = 0.25  # the crop's side is multiplied by 1 - scale to 1 + scale
    rotation: float = 30.0  # degrees to either side
    rotation_probability: float = 0.6
    mirror_probability: float = 0.5
    colour: float = 0.2  # each channel is multiplied by 1 - colour to 1 + colour
    shift: float = 0.0  # of the crop's side, to either side
    contrast: float = 0.0  # multiplied by 1 - contrast to 1 + contrast about the mean


@dataclasses.dataclass
class StageConfig:
    """One of the three stages."""

    steps: int
    wild_share: float  # of each batch
    learning_rate: float = 2.5e-4  # of the generator
    schedule: str = "constant"  # or "cosine": down to 0 over the stage; or "step", by `drops`
    drops: tuple[int, ...] = ()  # steps after which the rate is multiplied by `drop_factor`
    drop_factor: float = 0.1
    warm_up: int = 0  # steps over which the rate grows to what the schedule says


@dataclasses.dataclass
class Config:
    """One training run."""

    preset: str = "full_2s"
    lab: str = "human36m"  # prepared dataset with depth labels
    wild: str = "mpii"  # prepared dataset with 2D labels
    initial_weights: str = ""  # work folder whose generator the first stage begins with; or new weights
    seed: int = 0
    policy: str = "float32"
    batch_size: int = 12  # Sec. 5
    generator: GeneratorConfig = dataclasses.field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = dataclasses.field(default_factory=DiscriminatorConfig)
    augmentation: AugmentationConfig = dataclasses.field(default_factory=AugmentationConfig)
    pretrain_2d: StageConfig = dataclasses.field(
        default_factory=lambda: StageConfig(steps=200_000, wild_share=1.0)
    )
    pretrain_3d: StageConfig = dataclasses.field(
        default_factory=lambda: StageConfig(steps=200_000, wild_share=0.5)  # steps: Sec. 5
    )
    adversarial: StageConfig = dataclasses.field(
        default_factory=lambda: StageConfig(steps=120_000, wild_share=0.5)  # steps: Sec. 5
    )
    depth_weight: float = DEPTH_WEIGHT
    lambda_adversarial: float = LAMBDA_ADVERSARIAL
    generator_optimizer: str = "rmsprop"  # or "adam"
    discriminator_learning_rate: float = 1e-4
    freeze_hourglass: bool = False  # from `pretrain_3d` on, batch norm in inference mode
    average_decay: float = 0.0  # of the moving average of the generator's weights; 0: none is kept
    largest_gradient: float = 0.0  # global norm to which a player's gradients are cut; 0: never
    accumulation: int = 1  # parts that a batch is computed in, one after the other
    validate_on: str = ""  # prepared dataset and split, such as "mpii:validation"; none: no validation
    validate_every: int = 2000  # steps
    best_by: str = "mpjpe"  # or "pckh": by which validation picks the best weights
    log_every: int = 100  # steps
    checkpoint_every: int = 2000  # steps
    jit_compile: bool = False  # the training step, by XLA: slower to start, then faster
    deterministic: bool = False  # refuse operations whose result depends on the order of threads

    def stage(self, name: str) -> StageConfig:
        """The settings of one of `STAGES`."""
        return getattr(self, name)


def from_dict(values: dict) -> Config:
    """The inverse of `dataclasses.asdict`, also of what JSON made of it.

    Raises:
      ValueError: unknown fields, which it names.
    """
    parts = {
        "generator": GeneratorConfig,
        "discriminator": DiscriminatorConfig,
        "augmentation": AugmentationConfig,
        **dict.fromkeys(STAGES, StageConfig),
    }
    unknown = _unknown_fields(Config, values)
    for name, part in parts.items():
        unknown += [f"{name}.{field}" for field in _unknown_fields(part, values.get(name, {}))]
    if unknown:
        raise ValueError(f"Unknown configuration fields: {', '.join(unknown)}.")

    def tuples(part: dict) -> dict:
        return {key: tuple(value) if isinstance(value, list) else value for key, value in part.items()}

    return Config(
        **{name: parts[name](**tuples(value)) if name in parts else value for name, value in values.items()}
    )


def _unknown_fields(part: type, values: dict) -> list[str]:
    return sorted(set(values) - {field.name for field in dataclasses.fields(part)})


def _check_augmentation(augmentation: AugmentationConfig) -> None:
    for name in ("rotation_probability", "mirror_probability"):
        if not 0 <= getattr(augmentation, name) <= 1:
            raise ValueError(f"augmentation.{name} must be from 0 to 1, got {getattr(augmentation, name)}.")
    for name in ("scale", "colour", "shift", "contrast"):
        if not 0 <= getattr(augmentation, name) < 1:
            raise ValueError(
                f"augmentation.{name} must be from 0, no change, to below 1, got "
                f"{getattr(augmentation, name)}."
            )


def check(config: Config) -> None:
    """Raises ValueError for settings that no run could use."""
    if config.policy not in POLICIES:
        raise ValueError(f"Unknown policy {config.policy!r}. Policies: {', '.join(POLICIES)}.")
    if config.generator_optimizer not in OPTIMIZERS:
        raise ValueError(
            f"Unknown generator_optimizer {config.generator_optimizer!r}. Known: {', '.join(OPTIMIZERS)}."
        )
    for name in STAGES:
        stage = config.stage(name)
        if not 0 <= stage.wild_share <= 1:
            raise ValueError(f"{name}.wild_share must be from 0 to 1, got {stage.wild_share}.")
        if stage.schedule not in SCHEDULES:
            raise ValueError(
                f"Unknown {name}.schedule {stage.schedule!r}. Schedules: {', '.join(SCHEDULES)}."
            )
        if (stage.schedule == "step") != bool(stage.drops) or list(stage.drops) != sorted(set(stage.drops)):
            raise ValueError(
                f'{name}.drops are the steps, in their order, at which {name}.schedule "step" lowers the '
                f"rate; got {stage.drops} with {stage.schedule!r}."
            )
        if stage.warm_up < 0:
            raise ValueError(f"{name}.warm_up must be 0 or more, got {stage.warm_up}.")
        if stage.steps < 0:
            raise ValueError(f"{name}.steps must be 0 or more, got {stage.steps}.")
        if stage.learning_rate < 0 or stage.drop_factor <= 0:
            raise ValueError(
                f"{name}.learning_rate must be 0 or more and {name}.drop_factor above 0, got "
                f"{stage.learning_rate} and {stage.drop_factor}."
            )
    if config.discriminator_learning_rate < 0:
        raise ValueError(
            f"discriminator_learning_rate must be 0 or more, got {config.discriminator_learning_rate}."
        )
    _check_augmentation(config.augmentation)
    if not 0 <= config.average_decay < 1:
        raise ValueError(f"average_decay must be from 0 to below 1, got {config.average_decay}.")
    if config.largest_gradient < 0:
        raise ValueError(f"largest_gradient must be 0 or more, got {config.largest_gradient}.")
    if config.best_by not in VALIDATION_METRICS:
        known = ", ".join(VALIDATION_METRICS)
        raise ValueError(f"Unknown best_by {config.best_by!r}. Known: {known}.")
    if config.validate_on and not all(config.validate_on.partition(":")):
        raise ValueError(f"validate_on is <dataset>:<split>, got {config.validate_on!r}.")
    positive = {
        "accumulation": config.accumulation,
        "validate_every": config.validate_every,
        "batch_size": config.batch_size,
        "log_every": config.log_every,
        "checkpoint_every": config.checkpoint_every,
        "generator.num_stacks": config.generator.num_stacks,
        "generator.num_residuals": config.generator.num_residuals,
        "generator.depth": config.generator.depth,
    }
    for name, value in positive.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    if config.generator.width_growth < 0:
        raise ValueError(f"generator.width_growth must be 0 or more, got {config.generator.width_growth}.")
    if config.generator.image_size < MIN_IMAGE_SIZE:
        raise ValueError(
            f"generator.image_size must be at least {MIN_IMAGE_SIZE}, got {config.generator.image_size}."
        )
    if len(config.generator.mean) != 3:
        raise ValueError(f"generator.mean must be three numbers, got {config.generator.mean}.")
