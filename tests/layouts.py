"""Writes small datasets in the layouts that the readers know, of our own content."""

import gzip
import json
import pickle
from pathlib import Path

import cv2
import h5py
import numpy as np
import scipy.io

from tf_advpose import camera

PHOTO_SIZE = 200  # pixels
VIDEO_SIZE = 160  # pixels
VIDEO_CORNER = (200, 60, 20)  # RGB
_BITS = 8
HUMAN36M_INTRINSICS = np.array([229.0, 228.0, 102.5, 101.3, -0.2, 0.25, -0.003, -0.0014, -0.0010])
# The photos of `write_human36m` and who is to be seen in them.
HUMAN36M_PHOTOS = (
    "S1/S1_TakingPhoto_1.54138969/S1_TakingPhoto_1.54138969_000001.jpg",
    "S1/S1_TakingPhoto_1.54138969/S1_TakingPhoto_1.54138969_000006.jpg",
    "S7/S7_WalkTogether.55011271/S7_WalkTogether.55011271_000001.jpg",
    "S9/S9_WalkDog.54138969/S9_WalkDog.54138969_000001.jpg",
    "S11/S11_Directions.54138969/S11_Directions.54138969_000001.jpg",
)


def write_photo(path: Path, seed: int = 0, size: int = PHOTO_SIZE) -> None:
    """A photo of smooth colours, which JPEG keeps well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC))


def write_video(path: Path, length: int) -> None:
    """A video whose frames bear their numbers, and a corner of one colour; .avi or .mp4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter_fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    video = cv2.VideoWriter(str(path), codec, 50, (VIDEO_SIZE, VIDEO_SIZE))
    for number in range(length):
        frame = np.full((VIDEO_SIZE, VIDEO_SIZE, 3), 128, np.uint8)
        for bit in range(_BITS):  # a row of black and white fields, as MPEG keeps nothing finer
            frame[:16, 16 * bit : 16 * bit + 16] = 255 * (number >> bit & 1)
        frame[-20:, -20:] = VIDEO_CORNER[::-1]
        video.write(frame)
    video.release()


def number_in_frame(frame: np.ndarray) -> int:
    """The number that `write_video` has drawn."""
    return sum(int(frame[4:12, 16 * bit + 4 : 16 * bit + 12].mean() > 128) << bit for bit in range(_BITS))


def standing_person(seed: int, num_joints: int) -> np.ndarray:
    """[J, 3] millimetres, some three metres away and in the photo; which joint is which is all one."""
    spread = np.random.default_rng(seed).uniform(-1, 1, (num_joints, 3)) * (400, 800, 300)
    return spread + (30.0, -20.0, 3000.0)


def write_human36m(root: Path, official: bool) -> np.ndarray:
    """MMPose's layout, as its scripts write it or flat. Returns the joints [N, 17, 3], mm."""
    joints = np.stack([standing_person(seed, 17) for seed in range(len(HUMAN36M_PHOTOS))])
    pixels = camera.project(joints, HUMAN36M_INTRINSICS)
    ones = np.ones((len(joints), 17, 1))
    labels = {
        "imgname": np.array(HUMAN36M_PHOTOS),
        "center": pixels.mean(axis=1),
        "scale": np.ones(len(joints)),
        "part": np.concatenate([pixels, ones], axis=-1),
        "S": np.concatenate([joints / 1000, ones], axis=-1),
    }
    f, c, k, p = (values[:, None] for values in np.split(HUMAN36M_INTRINSICS, (2, 4, 7)))
    lens = {"R": np.eye(3), "T": np.zeros((3, 1)), "f": f, "c": c, "k": k, "p": p, "w": 1000, "h": 1002}
    cameras = {
        (subject, number): lens
        for subject in ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
        for number in ("54138969", "55011271")
    }
    annotations = root / "annotation_body3d" if official else root
    for number, name in enumerate(HUMAN36M_PHOTOS):
        write_photo((root / "images" if official else root) / name, number)
    (annotations / "fps50").mkdir(parents=True) if official else None
    (annotations / "cameras.pkl").write_bytes(pickle.dumps(cameras))
    if official:
        train = np.array([name.startswith(("S1/", "S7/")) for name in HUMAN36M_PHOTOS])
        for split, chosen in (("train", train), ("test", ~train)):
            part = {key: value[chosen] for key, value in labels.items()}
            np.savez(annotations / f"fps50/h36m_{split}.npz", **part)
    else:
        np.savez(annotations / "h36m_body3d.npz", **labels)
    return joints


def mpii_person(seed: int) -> tuple[np.ndarray, list[float], float]:
    """Sixteen joints [P, 2] that count pixels from 1, the centre and the scale of a person."""
    joints = np.random.default_rng(seed).integers(20, 180, (16, 2)).astype(np.float64)
    joints[8:10] += np.random.default_rng(seed + 1).uniform(0, 1, (2, 2))
    return joints, [100.0 + seed, 90.0], 0.7 + 0.1 * seed


def write_mpii_json(root: Path, zipped: bool = False) -> None:
    """mpii_annotations.json of four people, the last in validation, and their photos.

    Person 1 of a.jpg lacks joint 5, and joint 4 is occluded; of b.jpg, person 2 lacks the head's top.
    """
    people = []
    for number, (photo, person, validation) in enumerate(
        (("a.jpg", 1, 0.0), ("b.jpg", 1, 0.0), ("b.jpg", 2, 0.0), ("c.jpg", 1, 1.0))
    ):
        joints, centre, scale = mpii_person(number)
        marked = np.concatenate([joints, np.ones((16, 1))], axis=1)
        if (photo, person) == ("a.jpg", 1):
            marked[5] = 0
            marked[4, 2] = 0
        if (photo, person) == ("b.jpg", 2):
            marked[9] = 0
        # What jsonlab makes of no, one and two other people.
        others = ({"_ArrayType_": "double", "_ArraySize_": [0, 0]}, marked.tolist(), [marked.tolist()] * 2)
        other = min(number, 2)
        people.append(
            {
                "dataset": "MPI",
                "isValidation": validation,
                "img_paths": photo,
                "img_width": float(PHOTO_SIZE),
                "img_height": float(PHOTO_SIZE),
                "objpos": centre,
                "joint_self": marked.tolist(),
                "scale_provided": scale,
                "joint_others": others[other],
                "scale_provided_other": (others[0], 1.5, [1.5, 2.5])[other],
                "objpos_other": (others[0], [3.0, 4.0], [[3.0, 4.0], [5.0, 6.0]])[other],
                "annolist_index": float(number + 5),
                "people_index": float(person),
                "numOtherPeople": float(other),
            }
        )
    for seed, photo in enumerate("abc"):
        write_photo(root / f"images/{photo}.jpg", seed)
    text = json.dumps(people).encode()
    path = root / ("mpii_annotations.json.gz" if zipped else "mpii_annotations.json")
    path.write_bytes(gzip.compress(text) if zipped else text)


def write_mpii_valid_h5(root: Path, head_size: float) -> None:
    """valid.h5 with the one person in validation, person 1 of c.jpg; people count from 0 there."""
    with h5py.File(root / "valid.h5", "w") as file:
        file["imgname"] = np.array([b"c.jpg"], "S13")
        file["person"] = np.array([0.0])
        file["normalize"] = np.array([head_size])


def _struct(*rows: dict) -> np.ndarray:
    """A MATLAB struct array [1, N] of rows with the same fields."""
    array = np.empty((1, len(rows)), [(name, object) for name in rows[0]])
    for column, row in enumerate(rows):
        array[0, column] = tuple(row.values())
    return array


def write_mpii_mat(path: Path) -> None:
    """The official release of five photos:

    a.jpg: one person with all joints and a head rectangle, every form of is_visible; one without joints.
    b.jpg: two people, the fields in another order, one joint each; the second has no scale.
    c.jpg: one person of one visible joint, without is_visible, and one with all joints.
    d.jpg: of the test split. e.jpg: nobody, an empty annorect.
    """
    empty = np.zeros((0, 0))
    visible = (1, 0, "1", "0", empty)
    joints, centre, scale = mpii_person(0)
    points = [
        {"x": x, "y": y, "id": joint, "is_visible": visible[joint % 5]}
        for joint, (x, y) in enumerate(joints)
    ]
    head = {"x1": 50.0, "y1": 20.0, "x2": 80.0, "y2": 60.0}
    where = {"scale": scale, "objpos": _struct({"x": centre[0], "y": centre[1]})}

    def annopoints(*rows: dict) -> dict:
        return {"annopoints": _struct({"point": _struct(*rows)})}

    bare = {"id": 2, "x": 30.0, "y": 40.0, "is_visible": "1"}
    people = {
        "a.jpg": _struct(head | annopoints(*points) | where, head | {"annopoints": empty} | where),
        "b.jpg": _struct(where | annopoints(bare), where | annopoints(bare) | {"scale": empty}),
        "c.jpg": _struct(
            where | annopoints({"x": 7.0, "y": 8.0, "id": 9}) | {"part_occ1": 0},
            where | annopoints(*points) | {"part_occ1": 1},
        ),
        "d.jpg": _struct(where),
        "e.jpg": empty,
    }
    annolist = _struct(
        *(
            {"image": _struct({"name": name}), "annorect": rect, "vididx": 1}
            for name, rect in people.items()
        )
    )
    release = _struct({"annolist": annolist, "img_train": np.array([[1, 1, 1, 0, 1]], np.uint8)})
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"RELEASE": release})
    for seed, photo in enumerate("abcde"):
        write_photo(path.parent / f"images/{photo}.jpg", seed)


def write_mpi_inf_3dhp(root: Path, intrinsics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The official test set's TS2, frames 1 and 3 of three valid. Returns annot2, annot3 of the three."""
    joints = np.stack([standing_person(seed, 17) for seed in range(3)])
    pixels = camera.project(joints, intrinsics) + np.random.default_rng(0).uniform(-1.5, 1.5, (3, 17, 2))
    folder = root / "TS2"
    folder.mkdir(parents=True)
    with h5py.File(folder / "annot_data.mat", "w") as file:
        file["annot2"], file["annot3"] = pixels[:, None], joints[:, None]
        file["univ_annot3"] = (joints[:, 14:15] + (joints - joints[:, 14:15]) / 1.08)[:, None]
        file["valid_frame"] = np.array([[1.0], [0.0], [1.0]])
        file["activity_annotation"] = np.array([[1.0], [2.0], [5.0]])
        file["bb_crop"] = np.zeros((3, 34))
    for frame in (1, 3):
        write_photo(folder / f"imageSequence/img_{frame:06d}.jpg", frame, size=2048)
    return pixels, joints
