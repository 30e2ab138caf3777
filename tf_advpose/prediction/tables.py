"""The poses as files for other programs: JSON and NPZ with all there is, CSV with one joint a line.

docs/predict.md describes them.
"""

import csv
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from tf_advpose.files import numbers_on_a_line, written_aside
from tf_advpose.prediction import poses
from tf_advpose.skeleton import BONES, JOINT_NAMES, ROOT

FORMAT, FORMAT_VERSION = "tf_advpose poses", 1
UNITS = {
    "box": "(x, y, width, height) in pixels of the upright picture",
    "joints_2d": "(x, y) in pixels of the upright picture, x right, y down; the centre of the top-left "
    "pixel is (0.5, 0.5)",
    "confidence": "the heatmap's peak, about 1 for a joint that is surely found",
    "joints_3d": "(x, y, z) in mm, relative to the root, x right, y down, z away from the camera, as if "
    "seen from far away; the bones together have the length total_bone_length",
    "joints_3d_absolute": "(x, y, z) in mm from the camera, in the same directions, as the camera's "
    "intrinsics have it, for a person whose bones together have the length total_bone_length",
    "time": "seconds from the start of the video",
}
CSV_HEADER = ("input", "frame", "time_s", "person", "joint", "x_px", "y_px", "confidence")
CSV_HEADER += ("x_mm", "y_mm", "z_mm", "x_absolute_mm", "y_absolute_mm", "z_absolute_mm")
_DECIMALS = {"box": 2, "joints_2d": 2, "confidence": 4, "joints_3d": 2, "joints_3d_absolute": 1}


def describe_model(path: str, metadata: dict) -> dict:
    """What the files say of the model at `path`, whose `metadata` is as in `PosePredictor`."""
    kept = ("stage", "image_size", "crop_margin", "total_bone_length", "code_version")
    return {"path": path, **{name: metadata.get(name) for name in kept}}


def header() -> dict:
    """What stands at the beginning of all files: names and units."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "joint_names": list(JOINT_NAMES),
        "bones": [list(bone) for bone in BONES],  # (child, parent)
        "root": JOINT_NAMES[ROOT],
        "units": UNITS,
    }


def write_json(path: pathlib.Path, description: dict, records: np.ndarray) -> None:
    """Writes `description` with the poses as its last entry, one a line."""
    start = json.dumps(description, indent=2, allow_nan=False, ensure_ascii=False)
    start = numbers_on_a_line(start)
    with written_aside(path) as aside, aside.open("w", encoding="utf-8") as file:
        file.write(start.removesuffix("\n}") + ',\n  "poses": [')
        separator = "\n"
        for part in poses.in_parts(records):
            for record in part:
                file.write(f"{separator}    {json.dumps(as_entry(record), allow_nan=False)}")
                separator = ",\n"
        file.write("\n  ]\n}\n")


def as_entry(record: np.void) -> dict:
    """A pose as it stands in JSON."""
    entry = {name: int(record[name]) for name in ("source", "frame", "person")}
    entry["box_given"] = bool(record["box_given"])
    for name, decimals in _DECIMALS.items():
        entry[name] = np.round(record[name].astype(np.float64), decimals).tolist()
    return entry


def write_npz(path: pathlib.Path, description: dict, records: np.ndarray) -> None:
    """Writes an array of each field of the records, the inputs' names, and `description` as JSON."""
    fields = {name: records[name] for name in poses.RECORD.names}
    names = np.array([source["name"] for source in description["sources"]], dtype=np.str_)
    with written_aside(path) as aside, aside.open("wb") as file:
        text = json.dumps(description, ensure_ascii=False)
        np.savez_compressed(
            file,
            **fields,
            source_names=names,
            joint_names=np.array(JOINT_NAMES),
            description=np.array(text),
        )


def write_csv(path: pathlib.Path, sources: Sequence[dict], records: np.ndarray) -> None:
    """Writes one joint a line, see `CSV_HEADER`; `time_s` is empty for photos."""
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_HEADER)
        for part in poses.in_parts(records):
            for record in part:
                writer.writerows(_csv_lines(sources[record["source"]], record))


def _csv_lines(source: dict, record: np.void) -> list[list]:
    rate = source["frames_per_second"]
    time = f"{record['frame'] / rate:.4f}" if rate else ""
    start = [source["name"], int(record["frame"]), time, int(record["person"])]
    lines = []
    for joint, name in enumerate(JOINT_NAMES):
        numbers = [
            *(f"{value:.2f}" for value in record["joints_2d"][joint]),
            f"{record['confidence'][joint]:.4f}",
            *(f"{value:.2f}" for value in record["joints_3d"][joint]),
            *(f"{value:.1f}" for value in record["joints_3d_absolute"][joint]),
        ]
        lines.append([*start, name, *numbers])
    return lines
