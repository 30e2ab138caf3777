"""Writes the people of `layouts.write_mpii_json` in the other layouts of MPII's labels."""

import json
from pathlib import Path

import h5py
import layouts
import numpy as np
import scipy.io

HEAD_SIZE = 30.0
# Photo and number of each, and whether it is in validation, as in `layouts.write_mpii_json`.
PEOPLE = (("a.jpg", 1, False), ("b.jpg", 1, False), ("b.jpg", 2, False), ("c.jpg", 1, True))
# Joint 5 of the first person and joint 9 of the third are not labelled; joint 4 of the first is occluded.
MISSING = {0: 5, 2: 9}
OCCLUDED = {0: 4}


def write_photos(root: Path) -> None:
    for seed, photo in enumerate("abc"):
        layouts.write_photo(root / f"images/{photo}.jpg", seed)


def write_hrnet(root: Path, annotations: str = "annot", mmpose: bool = False, heads: bool = True) -> None:
    """train.json, valid.json, trainval.json and gt_valid.mat in the folder `annotations`; test.json too.

    trainval.json also has someone who shares a photo with validation, as it has in earnest.
    """
    records = []
    for row, (photo, _, _) in enumerate(PEOPLE):
        joints, centre, scale = layouts.mpii_person(row)
        joints = np.round(joints, 4)
        marks = np.ones(16, int)
        if row in MISSING:
            joints[MISSING[row]], marks[MISSING[row]] = -1, 0
        record = {"joints_vis": marks.tolist(), "joints": joints.tolist(), "image": photo}
        records.append(record | {"scale": scale, "center": centre})
    train, valid = records[:3], records[3:]
    folder = root / annotations
    folder.mkdir(parents=True)
    names = ("mpii_train", "mpii_val", "mpii_trainval") if mmpose else ("train", "valid", "trainval")
    beside = records[3] | {"joints": (np.array(records[3]["joints"]) + 9).tolist()}
    for name, people in zip(names, (train, valid, [*records, beside]), strict=True):
        (folder / f"{name}.json").write_text(json.dumps(people))
    (folder / "test.json").write_text(json.dumps([{"image": "d.jpg", "scale": 1.0, "center": [1.0, 2.0]}]))
    if heads:
        corner = np.array([10.0, 20.0])
        opposite = corner + HEAD_SIZE / 0.6 * np.array([0.6, 0.8])
        contents = {
            "headboxes_src": np.stack([corner, opposite])[..., None],
            "pos_gt_src": np.array([record["joints"] for record in valid]).transpose(1, 2, 0),
            "jnt_missing": np.zeros((16, 1), np.uint8),
            "dataset_joints": np.array([["rank", "rkne"]], object),
        }
        scipy.io.savemat(folder / ("mpii_gt_val.mat" if mmpose else "gt_valid.mat"), contents)
    write_photos(root)


def write_hdf5(folder: Path, everyone: bool = False, first_pixel: int = 1) -> None:
    """valid.h5 with train.h5 or, of `everyone`, annot.h5, whose joints count from `first_pixel`.

    annot.h5 also has someone without joints, someone of the test split, and someone who shares a photo with
    validation.
    """
    rows = []
    for row, (photo, number, _) in enumerate(PEOPLE):
        joints, centre, scale = layouts.mpii_person(row)
        joints = joints.astype(int).astype(float)
        visible = np.ones(16)
        visible[[OCCLUDED.get(row, 0)]] = 0
        if row in MISSING:
            joints[MISSING[row]], visible[MISSING[row]] = 0, 0
        rows.append([photo, number - 1, joints, visible, np.array(centre), scale, HEAD_SIZE, 1])
    valid = [rows[3]]
    _write_people(folder / "valid.h5", [_adjusted(row) for row in valid])
    if not everyone:
        _write_people(folder / "train.h5", [_adjusted(row) for row in rows[:3]])
        return
    nobody = ["a.jpg", 1, np.full((16, 2), -1.0), np.full(16, -1.0), np.array([5.0, 6.0]), 1.0, -1.0, 1]
    tester = ["d.jpg", 0, np.full((16, 2), -1.0), np.full(16, -1.0), np.array([5.0, 6.0]), 1.0, -1.0, 0]
    neighbour = ["c.jpg", 1, *rows[0][2:]]
    people = [*rows, nobody, tester, neighbour]
    people = [[*row[:2], row[2] + first_pixel - 1, *row[3:]] for row in people]
    _write_people(folder / "annot.h5", people, ascii_codes=True)


def _adjusted(row: list) -> list:
    photo, number, joints, visible, centre, scale, *others = row
    return [photo, number, joints, visible, centre + (0, 15 * scale), scale * 1.25, *others]


def _write_people(path: Path, rows: list, ascii_codes: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names, number, joints, visible, centre, scale, head, train = zip(*rows, strict=True)
    names = np.array([name.encode() for name in names], "S16" if ascii_codes else "S13")
    with h5py.File(path, "w") as file:
        if ascii_codes:
            file["imgname"] = names.view(np.uint8).reshape(len(names), 16).astype(float)
            file["istrain"] = np.array(train, float)
        else:
            file["imgname"] = names
        file["person"], file["part"] = np.array(number, float), np.array(joints)
        file["visible"], file["center"] = np.array(visible), np.array(centre)
        file["scale"], file["normalize"] = np.array(scale), np.array(head)
