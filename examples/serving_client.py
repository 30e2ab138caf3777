"""Asks a server for the joints of people in photos, over the REST interface of TensorFlow Serving.

  python examples/serving_client.py --url=http://localhost:8501/v1/models/full photo.jpg,410,120,260,540

prints, for each photo and box (x, y, width, height), every joint's pixel and depth. KServe speaks the same.
"""

import argparse
import base64
import http.client
import json
import pathlib
import sys
import urllib.error
import urllib.request

JOINT_NAMES = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax",
    "upper_neck", "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow",
    "left_wrist",
)  # fmt: skip
OUTPUTS = {"joints_2d", "depth", "confidence"}


def predict(url: str, photos: list[tuple[bytes, list[float]]], timeout: float) -> list[dict]:
    """For each photo (JPEG or PNG, box): "joints_2d" in its pixels, "depth" and "confidence".
    Raises RuntimeError, which says why, where the server refuses, is not there or is another.
    """
    instances = [{"bytes": {"b64": base64.b64encode(photo).decode()}, "box": box} for photo, box in photos]
    body = json.dumps({"signature_name": "from_jpeg", "instances": instances}).encode()
    request = urllib.request.Request(f"{url}:predict", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            predictions = json.load(answer)["predictions"]
        if not all(set(pose) >= OUTPUTS for pose in predictions):
            raise KeyError
        return predictions
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"The server refuses ({error.code}): {error.read().decode()}") from None
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(f"No answer from {url}: {error}") from None
    except (ValueError, KeyError, TypeError):
        raise RuntimeError(f"What {url} answers holds no predictions: is it a model's address?") from None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://localhost:8501/v1/models/full", help="of the model")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for an answer")
    parser.add_argument("people", nargs="+", metavar="photo,x,y,width,height", help="photo, and box in it")
    given = parser.parse_args()
    try:
        parts = [person.rsplit(",", 4) for person in given.people]
        photos = [(pathlib.Path(path).read_bytes(), [*map(float, box)]) for path, *box in parts]
        for person, pose in zip(given.people, predict(given.url, photos, given.timeout), strict=True):
            print(person)
            for name, (x, y), depth in zip(JOINT_NAMES, pose["joints_2d"], pose["depth"], strict=True):
                print(f"  {name:15s} x {x:7.1f}  y {y:7.1f}  depth {depth:+.3f}")
    except (RuntimeError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
