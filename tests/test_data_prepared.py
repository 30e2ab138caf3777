"""Preparing and opening: what goes in comes out, offline, whole or not at all, never over another."""

import collections
import contextlib
import dataclasses
import json
import resource
import shutil
import socket
import subprocess
import sys
import types

import layouts
import numpy as np
import pytest
import tensorflow_datasets as tfds

import tf_advpose.people
from tf_advpose import camera
from tf_advpose.data import photos, prepared, schema
from tf_advpose.skeleton import NUM_JOINTS


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Any attempt to reach a network fails the test."""

    def refuse(*args):
        raise AssertionError(f"tried to connect: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def examples(name: str, split: str, data_dir) -> dict[str, dict]:
    """The prepared examples of a split by their ids, photos decoded."""
    dataset = prepared.open_builder(name, str(data_dir)).as_dataset(split=split, shuffle_files=False)
    return {example["example_id"].decode(): example for example in tfds.as_numpy(dataset)}


def test_round_trip(tmp_path):
    """Labels come out as they went in, photos but for what JPEG loses."""
    layouts.write_human36m(tmp_path / "h36m", official=True)
    data_dir = tmp_path / "data"
    builder = prepared.prepare("human36m", str(data_dir), source=str(tmp_path / "h36m"))
    assert {split: info.num_examples for split, info in builder.info.splits.items()} == {
        "train": 3,
        "test": 1,
    }
    assert [path.name for path in data_dir.iterdir()] == ["human36m"], "something else was left behind"
    reader, start = builder.find_layout(tmp_path / "h36m")
    found = examples("human36m", "train", data_dir)
    for person in reader(start, "train", collections.Counter()):
        photo = schema.read_image(str(person.pop("image")))
        expected, example = schema.make_example(photo, **person), found.pop(person["example_id"])
        assert np.abs(example.pop("image").astype(int) - expected.pop("image")).mean() < 3
        for key, value in expected.items():
            if isinstance(value, str):
                assert example[key].decode() == value
            else:
                np.testing.assert_array_equal(example[key], value, err_msg=key)
        projected = camera.project(example["joints_3d_absolute"], example["intrinsics"])
        np.testing.assert_allclose(projected, example["joints_2d"], atol=0.01)
    assert not found


def test_description_is_stored(tmp_path):
    """Layout, card and what was left out can be read from the prepared dataset alone."""
    layouts.write_human36m(tmp_path / "h36m", official=False)
    prepared.prepare("human36m", str(tmp_path), source=str(tmp_path / "h36m"))
    builder = prepared.open_builder("human36m", str(tmp_path))
    assert "academic use only" in builder.info.description
    text = prepared.summary(builder)
    assert "layout: mmpose" in text and "train: 3 examples" in text
    assert "left out: S11 Directions 54138969: the video is corrupt: 1" in text


def test_missing_photos(tmp_path):
    """By default they stop it before anything is written; else their people are left out and counted."""
    layouts.write_mpii_json(tmp_path / "mpii")
    photo = tmp_path / "mpii/images/b.jpg"
    photo.unlink()
    data_dir = tmp_path / "data"
    with pytest.raises(FileNotFoundError, match=r"Of 4 labelled people of mpii, 2 have no photo.*b\.jpg"):
        prepared.prepare("mpii", str(data_dir), source=str(tmp_path / "mpii"))
    assert not list(data_dir.glob("mpii/*"))
    builder = prepared.prepare("mpii", str(data_dir), source=str(tmp_path / "mpii"), lenient=True)
    assert f"left out: the photo is missing: 2\n    {photo}" in prepared.summary(builder)
    assert list(examples("mpii", "train", data_dir)) == ["a_1"]
    assert examples("mpii", "validation", data_dir)["c_1"]["box"].shape == (4,)


def test_no_example_left(tmp_path):
    layouts.write_mpii_json(tmp_path / "mpii")
    for photo in (tmp_path / "mpii/images").iterdir():
        photo.unlink()
    with pytest.raises(ValueError, match="Not one example is left .* the photo is missing: 4"):
        prepared.prepare("mpii", str(tmp_path), source=str(tmp_path / "mpii"), lenient=True)


def spoil(source) -> None:
    """Of the four people of `layouts.write_mpii_json`: one photo is cut off, one label is not a number."""
    photo = source / "images/a.jpg"
    photo.write_bytes(photo.read_bytes()[:-40])
    labels = source / "mpii_annotations.json"
    people = json.loads(labels.read_text())
    people[2]["joint_self"][4][0] = float("nan")
    labels.write_text(json.dumps(people))


def test_lenient_leaves_out_counts_and_names(tmp_path):
    """What is wrong inside of photos and labels, as what is missing; the dataset itself tells."""
    layouts.write_mpii_json(tmp_path / "mpii")
    spoil(tmp_path / "mpii")
    with pytest.raises(ValueError, match=r"/a\.jpg.*--lenient"):
        prepared.prepare("mpii", str(tmp_path), source=str(tmp_path / "mpii"))
    assert not list((tmp_path / "mpii").glob("*2.0.0"))
    prepared.prepare("mpii", str(tmp_path), source=str(tmp_path / "mpii"), lenient=True)
    assert list(examples("mpii", "train", tmp_path)) == ["b_1"]
    text = prepared.summary(prepared.open_builder("mpii", str(tmp_path)))
    images = tmp_path / "mpii/images"
    assert f"left out: the photo is not readable: 1\n    {images / 'a.jpg'}" in text
    assert f"left out: the labels are not finite, or absurd: 1\n    {images / 'b.jpg'} (b_2)" in text


def test_a_split_of_which_nothing_can_be_used_is_an_error(tmp_path):
    layouts.write_mpii_json(tmp_path / "mpii")
    (tmp_path / "mpii/images/c.jpg").write_text("no photo")
    with pytest.raises(ValueError, match="left of the split 'validation'; left out: the photo is not"):
        prepared.prepare("mpii", str(tmp_path / "data"), source=str(tmp_path / "mpii"), lenient=True)


def test_examples_of_one_name_are_an_error(tmp_path):
    """Before anything is made; TFDS itself would say so after hours."""
    layouts.write_mpii_json(tmp_path / "mpii")
    labels = tmp_path / "mpii/mpii_annotations.json"
    people = json.loads(labels.read_text())
    labels.write_text(json.dumps([*people, people[1]]))
    with pytest.raises(ValueError, match="Two train examples of .* are called b_1"):
        prepared.prepare("mpii", str(tmp_path / "data"), source=str(tmp_path / "mpii"))


def test_any_number_of_processes_makes_the_same_files(tmp_path, monkeypatch):
    """To the byte, what was left out included."""
    monkeypatch.setattr(photos, "EXAMPLES_PER_PROCESS", 1)
    layouts.write_mpii_json(tmp_path / "mpii")
    spoil(tmp_path / "mpii")
    made = {}
    for processes in (1, 2):
        data_dir = tmp_path / str(processes)
        prepared.prepare(
            "mpii", str(data_dir), source=str(tmp_path / "mpii"), lenient=True, processes=processes
        )
        made[processes] = {path.name: path.read_bytes() for path in (data_dir / "mpii/2.0.0").iterdir()}
    assert made[1] == made[2] and len(made[1]) == 5


def test_tfds_builds_it(tmp_path):
    """As `tfds build` does: by name, from --manual_dir, without a word of this package's own."""
    layouts.write_mpii_json(tmp_path / "mpii")
    builder = tfds.builder("mpii", data_dir=tmp_path / "data")
    builder.download_and_prepare(
        download_dir=tmp_path / "downloads",
        download_config=tfds.download.DownloadConfig(manual_dir=tmp_path / "mpii"),
    )
    assert prepared.open_builder("mpii", str(tmp_path / "data")).info.splits["train"].num_examples == 3


@pytest.fixture
def mpii_source(tmp_path) -> str:
    layouts.write_mpii_json(tmp_path / "source")
    return str(tmp_path / "source")


@contextlib.contextmanager
def small_files():
    """Within it no file grows beyond some kilobytes; pytest's own report may be a file, too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=["full", "limited"])
def small_disk(request, tmp_path, mpii_source):
    """A folder where little can be written, and what to do it in: a tiny file system, or small files."""
    if request.param == "limited":
        yield tmp_path, small_files
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", str(tmp_path / "disk")]
    (tmp_path / "disk").mkdir()
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield tmp_path / "disk", contextlib.nullcontext
    subprocess.run(["umount", "--lazy", str(tmp_path / "disk")], check=True)


@pytest.mark.parametrize("in_memory", [True, False])
def test_full_disk(mpii_source, small_disk, monkeypatch, in_memory):
    """TFDS first keeps examples in memory, then, if they are many, in files."""
    folder, limit = small_disk
    if not in_memory:
        monkeypatch.setattr("tensorflow_datasets.core.shuffle.MAX_MEM_BUFFER_SIZE", 100)
    message = f"The disk is full: .*{folder / 'mpii'}, and nothing is kept"
    with pytest.raises(OSError, match=message), limit():
        prepared.prepare("mpii", str(folder), source=mpii_source)
    assert not list((folder / "mpii").iterdir())


def test_failure_leaves_nothing_and_can_be_repeated(tmp_path):
    """A photo that cannot be read is named; once it is mended, the same call works."""
    layouts.write_human36m(tmp_path / "h36m", official=False)
    broken = tmp_path / "h36m" / layouts.HUMAN36M_PHOTOS[2]
    whole = broken.read_bytes()
    broken.write_bytes(whole[:300])
    with pytest.raises(ValueError, match=broken.name):
        prepared.prepare("human36m", str(tmp_path / "data"), source=str(tmp_path / "h36m"))
    assert not list((tmp_path / "data").glob("human36m/*"))
    broken.write_bytes(whole)
    prepared.prepare("human36m", str(tmp_path / "data"), source=str(tmp_path / "h36m"))


def test_interruption_leaves_nothing(tmp_path, monkeypatch):
    layouts.write_human36m(tmp_path / "h36m", official=False)

    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "read_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepared.prepare("human36m", str(tmp_path / "data"), source=str(tmp_path / "h36m"))
    assert not list((tmp_path / "data").glob("human36m/*"))


def test_killed_run_is_no_dataset(tmp_path):
    """What a killed run leaves has no final name: it neither opens nor is in the way, and is removed."""
    layouts.write_human36m(tmp_path / "h36m", official=False)
    left_over = tmp_path / "human36m/incomplete.ABCDEF_2.0.0"
    left_over.mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="not prepared"):
        prepared.open_builder("human36m", str(tmp_path))
    prepared.prepare("human36m", str(tmp_path), source=str(tmp_path / "h36m"))
    assert [path.name for path in left_over.parent.iterdir()] == ["2.0.0"]


def test_existing_dataset_is_kept(tmp_path):
    layouts.write_human36m(tmp_path / "h36m", official=False)
    prepared.prepare("human36m", str(tmp_path), source=str(tmp_path / "h36m"))
    before = {path: path.read_bytes() for path in (tmp_path / "human36m/2.0.0").iterdir()}
    with pytest.raises(FileExistsError, match=str(tmp_path / "human36m/2.0.0")):
        prepared.prepare("human36m", str(tmp_path), source=str(tmp_path / "h36m"))
    assert before == {path: path.read_bytes() for path in (tmp_path / "human36m/2.0.0").iterdir()}


@pytest.mark.parametrize(
    ("name", "version", "command"),
    [("mpii", "1.0.0", "mpii"), ("synthetic_people/everyday", "2.0.0", "people --domain=everyday")],
)
def test_dataset_of_an_earlier_version_is_named(tmp_path, name, version, command):
    (tmp_path / name / version).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=f"of another version, {version}.* prepare.py {command}"):
        prepared.open_builder(name, str(tmp_path))


@pytest.mark.parametrize("name", prepared.BUILDERS)
def test_datasets_are_looked_for_where_they_are_written(tmp_path, name):
    builder = prepared.BUILDERS[name](config=name.partition("/")[2] or None, data_dir=str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"not prepared in {builder.data_dir}[.]"):
        prepared.open_builder(name, str(tmp_path))


@pytest.mark.parametrize(
    ("name", "command"),
    [("mpii", "prepare.py mpii --source"), ("synthetic_people/lab", "prepare.py people --domain=lab")],
)
def test_open_says_how_to_prepare(tmp_path, name, command):
    with pytest.raises(FileNotFoundError, match=command):
        prepared.open_builder(name, str(tmp_path))


def test_unknown_name(tmp_path):
    with pytest.raises(
        ValueError, match="'coco'. Known: human36m, mpii, mpi_inf_3dhp, synthetic_people/lab"
    ):
        prepared.open_builder("coco", str(tmp_path))


@pytest.mark.parametrize("folder", ["..", "images", "nowhere"])
def test_wrong_folder_says_what_is_expected(tmp_path, folder):
    """One folder too high or too low is told apart from a folder that holds no such dataset."""
    source = tmp_path / "all/mpii"
    layouts.write_mpii_json(source)
    expected = "does not exist" if folder == "nowhere" else f"wrong folder level.*which is .*{source.name}"
    with pytest.raises((ValueError, FileNotFoundError), match=expected):
        prepared.prepare("mpii", str(tmp_path / "data"), source=str(source / folder))
    with pytest.raises(ValueError, match=r"expected S1/MyPoseFeatures.*; found images, mpii_ann"):
        prepared.prepare("human36m", str(tmp_path / "data"), source=str(source))


@dataclasses.dataclass
class FakePeople:
    """Stands for the rendering of people, and notes how it was called."""

    calls: list = dataclasses.field(default_factory=list)

    def generate(self, domain, split, count, **arguments):
        self.calls.append((domain, split, count, arguments))
        for number in range(count):
            joints = layouts.standing_person(number, NUM_JOINTS)
            yield {
                "image": np.full((64, 64, 3), 40 * number, np.uint8),
                "joints_2d": camera.project(joints, layouts.HUMAN36M_INTRINSICS),
                "joints_3d_absolute": joints,
                "intrinsics": layouts.HUMAN36M_INTRINSICS,
                "train_depth": domain == "lab",
                "example_id": f"{domain}-{split}-{number}",
            }


@pytest.fixture
def fake_people(monkeypatch) -> FakePeople:
    """Stands in for the rendering."""
    fake = FakePeople()
    module = types.SimpleNamespace(generate=fake.generate)
    monkeypatch.setitem(sys.modules, "tf_advpose.people.dataset", module)
    monkeypatch.setattr(tf_advpose.people, "dataset", module, raising=False)
    return fake


def test_synthetic_people(tmp_path, fake_people):
    """Either domain under its own name; what it was made with is in its metadata."""
    made_with = {"train_examples": 3, "test_examples": 2, "size": 64, "seed": 7, "processes": 1}
    prepared.prepare("synthetic_people/lab", str(tmp_path), **made_with)
    prepared.prepare("synthetic_people/wild", str(tmp_path), **made_with, validation_examples=4)
    arguments = {"size": 64, "seed": 7, "processes": 1}
    in_both = (("train", 3), ("test", 2))
    expected = [(domain, *split, arguments) for domain in ("lab", "wild") for split in in_both]
    assert fake_people.calls == [*expected, ("wild", "validation", 4, arguments)]
    builder = prepared.open_builder("synthetic_people/wild", str(tmp_path))
    assert builder.info.splits["train"].num_examples == 3
    for key in ("train_examples", "test_examples", "size", "seed"):
        assert builder.info.metadata[key] == made_with[key]
    assert examples("synthetic_people/lab", "test", tmp_path)["lab-test-1"]["has_depth"]
    assert not examples("synthetic_people/wild", "test", tmp_path)["wild-test-1"]["has_depth"]


def test_people_are_made_once(tmp_path, fake_people):
    """The same again makes none; others than were asked for are not taken for them, nor lost."""
    making = {"train_examples": 3, "test_examples": 2, "size": 64}
    prepared.prepare_people_once(str(tmp_path), **making)
    once = list(fake_people.calls)
    prepared.prepare_people_once(str(tmp_path), **making)
    with pytest.raises(ValueError, match="lab in .* made with .*'size': 32.*, got .*'size': 64.*Choose"):
        prepared.prepare_people_once(str(tmp_path), **making | {"size": 32})
    assert fake_people.calls == once and examples("synthetic_people/wild", "train", tmp_path)


def test_real_synthetic_people(tmp_path):
    """The rendering gives what the schema asks for, and a seed gives the same people again."""
    pytest.importorskip("embreex")
    pytest.importorskip("body_models")
    made_with = {"train_examples": 1, "test_examples": 1, "size": 32, "seed": 0, "processes": 1}
    stored = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        prepared.prepare("synthetic_people/lab", str(folder), **made_with)
        stored.append(next(folder.glob("**/*train.tfrecord*")).read_bytes())
    assert stored[0] == stored[1]
    (example,) = examples("synthetic_people/lab", "train", tmp_path / "first").values()
    assert example["has_depth"] and example["action"] and example["subject"]
    projected = camera.project(example["joints_3d_absolute"], example["intrinsics"])
    np.testing.assert_allclose(projected, example["joints_2d"], atol=0.01)


@pytest.mark.parametrize(
    ("name", "folder", "counts"),
    [
        ("human36m", "h36m_mmpose", {"train": 3}),
        ("mpii", "mpii", {"validation": 3}),
        ("mpi_inf_3dhp", "mpi_inf_3dhp_test_set_MINI", {"test": 1}),
        ("mpi_inf_3dhp", "mpi_inf_3dhp_mmpose", {"train": 1, "test": 1}),
    ],
)
def test_real_sources(tmp_path, samples, name, folder, counts):
    builder = prepared.prepare(name, str(tmp_path), source=str(samples / folder), lenient=True)
    assert {split: info.num_examples for split, info in builder.info.splits.items()} == counts
