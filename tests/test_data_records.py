"""Record files: damage is found, and the file is named, by training and evaluation alike."""

import json
import pathlib
import shutil

import drawn_people
import layouts
import pytest
import tensorflow_datasets as tfds
from drawn_people import LAB, WILD

from tf_advpose.data import pipeline, prepared, records
from tf_advpose.training.trainer import Trainer


@pytest.fixture
def data_dir(tmp_path, drawn_data) -> pathlib.Path:
    shutil.copytree(drawn_data, tmp_path / "data")
    return tmp_path / "data"


def file_of(data_dir: pathlib.Path, name: str, split: str) -> pathlib.Path:
    (path,) = (data_dir / name).glob(f"**/*-{split}.tfrecord*")
    return path


def truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def corrupt(path: pathlib.Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", [LAB, WILD])
@pytest.mark.parametrize(
    ("damage", "told"),
    [(truncate, "is truncated: it has 12 whole records of 13"), (pathlib.Path.unlink, "is missing")],
)
def test_lost_bytes_and_files_are_named_before_the_first_step(data_dir, tmp_path, name, damage, told):
    path = file_of(data_dir, name, "train")
    damage(path)
    with pytest.raises((ValueError, FileNotFoundError), match=told) as error:
        Trainer(drawn_people.small_config(), str(tmp_path / "run"), str(data_dir))
    assert str(path) in str(error.value) and "prepare it again" in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", [LAB, WILD])
def test_changed_bytes_are_named_when_they_are_read(data_dir, tmp_path, name):
    """Their size is right, so only their checksum tells; TensorFlow's message names no file."""
    path = file_of(data_dir, name, "train")
    corrupt(path)
    with pytest.raises(ValueError, match=f"{path} is damaged: corrupted record at"):
        Trainer(drawn_people.small_config(), str(tmp_path / "run"), str(data_dir)).run()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_changed_bytes_of_the_validation_split_are_named(data_dir, tmp_path, batch_size):
    """In the first batch, which is looked at before the first step; or when the generator is scored."""
    path = file_of(data_dir, WILD, "test")
    corrupt(path)
    config = drawn_people.small_config(batch_size=batch_size, validate_on=f"{WILD}:test", validate_every=1)
    with pytest.raises(ValueError, match=f"{path} is damaged: corrupted record at"):
        Trainer(config, str(tmp_path / "run"), str(data_dir)).run()
    assert (tmp_path / "run").exists() == (batch_size == 1)


def test_whole_files_have_no_damage(drawn_data):
    """Of every split, also where it is in several files of several records."""
    for name in (LAB, WILD):
        for split in ("train", "test"):
            files, _, _ = pipeline.open_split(name, split, drawn_data)
            assert records.find_damage(files) is None


def test_a_file_cut_between_records_is_truncated_too(tmp_path):
    """And of several files the right one is named."""
    layouts.write_mpii_json(tmp_path / "mpii")
    labels = tmp_path / "mpii/mpii_annotations.json"
    labels.write_text(json.dumps(json.loads(labels.read_text())[:3]))  # a file each
    builder = prepared.BUILDERS["mpii"](source=str(tmp_path / "mpii"), data_dir=str(tmp_path))
    in_three = tfds.download.DownloadConfig(num_shards=3)
    builder.download_and_prepare(download_dir=tmp_path / "unused", download_config=in_three)
    path = sorted((tmp_path / "mpii/2.0.0").glob("*-train.tfrecord*"))[1]
    content = path.read_bytes()
    assert int.from_bytes(content[:8], "little") + 16 == len(content)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=f"{path} is truncated: it has 0 whole records of 1"):
        pipeline.open_split("mpii", "train", str(tmp_path))
