"""Several devices give what one gives: two logical ones in a process, and two processes over loopback."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import drawn_people
import numpy as np
import pytest
from conftest import REPOSITORY
from killed_runs import everything

from tf_advpose.config import STAGES, StageConfig
from tf_advpose.data import pipeline
from tf_advpose.training import distribution

SEVERAL = ("two", "workers")


@pytest.fixture(scope="module")
def replicas(drawn_data, tmp_path_factory) -> pathlib.Path:
    """What tests/replicas.py leaves: one device and two in one process, and two processes beside it."""
    folder = tmp_path_factory.mktemp("replicas")
    ports = ",".join(map(str, free_ports(2)))
    command = [sys.executable, str(REPOSITORY / "tests/replicas.py"), f"--data_dir={drawn_data}"]
    command += [f"--folder={folder}"]
    started = {}
    for name in ("process", "worker0", "worker1"):
        is_worker = [f"--ports={ports}", f"--worker={name[-1]}"] if name != "process" else []
        with (folder / f"{name}.err").open("w") as errors:
            started[name] = subprocess.Popen([*command, *is_worker], stdout=errors, stderr=errors)
    statuses = {name: process.wait() for name, process in started.items()}
    expected = {"process": 0, "worker0": 1, "worker1": -signal.SIGKILL}
    said = "\n".join((folder / f"{name}.err").read_text()[-2000:] for name in started)
    assert statuses == expected, f"{statuses}\n{said}"
    (folder / "chief").write_text(str(started["worker0"].pid))
    return folder


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def said_by(replicas: pathlib.Path, process: str) -> dict:
    return json.loads((replicas / f"{process}.json").read_text())


@pytest.mark.parametrize("several", SEVERAL)
def test_all_stages_end_with_the_weights_of_one_device(replicas, several):
    """In float64: weights, averages and both optimisers, with spectral norm and cut gradients.

    Though the run on two devices began and ended on one, and both were stopped and gone back on.
    """
    one, other = everything(replicas / "one"), everything(replicas / several)
    assert one.keys() == other.keys() and len(one) > 150
    assert sum(value.dtype == np.float64 for value in one.values()) > 150
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=1e-8, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("several", SEVERAL)
def test_all_stages_log_what_one_device_logs(replicas, several):
    """Each metric of each step is that of the whole batch; so are the scores."""
    for stage in STAGES:
        for file in ("metrics.jsonl", "validation.jsonl"):
            logs = [
                [json.loads(line) for line in (replicas / run / stage / file).read_text().splitlines()]
                for run in ("one", several)
            ]
            assert len(logs[0]) == len(logs[1]) > 0
            for expected, found in zip(*logs, strict=True):
                assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("several", ["two", "worker0", "worker1"])
def test_first_steps_in_float32_are_those_of_one_device(replicas, several):
    """Of each stage, in two parts: losses, gradients, and what batch norm gathers, over both devices."""
    one, other = (np.load(replicas / f"{name}.npz") for name in ("one", several))
    assert one.files == other.files
    for name in one.files:
        if "stem_conv_bias" in name:  # before batch norm: its gradient is 0 but for rounding
            continue
        scale = np.abs(one[name]).max()
        np.testing.assert_allclose(other[name], one[name], atol=1e-4 * scale + 1e-9, rtol=0, err_msg=name)


@pytest.mark.parametrize("several", ["two", "worker0", "worker1"])
def test_gradients_are_applied_as_their_mean_on_one_device(replicas, several):
    """Where Keras 3 would cut each replica's gradients for itself, and see the overflows of one alone."""
    one, other = (said_by(replicas, name)["applied"] for name in ("one", several))
    for name in ("plain", "cut", "scaled", "scaled and cut"):
        local = 2 if several == "two" else 1
        expected = one[name][:2] * local + one[name][2:]
        np.testing.assert_allclose(other[name], expected, rtol=1e-5, err_msg=name)
    assert one["cut"] != one["plain"]
    for name in ("overflow of the first", "overflow of the second"):
        found = other[name]
        np.testing.assert_allclose(found[:-1], other["scaled"][:-1], rtol=1e-6, err_msg=name)
        assert found[-1] == other["scaled"][-1] / 2


def test_all_stop_at_one_step_and_go_on(replicas):
    """Though only one of the workers was asked; and runs move between one device and two."""
    assert said_by(replicas, "two")["finished"] == [False, False, True]
    for worker in ("worker0", "worker1"):
        assert said_by(replicas, worker)["finished"] == [False, True]


@pytest.mark.parametrize("several", SEVERAL)
def test_a_loss_that_is_not_finite_on_one_device_is_gone_back_on_by_all(replicas, several):
    evidence = json.loads((replicas / several / "pretrain_3d/not_finite_step_3.json").read_text())
    assert evidence["metrics"]["depth_loss"] == "nan" and len(evidence["example_ids"]) == 4
    assert not list((replicas / "one").rglob("not_finite*"))


def test_the_chief_alone_writes(replicas):
    """Every log is of its process, and nothing is left aside."""
    chief = (replicas / "chief").read_text()
    events = [path.name for path in (replicas / "workers").rglob("events.*")]
    assert len(events) >= len(STAGES) and all(f".{chief}." in name for name in events)
    assert not list(replicas.glob("workers/**/*incomplete*"))


def test_a_killed_worker_ends_the_run_of_the_others(replicas):
    lines = (replicas / "worker0.err").read_text().splitlines()
    start_again = "Start the same commands again, on all workers, to go on from the last checkpoint."
    assert re.fullmatch(rf"error: Worker 0 has lost another one \(\w+\)\. {start_again}", lines[-1])
    assert not any("Traceback" in line for line in lines)


def test_shares_of_a_batch_make_up_the_batch(drawn_data):
    """Of two workers with two devices each, in two parts, over more than a pass; each part too."""
    stage = StageConfig(steps=4, wild_share=0.5)
    config = drawn_people.small_config(batch_size=16, accumulation=2, pretrain_3d=stage)
    whole = list(pipeline.training_batches(config, "pretrain_3d", drawn_data, 1).take(2))
    shares = [
        list(
            pipeline.training_batches(
                config, "pretrain_3d", drawn_data, 1, pipeline.Share(worker, workers=2, devices=2)
            ).take(4)
        )
        for worker in (0, 1)
    ]
    for step, batch in enumerate(whole):
        of_devices = [shares[worker][2 * step + device] for worker in (0, 1) for device in (0, 1)]
        for name, value in batch.items():
            # Two lab examples and two wild ones a device, one of each in each part.
            lab, wild = ([one[name][kind] for one in of_devices] for kind in (slice(0, 2), slice(2, 4)))
            together = [one[part] for kind in (lab, wild) for part in (0, 1) for one in kind]
            np.testing.assert_array_equal(np.stack(together), value, err_msg=name)


def several_devices(count: int) -> distribution.Devices:
    devices = distribution.Devices()
    devices.count = count
    return devices


def test_batches_that_devices_cannot_share_are_refused():
    config = drawn_people.small_config(batch_size=12, accumulation=2)
    several_devices(3).check(config)
    with pytest.raises(ValueError, match="6 lab and 6 wild .* pretrain_3d, which 4 parts .* do not divide"):
        several_devices(1).check(drawn_people.small_config(batch_size=12, accumulation=4))
    several_devices(1).check(drawn_people.small_config(jit_compile=True, batch_size=7))
    with pytest.raises(ValueError, match="0 lab and 12 wild .* pretrain_2d, which 4 devices times 2 parts"):
        several_devices(4).check(config)
    config.accumulation, config.pretrain_2d.steps = 1, 0
    with pytest.raises(ValueError, match="in pretrain_3d, which 4 devices do not divide"):
        several_devices(4).check(config)
    with pytest.raises(ValueError, match="jit_compile does not work on 2 devices"):
        several_devices(2).check(drawn_people.small_config(jit_compile=True))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{cluster",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "0"}}',
        '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}',
    ],
)
def test_what_is_wrong_with_tf_config_is_told_before_anything_starts(monkeypatch, text):
    if text is None:
        monkeypatch.delenv("TF_CONFIG", raising=False)
    else:
        monkeypatch.setitem(os.environ, "TF_CONFIG", text)
    with pytest.raises(ValueError, match="needs the environment variable TF_CONFIG, such as") as raised:
        distribution.open_devices("multi_worker")
    assert repr(text or "") in str(raised.value) and "\n" not in str(raised.value)


def test_tf_config_is_read(monkeypatch):
    monkeypatch.setitem(os.environ, "TF_CONFIG", distribution.TF_CONFIG_EXAMPLE)
    assert distribution.read_tf_config() == (["host1:2222", "host2:2222"], 0)
