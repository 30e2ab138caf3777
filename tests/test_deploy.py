"""Exports compute what the Keras model computes, say what they are, and appear complete or not at all."""

import json
import subprocess
import sys

import export_models
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from export_models import SIZE
from xnnpack import outside_xnnpack

from tf_advpose import config as configuration
from tf_advpose import presets
from tf_advpose.deploy import (
    artefacts,
    card,
    metadata,
    outputs,
    parity,
    runtime,
    saved_model,
    serving,
    tflite,
)
from tf_advpose.skeleton import BONES, JOINT_NAMES, NUM_JOINTS, ROOT

METADATA = metadata.describe(presets.from_preset("geo_demo"), "adversarial", 4012.5)
READ_OUT = {  # its operations that XNNPACK has not
    "CAST",
    "LESS_EQUAL",
    "SELECT",
    "ARG_MAX",
    "FLOOR_DIV",
    "FLOOR_MOD",
    "GREATER",
    "SELECT_V2",
    "PACK",
}
FLOAT_ARTEFACTS = ("saved_model", "tflite_float32")

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
    "metadata": json.loads(loaded.metadata.numpy()),
    "shapes": {name: output.shape.as_list() for name, output in outputs.items()},
}))
"""


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    return export_models.small_generator()


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return export_models.random_examples(20, seed=1).crops


@pytest.fixture(scope="module")
def exported(generator, tmp_path_factory):
    """The folder with all artefacts, and the report of their differences."""
    folder = tmp_path_factory.mktemp("exported")
    compared = export_models.random_examples(20, seed=1)
    calibration = export_models.random_examples(30, seed=2)
    return folder, artefacts.write(generator, METADATA, compared, calibration, folder)


@pytest.fixture(scope="module")
def loaded(exported):
    """The SavedModel, loaded."""
    return tf.saved_model.load(str(exported[0]))


def tflite_path(exported, number_format: str):
    return exported[0] / artefacts.tflite_file(number_format)


def test_exports_equal_the_keras_model(exported):
    """Far below the limits of the gate, over more crops than one batch of it."""
    report = exported[1]
    assert report["examples"] == 20 and report["joints"] == 20 * NUM_JOINTS
    assert report["undecided_joints"].keys() == report["limits"].keys()
    assert report["undecided_joints"]["saved_model"] < 5
    assert set(report["differences"]) == set(parity.LIMITS) == set(report["scores"])
    for artefact in FLOAT_ARTEFACTS:
        measured = report["differences"][artefact]
        assert measured["joints_2d"]["largest"] < 1e-3 and measured["joints_3d"]["largest"] < 0.1
        assert measured["depth"]["largest"] < 1e-4 and measured["confidence"]["largest"] < 1e-4
    means = [report["differences"][f"tflite_{name}"]["depth"]["mean"] for name in ("float32", "float16")]
    assert 0 < 10 * means[0] < means[1], "float16 is no other file than float32"


def test_reports_hold_what_was_measured(exported):
    folder, report = exported
    assert json.loads((folder / artefacts.PARITY_FILE).read_text()) == report
    text = (folder / artefacts.PARITY_TABLE_FILE).read_text()
    assert "on 20 examples of noise" in text and "on 30 crops of noise" in text
    change = report["scores"]["tflite_int8"]["mpjpe"]
    (row,) = (line for line in text.splitlines() if line.startswith("| tflite_int8") and "to" in line)
    assert f"{change['exported']:.2f} | {change['change']:+.3f}" in row
    assert change["interval"][0] <= change["change"] <= change["interval"][1]


def test_model_card_says_what_the_model_is(exported):
    folder, report = exported
    text = (folder / saved_model.CARD_FILE).read_text()
    assert "`geo_demo`" in text and "stage `adversarial`" in text
    stages = (f"{stage} ({METADATA['config'][stage]['steps']} steps)" for stage in configuration.STAGES)
    assert ", ".join(stages) in text
    assert f"MPJPE mm: {report['scores']['saved_model']['mpjpe']['reference']:.1f}" in text
    assert f"Exported with the code {METADATA['code_version']}, " in text
    assert "`synthetic_people/lab` with depth labels, `synthetic_people/wild` with 2D labels." in text
    assert "its last weights" in text and "behind those weights" not in text


def test_model_card_names_no_data_that_was_not_drawn(exported):
    """Stages of `everyday` that have steps draw no wild data; `pretrain_2d` draws nothing else."""
    config = presets.from_preset("everyday")
    config.lab, config.wild = "one", "other"
    described = metadata.describe(config, "pretrain_3d", 4000.0, weights="average")
    text = card.model_card(described, exported[1])
    assert "Data: `one` with depth labels." in text and "`other`" not in text
    assert "the moving average of its weights" in text and "4000 mm, the mean of `one`" in text
    config = presets.from_preset("full_miniature")
    described = metadata.describe(config, "pretrain_2d", 4000.0, weights="best")
    text = card.model_card(described, exported[1])
    assert "Data: `synthetic_people/wild` with 2D labels." in text and "pretrain_3d" not in text
    assert "validated best, on `synthetic_people/wild:validation`" in text


def test_model_card_names_the_weights_that_the_run_began_with(exported):
    """The terms of their data count too, and a stage that they replaced was not trained."""
    config = presets.from_preset("demo")
    described = metadata.describe(config, "adversarial", 4000.0, initial_hourglass="public.pth.tar")
    text = card.model_card(described, exported[1])
    assert "`public.pth.tar`" in text and "pretrain_2d (" not in text and "pretrain_3d (1500 steps)" in text
    assert "of the data behind those weights allow" in text
    config.initial_weights = "runs/other"
    text = card.model_card(metadata.describe(config, "adversarial", 4000.0), exported[1])
    assert "`runs/other`" in text and "of the data behind those weights allow" in text


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
    found = loaded.signatures["from_crops_with_scale"](images=images, mm_per_pixel=tf.constant(scale))
    plain = loaded.signatures["serving_default"](images=images)
    assert set(found) == {*plain, "joints_3d"}
    for name, output in plain.items():
        np.testing.assert_allclose(found[name], output, atol=1e-4)
    pixels = np.concatenate([plain["joints_2d"], plain["depth"][..., None] * (SIZE / 2)], axis=-1)
    expected = (pixels - pixels[:, ROOT, None]) * scale[:, None, None]
    np.testing.assert_allclose(found["joints_3d"], expected, atol=1e-2)


def test_saved_model_is_readable_without_this_package(exported):
    folder = exported[0]
    result = subprocess.run(
        [sys.executable, "-c", READ_WITHOUT_OUR_CODE], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["joint_names"] == list(JOINT_NAMES)
    assert found["bones"] == [list(bone) for bone in BONES]
    assert found["metadata"] == json.loads(json.dumps(METADATA))
    assert found["shapes"] == {"joints_2d": [2, 16, 2], "depth": [2, 16], "confidence": [2, 16]}


def test_metadata_is_the_same_in_all(exported):
    stored = json.loads((exported[0] / saved_model.METADATA_FILE).read_text())
    assert stored == json.loads(json.dumps(METADATA))
    for number_format in tflite.FORMATS:
        assert runtime.read_metadata(tflite_path(exported, number_format)) == stored
    assert stored["total_bone_length"] == 4012.5 and stored["image_size"] == SIZE
    assert configuration.from_dict(stored["config"]) == presets.from_preset("geo_demo")


@pytest.mark.parametrize("number_format", tflite.FORMATS)
def test_tflite_has_named_inputs_and_outputs_of_fixed_size(exported, number_format):
    """Browsers refuse models whose batch is open. Inputs and outputs are float32 in every format."""
    interpreter = Interpreter(str(tflite_path(exported, number_format)))
    expected = {
        "serving_default": {"joints_2d": [1, 16, 2], "depth": [1, 16], "confidence": [1, 16]},
        "heatmaps_and_depth": {"heatmaps": [1, 16, 16, 16], "depth": [1, 16]},
    }
    for signature, shapes in expected.items():
        run = interpreter.get_signature_runner(signature)
        (name, image), *others = run.get_input_details().items()
        assert not others and name == "image" and image["dtype"] == np.float32
        assert image["shape_signature"].tolist() == [1, SIZE, SIZE, 3]
        details = run.get_output_details()
        assert {name: output["shape_signature"].tolist() for name, output in details.items()} == shapes
        assert all(output["dtype"] == np.float32 for output in details.values())


@pytest.mark.parametrize("number_format", tflite.FORMATS)
def test_tflite_signatures_agree(exported, crops, number_format):
    """What the second signature gives, read out in float32, is what the first one gives."""
    interpreter = Interpreter(str(tflite_path(exported, number_format)))
    image = crops[:1] / np.float32(255)
    maps = interpreter.get_signature_runner("heatmaps_and_depth")(image=image)
    joints = interpreter.get_signature_runner("serving_default")(image=image)
    expected = serving.read_out({"heatmaps": [maps["heatmaps"]], "depth": maps["depth"]})
    for name, value in expected.items():
        np.testing.assert_allclose(joints[name], value, atol=1e-4)


def operations(exported, number_format: str) -> list[list[int]]:
    """The built-in codes of each subgraph's operators, in their order."""
    content = tflite_path(exported, number_format).read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    codes = [code.builtinCode for code in model.operatorCodes]
    return [[codes[operator.opcodeIndex] for operator in part.operators] for part in model.subgraphs]


@pytest.mark.parametrize("number_format", tflite.FORMATS)
def test_tflite_uses_builtin_operations_that_mobile_delegates_take(exported, number_format):
    """Custom and Flex operations fail on phones; TILE, which upsampling may become, leaves the GPU."""
    joints, maps = operations(exported, number_format)
    kinds = schema.BuiltinOperator
    assert {kinds.CONV_2D, kinds.RESIZE_NEAREST_NEIGHBOR} < set(maps)
    assert not {kinds.CUSTOM, kinds.TILE} & {*joints, *maps}
    assert kinds.ARG_MAX in joints and kinds.ARG_MAX not in maps


@pytest.mark.parametrize("number_format", tflite.FORMATS)
def test_xnnpack_leaves_upsampling_and_the_read_out_alone(exported, number_format):
    """Whatever else it left would cut the network into more pieces."""
    left = outside_xnnpack(tflite_path(exported, number_format))
    assert left.pop("RESIZE_NEAREST_NEIGHBOR") == 2
    assert set(left) <= READ_OUT and sum(left.values()) < 20


def test_int8_computes_in_int8_up_to_heatmaps_and_depth(exported):
    """One step into int8 and one out of it for each output; what follows is float32."""
    joints, maps = operations(exported, "int8")
    kinds = schema.BuiltinOperator
    assert maps.count(kinds.QUANTIZE) == 1 and maps.count(kinds.DEQUANTIZE) == 2
    assert joints.count(kinds.QUANTIZE) == 1 and joints.count(kinds.DEQUANTIZE) == 2
    content = tflite_path(exported, "int8").read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    part = model.subgraphs[1]
    inner = [
        part.tensors[index].type
        for operator in part.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode != kinds.DEQUANTIZE
        for index in operator.outputs
    ]
    assert set(inner) == {schema.TensorType.INT8}


def test_softmax_heatmaps_of_int8_are_computed_in_float32(crops):
    """Softmax in int8 knows steps of 1/256 alone, which is more than a map's probabilities mostly are.

    And logits in int8 share one step between joints, here that of a joint whose logits are far off.
    """
    generator = export_models.small_generator(softmax_heatmaps=True)
    generator.get_layer("stack1_heatmaps").bias.assign_add(100.0 * np.eye(NUM_JOINTS)[3])
    files = tflite.convert(generator, METADATA, crops, formats=("float32", "int8"))
    expected = generator.predict(serving.to_image(crops), verbose=0)["heatmaps"][-1]
    for number_format, tolerance in (("float32", 1e-4), ("int8", 0.1)):
        run = Interpreter(model_content=files[number_format]).get_signature_runner("heatmaps_and_depth")
        found = np.concatenate(
            [run(image=serving.to_image(crop[None]).numpy())["heatmaps"] for crop in crops]
        )
        np.testing.assert_allclose(found.sum(axis=(1, 2)), 2 * np.pi, rtol=1e-5)
        assert np.abs(found - expected).max() < tolerance * expected.max()


def test_both_signatures_share_the_weights(exported, generator):
    """A file with two copies would be twice as large."""
    size = tflite_path(exported, "float32").stat().st_size
    assert size < 1.5 * 4 * generator.count_params() + 150_000


def test_an_export_of_other_weights_is_found_out(exported, generator):
    """The gate reads what is in the files: a depth that is off by 0.01 in one joint does not pass."""
    changed = keras.models.clone_model(generator)
    changed.set_weights(generator.get_weights())
    changed.get_layer("depth").bias.assign_add(0.01 * np.eye(NUM_JOINTS)[4])
    examples = export_models.random_examples(2, seed=1)
    expected, lead = outputs.of_keras(changed, examples.crops)
    reference = examples.predictions(expected)
    for found in (
        outputs.of_saved_model(exported[0], examples.crops),
        outputs.of_tflite(tflite_path(exported, "float32"), examples.crops),
    ):
        decided = lead > parity.tie("saved_model", expected["confidence"])
        measured = parity.differences(reference, decided, examples.predictions(found), np.ones(2))
        with pytest.raises(ValueError, match=r"it deviates .*: depth, by up to 0\.01 half-crops"):
            parity.check_outputs("it", measured, parity.LIMITS["saved_model"])


def test_how_far_the_highest_cell_stands_out_is_told():
    """Heatmaps by hand: a clear peak, two equal ones, two that differ by little."""
    heatmaps = np.zeros((1, 8, 8, 3), np.float32)
    heatmaps[0, 2, 2] = 1.0
    heatmaps[0, 6, 6] = (0.99, 1.0, 0.9995)

    def generator(image, training):
        return {"heatmaps": [tf.constant(heatmaps)], "depth": tf.zeros([1, 3])}

    found, lead = outputs.of_keras(generator, np.zeros((1, 32, 32, 3), np.uint8))
    np.testing.assert_allclose(lead, [[0.01, 0.0, 0.0005]], atol=1e-6)
    confidence = found["confidence"]
    assert (lead > parity.tie("tflite_float32", confidence)).tolist() == [[True, False, True]]
    assert (lead > parity.tie("tflite_float16", confidence)).tolist() == [[True, False, False]]
    np.testing.assert_allclose(found["joints_2d"][0, 0], [10.0, 10.0], atol=1e-4)


def test_a_version_appears_complete_or_not_at_all(tmp_path):
    folder = saved_model.version_folder(str(tmp_path), "pose", 3)
    with pytest.raises(RuntimeError), saved_model.written_aside(folder) as aside:
        (aside / "half").write_text("")
        raise RuntimeError
    assert not list(tmp_path.iterdir())  # nor the folder of the model, which was made for it
    with saved_model.written_aside(folder) as aside:
        (aside / "whole").write_text("")
        assert not folder.exists() and not aside.name.isdigit()
    assert [path.name for path in folder.parent.iterdir()] == ["3"]
    assert (folder / "whole").exists()


def test_an_existing_version_is_refused(tmp_path):
    (tmp_path / "pose/3").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="pose/3 exists. Give another --version"):
        saved_model.version_folder(str(tmp_path), "pose", 3)
