"""MPII Human Pose: people in everyday photos, with 2D joints."""

from pathlib import Path

from tf_advpose.data import photos
from tf_advpose.data.mpii import bearpaw, hdf5, hrnet, official

# The readers by preference, each with the label files that show its layout.
_LAYOUTS = {
    official.read_mat: official.PATTERNS,
    bearpaw.read_json: bearpaw.NAMES,
    hrnet.read_hrnet: hrnet.PATTERNS,
    hdf5.read_hdf5: hdf5.PATTERNS,
}
_EXPECTED = (
    "mpii_human_pose_v1_u12_1.mat, mpii_annotations.json(.gz), annot/train.json and valid.json of HRNet, "
    "or train.h5 and valid.h5 of pose-hg"
)


class Mpii(photos.PhotoDataset):
    """MPII Human Pose (Andriluka et al., CVPR 2014): 2D joints of people in frames of YouTube videos.

    Licence: for research; the authors hold no rights in the photos.
    To obtain: http://human-pose.mpi-inf.mpg.de, images/ and mpii_human_pose_v1_u12_1.mat. Beside or
    instead of the .mat, the label files of the public pose projects are read: mpii_annotations.json(.gz),
    the annot/*.json of HRNet and the *.h5 of pose-hg.

    Splits: of the people with joints, validation is Tompson's 2,958, who are marked in
    mpii_annotations.json and have files of their own elsewhere (valid.h5, valid.json); train is those in
    photos without any of them, 22,246. The .mat holds no such list: alone, it puts everyone in train and
    there is no validation split. Boxes are about the labelled centre moved down by 15 scale, and 200 scale
    wide, so that crops are 250 scale wide. Head size is 0.6 of the head rectangle's diagonal, from the
    .mat, pose-hg's files or, for validation, HRNet's gt_valid.mat or a valid.h5; without these 0.75 of the
    head bone, which is the same but for a few people, and unknown where the head is not labelled. Occluded
    joints count as labelled. People of a photo are numbered as the release has them, in HRNet's layout as
    they come in the file.

    Left out: the official test split, whose joints are withheld; people without joints, centre or scale;
    people in train who share a photo with one in validation.
    """

    name = "mpii"
    SPLITS = ("train", "validation")
    HOMEPAGE = "http://human-pose.mpi-inf.mpg.de"
    CITATION = """@inproceedings{andriluka2014mpii,
  title={2D Human Pose Estimation: New Benchmark and State of the Art Analysis},
  author={Andriluka, Mykhaylo and Pishchulin, Leonid and Gehler, Peter and Schiele, Bernt},
  booktitle={IEEE Conference on Computer Vision and Pattern Recognition}, year={2014}}"""

    @staticmethod
    def find_layout(source: Path) -> tuple[photos.Reader, Path]:
        if source.is_file():
            for reader, patterns in _LAYOUTS.items():
                if source.name in (Path(pattern).name for pattern in patterns):
                    return reader, source
            return (official.read_mat if source.suffix == ".mat" else bearpaw.read_json), source
        found = {
            reader: path
            for reader, patterns in _LAYOUTS.items()
            for pattern in reversed(patterns)
            for path in source.glob(pattern)
        }
        # Without a list of validation the release has no such split; the files of others have.
        release = found.get(official.read_mat)
        if release and len(found) > 1 and not official.validation_people(release):
            del found[official.read_mat]
        for reader, path in found.items():
            return reader, path
        patterns = [pattern for patterns in _LAYOUTS.values() for pattern in patterns]
        return photos.find_labels(source, patterns, _EXPECTED)
