"""A look at what has been prepared: statistics of a split's labels, and a sheet of its examples."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_advpose import camera, files, visualize
from tf_advpose.data import crop as cropping
from tf_advpose.data import pipeline, prepared
from tf_advpose.progress import ProgressBar
from tf_advpose.skeleton import BONES, JOINT_NAMES, MIRROR_PAIRS, ROOT, bone_lengths

SHEET_EXAMPLES = 24
CROP_SIZE = 192  # pixels, of the crops on the sheet
_BATCH = 256
_PERCENTILES = (0, 5, 50, 95, 100)


def inspect(name: str, split: str | None, data_dir: str, output: str, seed: int) -> Iterator[str]:
    """Writes `<dataset>_<split>.png`, a sheet of random examples, and `.json`, statistics, to a folder.

    Args:
      name: a prepared dataset in `data_dir`.
      split: None: each of its splits in turn.
      output: the folder; made if need be, files of these names are replaced.
      seed: which examples are drawn is a function of it.

    Yields:
      A text for each split: the statistics, and what was written.

    Raises:
      FileNotFoundError, ValueError: the dataset is not prepared, unknown, lacks the split or is damaged.
    """
    splits = [split] if split else sorted(prepared.open_builder(name, data_dir).info.splits)
    for one in splits:
        path = Path(output) / f"{name.replace('/', '_')}_{one}"
        labels, chosen = _read(name, one, data_dir, seed)
        statistics = {"data": name, "split": one, **describe(labels)}
        files.write_json(path.with_suffix(".json"), statistics)
        visualize.label_sheet([_on_sheet(example) for example in chosen], path.with_suffix(".png"))
        yield "\n".join([*to_lines(statistics), f"  written: {path}.png, {path.name}.json"])


def describe(labels: dict[str, np.ndarray]) -> dict:
    """Statistics of the labels [N, ...] of N examples, as `schema` names and describes them.

    Returns:
      A dictionary that JSON can hold. What needs 3D joints is of the examples that have them, and is not
      there if none has.
    """
    weight = labels["joint_weight"] > 0
    sides = labels["box"][:, 2:].max(axis=1)
    inside = _inside_crop(labels)
    statistics = {
        "examples": len(weight),
        "with_depth": float(labels["has_depth"].mean()),
        "with_scale": float(labels["has_scale"].mean()),
        "with_head_size": float((labels["head_size"] > 0).mean()),
        "joints_labelled": float(weight.mean()),
        "joints_labelled_of": dict(zip(JOINT_NAMES, weight.mean(axis=0).tolist(), strict=True)),
        "labelled_joints_outside_the_crop": float((weight & ~inside).sum() / weight.sum()),
        "longer_side_of_box_pixels": _spread(sides),
    }
    known = labels["has_scale"]
    if known.any():
        statistics |= _describe_3d({key: value[known] for key, value in labels.items()})
    return statistics


def to_lines(statistics: dict) -> list[str]:
    """The statistics of `describe` to be read, with the dataset and split they are of."""
    shares = ("with_depth", "with_scale", "with_head_size", "joints_labelled")
    shares += ("labelled_joints_outside_the_crop",)
    lines = [f"{statistics['data']} {statistics['split']}: {statistics['examples']} examples"]
    lines += [f"  {_words(key)}: {100 * statistics[key]:.1f} %" for key in shares]
    for key, value in statistics.items():
        if isinstance(value, dict) and "min" in value:
            lines.append(f"  {_words(key)}: " + ", ".join(f"{k} {v:z.1f}" for k, v in value.items()))
    if "bones_mm" in statistics:
        lines.append("  bones, mm, mean and standard deviation:")
        for bone, length in statistics["bones_mm"].items():
            lines.append(f"    {bone:<28}{length['mean']:z7.1f}{length['sd']:z7.1f}")
        lines.append("  left minus right bones, mm, mean and mean of its size:")
        for bone, difference in statistics["left_minus_right_mm"].items():
            lines.append(f"    {bone:<28}{difference['mean']:z7.1f}{difference['mean_size']:z7.1f}")
    return lines


def _describe_3d(labels: dict[str, np.ndarray]) -> dict:
    joints = labels["joints_3d_absolute"].astype(np.float64)
    weight = labels["joint_weight"] > 0
    lengths = bone_lengths(joints)
    names = [f"{JOINT_NAMES[child]} - {JOINT_NAMES[parent]}" for child, parent in BONES]
    of_child = {child: bone for bone, (child, _) in enumerate(BONES)}
    differences = {
        names[of_child[left]].replace("left_", ""): lengths[:, of_child[left]] - lengths[:, of_child[right]]
        for right, left in MIRROR_PAIRS
    }
    projected = camera.project(joints, labels["intrinsics"].astype(np.float64))
    errors = np.linalg.norm(projected - labels["joints_2d"], axis=-1)[weight]
    return {
        "pelvis_distance_mm": _spread(joints[:, ROOT, 2]),
        "depth_behind_pelvis_mm": _spread(joints[..., 2] - joints[:, ROOT, None, 2]),
        "projected_3d_to_2d_pixels": _spread(errors),
        "bones_mm": {
            name: {"mean": float(length.mean()), "sd": float(length.std())}
            for name, length in zip(names, lengths.T, strict=True)
        },
        "left_minus_right_mm": {
            name: {"mean": float(difference.mean()), "mean_size": float(np.abs(difference).mean())}
            for name, difference in differences.items()
        },
    }


def _inside_crop(labels: dict[str, np.ndarray]) -> np.ndarray:
    """Which joints [N, P] lie in the square that the network sees where nothing is augmented."""
    box = labels["box"]
    centre, side = box[:, :2] + box[:, 2:] / 2, cropping.CROP_MARGIN * box[:, 2:].max(axis=1)
    return (np.abs(labels["joints_2d"] - centre[:, None]) <= side[:, None, None] / 2).all(axis=-1)


def _spread(values: np.ndarray) -> dict[str, float]:
    names = ("min", "5 %", "median", "95 %", "max")
    return dict(zip(names, np.percentile(values, _PERCENTILES).tolist(), strict=True))


def _words(key: str) -> str:
    return key.replace("_", " ").replace(" mm", ", mm").replace(" pixels", ", pixels")


def _read(name: str, split: str, data_dir: str, seed: int) -> tuple[dict[str, np.ndarray], list[dict]]:
    """The labels of all examples, and the examples of the sheet, in one pass."""
    examples, count = pipeline.stored_examples(name, split, data_dir)
    chosen = np.random.default_rng(seed).permutation(count)[:SHEET_EXAMPLES]

    def drop_image(number, example):
        wanted = tf.reduce_any(number == chosen)
        return example | {"image": tf.where(wanted, example["image"], "")}

    batches = examples.enumerate().map(drop_image).batch(_BATCH)
    parts = []
    with pipeline.damage_named(data_dir, (name, split)), ProgressBar(f"{name} {split}", count) as bar:
        for part in batches.as_numpy_iterator():
            parts.append(part)
            bar.advance(len(part["box"]))
    labels = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    on_sheet = [{key: value[number] for key, value in labels.items()} for number in chosen]
    del labels["image"]
    return labels, on_sheet


def _on_sheet(example: dict) -> visualize.LabelCell:
    crop_to_image = cropping.crop_to_image(tf.constant(example["box"]), CROP_SIZE)
    photo = tf.io.decode_jpeg(example["image"], channels=3)
    joints = example["joints_3d_absolute"]
    return visualize.LabelCell(
        title=example["example_id"].decode(),
        image=cropping.crop(photo, crop_to_image, CROP_SIZE).numpy().round().astype(np.uint8),
        joints_2d=cropping.transform(example["joints_2d"], cropping.invert(crop_to_image)).numpy(),
        joint_weight=example["joint_weight"],
        joints_3d=joints - joints[ROOT] if example["has_scale"] else None,
    )
