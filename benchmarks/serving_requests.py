"""How benchmarks/serving.py asks each server, in its own protocol, rightly and wrongly."""

import base64
import json
import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Question(NamedTuple):
    """A photo, JPEG or PNG, and the box (x, y, width, height) of one person in it."""

    photo: bytes
    box: list


class Request(NamedTuple):
    """What is posted to a server."""

    path: str
    body: bytes
    headers: dict[str, str]


class Answer(NamedTuple):
    """What a server says to it."""

    status: int
    headers: dict[str, str]
    content: bytes


class Refusal(Exception):
    """The server says what is wrong with a request."""

    def __init__(self, status: int, reason: str):
        super().__init__(f"{status} {reason}")
        self.status = status


class Protocol(NamedTuple):
    """A server's way of being asked."""

    ready: str  # address that answers with status 200 when the model is loaded
    request: Callable[[list[Question]], Request]
    read: Callable[[Answer], dict[str, np.ndarray]]  # the outputs for the first question, or a Refusal
    refusing: tuple[int, ...]  # statuses with which it may refuse what is wrong with a request
    spoiling: tuple[str, ...]  # malformed requests that it lets fail those of the same batch too
    malformed: Callable[[Question, int], dict[str, Request]]  # of a good question and the side of crops


def _kserve_request(questions: list[Question]) -> Request:
    """Over TensorFlow Serving's REST interface."""
    return _kserve_json([_kserve_instance(question) for question in questions])


def _kserve_instance(question: Question) -> dict:
    return {"bytes": {"b64": base64.b64encode(question.photo).decode()}, "box": question.box}


def _kserve_json(instances, signature="from_jpeg") -> Request:
    return _kserve_body(json.dumps({"signature_name": signature, "instances": instances}).encode())


def _kserve_body(body: bytes, kind: str = "application/json") -> Request:
    return Request("/v1/models/pose:predict", body, {"Content-Type": kind})


def _kserve_read(answer: Answer) -> dict[str, np.ndarray]:
    if answer.status != 200:
        raise Refusal(answer.status, answer.content.decode(errors="replace"))
    first = json.loads(answer.content)["predictions"][0]
    return {name: np.array(value) for name, value in first.items()}


def _kserve_malformed(good: Question, crop_size: int) -> dict[str, Request]:
    instance = _kserve_instance(good)
    crop = np.zeros([crop_size, crop_size, 3], int)

    def crops(values: np.ndarray) -> Request:
        return _kserve_json([{"images": values.tolist()}], "serving_default")

    return {
        "no JSON": _kserve_body(b"this is not JSON"),
        "not sent as JSON": _kserve_body(_kserve_request([good]).body, "text/plain"),
        "a list": _kserve_body(b"[]"),
        "null": _kserve_body(b"null"),
        "no instances": _kserve_body(b"{}"),
        "instances are no list": _kserve_json({"0": instance}),
        "an instance is a list": _kserve_json([[good.box]]),
        "no box": _kserve_json([{"bytes": instance["bytes"]}]),
        "no such signature": _kserve_json([instance], "from_gif"),
        "signature is a list": _kserve_json([instance], ["from_jpeg"]),
        "photo is not base64": _kserve_json([instance | {"bytes": {"b64": "***"}}]),
        "photo is a number": _kserve_json([instance | {"bytes": 1}]),
        "box of strings": _kserve_json([instance | {"box": ["0", "0", "9", "9"]}]),
        "box of rank 2": _kserve_json([instance | {"box": [good.box]}]),
        "crop of strings": crops(crop.astype(str)),
        "crop of floats": crops(crop + 0.5),
        "crop of numbers above 255": crops(crop + 256),
        "crop of rank 2": crops(crop[:, :, 0]),
        "crop of another size": crops(crop[1:, 1:]),
    }


def _triton_request(questions: list[Question]) -> Request:
    """Over the KServe V2 protocol with binary tensors."""
    photos = b"".join(struct.pack("<I", len(photo)) + photo for photo, _ in questions)
    return _triton_tensors(
        bytes=("BYTES", [len(questions), 1], photos),
        box=_triton_box([box for _, box in questions], "FP32", np.float32),
    )


def _triton_box(boxes: list, kind: str, dtype: type) -> tuple[str, list[int], bytes]:
    values = np.array(boxes, dtype)
    return kind, list(values.shape) if boxes else [0, 4], values.tobytes()


def _triton_tensors(**tensors: tuple[str, list[int], bytes]) -> Request:
    inputs = [
        {"name": name, "shape": shape, "datatype": kind, "parameters": {"binary_data_size": len(data)}}
        for name, (kind, shape, data) in tensors.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    body = head + b"".join(data for _, _, data in tensors.values())
    return _triton_body(body, {"Inference-Header-Content-Length": str(len(head))})


def _triton_body(body: bytes, headers: dict[str, str]) -> Request:
    return Request("/v2/models/pose/infer", body, {"Content-Type": "application/octet-stream", **headers})


def _triton_read(answer: Answer) -> dict[str, np.ndarray]:
    if answer.status != 200:
        raise Refusal(answer.status, answer.content.decode(errors="replace"))
    end = int(answer.headers["Inference-Header-Content-Length"])
    outputs = {}
    for output in json.loads(answer.content[:end])["outputs"]:
        start, end = end, end + output["parameters"]["binary_data_size"]
        content = answer.content[start:end]
        if output["name"] != "error":
            outputs[output["name"]] = np.frombuffer(content, np.float32).reshape(output["shape"])[0]
        elif length := struct.unpack("<I", content[:4])[0]:
            raise Refusal(answer.status, content[4 : 4 + length].decode())
    return outputs


def _triton_malformed(good: Question, crop_size: int) -> dict[str, Request]:
    photo = ("BYTES", [1, 1], struct.pack("<I", len(good.photo)) + good.photo)
    box = _triton_box([good.box], "FP32", np.float32)
    return {
        "no JSON": _triton_body(b"this is not JSON", {}),
        "a list": _triton_body(b"[]", {}),
        "no inputs": _triton_body(b"{}", {}),
        "no box": _triton_tensors(bytes=photo),
        "photo of bytes as numbers": _triton_tensors(
            bytes=("UINT8", [1, len(good.photo)], good.photo), box=box
        ),
        "photo of rank 3": _triton_tensors(bytes=(photo[0], [1, 1, 1], photo[2]), box=box),
        "photo shorter than it says": _triton_tensors(bytes=(*photo[:2], photo[2][:-1]), box=box),
        "box of float64": _triton_tensors(bytes=photo, box=_triton_box([good.box], "FP64", np.float64)),
        "box of whole numbers": _triton_tensors(
            bytes=photo, box=_triton_box([[0, 0, 9, 9]], "INT32", np.int32)
        ),
        "box of rank 1": _triton_tensors(bytes=photo, box=(box[0], [4], box[2])),
        "box of rank 3": _triton_tensors(bytes=photo, box=(box[0], [1, 1, 4], box[2])),
    }


PROTOCOLS = {
    "kserve": Protocol(
        ready="/v1/models/pose",
        request=_kserve_request,
        read=_kserve_read,
        refusing=(400,),
        spoiling=(),
        malformed=_kserve_malformed,
    ),
    "triton": Protocol(
        ready="/v2/models/pose/ready",
        request=_triton_request,
        read=_triton_read,
        refusing=(200, 400, 500),  # with the output `error`; by Triton; by Triton where JSON is missing
        spoiling=("photo shorter than it says",),
        malformed=_triton_malformed,
    ),
}
