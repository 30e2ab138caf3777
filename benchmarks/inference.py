"""Times a preset's generator as Keras model, SavedModel and .tflite files, beside other .tflite files.

  python benchmarks/inference.py --preset=full_2s --peer=pose_landmark_full.tflite --output=inference.json

Speed does not depend on the weights, so they are random. Each line is a process of its own, with its own
number of threads and peak memory. FLOPs are two for each multiplication that the graph's convolutions and
dense layers need; their rate is set against what the same runtime reaches on a lone 3x3 convolution, 128 to
128 channels at 64 x 64. A .tflite file takes one crop at a time: batch 8 is eight runs.
"""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import commands
from absl import app, flags
from measuring import CONV_CHANNELS, CONV_SIZE, in_own_process, peak_mb, tensorflow_on

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "full_2s", "Preset whose generator is timed.")
flags.DEFINE_list("peer", [], "Other .tflite files.")
flags.DEFINE_list("threads", ["1", "2"], "Numbers of threads.")
flags.DEFINE_list("batch", ["1", "8"], "Batch sizes.")
flags.DEFINE_float("seconds", 5.0, "How long each is timed.", lower_bound=0.1)
flags.DEFINE_string("output", None, "JSON file for the results.")
flags.DEFINE_string("measure", None, "One measurement as JSON: how this script calls itself.")

FORMATS = ("float32", "float16", "int8")
WARM_UP = 3  # runs before the clock starts


def write_models(preset: str, folder: pathlib.Path) -> None:
    """Writes the generator of a preset as weights, SavedModel and .tflite, and the lone convolution."""
    import keras
    import numpy as np

    from tf_advpose import presets, work_folder
    from tf_advpose.deploy import metadata, saved_model, tflite

    config = presets.from_preset(preset)
    generator = work_folder.new_generator(config)
    described = metadata.describe(config, "none", 4000.0)
    size = config.generator.image_size
    crops = np.random.default_rng(0).integers(0, 256, (8, size, size, 3), np.uint8)
    saved_model.write(generator, described, folder)
    for name, content in tflite.convert(generator, described, crops, FORMATS).items():
        (folder / f"{name}.tflite").write_bytes(content)

    image = keras.Input((CONV_SIZE, CONV_SIZE, CONV_CHANNELS), batch_size=1)
    convolution = keras.Model(image, keras.layers.Conv2D(CONV_CHANNELS, 3, padding="same")(image))
    for name in FORMATS:
        (folder / f"convolution_{name}.tflite").write_bytes(_converted_convolution(convolution, name))


def _converted_convolution(convolution, number_format: str) -> bytes:
    import numpy as np
    import tensorflow as tf

    from tf_advpose.startup import quiet_unless_it_fails

    converter = tf.lite.TFLiteConverter.from_keras_model(convolution)
    if number_format != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if number_format == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if number_format == "int8":
        shape = (1, CONV_SIZE, CONV_SIZE, CONV_CHANNELS)
        rng = np.random.default_rng(0)
        converter.representative_dataset = lambda: ([rng.normal(size=shape).astype("f4")] for _ in range(8))
        # Without it the steps into and out of int8 would take longer than the convolution.
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with quiet_unless_it_fails(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def multiplications(path: pathlib.Path) -> int:
    """How many one run of the first subgraph of a .tflite file needs in convolutions and dense layers."""
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    kinds = schema.BuiltinOperator
    count = 0
    graph = model.subgraphs[0]
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex].builtinCode
        if kind in (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED):
            kernel = graph.tensors[operator.inputs[1]].shape
            outputs = int(np.prod(graph.tensors[operator.outputs[0]].shape))
            # [C_out, H, W, C_in], [1, H, W, C_out], [C_out, C_in]
            count += outputs * int(np.prod(kernel[1:3] if kind == kinds.DEPTHWISE_CONV_2D else kernel[1:]))
    return count


def measure(runtime: str, path: str, batch: int, threads: int, seconds: float, preset: str) -> dict:
    """Median milliseconds of a batch, and the peak memory of this process."""
    run = {"litert": litert, "saved_model": saved_model_signature, "keras": keras_function}[runtime](
        path, batch, threads, preset
    )
    for _ in range(WARM_UP):
        run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < WARM_UP:
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return {"ms": 1000 * sorted(times)[len(times) // 2], "runs": len(times), "peak_mb": peak_mb()}


def litert(path: str, batch: int, threads: int, _preset: str):
    """A function that runs a .tflite file on `batch` inputs, one after the other."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=threads)
    interpreter.allocate_tensors()
    for part in interpreter.get_input_details():
        interpreter.set_tensor(part["index"], np.zeros(part["shape"], part["dtype"]))

    def run():
        for _ in range(batch):
            interpreter.invoke()

    return run


def saved_model_signature(path: str, batch: int, threads: int, _preset: str):
    """A function that runs serving_default of a SavedModel."""
    tf = tensorflow_on(threads)
    loaded = tf.saved_model.load(path)
    serve = loaded.signatures["serving_default"]
    size = serve.structured_input_signature[1]["images"].shape[1]
    images = tf.zeros([batch, size, size, 3], tf.uint8)
    return lambda: (loaded, serve(images=images)["depth"].numpy())


def keras_function(_path: str, batch: int, threads: int, preset: str):
    """A function that runs the compiled Keras model, read-out included."""
    tf = tensorflow_on(threads)
    from tf_advpose import presets, work_folder
    from tf_advpose.deploy.serving import read_out

    generator = work_folder.new_generator(presets.from_preset(preset))
    predict = tf.function(lambda image: read_out(generator(image, training=False)))
    image = tf.zeros([batch, *generator.input_shape[1:]])
    return lambda: predict(image)["depth"].numpy()


def compare(folder: pathlib.Path) -> list[dict]:
    """A row for each model, batch and number of threads, printed as it is measured."""
    models = {"Keras": ("keras", folder, "float32"), "SavedModel": ("saved_model", folder, "float32")}
    models |= {f"LiteRT {name}": ("litert", folder / f"{name}.tflite", name) for name in FORMATS}
    models |= {pathlib.Path(peer).name: ("litert", pathlib.Path(peer), "float32") for peer in FLAGS.peer}
    rows = []
    columns = ("model", "threads", "batch", "ms", "GFLOP/s", "of one convolution", "file MB", "peak MB")
    print("| " + " | ".join(columns) + " |\n|---|" + "---:|" * (len(columns) - 1))
    for threads in map(int, FLAGS.threads):
        common = {"threads": threads, "seconds": FLAGS.seconds, "preset": FLAGS.preset}
        rates = {}
        for name in FORMATS:
            path = folder / f"convolution_{name}.tflite"
            found = in_own_process(__file__, runtime="litert", path=str(path), batch=1, **common)
            rates[name] = 2e-6 * multiplications(path) / found["ms"]
        for model, (runtime, path, number_format) in models.items():
            graph = path if runtime == "litert" else folder / "float32.tflite"
            for batch in map(int, FLAGS.batch):
                row = {"model": model, "threads": threads, "batch": batch}
                row |= in_own_process(__file__, runtime=runtime, path=str(path), batch=batch, **common)
                row["gflops"] = 2e-6 * multiplications(graph) * batch / row["ms"]
                row["convolution_gflops"] = rates[number_format]
                row["file_mb"] = _size_mb(path)
                rows.append(row)
                print(
                    f"| {model} | {threads} | {batch} | {row['ms']:.1f} | {row['gflops']:.1f} | "
                    f"{row['gflops'] / rates[number_format]:.0%} | {row['file_mb']:.1f} | "
                    f"{row['peak_mb']:.0f} |",
                    flush=True,
                )
    return rows


def _size_mb(path: pathlib.Path) -> float:
    if path.is_file():
        return path.stat().st_size / 1e6
    files = [path / "saved_model.pb", *path.glob("variables/*")]
    return sum(file.stat().st_size for file in files) / 1e6


def main(_) -> None:
    if FLAGS.measure:
        print(json.dumps(measure(**json.loads(FLAGS.measure))))
        return
    from tf_advpose.startup import load_tensorflow_quietly

    load_tensorflow_quietly()
    from tf_advpose.files import write_json

    with tempfile.TemporaryDirectory() as folder:
        write_models(FLAGS.preset, pathlib.Path(folder))
        rows = compare(pathlib.Path(folder))
    if FLAGS.output:
        write_json(FLAGS.output, {"command": commands.given(), "preset": FLAGS.preset, "rows": rows})


if __name__ == "__main__":
    app.run(main)
