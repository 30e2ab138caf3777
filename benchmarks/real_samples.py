"""Are labels, crops and coordinates of the real datasets right? A small generator memorises a few photos.

  python benchmarks/real_samples.py --samples=/folder/of/samples --work_dir=runs/real_samples

Runs prepare.py, train.py (all three stages, Human3.6M as lab, MPII as wild) and evaluate.py as a user
would, on the few photos in the folder, and draws each with its labels and with what was predicted.
Memorised photos must score PCKh@0.5 = 100 % on MPII and MPJPE under 40 mm on Human3.6M; a wrong flip,
offset or axis would keep them from it. MPI-INF-3DHP is never trained on: its figures are what they are.

The folder holds h36m_mmpose/ (mmpose's layout), mpii/ (images/ and the official .mat) and
mpi_inf_3dhp_test_set_MINI/ (the official layout). Where it is missing, nothing is done.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app, flags

from tf_advpose.startup import load_tensorflow_quietly

load_tensorflow_quietly()

import cv2
import numpy as np
from commands import run

from tf_advpose import drawing
from tf_advpose.data import pipeline
from tf_advpose.evaluation import sources
from tf_advpose.files import write_json

FLAGS = flags.FLAGS
flags.DEFINE_string("samples", None, "Folder of the sample files.", required=True)
flags.DEFINE_string("work_dir", "runs/real_samples", "Folder for everything this writes.")
flags.DEFINE_string("output", "runs/real_samples.json", "Where the figures are written.")

SOURCES = {  # dataset: its folder among the samples, and the split it fills
    "human36m": ("h36m_mmpose", "train"),
    "mpii": ("mpii", "train"),
    "mpi_inf_3dhp": ("mpi_inf_3dhp_test_set_MINI", "test"),
}
MPII_MAT = "mpii_human_pose_v1_u12_1.mat"
SETTINGS = {
    "batch_size": 6,
    "generator.image_size": 128,
    "generator.num_stacks": 2,
    "augmentation.scale": 0.0,
    "augmentation.rotation": 0.0,
    "augmentation.mirror_probability": 0.0,
    "augmentation.colour": 0.0,
    "augmentation.contrast": 0.0,
    "augmentation.shift": 0.0,
    "pretrain_2d.steps": 250,
    "pretrain_3d.steps": 250,
    "adversarial.steps": 150,
}
PCKH_TARGET = 100.0  # percent, MPII
MPJPE_TARGET = 40.0  # mm, Human3.6M


def stage_mpii(samples: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """A folder with the photos and the .mat alone, under its official name: its people train."""
    folder.mkdir(parents=True, exist_ok=True)
    (mat,) = sorted((samples / "mpii").glob("mpii_human_pose_v1_u12_1*.mat"))
    for name, target in ((MPII_MAT, mat), ("images", samples / "mpii/images")):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target.resolve())
    return folder


def draw(work_dir: str, data_dir: str, name: str, split: str, path: pathlib.Path) -> None:
    """Draws each example twice, with its labels and with the predicted joints, and its 3D skeletons."""
    model = sources.from_work_folder(work_dir)
    batches, count = pipeline.evaluation_batches(name, split, data_dir, model.image_size, 64)
    predictions = sources.collect(model, batches)
    images = np.concatenate([(255 * batch["image"].numpy()).round() for batch in batches]).astype(np.uint8)
    rows = []
    for index in range(count):
        labels = drawing.draw_joints(
            images[index], predictions.joints_2d[index], predictions.joint_weight[index]
        )
        found = drawing.draw_joints(images[index], predictions.predicted_joints_2d[index])
        rows.append(np.concatenate([images[index], labels, found], axis=1))
    picture = cv2.resize(np.concatenate(rows), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def main(_) -> None:
    samples = pathlib.Path(FLAGS.samples)
    if not samples.is_dir():
        print(f"Skipped: there is no folder {samples}.")
        return
    folder = pathlib.Path(FLAGS.work_dir)
    if folder.exists():
        sys.exit(f"error: {folder} exists; name another --work_dir or remove it.")
    data_dir, work_dir = str(folder / "data"), str(folder / "run")
    sources = {name: samples / source for name, (source, _) in SOURCES.items()}
    sources["mpii"] = stage_mpii(samples, folder / "mpii")
    for name, source in sources.items():
        run("prepare.py", name, f"--source={source}", f"--data_dir={data_dir}", "--lenient")
    settings = SETTINGS | {"lab": "human36m", "wild": "mpii", "checkpoint_every": 100}
    overrides = [f"--config.{name}={value}" for name, value in settings.items()]
    run("train.py", "--preset=full_demo", f"--work_dir={work_dir}", f"--data_dir={data_dir}", *overrides)

    results = {}
    for name, (_, split) in SOURCES.items():
        output = folder / f"{name}.json"
        where = (f"--work_dir={work_dir}", f"--data_dir={data_dir}", f"--output={output}")
        run("evaluate.py", *where, f"--data={name}", f"--split={split}")
        (results[name],) = json.loads(output.read_text())["models"].values()
        draw(work_dir, data_dir, name, split, folder / f"{name}.png")

    pckh, mpjpe = results["mpii"]["pckh"]["mean"], results["human36m"]["mpjpe"]
    reached = pckh >= PCKH_TARGET and mpjpe < MPJPE_TARGET
    command = "python benchmarks/real_samples.py --samples=<folder>"
    write_json(FLAGS.output, {"command": command, "settings": settings, "results": results})
    print(f"MPII PCKh@0.5 {pckh:.1f} % (target {PCKH_TARGET:.0f})")
    print(f"Human3.6M MPJPE {mpjpe:.1f} mm (target below {MPJPE_TARGET:.0f})")
    print(f"Pictures with labels (middle) and predictions (right): {folder}/*.png")
    if not reached:
        sys.exit("error: a target was missed.")


if __name__ == "__main__":
    app.run(main)
