import collections
import pathlib
import sys

import numpy as np
import pytest

from tf_advpose import models

torch = pytest.importorskip("torch", reason="PyTorch is needed to read its checkpoints")

NARROW = {"width": 64, "mean": (0.0, 0.0, 0.0)}  # of the sample, whose image is used as it is


@pytest.fixture(scope="module")
def checkpoint(samples) -> pathlib.Path:
    """A bare state_dict of the public 2-stack network, made narrow; all its numbers are random."""
    return samples / "pytorch_hourglass/hg2_narrow_state_dict.pth"


@pytest.fixture(scope="module")
def hourglass():
    """A model that fits the checkpoint. Tests that load into it all load the same numbers."""
    return models.build_hourglass(2, **NARROW)


@pytest.fixture(scope="module")
def loaded_weights(checkpoint, hourglass) -> list[np.ndarray]:
    models.load_pytorch_hourglass(hourglass, checkpoint)
    return hourglass.get_weights()


@pytest.fixture(scope="module")
def any_model():
    return models.build_hourglass(1, image_size=32, width=8, depth=1)


def save(path: pathlib.Path, content, **options) -> pathlib.Path:
    torch.save(content, path, **options)
    return path


def assert_weights_equal(actual: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_public_network_computes_the_same(samples, checkpoint, hourglass):
    """Heatmaps of both stacks, against PyTorch's own: every order, padding and epsilon."""
    models.load_pytorch_hourglass(hourglass, checkpoint)
    expected = np.load(samples / "pytorch_hourglass/hg2_narrow_io.npz")
    heatmaps = hourglass(expected["image_nchw"].transpose(0, 2, 3, 1), training=False)
    for stack in (0, 1):
        reference = expected[f"heatmaps_{stack}"].transpose(0, 2, 3, 1)
        assert np.abs(reference).max() > 0.1
        np.testing.assert_allclose(heatmaps[stack], reference, atol=1e-4)


def test_a_generator_gets_the_hourglass_and_keeps_its_depth_module(checkpoint, hourglass, loaded_weights):
    generator = models.build_generator(2, **NARROW)
    depth_layers = [layer for layer in generator.layers if layer.name.startswith("depth")]
    before = [layer.get_weights() for layer in depth_layers]
    models.load_pytorch_hourglass(generator, checkpoint)
    for layer, weights in zip(depth_layers, before, strict=True):
        assert_weights_equal(layer.get_weights(), weights)
    for layer in hourglass.layers:
        assert_weights_equal(generator.get_layer(layer.name).get_weights(), layer.get_weights())


@pytest.mark.parametrize("zipped", [True, False], ids=["zip format", "format before PyTorch 1.6"])
def test_a_whole_training_checkpoint_is_read(zipped, checkpoint, hourglass, loaded_weights, tmp_path):
    """What the public training code saves: more than weights, and their names prefixed by DataParallel."""
    state = torch.load(checkpoint, weights_only=True)
    content = {
        "epoch": 100,
        "arch": "hg",
        "state_dict": collections.OrderedDict((f"module.{key}", value) for key, value in state.items()),
        "best_acc": torch.tensor(0.87),
        "optimizer": {"state": {0: {"square_avg": torch.ones(3)}}, "param_groups": [{"lr": 2.5e-4}]},
    }
    path = save(tmp_path / "model_best.pth.tar", content, _use_new_zipfile_serialization=zipped)
    hourglass.set_weights([0 * weights for weights in loaded_weights])
    models.load_pytorch_hourglass(hourglass, path)
    assert_weights_equal(hourglass.get_weights(), loaded_weights)


def test_a_checkpoint_written_on_a_gpu_is_read_without_one(checkpoint, hourglass, loaded_weights, tmp_path):
    """As the public files were: their storages name the GPU that they lay on."""
    state = torch.load(checkpoint, weights_only=True)
    path = save(tmp_path / "gpu.pth", state, _use_new_zipfile_serialization=False)
    written = path.read_bytes()
    for old, new in (
        (b"ctorch\nFloatStorage\n", b"ctorch.cuda\nFloatStorage\n"),
        (b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"),
    ):
        assert old in written
        written = written.replace(old, new)
    path.write_bytes(written)
    hourglass.set_weights([0 * weights for weights in loaded_weights])
    models.load_pytorch_hourglass(hourglass, path)
    assert_weights_equal(hourglass.get_weights(), loaded_weights)


@pytest.mark.parametrize(
    "options, hint",
    [
        ({"num_stacks": 1}, "layers that the model lacks.*number of stacks"),
        ({"num_stacks": 3}, "lacks .*number of stacks"),
        ({"num_stacks": 1, "width": 32}, r"shape \(7, 7, 3, 16\).*\(7, 7, 3, 8\).*width"),
        ({"num_stacks": 1, "num_joints": 17}, "shape .*joint count"),
    ],
    ids=["fewer stacks", "more stacks", "width", "joints"],
)
def test_another_architecture_is_refused_and_changes_nothing(options, hint, checkpoint):
    model = models.build_hourglass(**{**NARROW, **options})
    before = model.get_weights()
    with pytest.raises(ValueError, match=hint):
        models.load_pytorch_hourglass(model, checkpoint)
    assert_weights_equal(model.get_weights(), before)


def test_a_checkpoint_that_breaks_off_changes_nothing(checkpoint, hourglass, tmp_path):
    """The layer that is missing comes last, when all others have been found."""
    state = torch.load(checkpoint, weights_only=True)
    del state["score.1.bias"]
    before = hourglass.get_weights()
    with pytest.raises(ValueError, match=r"lacks score\.1\.bias.*stack2_heatmaps"):
        models.load_pytorch_hourglass(hourglass, save(tmp_path / "cut.pth", state))
    assert_weights_equal(hourglass.get_weights(), before)


@pytest.mark.parametrize(
    "content",
    [{}, {"state_dict": {}}, {"state_dict": [1, 2]}, {"epoch": 3}, [torch.ones(2)], torch.ones(2)],
    ids=["empty", "empty state_dict", "list as state_dict", "no state_dict", "list", "tensor"],
)
def test_a_file_without_a_state_dict_is_refused(content, any_model, tmp_path):
    path = save(tmp_path / "other.pth", content)
    with pytest.raises(ValueError, match=r"other\.pth holds no state_dict"):
        models.load_pytorch_hourglass(any_model, path)


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(content, any_model, tmp_path):
    path = tmp_path / "page.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"page\.pth is not a readable PyTorch checkpoint") as raised:
        models.load_pytorch_hourglass(any_model, path)
    assert "\n" not in str(raised.value)


def test_a_file_that_would_run_code_is_refused(any_model, tmp_path):
    """Checkpoints come from the internet; a pickled object may run anything when it is read."""
    path = save(tmp_path / "whole_model.pth", torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"whole_model\.pth is not a readable.*state_dict") as raised:
        models.load_pytorch_hourglass(any_model, path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_missing_file_is_named(kind, any_model, tmp_path):
    path = tmp_path / "nothing.pth" if kind == "missing" else tmp_path
    with pytest.raises(FileNotFoundError, match=str(path)):
        models.load_pytorch_hourglass(any_model, path)


def test_without_pytorch_the_message_says_what_to_install(any_model, tmp_path, monkeypatch):
    path = save(tmp_path / "any.pth", {})
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch"):
        models.load_pytorch_hourglass(any_model, path)
