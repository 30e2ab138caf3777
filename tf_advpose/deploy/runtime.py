"""Finds the joints of people in photos; with an exported .tflite file it needs no TensorFlow.

  predictor = PosePredictor()  # or PosePredictor("exports/full/1/pose_float16.tflite")
  pose = predictor.predict("photo.jpg", box=(410, 120, 260, 540))

NumPy, OpenCV and ai-edge-litert are enough for that, without the rest of this package: for .tflite files
this file alone may be copied. A run's work folder and an exported SavedModel do as well, where TensorFlow
and the rest of this package are there.
"""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import struct
import threading
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

# Learned from synthetic people, for photos of anyone; weights/README.md is its model card.
DEFAULT_MODEL = pathlib.Path(__file__).resolve().parent.parent / "weights" / "pose_float16.tflite"

METADATA_NAME = "metadata.json"
RUN_FILE, SAVED_MODEL_FILE = "config.json", "saved_model.pb"  # what makes a folder a model
FACTOR_TOLERANCE = 1e-3  # as in `data.crop`
LARGEST_BATCH = 32  # crops that go through a model at a time
SURE_ENOUGH = 0.1  # a joint's confidence, for the box to be fitted to it
FEWEST_JOINTS, SMALLEST_PERSON = 4, 0.1  # what a box is fitted to; of the crop's side

Photo = np.ndarray | str | os.PathLike
Outputs = dict[str, np.ndarray]  # joints_2d [N, P, 2] crop pixels, depth and confidence [N, P]


@dataclasses.dataclass(frozen=True)
class Pose:
    """What was found of one person's joints, in the order of `PosePredictor.joint_names`."""

    joints_2d: np.ndarray  # [P, 2] photo pixels
    depth: np.ndarray  # [P] half the crop's width is 1; relative to the root, positive away from the camera
    confidence: np.ndarray  # [P] about 1 for a joint that is surely found
    joints_3d: np.ndarray  # [P, 3] mm, relative to the root, of a person of the training set's mean size
    box: np.ndarray  # [4] (x, y, width, height) of the person in photo pixels, as given or as found


class PosePredictor:
    """A trained model, ready to use: a .tflite file, a SavedModel's folder or a run's work folder.

    `joint_names`, `bones` (child, parent) and `metadata`, all that the model says of itself, describe what
    it finds.
    """

    def __init__(self, path: str | os.PathLike = DEFAULT_MODEL, num_threads: int | None = None):
        """Loads the model at `path`, by default the one that comes with this package.

        `num_threads`: None: one a core.

        Raises:
          FileNotFoundError: there is none.
          ValueError: it is no model of this project.
        """
        self._threads = num_threads or os.cpu_count() or 1
        self._pool = concurrent.futures.ThreadPoolExecutor(self._threads)
        check_model(path)
        if os.path.isdir(path):
            from tf_advpose.deploy import folders  # loads TensorFlow

            self.metadata, self._run = folders.open_model(path)
        else:
            self.metadata = read_metadata(path)
            self._run = _Interpreters(str(path), self._threads, self._pool)
        self.joint_names: list[str] = self.metadata["joint_names"]
        self.bones: list[list[int]] = self.metadata["bones"]
        self._root = self.joint_names.index(self.metadata["root"])

    def predict(self, image: Photo, box: Sequence[float] | None = None) -> Pose:
        """Finds the joints of the person in `box`.

        Args:
          image: [H, W, 3] uint8 RGB, or the path of a photo, see `read_photo`.
          box: (x, y, width, height) in photo pixels. None: there is one person, and the box is found: the
            joints are looked for in the whole photo first, and then again in the box of those.

        Raises:
          FileNotFoundError, ValueError: the photo or the box cannot be used.
        """
        (pose,) = self.predict_many([(image, box)])
        return pose

    def predict_many(self, people: Sequence[tuple[Photo, Sequence[float] | None]]) -> list[Pose]:
        """As `predict`, of many people at a time, which is faster: an image and a box or None of each."""
        people = [(as_photo(image), box) for image, box in people]
        crops = [self.whole(image) if box is None else check_box(image, box) for image, box in people]
        poses = self._estimate([image for image, _ in people], crops)
        unknown = [number for number, (_, box) in enumerate(people) if box is None]
        boxes = [self._fitted_box(poses[number]) for number in unknown]
        for number, pose in zip(
            unknown, self._estimate([people[number][0] for number in unknown], boxes), strict=True
        ):
            poses[number] = pose
        return poses

    def whole(self, photo: np.ndarray) -> np.ndarray:
        """The box [4] whose crop is the smallest square that holds all of `photo`."""
        height, width = photo.shape[:2]
        side = max(height, width) / self.metadata["crop_margin"]
        return np.array([width / 2 - side / 2, height / 2 - side / 2, side, side])

    def crop_side(self, box: np.ndarray) -> float:
        """The side of the crop of a person's `box` [4], in photo pixels."""
        return self.metadata["crop_margin"] * float(box[2:].max())

    def _estimate(self, photos: list[np.ndarray], boxes: list[np.ndarray]) -> list[Pose]:
        poses = []
        for start in range(0, len(boxes), LARGEST_BATCH):
            part = slice(start, start + LARGEST_BATCH)
            crops = np.stack(list(self._pool.map(self._crop, photos[part], boxes[part])))
            outputs = self._run(crops)
            poses += [
                self._pose(box, *(outputs[name][number] for name in ("joints_2d", "depth", "confidence")))
                for number, box in enumerate(boxes[part])
            ]
        return poses

    def _crop(self, photo: np.ndarray, box: np.ndarray) -> np.ndarray:
        side, size = self.crop_side(box), self.metadata["image_size"]
        return crop_square(photo, box[:2] + box[2:] / 2 - side / 2, side / size, size) / np.float32(255)

    def _pose(
        self, box: np.ndarray, in_crop: np.ndarray, depth: np.ndarray, confidence: np.ndarray
    ) -> Pose:
        side, size = self.crop_side(box), self.metadata["image_size"]
        return Pose(
            joints_2d=box[:2] + box[2:] / 2 - side / 2 + in_crop * (side / size),
            depth=depth,
            confidence=confidence,
            joints_3d=self._millimetres(in_crop / (size / 2), depth),
            box=box,
        )

    def _fitted_box(self, pose: Pose) -> np.ndarray:
        """The box around the joints of a pose; that of the pose itself where too little was found."""
        found = pose.joints_2d[pose.confidence > SURE_ENOUGH]
        if len(found) < FEWEST_JOINTS:
            return pose.box
        low, high = found.min(axis=0), found.max(axis=0)
        if max(high - low) < SMALLEST_PERSON * self.crop_side(pose.box):
            return pose.box
        return np.concatenate([low, np.maximum(high - low, 1)])

    def _millimetres(self, x_y: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Enlarges the skeleton until its bones together have the training set's mean length."""
        joints = np.column_stack([x_y, depth]).astype(np.float64)
        child, parent = np.array(self.bones).T
        length = np.linalg.norm(joints[child] - joints[parent], axis=-1).sum()
        scale = self.metadata["total_bone_length"] / length if length > 0 else 0.0
        return scale * (joints - joints[self._root])


class _Interpreters:
    """A .tflite file that takes one crop at a time, on all cores for one crop, a crop a core for many.

    Threads may share it: they wait for each other.
    """

    def __init__(self, path: str, threads: int, pool: concurrent.futures.ThreadPoolExecutor):
        self._path, self._threads, self._pool = path, threads, pool
        self._one_call = threading.Lock()  # an interpreter keeps the outputs of its last call
        self._whole = self._runner(threads)
        self._shared: list[Callable] = []

    def __call__(self, crops: np.ndarray) -> Outputs:
        """Runs all of `crops` [N, S, S, 3] float32 in [0, 1]."""
        with self._one_call:
            return self._run(crops)

    def _run(self, crops: np.ndarray) -> Outputs:
        if len(crops) == 1 or self._threads == 1:
            outputs = [self._whole(image=crop[None]) for crop in crops]
        else:
            workers = min(self._threads, len(crops))
            self._shared += [self._runner(1) for _ in range(len(self._shared), workers)]
            parts = self._pool.map(lambda first: self._every(first, workers, crops), range(workers))
            outputs = [output for _, output in sorted(sum(parts, []), key=lambda pair: pair[0])]
        return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}

    def _every(self, first: int, workers: int, crops: np.ndarray) -> list[tuple[int, Outputs]]:
        """Runs the crops `first`, `first` + `workers`, ...; gives each with its number."""
        numbers = range(first, len(crops), workers)
        return [(number, self._shared[first](image=crops[number][None])) for number in numbers]

    def _runner(self, threads: int) -> Callable:
        interpreter = Interpreter(model_path=self._path, num_threads=threads)
        return interpreter.get_signature_runner("serving_default")


def check_model(path: str | os.PathLike) -> None:
    """Raises FileNotFoundError where there is nothing at `path`, or a folder that holds no model."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"Model not found: {path}")
    holds = [os.path.isfile(os.path.join(path, name)) for name in (RUN_FILE, SAVED_MODEL_FILE)]
    if os.path.isdir(path) and not any(holds):
        raise FileNotFoundError(
            f"{path} is neither a run ({RUN_FILE} not found) nor a SavedModel ({SAVED_MODEL_FILE} not "
            "found; it lies in the folder of a version, such as exports/full/1)."
        )


def read_metadata(path: str | os.PathLike) -> dict:
    """What a .tflite file of this project says of itself.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: it is no .tflite file, damaged, or not from this project.
    """
    with open(path, "rb") as file:
        content = file.read()
    if content[4:8] != b"TFL3":
        raise ValueError(f"{path} is no .tflite file.")
    try:
        metadata = _stored_metadata(content)
    except (struct.error, ValueError, TypeError):
        raise ValueError(f"{path} is damaged: a part of it is missing.") from None
    if metadata is None:
        raise ValueError(f"{path} holds no {METADATA_NAME}: it was not exported by this project.")
    return metadata


def _stored_metadata(content: bytes) -> dict | None:
    model = schema.Model.GetRootAs(content)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME.encode():
            return json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    return None


def crop_square(photo: np.ndarray, top_left: Sequence[float], pixels: float, size: int) -> np.ndarray:
    """The crop of `data.crop`, in NumPy: area reduction by a whole factor, then bilinear interpolation.

    Args:
      photo: [H, W, 3] uint8.
      top_left: its corner (x, y) in photo pixels.
      pixels: photo pixels that one crop pixel spans.
      size: side of the crop.

    Returns:
      [size, size, 3] float32 in [0, 255]; black where the photo ends.
    """
    factor = int(np.clip(pixels + FACTOR_TOLERANCE, 1, min(photo.shape[:2])))
    samples = []
    for axis, start in ((0, top_left[1]), (1, top_left[0])):
        places = (
            start + (np.arange(size) + 0.5) * pixels
        ) / factor - 0.5  # in blocks, from the first's centre
        samples.append(_samples(places, photo.shape[axis] // factor))
    (rows, row_weights, row_part), (columns, column_weights, column_part) = samples
    part = photo[
        row_part.start * factor : row_part.stop * factor,
        column_part.start * factor : column_part.stop * factor,
    ].astype(np.float32)
    shape = (part.shape[1] // factor, part.shape[0] // factor)  # width, height
    blocks = cv2.resize(part, shape, interpolation=cv2.INTER_AREA) if factor > 1 else part
    high = np.einsum("nk,nkwc->nwc", row_weights, blocks[rows])  # [size, W, 3]
    return np.einsum("nk,hnkc->hnc", column_weights, high[:, columns])


def _samples(places: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, slice]:
    """Between which of `length` blocks each of `places` [N] lies.

    Returns:
      The two blocks [N, 2], counted from the slice's start; their weights [N, 2] float32, 0 for those
      that do not exist; and the slice of blocks that are needed, at least one.
    """
    first = np.floor(places)
    blocks = np.stack([first, first + 1], axis=1)
    weights = np.stack([1 - (places - first), places - first], axis=1)
    weights = np.where((blocks >= 0) & (blocks < length), weights, 0)
    blocks = np.clip(blocks, 0, length - 1).astype(int)
    start = blocks.min()
    return blocks - start, weights.astype(np.float32), slice(start, blocks.max() + 1)


def check_box(photo: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """`box` as [4] float64; raises ValueError where it is none, or wholly outside the photo."""
    height, width = photo.shape[:2]
    box = np.array(box, np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise ValueError(f"box must be (x, y, width, height), the last two above 0; got {box.tolist()}.")
    if (box[:2] >= (width, height)).any() or (box[:2] + box[2:] <= 0).any():
        raise ValueError(f"The box {box.tolist()} lies outside the photo of {width} x {height} pixels.")
    return box


def as_photo(image: Photo) -> np.ndarray:
    """`image`, [H, W, 3] uint8 RGB or a path, as pixels; raises as `read_photo` where it is neither."""
    if isinstance(image, str | os.PathLike):
        return read_photo(image)
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
    ):
        found = (
            f"{image.dtype} {list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        )
        raise ValueError(f"Expected a photo [height, width, 3] of uint8 RGB, got {found}.")
    if not image.size:
        raise ValueError("The photo has no pixels.")
    return image


def read_photo(path: str | os.PathLike) -> np.ndarray:
    """Reads a photo as [H, W, 3] uint8 RGB, upright as its tag says, on white where transparent.

    Raises:
      FileNotFoundError, ValueError: there is none, or it is damaged; names the file.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"Photo not found: {path}")
    encoded = np.fromfile(path, np.uint8)  # OpenCV by itself cannot open every name on every system
    if _is_cut_short(encoded):
        raise ValueError(f"The photo is damaged, its end is missing: {path}")
    try:
        pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        stored = None if _is_jpeg(encoded) else cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ValueError(f"Not a readable photo: {path}")
    if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
        colours = cv2.imdecode(encoded, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        cover = stored[..., 3:] / np.float32(np.iinfo(stored.dtype).max)
        blended = np.round(colours * cover + 255 * (1 - cover)).astype(np.uint8)
        pixels = _turned_alike(blended, colours, pixels)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _turned_alike(photo: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`photo`, turned and mirrored as `after` is of `before`, for OpenCV obeys a tag but does not tell it.

    Photos are [H, W, 3]. Where `before` looks alike in several ways, the first is taken.
    """
    ways = [(order, turns) for order in (slice(None), slice(None, None, -1)) for turns in range(4)]
    return next(
        np.rot90(photo[:, order], turns)
        for order, turns in ways
        if np.array_equal(np.rot90(before[:, order], turns), after)
    )


def _is_jpeg(encoded: np.ndarray) -> bool:
    return encoded[:3].tobytes() == b"\xff\xd8\xff"


def _is_cut_short(encoded: np.ndarray) -> bool:
    """Whether the end of a JPEG or PNG is missing, which OpenCV 4 fills up with grey."""
    content = encoded.tobytes()
    if content.startswith(b"\x89PNG"):
        return b"IEND" not in content
    if not _is_jpeg(encoded):
        return False
    at = 2
    while content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] != b"\xda":  # up to the first scan
        padded = content[at + 1 : at + 2] == b"\xff"
        at += 1 if padded else 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return b"\xff\xd9" not in content[at:]  # the preview among the tags has an end of its own
