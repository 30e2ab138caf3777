"""Does predict.py's memory stay flat along a video, and how much faster is it in batches?

  python benchmarks/prediction.py

1. predict.py finds the joints in a drawn video of --frames frames, by a .tflite file, with every output
   switched on. Its resident memory is looked at meanwhile, and given for each tenth of the run.
2. `PosePredictor` finds the people of the same pictures one at a time, then all of a batch, by each kind of
   model. The rounds of both take turns.

Neither depends on the weights, so those are random.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly, quiet_unless_it_fails

load_tensorflow_quietly()

import cv2
import numpy as np
import psutil

from tf_advpose import drawing, presets, work_folder
from tf_advpose.deploy import metadata, saved_model, tflite
from tf_advpose.deploy.runtime import PosePredictor
from tf_advpose.files import write_json
from tf_advpose.skeleton import NUM_JOINTS

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "full_demo", "Preset whose generator is run.")
flags.DEFINE_integer("frames", 10_000, "Length of the video.", lower_bound=10)
flags.DEFINE_integer("people", 64, "How many people a round of the second question has.", lower_bound=8)
flags.DEFINE_integer("rounds", 5, "How often each way is timed.", lower_bound=1)
flags.DEFINE_string("output", "runs/prediction.json", "Where the figures are written.")

WIDTH, HEIGHT, FRAMES_PER_SECOND = 640, 480, 25.0
EVERYTHING = ("--smooth", "--viewer", "--csv", "--bvh")
LOOK_EVERY = 0.2  # seconds
MEGABYTE = 2**20


def write_models(folder: pathlib.Path) -> dict[str, str]:
    """Writes a generator as each kind of model; their paths."""
    config = presets.from_preset(FLAGS.preset)
    generator = work_folder.new_generator(config)
    described = metadata.describe(config, "adversarial", 4000.0)
    size = config.generator.image_size
    paths = {kind: folder / kind for kind in ("work folder", "SavedModel", ".tflite")}
    work_folder.create(str(paths["work folder"]), config, 4000.0)
    weights = work_folder.weights_path(str(paths["work folder"]), "adversarial", "generator")
    work_folder.save_weights(generator, weights)
    saved_model.write(generator, described, paths["SavedModel"])
    crops = np.zeros((1, size, size, 3), np.uint8)
    content = tflite.convert(generator, described, crops, formats=("float32",))["float32"]
    paths[".tflite"].write_bytes(content)
    return {kind: str(path) for kind, path in paths.items()}


def picture(number: int) -> np.ndarray:
    """Frame `number` of the video: a figure that walks over noise, [H, W, 3] uint8 RGB."""
    rng = np.random.default_rng(number % 50)
    noise = cv2.resize(rng.integers(90, 160, (30, 40, 3), np.uint8), (WIDTH, HEIGHT))
    stance = np.random.default_rng(0).uniform(0.1, 0.9, (NUM_JOINTS, 2)) * (120, 300)
    swing = 10 * np.sin(number / 5 + np.arange(NUM_JOINTS))[:, None]
    return drawing.draw_joints(noise, stance + swing + (200 + 100 * np.sin(number / 100), 80))


def write_video(path: pathlib.Path) -> None:
    code = cv2.VideoWriter_fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, FRAMES_PER_SECOND, (WIDTH, HEIGHT))
    for number in range(FLAGS.frames):
        writer.write(cv2.cvtColor(picture(number), cv2.COLOR_RGB2BGR))
    writer.release()


def measure_memory(model: str, folder: pathlib.Path) -> dict:
    """Runs predict.py on the video: resident memory in MB, the largest of each tenth of its time."""
    write_video(folder / "walk.mp4")
    command = [sys.executable, str(REPOSITORY / "predict.py"), f"--model={model}", *EVERYTHING]
    command += [f"--input={folder / 'walk.mp4'}", f"--output={folder / 'out'}", "--box=150,60,240,340"]
    started = time.monotonic()
    process = subprocess.Popen(command)
    watched, seen = psutil.Process(process.pid), []
    while process.poll() is None:
        seen.append(watched.memory_info().rss / MEGABYTE)
        time.sleep(LOOK_EVERY)
    if process.returncode:
        sys.exit(f"error: predict.py ended with status {process.returncode}.")
    seconds = time.monotonic() - started
    tenths = [round(max(part), 1) for part in np.array_split(seen, 10)]
    poses = len(np.load(folder / "out/poses.npz")["frame"])
    return {
        "frames": FLAGS.frames,
        "poses": poses,
        "seconds": round(seconds, 1),
        "frames_per_second": round(poses / seconds, 1),
        "largest_resident_mb_of_each_tenth": tenths,
        "last_over_second_tenth": round(tenths[-1] / tenths[1], 3),
    }


def measure_batches(model: str) -> dict:
    """People a second, one at a time and in batches."""
    with quiet_unless_it_fails():
        predictor = PosePredictor(model)
        people = [(picture(number), (150, 60, 240, 340)) for number in range(FLAGS.people)]
        ways = {
            "one at a time": lambda: [predictor.predict(image, box) for image, box in people],
            "batched": lambda: predictor.predict_many(people),
        }
        for way in ways.values():
            way()  # builds what it needs
    rates = {name: [] for name in ways}
    for _ in range(FLAGS.rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            rates[name].append(len(people) / (time.perf_counter() - start))
    medians = {name: round(statistics.median(found), 1) for name, found in rates.items()}
    return {**medians, "ratio": round(medians["batched"] / medians["one at a time"], 2)}


def main(_) -> None:
    results = {
        "command": "python benchmarks/prediction.py",
        "preset": FLAGS.preset,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
    }
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        models = write_models(folder)
        results["people_per_second"] = {kind: measure_batches(path) for kind, path in models.items()}
        print(json.dumps(results, indent=2), flush=True)
        results["video"] = measure_memory(models[".tflite"], folder)
    write_json(FLAGS.output, results)
    print(json.dumps(results["video"], indent=2))


if __name__ == "__main__":
    app.run(main)
