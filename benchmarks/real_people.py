"""The people that real_accuracy.py scores models on, read from a folder of real sample files."""

import collections
import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tf_advpose import camera
from tf_advpose.data import groups, schema
from tf_advpose.data.human36m import mmpose as human36m
from tf_advpose.data.mpi_inf_3dhp import mmpose as mpi_inf_3dhp
from tf_advpose.data.mpii import builder as mpii
from tf_advpose.data.mpii.examples import rectangle_size
from tf_advpose.skeleton import (
    FROM_HUMAN36M_17,
    FROM_MPI_INF_3DHP_28,
    JOINT_NAMES,
    LEFT_HIP,
    LEFT_SHOULDER,
    MIRROR_PAIRS,
    NUM_JOINTS,
    RIGHT_HIP,
    RIGHT_SHOULDER,
    ROOT,
    from_dataset,
)

LEAST_APART = 0.2  # torsos between the labels of a left and a right joint that can be told apart
BORDER = 2.0  # pixels; who comes so near to the photo's edge is taken to go on beyond it
OTHER_NAMES = {"head_bottom": "upper_neck"}  # of PoseTrack; the rest are called as ours or not among ours
FIRST_PIXEL_CENTRE = 0.5  # COCO's keypoints count from 0, ours from 0.5


@dataclasses.dataclass(frozen=True)
class Person:
    """One person and their labels; pixels are those of `photo`, which may be a part of the file's."""

    name: str
    photo: np.ndarray  # [H, W, 3] uint8
    box: np.ndarray | None  # [4], what a predictor is given; None: where they are is not labelled
    joints_2d: np.ndarray  # [P, 2]
    joint_weight: np.ndarray  # [P], 1 where `joints_2d` is labelled, else 0
    size: float  # of the head or the torso, what PCK measures in, pixels; 0: not known
    joints_3d: np.ndarray | None  # [P, 3] mm, camera frame, root-relative; None: not labelled
    alone: bool  # all limbs labelled, nothing cut off, nobody else in the way


def read(samples: Path) -> tuple[dict[str, list[Person]], list[str]]:
    """Reads the folder `samples`.

    Returns:
      The people of each dataset that is there, and the names of the folders that are not.

    Raises:
      FileNotFoundError: none of the folders is there.
      ValueError: labels or photos are not readable.
    """
    missing = [folder for folder in FOLDERS if not (samples / folder).is_dir()]
    if len(missing) == len(FOLDERS):
        raise FileNotFoundError(f"{samples} has no samples: expected a folder with {', '.join(FOLDERS)}.")
    people = collections.defaultdict(list)
    for folder, (dataset, reader) in FOLDERS.items():
        if folder not in missing:
            people[dataset] += reader(samples / folder)
    return {dataset: found for dataset, found in people.items() if found}, missing


def read_mpii(folder: Path) -> Iterator[Person]:
    """Of any layout that prepare.py reads, the people whose photos are there."""
    reader, start = mpii.Mpii.find_layout(folder)
    labels = [list(reader(start, split, collections.Counter())) for split in ("train", "validation")]
    # The two splits share photos.
    return _labelled(sorted(sum(labels, []), key=lambda person: person["image"]))


def read_human36m(folder: Path) -> Iterator[Person]:
    every_frame = {"train": 1, "test": 1}
    for split in every_frame:
        yield from _labelled(human36m.read_mmpose(folder, split, collections.Counter(), every_frame))


def read_challenge(folder: Path) -> Iterator[Person]:
    """Frames of Human3.6M with 3D joints, relative to the pelvis, in .csv files and nothing else."""
    for path in sorted(folder.glob("*.csv")):
        yield Person(
            name=path.stem,
            photo=schema.read_image(path.with_suffix(".jpg")),
            box=None,
            joints_2d=np.zeros((NUM_JOINTS, 2)),
            joint_weight=np.zeros(NUM_JOINTS),
            size=0.0,
            joints_3d=from_dataset(np.loadtxt(path, delimiter=","), FROM_HUMAN36M_17),
            alone=True,
        )


def read_mpi_inf_3dhp(folder: Path) -> Iterator[Person]:
    for split in ("train", "test"):
        yield from _labelled(mpi_inf_3dhp.read_mmpose(folder, split, collections.Counter()))


def read_universal(folder: Path) -> Iterator[Person]:
    """Frames of MPI-INF-3DHP with univ_annot3, the pose scaled about the pelvis to one height for all.

    It does not project onto the photo: good enough for the box, but no 2D label.
    """
    for path in sorted(folder.glob("*_camera.json")):
        name = path.name.removesuffix("_camera.json")
        try:
            matrix = np.array(json.loads(path.read_bytes())["intrinsic"], np.float64).reshape(4, 4)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: expected a camera's intrinsic, 4 x 4; {error!r}.") from None
        intrinsics = np.array([matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *np.zeros(5)])
        joints = from_dataset(np.loadtxt(folder / f"{name}_univ_annot3.txt"), FROM_MPI_INF_3DHP_28)
        labels = {
            "image": folder / f"{name}_image.jpg",
            "joints_2d": camera.project(joints[None], intrinsics)[0],
            "joints_3d_absolute": joints,
            "intrinsics": intrinsics,
            "example_id": name,
        }
        for person in _labelled([labels]):
            yield dataclasses.replace(person, joint_weight=np.zeros(NUM_JOINTS), size=0.0)


def read_coco(folder: Path) -> Iterator[Person]:
    """COCO: boxes as labelled, and the torso for size, since no joint of ours is on the head."""
    for path in sorted(folder.glob("*.json")):
        yield from _labelled(_coco_people(path, folder))


def read_posetrack(folder: Path) -> Iterator[Person]:
    """PoseTrack18: boxes tight around the joints, as its own are 1.3 times that; heads sized as MPII's."""
    for path in sorted(folder.glob("annotations/*/*.json")):
        yield from _labelled(_posetrack_people(path, folder))


FOLDERS = {  # of the samples: the dataset, and the reader of its layout
    "mpii": ("MPII", read_mpii),
    "coco_mmpose": ("COCO", read_coco),
    "posetrack18_mmpose": ("PoseTrack18", read_posetrack),
    "h36m_mmpose": ("Human3.6M", read_human36m),
    "h36m_eccv18": ("Human3.6M, box not labelled", read_challenge),
    "mpi_inf_3dhp_mmpose": ("MPI-INF-3DHP", read_mpi_inf_3dhp),
    "mpi_inf_3dhp_pose3dutils": ("MPI-INF-3DHP", read_universal),
}

BY_TORSO = ("COCO",)  # whose people have no head to measure by


def torso_size(joints_2d: np.ndarray, joint_weight: np.ndarray) -> float:
    """The longer of the labelled lines from a shoulder to the hip of the other side; 0 without one."""
    lines = ((LEFT_SHOULDER, RIGHT_HIP), (RIGHT_SHOULDER, LEFT_HIP))
    lengths = [
        np.linalg.norm(joints_2d[shoulder] - joints_2d[hip])
        for shoulder, hip in lines
        if joint_weight[shoulder] and joint_weight[hip]
    ]
    return float(max(lengths, default=0.0))


def least_apart(joints_2d: np.ndarray, joint_weight: np.ndarray) -> np.ndarray:
    """How far the labels of a left and a right joint must be apart to be told apart: [N] pixels.

    Infinitely far where no torso is labelled.

    Args:
      joints_2d: [N, P, 2] labels in pixels.
      joint_weight: [N, P], 0 where a joint is not labelled.
    """
    torsos = np.array([torso_size(*labels) for labels in zip(joints_2d, joint_weight, strict=True)])
    return np.where(torsos > 0, LEAST_APART * torsos, np.inf)


def stand_alone(extents: np.ndarray, joint_weight: np.ndarray, width: int, height: int) -> np.ndarray:
    """Which of N people in one photo are single and uncut: [N] bool.

    Those whose twelve limb joints are labelled, whose `extents` [N, 4] (x, y, width, height) do not reach
    the border of the photo of `width` x `height` pixels, and overlap nobody else's.
    """
    low, high = extents[:, :2], extents[:, :2] + extents[:, 2:]
    inside = (low > BORDER).all(axis=1) & (high < np.array([width, height]) - BORDER).all(axis=1)
    overlap = (np.maximum(low[:, None], low) < np.minimum(high[:, None], high)).all(axis=-1)
    np.fill_diagonal(overlap, False)
    limbs = joint_weight[:, np.ravel(MIRROR_PAIRS)].all(axis=1)
    return limbs & inside & ~overlap.any(axis=1)


def _labelled(people: Iterable[dict]) -> Iterator[Person]:
    """The people with joints and a photo among those that a reader yields.

    A reader yields what those of `tf_advpose.data` do; here "extent" [4] may say how much of the photo
    someone takes up, and there may be people without any joint.
    """
    for group in groups.gather(people):
        if not group.file.is_file():
            continue
        photo = schema.read_image(group.file)
        height, width = photo.shape[:2]
        weights = np.array([_weight(person) for person in group.people])
        extents = np.array([_extent(person) for person in group.people])
        alone = stand_alone(extents, weights, width, height)
        for person, weight, single in zip(group.people, weights, alone.tolist(), strict=True):
            if weight.any():
                yield _person(schema.make_example(photo, **person), single)


def _weight(labels: dict) -> np.ndarray:
    return labels.get("joint_weight", np.ones(NUM_JOINTS))


def _extent(labels: dict) -> np.ndarray:
    """How much of the photo someone takes up, [4]; takes it out of `labels` where they say it."""
    if "extent" in labels:
        return labels.pop("extent")
    return camera.tight_box(labels["joints_2d"][_weight(labels) > 0])


def _person(example: dict, alone: bool) -> Person:
    absolute = example["joints_3d_absolute"].astype(np.float64)
    return Person(
        name=example["example_id"],
        photo=example["image"],
        box=example["box"],
        joints_2d=example["joints_2d"],
        joint_weight=example["joint_weight"],
        size=float(example["head_size"]),
        joints_3d=absolute - absolute[ROOT] if example["has_scale"] else None,
        alone=alone,
    )


def _coco_people(path: Path, photos: Path) -> Iterator[dict]:
    for box, labels in _read_annotations(path, photos, "bbox"):
        size = torso_size(labels["joints_2d"], labels["joint_weight"])
        yield labels | {"box": box, "extent": box, "head_size": size}


def _posetrack_people(path: Path, photos: Path) -> Iterator[dict]:
    for head, labels in _read_annotations(path, photos, "bbox_head"):
        if labels["joint_weight"].any():
            corner, size = np.split(head, 2)
            yield labels | {"head_size": float(rectangle_size(corner, corner + size))}


def _read_annotations(path: Path, photos: Path, box: str) -> list[tuple[np.ndarray, dict]]:
    """The `box` [4] of each person in a file of COCO-like labels, and their joints, photo and name.

    Raises:
      ValueError: the file is not such labels.
    """
    found = []
    try:
        content = json.loads(path.read_bytes())
        names = {category["id"]: category["keypoints"] for category in content["categories"]}
        files = {photo["id"]: photos / photo["file_name"] for photo in content["images"]}
        for annotation in sorted(content["annotations"], key=lambda each: each["image_id"]):
            joints_2d, joint_weight = _joints(annotation["keypoints"], names[annotation["category_id"]])
            labels = {
                "image": files[annotation["image_id"]],
                "joints_2d": joints_2d,
                "joint_weight": joint_weight,
                "example_id": str(annotation["id"]),
            }
            found.append((np.array(annotation[box], np.float64).reshape(4), labels))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected the labels of people as COCO has them; {error!r}.") from None
    return found


def _joints(keypoints: list[float], names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Our joints [P, 2] and which are labelled [P], of keypoints x, y, v, x, y, v, ... of such names."""
    joints_2d, joint_weight = np.zeros((NUM_JOINTS, 2)), np.zeros(NUM_JOINTS)
    for name, (x, y, visible) in zip(names, np.reshape(keypoints, (-1, 3)).tolist(), strict=True):
        name = OTHER_NAMES.get(name, name)
        if name in JOINT_NAMES and visible:  # 1: occluded, 2: seen
            joints_2d[JOINT_NAMES.index(name)] = x + FIRST_PIXEL_CENTRE, y + FIRST_PIXEL_CENTRE
            joint_weight[JOINT_NAMES.index(name)] = 1
    return joints_2d, joint_weight
