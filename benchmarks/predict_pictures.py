"""Draws the pictures of docs/predict.md: what predict.py finds of synthetic people that it has never seen.

  python benchmarks/predict_pictures.py

Renders the first test people of the everyday domain, larger than for training, and gives predict.py their
photos and boxes. All of them are shown together, two of them with their skeletons.
"""

import json
import pathlib
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

import cv2
import numpy as np
from absl import app, flags
from commands import run

from tf_advpose.files import written_aside
from tf_advpose.people import dataset
from tf_advpose.prediction import pictures

FLAGS = flags.FLAGS
flags.DEFINE_string("output", "docs/images", "Folder of the pictures.")

COUNT, SIZE = 24, 480  # pixels of a photo
PICKED = (0, 13)  # who is shown with a skeleton, counted from 0
COLUMNS = 6
SIDE, PICKED_SIDE = 240, 300  # pixels of a picture, alone and beside its skeleton


def write_photos(folder: pathlib.Path) -> list[str]:
    """Writes photos and boxes.json of the people to `folder`; the photos' names."""
    photos = folder / "photos"
    photos.mkdir()
    boxes = {}
    for example in dataset.generate("everyday", "test", COUNT, size=SIZE):
        name = f"{example['example_id']}.png"
        pictures.write_photo(photos / name, example["image"])
        boxes[name] = [example["box"].tolist()]
    (folder / "boxes.json").write_text(json.dumps(boxes))
    return list(boxes)


def read(path: pathlib.Path, height: int) -> np.ndarray:
    """The picture at `path`, reduced to `height`, BGR."""
    picture = cv2.imread(str(path))
    width = round(picture.shape[1] * height / picture.shape[0])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def write(path: pathlib.Path, picture: np.ndarray) -> None:
    """Writes a BGR `picture` as JPEG or PNG, by the ending of `path`."""
    with written_aside(path) as aside:
        settings = [cv2.IMWRITE_JPEG_QUALITY, 85] if path.suffix == ".jpg" else []
        cv2.imencode(path.suffix, picture, settings)[1].tofile(aside)
    print(f"Written: {path}")


def main(_) -> None:
    output = pathlib.Path(FLAGS.output)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        people = write_photos(folder)
        found = folder / "found"
        where = {"input": folder / "photos", "boxes": folder / "boxes.json", "output": found}
        run("predict.py", *(f"--{flag}={value}" for flag, value in where.items()))
        overlays = [read(found / f"overlays/{person}.png", SIDE) for person in people]
        pairs = [
            [read(found / f"{kind}/{people[number]}.png", PICKED_SIDE) for kind in ("overlays", "views")]
            for number in PICKED
        ]
    rows = [overlays[start : start + COLUMNS] for start in range(0, len(overlays), COLUMNS)]
    output.mkdir(parents=True, exist_ok=True)
    for file, grid in (("predict_people.jpg", rows), ("predict_photo.png", pairs)):
        write(output / file, np.concatenate([np.concatenate(row, axis=1) for row in grid]))


if __name__ == "__main__":
    app.run(main)
