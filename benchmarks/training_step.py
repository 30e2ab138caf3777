"""Times the training step of each stage, beside the best that TensorFlow reaches on a lone convolution.

  python benchmarks/training_step.py --output=training_step.json

Sections, each in a process of its own; those that the output file has already are left out:
  tf.function, eager, jit_compile   the step of each stage in float32 and bfloat16, taken in turns
  freed_memory_given_back           as tf.function, but for `startup.keep_freed_memory`
  operations                        where the time of a step goes, by TensorFlow's profiler
  memory                            over 100 steps of the preset, and whether the step is traced again
  memory_demo                       over 10,000 steps of the preset `demo`

FLOPs are two for each multiplication of convolutions and dense layers that the traced step cannot do
without. The peak is the rate of the lone convolution forward with both gradients, at the same batch,
threads and precision. Times are wall clock, the least of all rounds and the median; on a busy machine
set --threads=1 and read the processor seconds, which other programs hardly change. Data and weights
are random.
"""

import collections
import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import commands
from absl import app, flags
from measuring import CONV_CHANNELS, CONV_SIZE, in_own_process, memory_mb, peak_mb, tensorflow_on

GIVEN_BACK = "freed_memory_given_back"
MODES = ("tf.function", "eager", "jit_compile", GIVEN_BACK)
SECTIONS = (*MODES, "operations", "memory", "memory_demo")
STAGES = ("pretrain_2d", "pretrain_3d", "adversarial")
POLICIES = ("float32", "mixed_bfloat16")

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "full_2s", "Preset whose steps are timed.")
flags.DEFINE_integer("batch", 0, "Batch size; 0: the preset's.", lower_bound=0)
flags.DEFINE_integer("threads", os.cpu_count(), "Number of threads.", lower_bound=1)
flags.DEFINE_list("policies", list(POLICIES), "Precisions; bfloat16 is of no use to CPUs without it.")
flags.DEFINE_integer("rounds", 5, "How often each step is timed.", lower_bound=1)
flags.DEFINE_list("section", list(SECTIONS), "What to measure.")
flags.DEFINE_string("output", None, "JSON file for the results.")
flags.DEFINE_string("measure", None, "One measurement as JSON: how this script calls itself.")
flags.register_validator(
    "section", lambda names: set(names) <= set(SECTIONS), f"sections are {', '.join(SECTIONS)}"
)
KINDS = {"convolution": ("Conv2D", "MatMul", "Einsum"), "batch norm": ("BatchNorm",)}  # of operations
MEMORY_STEPS = {"memory": 100, "memory_demo": 10_000}


def new_step(config, stage: str):
    """The step of a stage on new players, and a random batch for it."""
    import keras
    from noise import random_batch

    from tf_advpose import work_folder
    from tf_advpose.data import pipeline
    from tf_advpose.training import optimizers, steps

    keras.config.set_dtype_policy(config.policy)
    generator, discriminator = work_folder.new_generator(config), work_folder.new_discriminator(config)
    keras.config.set_dtype_policy("float32")
    optimizer = optimizers.generator_optimizer(config, config.stage(stage))
    opponent = optimizers.discriminator_optimizer(config)
    optimizer.build(generator.trainable_variables)
    opponent.build(discriminator.trainable_variables)
    num_lab = config.batch_size - pipeline.num_wild(config, stage)

    def step(batch):
        if stage == "adversarial":
            return steps.adversarial_step(
                generator, discriminator, optimizer, opponent, batch, num_lab, config
            )
        return steps.supervised_step(generator, optimizer, batch, config, num_lab)

    return step, random_batch(num_lab, config.batch_size - num_lab, config.generator.image_size)


def multiplications(graph) -> int:
    """How many the convolutions and matrix products need of which outputs or changes of `graph` depend."""
    import numpy as np

    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    seen, count = set(waiting), 0
    while waiting:
        operation = waiting.pop()
        inputs = operation.inputs
        if operation.type in ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"):
            maps = operation.outputs[0] if operation.type == "Conv2D" else inputs[2]
            kernel = inputs[1].shape
            if operation.type == "Conv2DBackpropFilter":
                kernel = operation.outputs[0].shape
            count += maps.shape.num_elements() * int(np.prod(kernel[:3]))  # [h, w, C_in, C_out]
        elif operation.type == "MatMul":
            summed = inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
            count += operation.outputs[0].shape.num_elements() * summed
        new = {tensor.op for tensor in inputs} | set(operation.control_inputs)
        waiting += new - seen
        seen |= new
    return count


def lone_convolution(batch: int, dtype: str):
    """The convolution that gives the peak, forward with both gradients, and its multiplications."""
    import tensorflow as tf

    side, channels = CONV_SIZE, CONV_CHANNELS
    maps = tf.cast(tf.random.normal([batch, side, side, channels]), dtype)
    kernel = tf.cast(tf.random.normal([3, 3, channels, channels]), dtype)
    common = {"strides": [1, 1, 1, 1], "padding": "SAME"}

    @tf.function
    def run(maps, kernel):
        raw = tf.raw_ops
        return (
            raw.Conv2D(input=maps, filter=kernel, **common),
            raw.Conv2DBackpropInput(input_sizes=maps.shape, filter=kernel, out_backprop=maps, **common),
            raw.Conv2DBackpropFilter(input=maps, filter_sizes=kernel.shape, out_backprop=maps, **common),
        )

    return lambda: run(maps, kernel)[2].numpy(), 3 * maps.shape.num_elements() * 9 * channels


def time_in_turns(functions: dict, rounds: int) -> dict[str, dict]:
    """Least and median seconds of each function, and least processor seconds, after a first call."""
    times = {name: [] for name in functions}
    for _ in range(1 + rounds):
        for name, function in functions.items():
            started, used = time.perf_counter(), time.process_time()
            function()
            times[name].append((time.perf_counter() - started, time.process_time() - used))
    found = {}
    for name, pairs in times.items():
        wall, processor = zip(*pairs[1:], strict=True)
        found[name] = {"first": pairs[0][0], "seconds": min(wall), "median": sorted(wall)[len(wall) // 2]}
        found[name]["processor_seconds"] = min(processor)
    return found


def measure_steps(mode: str, config_of, policies: list[str], rounds: int) -> dict:
    """Times of every stage and policy, with their rates."""
    import tensorflow as tf

    functions, counts, traced = {}, {}, {}
    for policy in policies:
        dtype = policy.removeprefix("mixed_")
        config = config_of(policy)
        functions[dtype, "peak"], counts[dtype, "peak"] = lone_convolution(config.batch_size, dtype)
        for stage in STAGES:
            step, batch = new_step(config, stage)
            counts[dtype, stage] = multiplications(tf.function(step).get_concrete_function(batch).graph)
            if mode != "eager":
                step = tf.function(step, reduce_retracing=True, jit_compile=mode == "jit_compile")
                traced[dtype, stage] = step
            functions[dtype, stage] = lambda step=step, batch=batch: float(step(batch)["pose_loss"])
    times = time_in_turns(functions, rounds)
    rows = []
    for (dtype, what), found in times.items():
        gflop = 2e-9 * counts[dtype, what]
        row = {"precision": dtype, "what": what, **found, "gflop": gflop}
        row["gflops"] = gflop / found["seconds"]
        row["of_peak"] = row["gflops"] * times[dtype, "peak"]["seconds"] / (2e-9 * counts[dtype, "peak"])
        if (dtype, what) in traced:
            row["traces"] = traced[dtype, what].experimental_get_tracing_count()
        rows.append(row)
    return {"batch": config.batch_size, "rows": rows, "peak_mb": peak_mb()}


def measure_operations(config_of, policies: list[str], rounds: int) -> dict:
    """The share of a step's time in convolutions, in batch norm, and in whatever else there is."""
    import tensorflow as tf

    rows = []
    for policy in policies:
        for stage in ("pretrain_3d", "adversarial"):
            step, batch = new_step(config_of(policy), stage)
            compiled = tf.function(step, reduce_retracing=True)
            compiled(batch)
            with tempfile.TemporaryDirectory() as folder:
                with tf.profiler.experimental.Profile(folder):
                    for _ in range(rounds):
                        float(compiled(batch)["pose_loss"])
                seconds = seconds_by_operation(next(pathlib.Path(folder).rglob("*.xplane.pb")))
            kinds = collections.Counter()
            for name, value in seconds.items():
                known = (kind for kind, parts in KINDS.items() if any(part in name for part in parts))
                kinds[next(known, "other")] += value
            row = {"precision": policy.removeprefix("mixed_"), "what": stage}
            row["seconds_of_a_step"] = {name: value / rounds for name, value in seconds.most_common(20)}
            row["shares"] = {kind: value / kinds.total() for kind, value in kinds.most_common()}
            rows.append(row)
    return {"rows": rows}


def seconds_by_operation(path: pathlib.Path) -> collections.Counter:
    """Seconds in each type of operation, from a trace of TensorFlow's profiler."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    seconds = collections.Counter()
    for plane in space.planes:
        for line in plane.lines if plane.name == "/host:CPU" else ():
            for event in line.events:
                # "<name in the graph>:<type>"; what the optimiser makes has types that start with "_".
                kind = plane.event_metadata[event.metadata_id].name.rpartition(":")[2]
                if hasattr(tf.raw_ops, kind) or (kind.startswith("_") and not kind.startswith("__")):
                    seconds[kind] += event.duration_ps / 1e12
    return seconds


def measure_memory(config, steps: int) -> dict:
    """Memory of this process after each tenth of so many adversarial steps."""
    import tensorflow as tf

    step, batch = new_step(config, "adversarial")
    step = tf.function(step, reduce_retracing=True, jit_compile=config.jit_compile)
    memory, started = [], time.perf_counter()
    for number in range(1, steps + 1):
        float(step(batch)["pose_loss"])
        if number % (steps // 10) == 0:
            memory.append(memory_mb())
    return {
        "preset": config.preset,
        "steps": steps,
        "memory_mb": memory,
        "growth_mb": memory[-1] - memory[0],
        "traces": step.experimental_get_tracing_count(),
        "seconds_of_a_step": (time.perf_counter() - started) / steps,
    }


def measure(section: str, preset: str, batch: int, threads: int, policies: list[str], rounds: int) -> dict:
    """One section, in this process."""
    from tf_advpose.startup import keep_freed_memory

    if section != GIVEN_BACK:
        keep_freed_memory()
    tensorflow_on(threads)
    from tf_advpose import presets

    def config_of(policy: str):
        config = presets.from_preset("demo" if section == "memory_demo" else preset)
        config.policy, config.batch_size = policy, batch or config.batch_size
        return config

    if section in MODES:
        return measure_steps(section, config_of, policies, rounds)
    if section == "operations":
        return measure_operations(config_of, policies, rounds)
    return measure_memory(config_of("float32"), MEMORY_STEPS[section])


def main(_) -> None:
    if FLAGS.measure:
        print(json.dumps(measure(**json.loads(FLAGS.measure))))
        return
    if not FLAGS.output:
        sys.exit("error: give --output, the JSON file for the results.")
    from tf_advpose.startup import load_tensorflow_quietly

    load_tensorflow_quietly()
    from tf_advpose import presets
    from tf_advpose.files import write_json

    if not presets.from_preset(FLAGS.preset).discriminator.sources:
        sys.exit(f"error: {FLAGS.preset} has no discriminator, whose step is timed too; give another.")
    output = pathlib.Path(FLAGS.output)
    common = {"preset": FLAGS.preset, "batch": FLAGS.batch, "threads": FLAGS.threads}
    common |= {"policies": FLAGS.policies, "rounds": FLAGS.rounds}
    found = (
        json.loads(output.read_text())
        if output.exists()
        else {"command": commands.given(), **common, "sections": {}}
    )
    if any(found[name] != value for name, value in common.items()):
        sys.exit(f"error: {output} was measured otherwise. Give another --output, or the same settings.")
    for section in FLAGS.section:
        if section in found["sections"]:
            continue
        load, started = os.getloadavg()[0], time.perf_counter()
        result = in_own_process(__file__, section=section, **common)
        took = time.perf_counter() - started
        result |= {"load_before": load, "load_after": os.getloadavg()[0], "took_seconds": took}
        found["sections"][section] = result
        write_json(output, found)
        print_section(section, result)


def print_section(section: str, result: dict) -> None:
    """A line each measurement."""
    print(
        f"{section} ({result['took_seconds']:.0f} s, load {result['load_before']:.1f} before)", flush=True
    )
    for row in result.get("rows", ()):
        print(f"  {row['precision']} {row['what']}:", end=" ")
        if "shares" in row:
            print(", ".join(f"{kind} {share:.0%}" for kind, share in row["shares"].items()))
        else:
            print(
                f"{row['seconds']:.3f} s, {row['gflops']:.0f} GFLOP/s, {row['of_peak']:.0%} of the peak, "
                f"processor {row['processor_seconds']:.3f} s",
                flush=True,
            )
    if "memory_mb" in result:
        print(
            f"  grew by {result['growth_mb']:.0f} MB over {result['steps']} steps, {result['traces']} trace"
        )


if __name__ == "__main__":
    app.run(main)
