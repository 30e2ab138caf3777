"""One HTML file that shows pictures with their poses beside skeletons one can turn; it needs no network."""

import base64
import json
import pathlib

import cv2
import numpy as np

from tf_advpose import drawing
from tf_advpose.files import written_aside
from tf_advpose.prediction import poses
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS

TEMPLATE = pathlib.Path(__file__).with_name("viewer.html")
DATA_PLACE = "/*DATA*/null"
MOST_PICTURES = 400  # what a browser takes well
LARGEST_SIDE = 640  # pixels of a picture
JPEG_QUALITY = 80


class Viewer:
    """Collects pictures for the file; of many, every second, fourth, ... one is kept."""

    def __init__(self, most: int = MOST_PICTURES):
        self._most = most
        self._every, self._seen = 1, 0
        self._pictures: list[dict] = []

    def add(self, title: str, picture: np.ndarray, records: np.ndarray) -> None:
        """Takes in a picture, [H, W, 3] uint8 RGB, and the poses in it."""
        if self._seen % self._every == 0:
            if len(self._pictures) == self._most:
                self._pictures = self._pictures[::2]
                self._every *= 2
            if self._seen % self._every == 0:
                self._pictures.append(_entry(title, picture, records))
        self._seen += 1

    def data(self) -> dict:
        """What the page knows: joints in pixels of its small pictures and in mm; one picture in `every`."""
        return {
            "joints": JOINT_NAMES,
            "bones": BONES,
            "colours": [_css(drawing.side_colour(joint)) for joint in range(NUM_JOINTS)],
            "every": self._every,
            "pictures": self._pictures,
        }

    def write(self, path: pathlib.Path) -> None:
        text = json.dumps(self.data(), allow_nan=False).replace(
            "<", "\\u003c"
        )  # titles must not end the script
        page = TEMPLATE.read_text(encoding="utf-8").replace(DATA_PLACE, text)
        with written_aside(path) as aside:
            aside.write_text(page, encoding="utf-8")


def _entry(title: str, picture: np.ndarray, records: np.ndarray) -> dict:
    scale = min(1.0, LARGEST_SIDE / max(picture.shape[:2]))
    width, height = (max(1, round(side * scale)) for side in picture.shape[1::-1])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), settings)[1]
    size = np.array([width / picture.shape[1], height / picture.shape[0]])
    people = [
        {
            "joints_2d": np.round(record["joints_2d"] * size, 1).tolist(),
            "joints_3d": np.round(joints, 0).tolist(),
            "confidence": np.round(record["confidence"].astype(float), 2).tolist(),
        }
        for record, joints in zip(records, poses.scene(records), strict=True)
    ]
    image = "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
    return {"title": title, "width": width, "height": height, "image": image, "people": people}


def _css(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
