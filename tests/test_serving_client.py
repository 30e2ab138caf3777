"""examples/serving_client.py against a server that notes what it is asked."""

import base64
import http.server
import json
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

from tf_advpose.skeleton import JOINT_NAMES

CLIENT = pathlib.Path(__file__).parent.parent / "examples/serving_client.py"


@pytest.fixture
def server():
    """Answers with one joint at (1, 2) and the rest at (0, 0); `asked` is what it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.asked = (self.path, body)
            pose = {
                "joints_2d": [[1.0, 2.0], *[[0.0, 0.0]] * 15],
                "depth": [0.5] * 16,
                "confidence": [1.0] * 16,
            }
            refused = body["instances"][0]["box"][2] == 0
            answer = (
                {"error": "an empty box"} if refused else {"predictions": [pose] * len(body["instances"])}
            )
            answer = {
                "/none:predict": {},
                "/list:predict": [],
                "/other:predict": {"predictions": [{"scores": 1}]},
            }.get(self.path, answer)
            content = b"<html>" if self.path == "/page:predict" else json.dumps(answer).encode()
            self.send_response(400 if refused else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(server, *arguments: str) -> subprocess.CompletedProcess:
    url = f"--url=http://127.0.0.1:{server.server_address[1]}/v1/models/full"
    command = [sys.executable, "-I", "-S", CLIENT, url, *arguments]  # with the standard library alone
    return subprocess.run(command, capture_output=True, text=True)


def test_asks_as_tensorflow_serving_wants_it_and_prints_every_joint(server, tmp_path):
    photo = tmp_path / "a,b.jpg"
    photo.write_bytes(b"\xff\xd8\xff photo")
    result = run(server, f"{photo},1,2,30,40.5", f"{photo},5,6,7,8")
    assert result.returncode == 0, result.stderr
    path, body = server.asked
    assert path == "/v1/models/full:predict" and body["signature_name"] == "from_jpeg"
    assert [instance["box"] for instance in body["instances"]] == [[1, 2, 30, 40.5], [5, 6, 7, 8]]
    assert base64.b64decode(body["instances"][0]["bytes"]["b64"]) == photo.read_bytes()
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:17]] == list(JOINT_NAMES)
    assert lines[1].split() == [JOINT_NAMES[0], "x", "1.0", "y", "2.0", "depth", "+0.500"]
    assert len(lines) == 2 * 17


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo.jpg,1,2,0,4"], "The server refuses (400): "),
        (["none.jpg,1,2,3,4"], "No such file"),
        (["photo.jpg,1,2,3,x"], "could not convert string to float"),
        (
            ["--url=http://127.0.0.1:1/v1/models/full", "photo.jpg,1,2,3,4"],
            "No answer from http://127.0.0.1:1",
        ),
    ],
)
def test_mistakes_end_in_one_line(server, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    result = run(server, *arguments)
    assert result.returncode == 1 and not result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line


@pytest.mark.parametrize("path", ["page", "none", "list", "other"])
def test_an_answer_without_predictions_is_told(server, tmp_path, path):
    """A page of another server, and JSON of another one."""
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    url = f"http://127.0.0.1:{server.server_address[1]}/{path}"
    result = run(server, f"--url={url}", f"{tmp_path / 'photo.jpg'},1,2,3,4")
    assert result.returncode == 1 and not result.stdout
    assert result.stderr == f"error: What {url} answers holds no predictions: is it a model's address?\n"


def test_a_port_that_does_not_speak_http_is_told(tmp_path):
    """As that of gRPC, whose server answers with what is no line of HTTP."""
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(bytes(9))

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1/models/full"
        command = [sys.executable, "-I", "-S", CLIENT, f"--url={url}", f"{tmp_path / 'photo.jpg'},1,2,3,4"]
        result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and result.stderr.startswith(f"error: No answer from {url}: ")
    assert len(result.stderr.splitlines()) == 1


def test_without_a_photo_it_says_how_it_is_used(server):
    result = run(server)
    assert result.returncode == 2 and result.stderr.startswith("usage: ")
    assert not hasattr(server, "asked")
