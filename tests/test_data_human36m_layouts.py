"""Human3.6M's layouts: the same people from each, frame steps, videos, cameras; files that are wrong."""

import collections
import io
import json
import pickle
import zipfile

import layouts_human36m as layouts
import numpy as np
import pytest
import tensorflow_datasets as tfds

from tf_advpose import camera
from tf_advpose.data import prepared, schema
from tf_advpose.data.human36m import builder, examples, official, views
from tf_advpose.data.photos import VideoFrame

WRITERS = {
    "official": layouts.write_official,
    "official, world": lambda root: layouts.write_official(root, world=True),
    "official, h36m-fetch": lambda root: layouts.write_official(root / "extracted", "Poses_{}"),
    "videopose3d": layouts.write_videopose3d,
    "coco": layouts.write_coco,
    "zhou": layouts.write_zhou,
}


def read(source, split: str, **steps) -> tuple[list[dict], collections.Counter]:
    skipped = collections.Counter()
    reader, start = builder.find_layout(source)
    return list(reader(start, split, skipped, **steps)), skipped


@pytest.mark.parametrize("layout", WRITERS)
def test_every_layout_says_the_same(tmp_path, layout):
    """The same frames under the same names, with the joints of the recording in their photos."""
    WRITERS[layout](tmp_path)
    train, _ = read(tmp_path, "train")
    names = [f"S1_TakingPhoto_1.{number}" for number in views.CAMERAS]
    assert [person["example_id"] for person in train] == [
        f"{name}_{frame:06d}" for name in names for frame in (1, 6, 11)
    ]
    assert {(person["subject"], person["action"]) for person in train} == {("S1", "Photo")}
    assert [person["sequence"] for person in train[::3]] == names
    test, skipped = read(tmp_path, "test")
    # Zhou's labels are every fifth frame: of these, the first at or after the 64th, counted from 0.
    frames = (1, 66) if layout == "zhou" else (1, 65)
    walk = [person["example_id"] for person in test if person["subject"] == "S9"]
    assert walk == [f"S9_WalkDog.{number}_{frame:06d}" for number in views.CAMERAS for frame in frames]
    directions = [person["sequence"] for person in test if person["subject"] == "S11"]
    good = [f"S11_Directions.{number}" for number in views.CAMERAS[1:]]
    assert directions == ([] if layout == "videopose3d" else good)
    corrupt = "S11 Directions 54138969: the video is corrupt"
    assert skipped[corrupt] == (0 if layout in ("videopose3d", "coco") else 1)

    lens = layouts.CALIBRATION["S1", "55011271"]
    joints = lens.to_camera(layouts.world_poses("S1", 12)[10])
    person = train[5]
    # Slot by slot, from the 32 joints: right ankle 3, pelvis 0, head top 15, left wrist 19.
    for slot, index in ((0, 3), (6, 0), (9, 15), (15, 19)):
        np.testing.assert_allclose(person["joints_3d_absolute"][slot], joints[index], atol=0.01)
    if layout != "zhou":
        whole = camera.project(joints, lens.intrinsics)
        np.testing.assert_allclose(person["joints_2d"][[0, 6, 9, 15]], whole[[3, 0, 15, 19]], atol=0.01)
        np.testing.assert_allclose(person["intrinsics"], lens.intrinsics)
    else:
        assert person["joints_2d"].mean(axis=0) == pytest.approx((112, 112), abs=12)
    np.testing.assert_allclose(
        person["joints_2d"], camera.project(person["joints_3d_absolute"], person["intrinsics"]), atol=0.01
    )


def test_numbered_folders_are_found(tmp_path):
    """COCO's and Zhou's photos are named by numbers, from 1."""
    layouts.write_coco(tmp_path / "coco")
    layouts.write_zhou(tmp_path / "zhou")
    name = "images/s_01_act_12_subact_01_ca_02/s_01_act_12_subact_01_ca_02_000006.jpg"
    for layout in ("coco", "zhou"):
        assert read(tmp_path / layout, "train")[0][4]["image"] == tmp_path / layout / name


def test_steps_are_settings(tmp_path):
    layouts.write_official(tmp_path)
    dataset = builder.Human36m(source=str(tmp_path), data_dir=str(tmp_path / "data"), train_step=4)
    reader, start = dataset.find_layout(tmp_path)
    assert len(list(reader(start, "train", collections.Counter()))) == 4 * 3
    assert len(list(reader(start, "test", collections.Counter()))) == 4 * 2 + 3
    assert len(read(tmp_path, "train", steps={"train": 1})[0]) == 4 * 12


def test_count_of_the_literature(samples):
    """Without the corrupt video S9 and S11 have 8,695 photos at every 64th frame, 2,874 at every 200th."""
    counts = json.loads((samples / "h36m_calibration/frame_counts_S9_S11.json").read_text())
    for step, expected in ((64, 8695), (5, 109_867), (200, 2874)):
        chosen = [
            examples.select(
                np.arange(count),
                step,
                views.find_view(subject, sequence, number, ""),
                collections.Counter(),
            )
            for subject, sequences in counts.items()
            for sequence, cameras in sequences.items()
            for number, count in cameras.items()
        ]
        assert sum(int(each.sum()) for each in chosen) == expected


@pytest.mark.parametrize("world", [False, True])
def test_photos_come_from_videos_or_folders(tmp_path, world):
    """Videos of the release unless photos were extracted, by MMPose or into numbered folders."""
    layouts.write_official(tmp_path, world=world)
    last = read(tmp_path, "train")[0][-1]
    assert last["image"] == VideoFrame(tmp_path / "S1/Videos/TakingPhoto 1.60457274.mp4", 10)
    numbered = tmp_path / "images/s_01_act_12_subact_01_ca_04"
    numbered.mkdir(parents=True)
    assert read(tmp_path, "train")[0][-1]["image"] == numbered / "s_01_act_12_subact_01_ca_04_000011.jpg"
    named = tmp_path / "images/S1/S1_TakingPhoto_1.60457274"
    named.mkdir(parents=True)
    assert read(tmp_path, "train")[0][-1]["image"] == named / "S1_TakingPhoto_1.60457274_000011.jpg"


def test_labels_longer_than_their_video(tmp_path):
    """The shorter of the two decides; a video whose header says nothing is left to the decoder."""
    layouts.write_videopose3d(tmp_path)
    layouts.write_video(tmp_path / "S1/Videos/TakingPhoto 1.54138969.mp4", frames=10)
    layouts.write_video(tmp_path / "S1/Videos/TakingPhoto 1.55011271.mp4", frames=20)
    (tmp_path / "S1/Videos/TakingPhoto 1.58860488.mp4").write_bytes(b"cut off")
    train, skipped = read(tmp_path, "train")
    assert len(train) == 2 + 3 + 3 + 3
    assert skipped["labels beyond the end of their video"] == 1


@pytest.mark.parametrize(
    "form", [{"squeezed": True}, {"transposed": True}, {"squeezed": True, "transposed": True}]
)
def test_forms_of_cdf(tmp_path, form):
    poses = layouts.world_poses("S1", 7)
    layouts.write_cdf(tmp_path / "Eating.cdf", poses, **form)
    np.testing.assert_allclose(official.read_poses(tmp_path / "Eating.cdf", 3), poses, atol=1e-3)


def spoil(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_wrong_official_files_are_named(tmp_path):
    layouts.write_official(tmp_path)
    poses = tmp_path / "S1/MyPoseFeatures"
    path = poses / "D3_Positions_mono/TakingPhoto 1.54138969.cdf"
    content = path.read_bytes()
    for broken in (content[:200], content[: len(content) // 2], b"CDF"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"TakingPhoto 1.54138969.cdf is not a readable CDF file"):
            read(tmp_path, "train")
    layouts.write_cdf(path, np.zeros((12, 17, 3)))
    with pytest.raises(ValueError, match=r"Pose has shape \(1, 12, 51\), expected \(1, frames, 96\)"):
        read(tmp_path, "train")
    path.write_bytes((poses / "D3_Positions_mono/TakingPhoto 1.55011271.cdf").read_bytes())
    with pytest.raises(
        ValueError, match=r"D2_Positions/TakingPhoto 1.54138969.cdf: the 2D joints are .* off"
    ):
        read(tmp_path, "train")
    layouts.write_cdf(path, layouts.world_poses("S1", 11))
    with pytest.raises(ValueError, match="has 12 frames, the file of its 3D joints 11"):
        read(tmp_path, "train")
    path.rename(path.with_name("Juggling.54138969.cdf"))
    with pytest.raises(ValueError, match="Juggling.54138969.cdf: 'Juggling' is no action of Human3.6M"):
        read(tmp_path, "train")
    for name, message in (
        ("Eating 7", "S1 has no sequence 'Eating 7', but"),
        ("Eating 2.1", "'1' is no camera"),
    ):
        layouts.write_official(tmp_path / name)
        folder = tmp_path / name / "S1/MyPoseFeatures/D3_Positions_mono"
        (folder / "TakingPhoto 1.54138969.cdf").rename(folder / f"{name}.cdf")
        with pytest.raises(ValueError, match=message):
            read(tmp_path / name, "train")


def test_wrong_folder_levels(tmp_path):
    layouts.write_official(tmp_path / "h36m")
    for level in (tmp_path, tmp_path / "h36m/S1"):
        with pytest.raises(ValueError, match=rf"{level} is the wrong folder level: .* which is .*h36m\."):
            builder.find_layout(level)
    with pytest.raises(ValueError, match=r"No labels in .*: expected S1/MyPoseFeatures .* found Videos"):
        (tmp_path / "empty/Videos").mkdir(parents=True)
        builder.find_layout(tmp_path / "empty")


def test_wrong_videopose3d_files_are_named(tmp_path):
    layouts.write_videopose3d(tmp_path)
    path = tmp_path / "data_3d_h36m.npz"
    content = path.read_bytes()
    world = layouts.world_poses("S1", 3)
    for positions, message in (
        ({"S1": {"Eating": world}}, "S1 Eating: .*% of the joints are outside the photo"),  # mm, not metres
        ({"S1": {"Eating": world[:, :17] / 1000}}, r"shape \(3, 17, 3\), expected \(frames, 32, 3\)"),
        ({"S1": {"Eating": [1]}}, r"shape \(1,\), expected \(frames, 32, 3\)"),
        ([1], "expected positions_3d by subject and sequence"),
        ({"S1": world}, "expected positions_3d by subject and sequence"),
        (print, "builtins.print does not belong in it"),
    ):
        whole = np.empty((), object)
        whole[()] = positions
        np.savez(path, positions_3d=whole)
        with pytest.raises(ValueError, match=message):
            read(tmp_path, "train")
    np.savez(path, positions_3d=np.zeros(3))
    with pytest.raises(
        ValueError, match=r"the object positions_3d: that is an array of shape \(3,\), not an object"
    ):
        read(tmp_path, "train")
    np.savez(path, positions=np.zeros(3))
    with pytest.raises(ValueError, match="npz file with the object positions_3d: it has positions.npy"):
        read(tmp_path, "train")
    path.write_bytes(content[: len(content) // 2] + b"damaged" + content[len(content) // 2 + 7 :])
    with pytest.raises(ValueError, match="data_3d_h36m.npz is not a readable .npz file"):
        read(tmp_path, "train")
    path.write_bytes(content[:-100])
    with pytest.raises(ValueError, match="data_3d_h36m.npz is not a readable .npz file"):
        read(tmp_path, "train")


def test_old_pickles_are_read(tmp_path):
    """VideoPose3D's file may come from any Python: protocols 2 to 5."""
    layouts.write_videopose3d(tmp_path)
    with np.load(tmp_path / "data_3d_h36m.npz", allow_pickle=True) as arrays:
        positions = arrays["positions_3d"]
    for protocol in (2, 3, 4, 5):
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        pickle.dump(positions, file, protocol=protocol)
        with zipfile.ZipFile(tmp_path / "data_3d_h36m.npz", "w") as archive:
            archive.writestr("positions_3d.npy", file.getvalue())
        assert len(read(tmp_path, "train")[0]) == 12


def test_wrong_coco_files_are_named(tmp_path):
    layouts.write_coco(tmp_path)
    data = tmp_path / "annotations/Human36M_subject1_data.json"
    joints = tmp_path / "annotations/Human36M_subject1_joint_3d.json"
    texts = {path: path.read_text() for path in (data, joints)}
    for path, old, new, message in (
        (
            data,
            '"cam_idx": 2',
            '"cam_idx": 1',
            "subject1_data.json: joints are .* pixels outside their boxes",
        ),
        (
            data,
            '"frame_idx"',
            '"frame"',
            "subject1_data.json: expected the images and annotations .*'frame_idx'",
        ),
        (data, '"action_idx": 12', '"action_idx": 17', "no subject 1, action 17, subaction 1, camera 1"),
        (data, '{"images"', '["images"', "subject1_data.json is not readable JSON"),
        (joints, '"12"', '"13"', r"subject1_joint_3d.json: no joints of TakingPhoto 1"),
        (joints, texts[joints], "[]", "subject1_joint_3d.json: expected a dictionary, got list"),
    ):
        spoil(path, old, new)
        with pytest.raises(ValueError, match=message):
            read(tmp_path, "train")
        path.write_text(texts[path])
    poses = json.loads(texts[joints])
    poses["12"]["1"] = {frame: pose[:16] for frame, pose in poses["12"]["1"].items()}
    joints.write_text(json.dumps(poses))
    with pytest.raises(ValueError, match=r"TakingPhoto 1 have shape \(16, 3\), expected \(17, 3\)"):
        read(tmp_path, "train")
    joints.unlink()
    with pytest.raises(FileNotFoundError, match="Labels are missing: .*subject1_joint_3d.json"):
        read(tmp_path, "train")


def test_corrupt_view_among_coco_labels(tmp_path):
    layouts.write_coco(tmp_path)
    spoil(tmp_path / "annotations/Human36M_subject11_data.json", '"cam_idx": 2', '"cam_idx": 1')
    people, skipped = read(tmp_path, "test")
    assert skipped == {"S11 Directions 54138969: the video is corrupt": 1}
    assert not any("54138969" in person["sequence"] for person in people if person["subject"] == "S11")


def test_wrong_zhou_files_are_named(tmp_path):
    layouts.write_zhou(tmp_path)
    path = tmp_path / "images/s_01_act_12_subact_01_ca_01/matlab_meta.mat"
    values = layouts.scipy.io.loadmat(path)
    values = {key: values[key] for key in ("Y3d_mono", "Y2d")}
    for changed, message in (
        ({"Y2d": values["Y2d"][::-1]}, "Y2d is .* pixels off the projection of Y3d_mono"),
        ({"Y2d": values["Y2d"][:32]}, r"Y2d has shape \(32, 12\), expected \(34, 12\)"),
        ({"Y2d": 0}, r"Y2d has shape \(1, 1\), expected \(34, 12\)"),
    ):
        layouts.scipy.io.savemat(path, values | changed)
        with pytest.raises(ValueError, match=message):
            read(tmp_path, "train")
    path.write_bytes(b"no")
    with pytest.raises(ValueError, match="matlab_meta.mat is not a .mat file with Y3d_mono and Y2d"):
        read(tmp_path, "train")


def test_labels_that_are_no_numbers_are_of_one_example(tmp_path):
    """A reader goes on; whoever makes the example refuses it by name."""
    layouts.write_official(tmp_path)
    for kind, dimensions in (("D3_Positions_mono", 3), ("D2_Positions", 2)):
        path = tmp_path / f"S1/MyPoseFeatures/{kind}/TakingPhoto 1.54138969.cdf"
        poses = official.read_poses(path, dimensions)
        poses[5, 2] = np.nan
        poses[11] *= -1  # absurd, though finite, and not among the frames taken
        layouts.write_cdf(path, poses)
    train, _ = read(tmp_path, "train")
    assert len(train) == 12
    photo = np.zeros((1002, 1000, 3), np.uint8)
    for number, person in enumerate(train[:3]):
        person.pop("image")
        if number != 1:
            schema.make_example(photo, **person)
    with pytest.raises(ValueError, match="S1_TakingPhoto_1.54138969_000006: .* is not finite"):
        schema.make_example(photo, **train[1])


def test_prepares_the_release(tmp_path):
    """From CDF files and videos to examples: the right frame, cut around the person."""
    layouts.write_official(tmp_path / "h36m")
    for number in views.CAMERAS:
        layouts.write_video(tmp_path / f"h36m/S1/Videos/TakingPhoto 1.{number}.mp4", 12, (1000, 1002))
    builder = prepared.prepare(
        "human36m", str(tmp_path), source=str(tmp_path / "h36m"), lenient=True, train_step=6, processes=1
    )
    assert builder.info.splits["train"].num_examples == 8
    assert builder.info.metadata["layout"] == "official"
    assert builder.info.metadata["settings"] == {"steps": {"train": 6, "test": 64}}
    assert builder.info.metadata["skipped"]["S11 Directions 54138969: the video is corrupt"] == 1
    for example in tfds.as_numpy(builder.as_dataset("train")):
        frame = int(example["example_id"].decode()[-6:])
        assert np.abs(example["image"].astype(int) - 10 * frame).max() <= 6
        projected = camera.project(example["joints_3d_absolute"], example["intrinsics"])
        np.testing.assert_allclose(projected, example["joints_2d"], atol=0.05)


def test_real_poses_from_every_layout(samples):
    """Real joints in four layouts: the same 3D, and the photo's pixels within 0.05."""
    folder = samples / "h36m_official_layout"
    official = {p["example_id"]: p for p in read(folder / "official_cdf", "train")[0]}
    for source in (folder / "videopose3d_npz", folder / "zhou_matlab_meta", samples / "h36m_mmpose"):
        others = [p for p in read(source, "train")[0] if p["example_id"] in official]
        assert others
        for other in others:
            person = official[other["example_id"]]
            np.testing.assert_allclose(other["joints_3d_absolute"], person["joints_3d_absolute"], atol=0.05)
            if "zhou" not in source.name:
                assert np.abs(other["joints_2d"] - person["joints_2d"]).max() < 0.05
