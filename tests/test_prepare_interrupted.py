"""prepare.py is ended in the middle of its work: no process goes on, and no half of a dataset is left."""

import json
import os
import signal
import subprocess
import sys
import time

import layouts
import psutil
import pytest
from test_prepare import SCRIPT

from tf_advpose.data import prepared

PEOPLE = 5000  # enough for two processes, and not done before they are ended
TIMEOUT = 180.0  # seconds


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A dataset whose preparation takes long: one large photo under many names."""
    root = tmp_path_factory.mktemp("mpii")
    layouts.write_mpii_json(root)
    labels = root / "mpii_annotations.json"
    person = json.loads(labels.read_text())[0]
    layouts.write_photo(root / "images/large.jpg", size=2500)
    for number in range(PEOPLE):
        (root / f"images/{number}.jpg").symlink_to(root / "images/large.jpg")
    labels.write_text(json.dumps([person | {"img_paths": f"{number}.jpg"} for number in range(PEOPLE)]))
    return root


def start(source, data_dir) -> tuple[subprocess.Popen, list[psutil.Process]]:
    """prepare.py at work, and its processes, each of which has made something."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(SCRIPT),
            "mpii",
            f"--source={source}",
            f"--data_dir={data_dir}",
            "--processes=2",
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # as of a terminal, whose interrupt reaches every process in it
    )
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        children = psutil.Process(process.pid).children(recursive=True)
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        if len(workers) == 2 and all(sum(worker.cpu_times()[:2]) > 1 for worker in workers):
            return process, children
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"no two workers: {process.stderr.read()}")


def folders(data_dir) -> list[str]:
    return [path.name for path in (data_dir / "mpii").iterdir()]


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=TIMEOUT)
    assert not alive


@pytest.mark.parametrize("by", ["interrupt", "termination"])
def test_ended_politely(source, tmp_path, by):
    process, children = start(source, tmp_path)
    assert folders(tmp_path)[0].startswith("incomplete.")
    if by == "interrupt":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert [line for line in errors.splitlines() if not line.startswith("mpii ")] == [
        "Interrupted. What is not finished is not kept; the same command starts anew."
    ]
    assert_gone(children)
    assert not folders(tmp_path)


def test_killed_and_started_again(source, tmp_path):
    """Nobody could tidy up: the processes end by themselves, and the next run removes what is left."""
    process, children = start(source, tmp_path)
    with pytest.raises(BlockingIOError, match=f"Another run is writing to {tmp_path / 'mpii'} now"):
        prepared.prepare("mpii", str(tmp_path), source=str(source))
    assert len(folders(tmp_path)) == 1, "another run has removed what this one was writing"
    process.kill()
    process.communicate()
    assert_gone(children)
    (left_over,) = folders(tmp_path)
    assert left_over.startswith("incomplete.")
    labels = source / "mpii_annotations.json"
    labels.write_text(json.dumps(json.loads(labels.read_text())[:1]))
    prepared.prepare("mpii", str(tmp_path), source=str(source))
    assert folders(tmp_path) == ["2.0.0"]
