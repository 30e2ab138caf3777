"""Exports compute what the Keras model computes, say what they are, and appear complete or not at all."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from tf_advpose import config as configuration
from tf_advpose.deploy import artefacts, parity, saved_model, serving, tflite
from tf_advpose.models import build_generator
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS, ROOT

SIZE = 64
METADATA = serving.describe(configuration.from_preset("geo_demo"), "adversarial", 4012.5)

READ_WITHOUT_OUR_CODE = """
import json, sys
import numpy as np
import tensorflow as tf
assert "tf_advpose" not in sys.modules
loaded = tf.saved_model.load(".")
outputs = loaded.signatures["serving_default"](images=tf.zeros([2, 64, 64, 3], tf.uint8))
print(json.dumps({
    "joint_names": [name.decode() for name in loaded.joint_names.numpy()],
    "bones": loaded.bones.numpy().tolist(),
    "shapes": {name: output.shape.as_list() for name, output in outputs.items()},
}))
"""


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    """A small generator with weights and batch-norm statistics that all matter to its outputs."""
    keras.utils.set_random_seed(0)
    model = build_generator(1, image_size=SIZE, width=16, depth=2)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            positive = [rng.uniform(0.5, 1.5, values.shape) for values in (gamma, variance)]
            signed = [rng.normal(0, 0.3, values.shape) for values in (beta, mean)]
            layer.set_weights([positive[0], signed[0], signed[1], positive[1]])
    for name in ("stack1_heatmaps", "depth"):  # they start near zero, where every heatmap is flat
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([rng.normal(0, 0.3, kernel.shape), bias])
    return model


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (20, SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def exported(generator, crops, tmp_path_factory):
    """The folder with both artefacts, and the report of their differences."""
    folder = tmp_path_factory.mktemp("exported")
    return folder, artefacts.write(generator, METADATA, crops, folder)


@pytest.fixture(scope="module")
def loaded(exported):
    """The SavedModel, loaded."""
    return tf.saved_model.load(str(exported[0]))


def test_exports_equal_the_keras_model(exported):
    """Far below the limits of the gate, over more crops than one batch of it."""
    report = exported[1]
    assert report["examples"] == 20 and report["joints"] == 20 * NUM_JOINTS
    assert report["undecided_joints"] < 5
    for outputs in report["differences"].values():
        assert outputs["joints_2d"]["largest"] < 1e-3
        assert outputs["depth"]["largest"] < 1e-4 and outputs["confidence"]["largest"] < 1e-4
    assert set(report["differences"]) == {"saved_model", "tflite_float32"}


def test_saved_model_takes_batches_of_any_size(loaded, crops):
    """Each crop's answer does not depend on the others in the batch."""
    serve = loaded.signatures["serving_default"]
    together = serve(images=tf.constant(crops[:3]))
    assert together["joints_2d"].shape == (3, NUM_JOINTS, 2)
    assert np.ptp(together["joints_2d"], axis=0).max() > 1, "all crops give the same pose"
    for index in range(3):
        alone = serve(images=tf.constant(crops[index : index + 1]))
        for name, output in alone.items():
            assert output.dtype == tf.float32
            np.testing.assert_allclose(output[0], together[name][index], atol=1e-4)


def test_crops_are_scaled_as_in_training():
    """The gate's reference scales by the same function, so the gate would not see a mistake here."""
    np.testing.assert_allclose(serving.to_image(np.array([0, 51, 255], np.uint8)), [0.0, 0.2, 1.0])


def test_weak_perspective_by_hand():
    """x, y and z are scaled alike, from the root; depth counts in halves of the crop."""
    joints_2d = np.full((1, NUM_JOINTS, 2), 30.0, np.float32)
    depth = np.full((1, NUM_JOINTS), 0.25, np.float32)
    joints_2d[0, 9], depth[0, 9] = (40.0, 10.0), -0.5
    joints_3d = serving.weak_perspective(joints_2d, depth, tf.constant([2.0]), crop_size=64)
    np.testing.assert_allclose(joints_3d[0, 9], [20.0, -40.0, -0.75 * 32 * 2])
    np.testing.assert_array_equal(joints_3d[0, ROOT], 0)


def test_from_crops_with_scale_adds_millimetres(loaded, crops):
    """Its other outputs are those of serving_default, and each crop has its own scale."""
    images = tf.constant(crops[:3])
    scale = np.array([1.0, 5.0, 10.0], np.float32)
    outputs = loaded.signatures["from_crops_with_scale"](images=images, mm_per_pixel=tf.constant(scale))
    plain = loaded.signatures["serving_default"](images=images)
    assert set(outputs) == {*plain, "joints_3d"}
    for name, output in plain.items():
        np.testing.assert_allclose(outputs[name], output, atol=1e-4)
    pixels = np.concatenate([plain["joints_2d"], plain["depth"][..., None] * (SIZE / 2)], axis=-1)
    expected = (pixels - pixels[:, ROOT, None]) * scale[:, None, None]
    np.testing.assert_allclose(outputs["joints_3d"], expected, atol=1e-2)


def test_saved_model_is_readable_without_this_package(exported):
    folder = exported[0]
    result = subprocess.run(
        [sys.executable, "-c", READ_WITHOUT_OUR_CODE], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["joint_names"] == list(JOINT_NAMES)
    assert found["bones"] == [list(bone) for bone in BONES]
    assert found["shapes"] == {"joints_2d": [2, 16, 2], "depth": [2, 16], "confidence": [2, 16]}


def test_metadata_is_the_same_in_both(exported):
    folder = exported[0]
    stored = json.loads((folder / saved_model.METADATA_FILE).read_text())
    assert stored == json.loads(json.dumps(METADATA))
    assert tflite.read_metadata(folder / artefacts.TFLITE_FILE) == stored
    assert stored["total_bone_length"] == 4012.5 and stored["image_size"] == SIZE
    assert configuration.from_dict(stored["config"]) == configuration.from_preset("geo_demo")


def test_foreign_tflite_holds_no_metadata(tmp_path):
    import flatbuffers

    builder = flatbuffers.Builder()
    builder.Finish(schema.ModelT().Pack(builder), file_identifier=b"TFL3")
    (tmp_path / "other.tflite").write_bytes(builder.Output())
    with pytest.raises(ValueError, match=r"other\.tflite holds no metadata\.json"):
        tflite.read_metadata(tmp_path / "other.tflite")


def test_tflite_has_named_inputs_and_outputs_of_fixed_size(exported):
    """Browsers refuse models whose batch is open."""
    run = Interpreter(str(exported[0] / artefacts.TFLITE_FILE)).get_signature_runner("serving_default")
    (name, image), *others = run.get_input_details().items()
    assert not others and name == "image" and image["dtype"] == np.float32
    assert image["shape_signature"].tolist() == [1, SIZE, SIZE, 3]
    outputs = run.get_output_details()
    shapes = {name: output["shape_signature"].tolist() for name, output in outputs.items()}
    assert shapes == {"joints_2d": [1, 16, 2], "depth": [1, 16], "confidence": [1, 16]}
    assert all(output["dtype"] == np.float32 for output in outputs.values())


def test_tflite_uses_builtin_operations_that_mobile_delegates_take(exported):
    """Custom and Flex operations fail on phones; TILE, which upsampling may become, leaves the GPU."""
    model = schema.Model.GetRootAs((exported[0] / artefacts.TFLITE_FILE).read_bytes())
    codes = {model.OperatorCodes(i).BuiltinCode() for i in range(model.OperatorCodesLength())}
    assert schema.BuiltinOperator.CONV_2D in codes
    assert schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR in codes
    assert not codes & {schema.BuiltinOperator.CUSTOM, schema.BuiltinOperator.TILE}


def test_an_export_of_other_weights_is_found_out(exported, generator, crops):
    """The gate reads what is in the files: a depth that is off by 0.01 in one joint does not pass."""
    folder, _ = exported
    changed = keras.models.clone_model(generator)
    changed.set_weights(generator.get_weights())
    changed.get_layer("depth").bias.assign_add(0.01 * np.eye(NUM_JOINTS)[4])
    reference, decided = parity.keras_outputs(changed, crops[:2])
    for outputs in (
        parity.saved_model_outputs(folder, crops[:2]),
        parity.tflite_outputs(folder / artefacts.TFLITE_FILE, crops[:2]),
    ):
        measured = parity.differences(reference, decided, outputs)
        with pytest.raises(ValueError, match=r"it deviates .*: depth by up to 0\.01 half-crops"):
            parity.check("it", measured, parity.FLOAT32_LIMITS)


def test_joints_whose_highest_cells_tie_are_undecided():
    """Heatmaps by hand: a clear peak, two equal ones, two that differ by less than rounding may."""
    heatmaps = np.zeros((1, 8, 8, 3), np.float32)
    heatmaps[0, 2, 2] = 1.0
    heatmaps[0, 6, 6] = (0.99, 1.0, 1.0 - parity.TIE / 2)

    def generator(image, training):
        return {"heatmaps": [tf.constant(heatmaps)], "depth": tf.zeros([1, 3])}

    outputs, decided = parity.keras_outputs(generator, np.zeros((1, 32, 32, 3), np.uint8))
    assert decided.tolist() == [[True, False, False]]
    np.testing.assert_allclose(outputs["joints_2d"][0, 0], [10.0, 10.0], atol=1e-4)


def test_differences_leave_undecided_joints_out_of_joints_2d_alone():
    reference = {name: np.zeros((1, 2, 2) if name == "joints_2d" else (1, 2)) for name in parity.UNITS}
    outputs = {
        "joints_2d": np.array([[[0.0, -0.5], [40.0, 0.0]]]),
        "depth": np.array([[0.0, 0.25]]),
        "confidence": np.array([[-0.125, 0.125]]),
    }
    measured = parity.differences(reference, np.array([[True, False]]), outputs)
    assert measured == {
        "joints_2d": {"largest": 0.5, "mean": 0.25},
        "depth": {"largest": 0.25, "mean": 0.125},
        "confidence": {"largest": 0.125, "mean": 0.125},
    }
    with pytest.raises(ValueError, match="flat"):
        parity.differences(reference, np.zeros((1, 2), bool), outputs)


@pytest.mark.parametrize("name", parity.UNITS)
@pytest.mark.parametrize("value", [1.0, np.nan])
def test_gate_names_the_output_that_deviates(name, value):
    """Also one that is not a number, which no comparison finds large."""
    measured = {other: {"largest": limit, "mean": 0.0} for other, limit in parity.FLOAT32_LIMITS.items()}
    parity.check("saved_model", measured, parity.FLOAT32_LIMITS)
    measured[name]["largest"] = value
    with pytest.raises(ValueError, match=f"saved_model deviates from the Keras model: {name} by"):
        parity.check("saved_model", measured, parity.FLOAT32_LIMITS)


def test_table_shows_every_artefact_and_output(exported):
    report = exported[1]
    header, *rows = parity.table(report["differences"], report["limits"]).splitlines()
    assert all(name in header for name in parity.UNITS)
    assert [row.split()[0] for row in rows] == ["saved_model", "tflite_float32", "limit"]
    assert len({len(line) for line in (header, *rows)}) == 1


def test_a_version_appears_complete_or_not_at_all(tmp_path):
    folder = saved_model.version_folder(str(tmp_path), "pose", 3)
    with pytest.raises(RuntimeError), saved_model.written_aside(folder) as aside:
        (aside / "half").write_text("")
        raise RuntimeError
    assert not list(folder.parent.iterdir())
    with saved_model.written_aside(folder) as aside:
        (aside / "whole").write_text("")
        assert not folder.exists() and not aside.name.isdigit()
    assert [path.name for path in folder.parent.iterdir()] == ["3"]
    assert (folder / "whole").exists()


def test_an_existing_version_is_refused(tmp_path):
    (tmp_path / "pose/3").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="pose/3 exists. Give another --version"):
        saved_model.version_folder(str(tmp_path), "pose", 3)
