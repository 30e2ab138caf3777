"""Preparation by Beam gives what the processes of one machine give; and `tfds build`, which loads Beam."""

import os
import pathlib
import subprocess
import sys

import layouts
import pytest
import tensorflow as tf
from test_data_prepared import examples, spoil

from tf_advpose.data import prepared

pytest.importorskip("apache_beam", reason="requirements-beam.txt is not installed")

REPOSITORY = pathlib.Path(__file__).parent.parent


def records(data_dir) -> list[bytes]:
    files = sorted(str(path) for path in (data_dir / "mpii/2.0.0").glob("*.tfrecord*"))
    return [record.numpy() for record in tf.data.TFRecordDataset(files)]


def test_the_same_examples_and_the_same_left_out(tmp_path):
    source = tmp_path / "mpii"
    layouts.write_mpii_json(source)
    spoil(source)
    made = {}
    for way, beam in (("here", None), ("beam", ["--runner=DirectRunner"])):
        builder = prepared.prepare(
            "mpii", str(tmp_path / way), source=str(source), lenient=True, beam=beam, processes=1
        )
        left_out = {key: dict(builder.info.metadata[key]) for key in ("skipped", "skipped_first")}
        made[way] = records(tmp_path / way), left_out
    assert made["here"] == made["beam"]
    assert len(made["beam"][1]["skipped"]) == 2
    assert not list((tmp_path / "beam").glob("**/skipped*"))


def test_errors_name_the_file_and_leave_nothing(tmp_path):
    layouts.write_mpii_json(tmp_path / "mpii")
    (tmp_path / "mpii/images/b.jpg").write_text("no photo")
    with pytest.raises((ValueError, RuntimeError), match=r"b\.jpg"):
        prepared.prepare("mpii", str(tmp_path / "data"), source=str(tmp_path / "mpii"), beam=[])
    assert not list((tmp_path / "data/mpii").iterdir())


def test_tfds_build(tmp_path):
    """The documented command."""
    pytest.importorskip("mlcroissant", reason="requirements-beam.txt is not installed")
    layouts.write_mpii_json(tmp_path / "mpii")
    program = pathlib.Path(sys.executable).parent / "tfds"
    command = [program, "build", "--imports=tf_advpose.data.prepared", "mpii"]
    command += [f"--manual_dir={tmp_path / 'mpii'}", f"--data_dir={tmp_path / 'data'}"]
    result = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY)}
    )
    assert result.returncode == 0, result.stderr
    assert set(examples("mpii", "train", tmp_path / "data")) == {"a_1", "b_1", "b_2"}
