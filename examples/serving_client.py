"""Asks a server for the joints of people in photos, over the REST interface of TensorFlow Serving.

  python examples/serving_client.py --url=http://localhost:8501/v1/models/full photo.jpg,410,120,260,540

prints, for each photo and box (x, y, width, height), every joint's pixel and depth. KServe speaks the same.
"""

import base64
import json
import pathlib
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app, flags

from tf_advpose.skeleton import JOINT_NAMES

FLAGS = flags.FLAGS
flags.DEFINE_string("url", "http://localhost:8501/v1/models/full", "Address of the model.")
flags.DEFINE_float("timeout", 30.0, "Seconds to wait for an answer.", lower_bound=0.1)


def predict(url: str, photos: list[tuple[bytes, list[float]]], timeout: float = 30.0) -> list[dict]:
    """For each photo (JPEG or PNG, box): "joints_2d" in its pixels, "depth" and "confidence".

    Raises:
      RuntimeError: the server refuses, or is not there; says why.
    """
    instances = [{"bytes": {"b64": base64.b64encode(photo).decode()}, "box": box} for photo, box in photos]
    body = json.dumps({"signature_name": "from_jpeg", "instances": instances}).encode()
    request = urllib.request.Request(f"{url}:predict", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)["predictions"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"The server refuses ({error.code}): {error.read().decode()}") from None
    except OSError as error:
        raise RuntimeError(f"No answer from {url}: {error}") from None


def main(arguments: list[str]) -> None:
    try:
        photos = []
        for argument in arguments[1:]:
            path, *box = argument.rsplit(",", 4)
            photos.append((pathlib.Path(path).read_bytes(), [float(number) for number in box]))
        for argument, pose in zip(arguments[1:], predict(FLAGS.url, photos, FLAGS.timeout), strict=True):
            print(argument)
            for name, (x, y), depth in zip(JOINT_NAMES, pose["joints_2d"], pose["depth"], strict=True):
                print(f"  {name:15s} x {x:7.1f}  y {y:7.1f}  depth {depth:+.3f}")
    except (RuntimeError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
