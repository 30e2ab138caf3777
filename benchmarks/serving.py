"""Puts an exported SavedModel behind a real server, and checks and times its answers under load.

  python benchmarks/serving.py --server=triton --python=triton/bin/python \
      --saved_model=exports/full/1 --photos=photos --requests=10000 --output=serving.json

Starts examples/serve_<server>.py with an interpreter that has the server installed (see there), sends
photos from many clients at once, and compares every answer with what the SavedModel says in this process.
Then it sends what no server should fall over, each followed by a good request.
"""

import base64
import collections
import http.client
import itertools
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import numpy as np
import tensorflow as tf

from tf_advpose.files import write_json

FLAGS = flags.FLAGS
flags.DEFINE_enum("server", None, ["kserve", "triton"], "Server.", required=True)
flags.DEFINE_string("python", None, "Interpreter that has the server installed.", required=True)
flags.DEFINE_string("saved_model", None, "Folder of the exported version.", required=True)
flags.DEFINE_string("photos", None, "Folder of JPEG and PNG photos.", required=True)
flags.DEFINE_integer("requests", 10_000, "How many.", lower_bound=1)
flags.DEFINE_integer("clients", 16, "How many ask at once.", lower_bound=1)
flags.DEFINE_integer("port", 18500, "Port of the server on loopback.")
flags.DEFINE_string("output", None, "JSON file for the results.")

BOXES = 4  # of each photo
TOLERANCE = {"joints_2d": 0.05, "depth": 1e-3, "confidence": 1e-3}
MEMORY_EVERY = 0.1  # of the requests
START_SECONDS = 600
Question = tuple[bytes, list[float]]  # photo, box


class Refusal(Exception):
    """The server says what is wrong with a request."""


def ask_kserve(connection: http.client.HTTPConnection, question: Question) -> dict[str, np.ndarray]:
    """The outputs for a photo, over TensorFlow Serving's REST interface."""
    photo, box = question
    instance = {"bytes": {"b64": base64.b64encode(photo).decode()}, "box": box}
    body = json.dumps({"signature_name": "from_jpeg", "instances": [instance]})
    status, _, content = _post(connection, "/v1/models/pose:predict", body.encode(), {})
    if status != 200:
        raise Refusal(f"{status} {content.decode(errors='replace')}")
    return {name: np.array(value) for name, value in json.loads(content)["predictions"][0].items()}


def ask_triton(connection: http.client.HTTPConnection, question: Question) -> dict[str, np.ndarray]:
    """The outputs for a photo, over the KServe V2 protocol with binary tensors."""
    photo, box = question
    tensors = {
        "bytes": ("BYTES", [1, 1], struct.pack("<I", len(photo)) + photo),
        "box": ("FP32", [1, 4], np.array(box, np.float32).tobytes()),
    }
    inputs = [
        {"name": name, "shape": shape, "datatype": kind, "parameters": {"binary_data_size": len(data)}}
        for name, (kind, shape, data) in tensors.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    body = head + b"".join(data for _, _, data in tensors.values())
    headers = {"Inference-Header-Content-Length": str(len(head))}
    status, headers, content = _post(connection, "/v2/models/pose/infer", body, headers)
    if status != 200:
        raise Refusal(f"{status} {content.decode(errors='replace')}")
    end = int(headers["Inference-Header-Content-Length"])
    outputs = {}
    for output in json.loads(content[:end])["outputs"]:
        start, end = end, end + output["parameters"]["binary_data_size"]
        if output["name"] == "error":
            if reason := content[start + 4 : end].decode():
                raise Refusal(reason)
        else:
            outputs[output["name"]] = np.frombuffer(content[start:end], np.float32).reshape(
                output["shape"]
            )[0]
    return outputs


ASK = {"kserve": ask_kserve, "triton": ask_triton}
READY = {"kserve": "/v1/models/pose", "triton": "/v2/models/pose/ready"}


def _post(connection, path: str, body: bytes, headers: dict) -> tuple[int, dict, bytes]:
    connection.request("POST", path, body, {"Content-Type": "application/octet-stream", **headers})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def connect() -> http.client.HTTPConnection:
    """A connection to the server."""
    return http.client.HTTPConnection("127.0.0.1", FLAGS.port, timeout=START_SECONDS)


def read_questions(folder: str) -> list[Question]:
    """Each photo with some boxes that lie in it."""
    rng = np.random.default_rng(0)
    questions = []
    for path in sorted(pathlib.Path(folder).iterdir()):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            photo = path.read_bytes()
            height, width = tf.io.decode_image(photo, channels=3, expand_animations=False).shape[:2]
            for _ in range(BOXES):
                x, y = rng.uniform(0, 0.5, 2) * (width, height)
                w, h = rng.uniform(0.2, 0.5, 2) * (width, height)
                questions.append((photo, [round(float(value), 2) for value in (x, y, w, h)]))
    if not questions:
        sys.exit(f"error: {folder} holds no JPEG or PNG photo.")
    return questions


def wait_until_ready(server: subprocess.Popen) -> float:
    """Seconds until the server is ready; ends the program where it does not get there."""
    started = time.monotonic()
    while time.monotonic() < started + START_SECONDS:
        if server.poll() is not None:
            sys.exit(
                f"error: the server ended with {server.returncode}; run examples/serve_{FLAGS.server}.py."
            )
        try:
            connection = connect()
            connection.request("GET", READY[FLAGS.server])
            if connection.getresponse().status == 200:
                return time.monotonic() - started
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.5)
    sys.exit(f"error: the server was not ready in {START_SECONDS} s.")


def memory_mb(pid: int) -> float:
    """Resident memory of a process and of all that it started."""
    parents, resident = {}, {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
            resident[int(folder.name)] = int(fields[21])
        except (OSError, IndexError):  # it ended meanwhile
            continue
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(resident.get(member, 0) for member in family) * os.sysconf("SC_PAGE_SIZE") / 1e6


def put_under_load(questions: list[Question], expected: list[dict], pid: int) -> dict:
    """Sends all requests; returns latencies, deviations and the server's memory over time."""
    numbers = itertools.count()
    latencies, worst, failures, memory = [], collections.Counter(), [], []

    def client():
        connection = connect()
        while (number := next(numbers)) < FLAGS.requests:
            if number % max(1, int(MEMORY_EVERY * FLAGS.requests)) == 0:
                memory.append(round(memory_mb(pid), 1))
            started = time.perf_counter()
            try:
                found = ASK[FLAGS.server](connection, questions[number % len(questions)])
            except (Refusal, OSError, http.client.HTTPException) as error:
                failures.append(f"request {number}: {error}")
                connection = connect()
                continue
            latencies.append(time.perf_counter() - started)
            for name in TOLERANCE:
                difference = float(np.abs(found[name] - expected[number % len(questions)][name]).max())
                worst[name] = max(worst[name], difference if np.isfinite(difference) else np.inf)

    threads = [threading.Thread(target=client) for _ in range(FLAGS.clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    milliseconds = 1000 * np.array(latencies)
    return {
        "requests": FLAGS.requests,
        "clients": FLAGS.clients,
        "failures": len(failures),
        "first_failure": failures[0] if failures else "",
        "largest_difference": dict(worst),
        "throughput_per_s": len(latencies) / seconds,
        "p50_ms": float(np.percentile(milliseconds, 50)),
        "p99_ms": float(np.percentile(milliseconds, 99)),
        "memory_mb": memory,
    }


def bad_questions(good: Question) -> dict[str, Question]:
    """Requests that must be refused."""
    photo, box = good
    large = tf.io.encode_png(np.zeros([64, 64, 3], np.uint8)).numpy()
    bomb = large[:16] + struct.pack(">II", 20_000, 20_000) + large[24:]
    return {
        "no image": (b"this is not an image, but some text", box),
        "0 bytes": (b"", box),
        "truncated": (photo[: len(photo) // 2], box),
        "1x1": (tf.io.encode_png(np.zeros([1, 1, 3], np.uint8)).numpy(), [0.0, 0.0, 1.0, 1.0]),
        "20,000 x 20,000": (bomb, box),
        "box outside": (photo, [1e6, 1e6, 10.0, 10.0]),
        "empty box": (photo, [0.0, 0.0, 0.0, 0.0]),
        "box of rank 1": (photo, box[:3]),
    }


def abuse(good: Question) -> dict[str, str]:
    """What the server says to each of `bad_questions`; ends the program where it does not survive one."""
    said = {}
    for name, question in bad_questions(good).items():
        try:
            ASK[FLAGS.server](connect(), question)
            said[name] = "ANSWERED"
        except Refusal as refusal:
            said[name] = str(refusal)[:200]
        ASK[FLAGS.server](connect(), good)
    return said


def main(_) -> None:
    signature = (loaded := tf.saved_model.load(FLAGS.saved_model)).signatures["from_jpeg"]
    questions = read_questions(FLAGS.photos)
    expected = [
        {name: value[0].numpy() for name, value in signature(**_inputs(question)).items()}
        for question in questions
    ]
    script = pathlib.Path(__file__).resolve().parent.parent / f"examples/serve_{FLAGS.server}.py"
    command = [FLAGS.python, str(script), f"--saved_model={FLAGS.saved_model}", "--name=pose"]
    with tempfile.TemporaryDirectory() as folder:
        batches = pathlib.Path(folder) / "batches"
        command += [f"--port={FLAGS.port}"]
        command += [f"--log_batches={batches}"] if FLAGS.server == "triton" else []
        log = open(pathlib.Path(folder) / "log", "w")  # noqa: SIM115
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            ready = wait_until_ready(server)
            result = {"server": FLAGS.server, "seconds_to_ready": ready}
            result |= put_under_load(questions, expected, server.pid)
            if batches.exists():
                sizes = collections.Counter(int(line) for line in batches.read_text().split())
                result["batch_sizes"] = {str(size): sizes[size] for size in sorted(sizes)}
            result["refusals"] = abuse(questions[0])
        finally:
            server.terminate()
            server.wait()
    del loaded
    print(json.dumps(result, indent=2))
    if FLAGS.output:
        write_json(FLAGS.output, result)
    wrong = {name for name, limit in TOLERANCE.items() if result["largest_difference"].get(name, 0) > limit}
    if wrong or result["failures"] or "ANSWERED" in result["refusals"].values():
        sys.exit(f"error: not every answer is right: {', '.join(sorted(wrong)) or 'see above'}.")


def _inputs(question: Question) -> dict[str, tf.Tensor]:
    photo, box = question
    return {"bytes": tf.constant([photo]), "box": tf.constant([box], tf.float32)}


if __name__ == "__main__":
    app.run(main)
