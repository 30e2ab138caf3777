"""Puts an exported SavedModel behind a real server, and checks and times its answers under load.

  python benchmarks/serving.py --server=triton --python=triton/bin/python \
      --saved_model=exports/full/1 --photos=photos --requests=10000 --output=serving.json

Starts examples/serve_<server>.py with an interpreter that has the server installed (see there), sends
photos from many clients at once, and compares every answer with what the SavedModel says in this process.
Then it sends what a server must refuse, a good request beside and after each, whose answers are compared
too, and watches the server's memory meanwhile.
"""

import collections
import concurrent.futures
import http.client
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import commands
import numpy as np
import tensorflow as tf
from measuring import family, forget_peak, memory_mb, of_family, peak_mb
from serving_requests import PROTOCOLS, Answer, Question, Refusal, Request

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
BOMB_SIDE = 20_000
BOMB_MB = 3 * BOMB_SIDE**2 / 1e6  # decoded


def connect() -> http.client.HTTPConnection:
    """A connection to the server."""
    return http.client.HTTPConnection("127.0.0.1", FLAGS.port, timeout=START_SECONDS)


def ask(connection: http.client.HTTPConnection, request: Request) -> dict[str, np.ndarray]:
    """The outputs for the first question of a request; raises Refusal where the server refuses."""
    connection.request("POST", *request)
    answer = connection.getresponse()
    headers = dict(answer.getheaders())
    return PROTOCOLS[FLAGS.server].read(Answer(answer.status, headers, answer.read()))


def differences(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest difference of each output; infinite where there is a NaN."""
    largest = {name: float(np.abs(found[name] - expected[name]).max()) for name in TOLERANCE}
    return {name: value if np.isfinite(value) else np.inf for name, value in largest.items()}


def deviating(largest: dict[str, float]) -> list[str]:
    """The outputs whose difference is more than rounding."""
    return [name for name, limit in TOLERANCE.items() if largest[name] > limit]


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
                box = [round(float(value), 2) for value in (x, y, w, h)]
                questions.append(Question(photo, box))
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
            connection.request("GET", PROTOCOLS[FLAGS.server].ready)
            if connection.getresponse().status == 200:
                return time.monotonic() - started
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.5)
    sys.exit(f"error: the server was not ready in {START_SECONDS} s.")


def put_under_load(questions: list[Question], expected: list[dict], pid: int) -> dict:
    """Sends all requests; returns latencies, deviations and the server's memory over time."""
    numbers = itertools.count()
    latencies, compared, failures, memory = [], [], [], []
    requests = [PROTOCOLS[FLAGS.server].request([question]) for question in questions]

    def client():
        connection = connect()
        while (number := next(numbers)) < FLAGS.requests:
            if number % max(1, int(MEMORY_EVERY * FLAGS.requests)) == 0:
                memory.append(round(of_family(pid, memory_mb), 1))
            started = time.perf_counter()
            try:
                found = ask(connection, requests[number % len(requests)])
            except (Refusal, OSError, http.client.HTTPException) as error:
                failures.append(f"request {number}: {error}")
                connection = connect()
                continue
            latencies.append(time.perf_counter() - started)
            compared.append(differences(found, expected[number % len(requests)]))

    threads = [threading.Thread(target=client) for _ in range(FLAGS.clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if not compared:
        sys.exit(f"error: the server answers nothing: {failures[0]}")
    milliseconds = 1000 * np.array(latencies)
    return {
        "requests": FLAGS.requests,
        "clients": FLAGS.clients,
        "failures": FLAGS.requests - len(compared),
        "first_failure": failures[0] if failures else "",
        "largest_difference": {name: max(each[name] for each in compared) for name in TOLERANCE},
        "throughput_per_s": round(len(latencies) / seconds, 1),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 1),
        "p99_ms": round(float(np.percentile(milliseconds, 99)), 1),
        "memory_mb": memory,
    }


def bad_requests(good: Question, crop_size: int) -> dict[str, Request]:
    """Requests that must be refused."""
    photo, box = good
    protocol = PROTOCOLS[FLAGS.server]
    small = tf.io.encode_png(np.zeros([64, 64, 3], np.uint8)).numpy()
    dot = tf.io.encode_png(np.zeros([1, 1, 3], np.uint8)).numpy()
    large = tf.zeros([BOMB_SIDE, BOMB_SIDE, 1], tf.uint8)
    jpeg = tf.io.encode_jpeg(tf.io.decode_image(photo, channels=3)).numpy()
    questions = {
        "no image": [Question(b"this is not an image, but some text", box)],
        "0 bytes": [Question(b"", box)],
        "truncated JPEG": [Question(jpeg[: len(jpeg) // 2], box)],
        "1x1": [Question(dot, [0.0, 0.0, 1.0, 1.0])],
        "20,000 x 20,000 JPEG": [Question(tf.io.encode_jpeg(large).numpy(), box)],
        "20,000 x 20,000 PNG": [Question(tf.io.encode_png(large).numpy(), box)],
        "box outside": [Question(photo, [1e6, 1e6, 10.0, 10.0])],
        "empty box": [Question(photo, [0.0, 0.0, 0.0, 0.0])],
        "box of NaN": [Question(photo, [*box[:3], float("nan")])],
        "box of three numbers": [Question(photo, box[:3])],
        "batch of 0": [],
        "batch of 1,000": [Question(small, [0.0, 0.0, 64.0, 64.0])] * 1000,
    }
    return {name: protocol.request(bad) for name, bad in questions.items()} | protocol.malformed(
        good, crop_size
    )


def abuse(good: Question, expected: dict[str, np.ndarray], crop_size: int, pid: int) -> dict[str, dict]:
    """What the server does with each of `bad_requests`, and with a good one beside and after it.

    Ends the program where the server does not survive one.

    Returns:
      By name "said"; "wrong": empty, or what should not have been; "peak_grew_mb": by how much the
      server's memory was larger while it dealt with it.
    """
    outcomes = {}
    for name, bad in bad_requests(good, crop_size).items():
        try:
            request = PROTOCOLS[FLAGS.server].request([good])
            alone = name in PROTOCOLS[FLAGS.server].spoiling
            outcomes[name] = outcome(bad, request, expected, pid, alone)
        except (Refusal, OSError, http.client.HTTPException) as error:
            sys.exit(f"error: a good request beside or after {name!r} has no answer: {error}")
    return outcomes


def outcome(bad: Request, good: Request, expected: dict, pid: int, alone: bool) -> dict:
    """Of one request of `abuse`; `alone`: with no good one beside it."""
    for member in family(pid):
        forget_peak(member)
    before = of_family(pid, peak_mb)
    wrong = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        beside = None if alone else pool.submit(ask, connect(), good)
        try:
            ask(connect(), bad)
            said = ""
            wrong.append("answered")
        except Refusal as refusal:
            said = str(refusal)[:200]
            wrong += ["status"] if refusal.status not in PROTOCOLS[FLAGS.server].refusing else []
    grew = of_family(pid, peak_mb) - before
    wrong += ["memory"] if grew > BOMB_MB / 4 else []
    answers = {"after": ask(connect(), good)} | ({} if alone else {"beside": beside.result()})
    for when, found in answers.items():
        wrong += [f"{output} {when}" for output in deviating(differences(found, expected))]
    return {"said": said, "wrong": ", ".join(wrong), "peak_grew_mb": round(grew, 1)}


def measure(questions: list[Question], expected: list[dict], crop_size: int) -> dict:
    """Starts the server, puts it under load and abuses it; returns what came of it."""
    script = pathlib.Path(__file__).resolve().parent.parent / f"examples/serve_{FLAGS.server}.py"
    command = [FLAGS.python, str(script), f"--saved_model={FLAGS.saved_model}", "--name=pose"]
    with tempfile.TemporaryDirectory() as folder:
        batches = pathlib.Path(folder) / "batches"
        command += [f"--port={FLAGS.port}"]
        command += [f"--log_batches={batches}"] if FLAGS.server == "triton" else []
        with open(pathlib.Path(folder) / "log", "w") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            result = {"seconds_to_ready": round(wait_until_ready(server), 1)}
            result |= put_under_load(questions, expected, server.pid)
            if batches.exists():
                sizes = collections.Counter(int(line) for line in batches.read_text().split())
                result["batch_sizes"] = {str(size): sizes[size] for size in sorted(sizes)}
            result["bad_requests"] = abuse(questions[0], expected[0], crop_size, server.pid)
        finally:
            server.terminate()
            server.wait()
    return result


def main(_) -> None:
    loaded = tf.saved_model.load(FLAGS.saved_model)
    signature = loaded.signatures["from_jpeg"]
    crop_size = json.loads(loaded.metadata.numpy())["image_size"]
    questions = read_questions(FLAGS.photos)
    expected = [
        {name: value[0].numpy() for name, value in signature(**_inputs(question)).items()}
        for question in questions
    ]
    result = {
        "command": commands.given(),
        "server": FLAGS.server,
        "crop_size": crop_size,
        "photos": len(questions) // BOXES,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
    }
    result |= measure(questions, expected, crop_size)
    print(json.dumps(result, indent=2))
    if FLAGS.output:
        write_json(FLAGS.output, result)
    wrong = deviating(result["largest_difference"])
    wrong += [name for name, outcome in result["bad_requests"].items() if outcome["wrong"]]
    wrong += ["requests without an answer"] if result["failures"] else []
    if wrong:
        sys.exit(f"error: not every answer is right: {', '.join(wrong)}.")


def _inputs(question: Question) -> dict[str, tf.Tensor]:
    photo, box = question
    return {"bytes": tf.constant([photo]), "box": tf.constant([box], tf.float32)}


if __name__ == "__main__":
    app.run(main)
