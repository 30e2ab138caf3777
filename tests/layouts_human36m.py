"""Writes a small Human3.6M, of our own poses before its public cameras, in the layouts that labs have.

Every layout tells of the same recordings: S1's "TakingPhoto 1" (numbered 12, 1), S9's "WalkDog" (15, 2) and
S11's "Directions" (2, 2), whose camera 54138969 is the corrupt one. VideoPose3D's has not the last.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import scipy.io
from cdflib import cdfwrite

from tf_advpose import camera
from tf_advpose.data.human36m import calibration
from tf_advpose.data.human36m.views import CAMERAS

CALIBRATION = calibration.published()
NUM_JOINTS = 32
# Which of the 32 joints the layouts of 17 have, in order.
OF_17 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
# Subject and name of each recording, its numbers of action and subaction, and its frames.
RECORDINGS = (
    ("S1", "TakingPhoto 1", (12, 1), 12),
    ("S9", "WalkDog", (15, 2), 70),
    ("S11", "Directions", (2, 2), 3),
)


def world_poses(subject: str, count: int) -> np.ndarray:
    """[N, 32, 3] mm, z up: about a metre high, in the middle of the room, moving a little."""
    random = np.random.default_rng(int(subject[1:]))
    pose = random.uniform(-1, 1, (NUM_JOINTS, 3)) * (300, 300, 800) + (0, 0, 900)
    return pose + random.normal(0, 3, (count, NUM_JOINTS, 3)).cumsum(axis=0)


def write_cdf(path: Path, poses: np.ndarray, squeezed: bool = False, transposed: bool = False) -> None:
    """`poses` [N, 32, D] as the variable Pose, float32: [1, N, 32 D] or without the 1 or transposed."""
    rows = poses.reshape(len(poses), -1).astype(np.float32)
    rows = rows.T if transposed else rows
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    file = cdfwrite.CDF(path, cdf_spec={"Majority": "row_major"})
    file.write_var(
        {
            "Variable": "Pose",
            "Data_Type": file.CDF_FLOAT,
            "Num_Elements": 1,
            "Rec_Vary": True,
            "Dim_Sizes": list(rows.shape[1:]) if squeezed else list(rows.shape),
        },
        var_data=rows if squeezed else rows[None],
    )
    file.close()


def write_official(root: Path, folders: str = "MyPoseFeatures/{}", world: bool = False) -> None:
    """The release's poses in folders named `folders`: of each camera, or in the world alone. No videos."""
    for subject, name, _, count in RECORDINGS:
        poses = world_poses(subject, count)
        if world:
            write_cdf(root / subject / folders.format("D3_Positions") / f"{name}.cdf", poses)
            continue
        for number in CAMERAS:
            lens = CALIBRATION[subject, number]
            joints = lens.to_camera(poses)
            for kind, values in (
                ("D3_Positions_mono", joints),
                ("D2_Positions", camera.project(joints, lens.intrinsics)),
            ):
                write_cdf(root / subject / folders.format(kind) / f"{name}.{number}.cdf", values)


def write_metadata(path: Path, shift: float = 0.0) -> None:
    """metadata.xml with the calibration of the public subjects, their cameras moved by `shift` mm."""
    numbers = np.zeros((4, 11, 6))
    for (subject, number), lens in CALIBRATION.items():
        row = numbers[CAMERAS.index(number), int(subject[1:]) - 1]
        row[:3] = calibration.Rotation.from_matrix(lens.rotation).as_euler("XYZ")
        row[3:] = lens.centre + shift
    intrinsics = [CALIBRATION["S1", number].intrinsics for number in CAMERAS]
    text = " ".join(map(repr, map(float, np.concatenate([numbers.ravel(), *intrinsics]))))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<a><mapping/><w0>[{text}]</w0></a>')


def write_video(path: Path, frames: int, size: tuple[int, int] = (64, 48)) -> None:
    """A video of grey pictures (width, height); frame i has the brightness 10 (i + 1)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 50, size)
    assert video.isOpened()
    for frame in range(frames):
        video.write(np.full((size[1], size[0], 3), 10 * (frame + 1), np.uint8))
    video.release()


def write_videopose3d(root: Path) -> None:
    """data_3d_h36m.npz: metres in the world, float32, and the one spelling of actions that it has."""
    positions = {}
    for subject, name, _, count in RECORDINGS[:2]:
        metres = (world_poses(subject, count) / 1000).astype(np.float32)
        positions[subject] = {name.replace("TakingPhoto", "Photo"): metres}
    root.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(root / "data_3d_h36m.npz", positions_3d=positions)


def write_coco(root: Path) -> None:
    """annotations/ as 3DMPPE's script h36m2coco.py writes them, without the corrupt view."""
    annotations = root / "annotations"
    annotations.mkdir(parents=True)
    for subject, _, (action, subaction), count in RECORDINGS:
        poses = world_poses(subject, count)[:, OF_17]
        cameras, images, boxes = {}, [], []
        for index, number in enumerate(CAMERAS, start=1):
            folder = f"s_{int(subject[1:]):02d}_act_{action:02d}_subact_{subaction:02d}_ca_{index:02d}"
            if folder == "s_11_act_02_subact_02_ca_01":
                continue
            lens = CALIBRATION[subject, number]
            cameras[str(index)] = {
                "R": lens.rotation.tolist(),
                "t": (-lens.rotation @ lens.centre).tolist(),
                "f": lens.intrinsics[:2].tolist(),
                "c": lens.intrinsics[2:4].tolist(),
            }
            pixels = camera.project(lens.to_camera(poses), np.array([*lens.intrinsics[:4], *np.zeros(5)]))
            for frame in range(count):
                low, high = pixels[frame].min(axis=0), pixels[frame].max(axis=0)
                size = (high - low - 1) * 1.2
                image = {
                    "id": len(images),
                    "file_name": f"{folder}/{folder}_{frame + 1:06d}.jpg",
                    "width": 1000,
                    "height": 1002,
                    "subject": int(subject[1:]),
                    "action_name": "Directions",
                    "action_idx": action,
                    "subaction_idx": subaction,
                    "cam_idx": index,
                    "frame_idx": frame,
                }
                box = [*((low + high) / 2 - size / 2), *size]
                images.append(image)
                boxes.append({"id": image["id"], "image_id": image["id"], "bbox": box})
        joints = {str(action): {str(subaction): {str(i): pose.tolist() for i, pose in enumerate(poses)}}}
        contents = {
            "data": {"images": images, "annotations": boxes},
            "camera": cameras,
            "joint_3d": joints,
        }
        for kind, content in contents.items():
            path = annotations / f"Human36M_subject{subject[1:]}_{kind}.json"
            path.write_text(json.dumps(content))


def write_zhou(root: Path) -> None:
    """images/s_.../matlab_meta.mat: every fifth frame, cut to a square of 400 pixels and scaled to 224."""
    for subject, _, (action, subaction), count in RECORDINGS:
        for index, number in enumerate(CAMERAS, start=1):
            folder = f"s_{int(subject[1:]):02d}_act_{action:02d}_subact_{subaction:02d}_ca_{index:02d}"
            lens = CALIBRATION[subject, number]
            joints = lens.to_camera(world_poses(subject, count)[:, OF_17])
            pixels = camera.project(joints, lens.intrinsics)
            corner = np.floor(pixels.mean(axis=1, keepdims=True)) - 200
            values = {
                "Y3d_mono": joints,
                "Y2d": (pixels - corner) * 224 / 400,
                "bbox": np.concatenate([corner, corner + 400], axis=-1),
            }
            labelled = np.arange(count) % 5 == 0
            values = {
                key: np.where(labelled, value.reshape(count, -1).T, 0.0) for key, value in values.items()
            }
            path = root / "images" / folder / "matlab_meta.mat"
            path.parent.mkdir(parents=True)
            scipy.io.savemat(path, {**values, "num_images": float(count)})
