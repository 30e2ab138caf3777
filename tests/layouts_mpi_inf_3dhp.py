"""Writes sequences of MPI-INF-3DHP's official training set, of our own poses."""

from pathlib import Path

import cv2
import layouts
import numpy as np
import scipy.io

from tf_advpose import camera

NUM_CAMERAS, NUM_JOINTS = 14, 28


def intrinsics(number: int) -> np.ndarray:
    return np.array([1500.0 + number / 10, 1499.0, 1024.0 + number, 1030.0, *np.zeros(5)])


def write_training_sequence(folder: Path, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """annot.mat and camera.calibration in `folder`, such as S1/Seq1; no videos.

    Returns annot2 [14, N, 28, 2] and annot3 [14, N, 28, 3].
    """
    joints = np.stack(
        [
            [layouts.standing_person(100 * number + row, NUM_JOINTS) for row in range(rows)]
            for number in range(NUM_CAMERAS)
        ]
    )
    lenses = np.stack([intrinsics(number) for number in range(NUM_CAMERAS)])
    pixels = camera.project(joints, np.repeat(lenses[:, None], rows, axis=1))
    pixels += np.random.default_rng(0).uniform(-1.5, 1.5, pixels.shape)
    pelvis = joints[:, :, 4:5]
    values = {"annot2": pixels, "annot3": joints, "univ_annot3": pelvis + (joints - pelvis) / 1.3}
    cells = {key: _cells(value.reshape(NUM_CAMERAS, rows, -1)) for key, value in values.items()}
    folder.mkdir(parents=True)
    cells |= {"cameras": np.arange(NUM_CAMERAS)[None], "frames": np.arange(rows)[:, None]}
    scipy.io.savemat(folder / "annot.mat", cells)
    (folder / "camera.calibration").write_text(
        "Skeletool Camera Calibration File V1.0\n" + "".join(map(_calibration, range(NUM_CAMERAS)))
    )
    return pixels, joints


def write_video(path: Path, frames: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 64))
    assert film.isOpened()
    for frame in range(frames):
        film.write(np.full((64, 64, 3), 10 * frame, np.uint8))
    film.release()


def _cells(values: np.ndarray) -> np.ndarray:
    cells = np.empty((len(values), 1), object)
    for number, value in enumerate(values):
        cells[number, 0] = value
    return cells


def _calibration(number: int) -> str:
    fx, fy, cx, cy = intrinsics(number)[:4]
    return (
        f"name          {number}\n"
        "  sensor      10 10\n"
        "  size        2048 2048\n"
        "  animated    0\n"
        f"  intrinsic   {fx} 0 {cx} 0 0 {fy} {cy} 0 0 0 1 0 0 0 0 1 \n"
        "  extrinsic   1 0 0 0 0 1 0 0 0 0 1 3000 0 0 0 1 \n"
        "  radial      0\n"
    )
