"""Finds the joints of a person in a photo with an exported .tflite file, without TensorFlow.

Needs NumPy, OpenCV and ai-edge-litert alone.

  predictor = PosePredictor("pose_float16.tflite")
  pose = predictor.predict("photo.jpg", box=(410, 120, 260, 540))
"""

import dataclasses
import json
import os
from collections.abc import Sequence

import cv2
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

METADATA_NAME = "metadata.json"
FACTOR_TOLERANCE = 1e-3  # as in `data.crop`


@dataclasses.dataclass(frozen=True)
class Pose:
    """What was found of one person's joints, in the order of `PosePredictor.joint_names`."""

    joints_2d: np.ndarray  # [P, 2] photo pixels
    depth: np.ndarray  # [P] half the crop's width is 1; relative to the root, positive away from the camera
    confidence: np.ndarray  # [P] about 1 for a joint that is surely found
    joints_3d: np.ndarray  # [P, 3] mm, relative to the root, of a person of the training set's mean size


class PosePredictor:
    """An exported .tflite file, ready to use.

    `joint_names`, `bones` (child, parent) and `metadata`, all that the file says of itself, describe what
    it finds.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 2):
        """Loads the file at `path`.

        Raises:
          FileNotFoundError: there is none.
          ValueError: it is no .tflite file of this project.
        """
        self.metadata = read_metadata(path)
        self.joint_names: list[str] = self.metadata["joint_names"]
        self.bones: list[list[int]] = self.metadata["bones"]
        self._root = self.joint_names.index(self.metadata["root"])
        self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
        self._run = self._interpreter.get_signature_runner("serving_default")

    def predict(self, image: np.ndarray | str | os.PathLike, box: Sequence[float] | None = None) -> Pose:
        """Finds the joints of the person in `box`.

        Args:
          image: [H, W, 3] uint8 RGB, or the path of a photo, whose orientation tag is then applied.
          box: (x, y, width, height) in photo pixels. None: the photo is the crop already, a square about
            one person with some margin; what is not square is filled up with black.

        Raises:
          FileNotFoundError, ValueError: the photo or the box cannot be used.
        """
        photo = _as_photo(image)
        size = self.metadata["image_size"]
        top_left, pixels = self._frame(photo, box)
        crop = crop_square(photo, top_left, pixels, size)
        outputs = self._run(image=crop[None] / np.float32(255))
        depth = outputs["depth"][0]
        return Pose(
            joints_2d=top_left + outputs["joints_2d"][0] * pixels,
            depth=depth,
            confidence=outputs["confidence"][0],
            joints_3d=self._millimetres(outputs["joints_2d"][0] / (size / 2), depth),
        )

    def _frame(self, photo: np.ndarray, box: Sequence[float] | None) -> tuple[np.ndarray, float]:
        """The crop's top-left corner (x, y), and the photo pixels that one of its pixels spans."""
        height, width = photo.shape[:2]
        margin = 1.0 if box is None else self.metadata["crop_margin"]
        box = np.array([0, 0, width, height] if box is None else box, np.float64)
        if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
            raise ValueError(
                f"box must be (x, y, width, height), the last two above 0; got {box.tolist()}."
            )
        if (box[:2] >= (width, height)).any() or (box[:2] + box[2:] <= 0).any():
            raise ValueError(f"The box {box.tolist()} lies outside the photo of {width} x {height} pixels.")
        side = margin * box[2:].max()
        return box[:2] + box[2:] / 2 - side / 2, side / self.metadata["image_size"]

    def _millimetres(self, x_y: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Enlarges the skeleton until its bones together have the training set's mean length."""
        joints = np.column_stack([x_y, depth]).astype(np.float64)
        child, parent = np.array(self.bones).T
        length = np.linalg.norm(joints[child] - joints[parent], axis=-1).sum()
        scale = self.metadata["total_bone_length"] / length if length > 0 else 0.0
        return scale * (joints - joints[self._root])


def read_metadata(path: str | os.PathLike) -> dict:
    """What a .tflite file of this project says of itself.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: it is no .tflite file, or not from this project.
    """
    with open(path, "rb") as file:
        content = file.read()
    if content[4:8] != b"TFL3":
        raise ValueError(f"{path} is no .tflite file.")
    model = schema.Model.GetRootAs(content)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME.encode():
            return json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    raise ValueError(f"{path} holds no {METADATA_NAME}: it was not exported by this project.")


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


def _as_photo(image: np.ndarray | str | os.PathLike) -> np.ndarray:
    if isinstance(image, str | os.PathLike):
        if not os.path.isfile(image):
            raise FileNotFoundError(f"Photo not found: {image}")
        pixels = cv2.imread(str(image), cv2.IMREAD_COLOR)
        if pixels is None:
            raise ValueError(f"Not a readable photo: {image}")
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
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
