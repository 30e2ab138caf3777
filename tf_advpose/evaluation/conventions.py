"""The conventions that numbers of this field depend on, each with the paper's own choice first.

docs/evaluation.md says what each of them means and where it comes from.
"""

import dataclasses

SCALES = {  # where millimetres come from
    "camera": "the pelvis's true distance and the intrinsics",
    "bones": "the training set's mean bone length",
}
ROOT_ALIGNMENTS = {
    "root": "predicted pelvis moved onto the true one",
    "depth": "predicted pelvis moved to the true depth, x and y as predicted",
}
AVERAGES = {
    "frames": "mean over frames",
    "actions": "mean of the actions' means",
}
PCKH_RULES = {
    "paper": "below 0.5, head is head top, mean of 14 joints",
    "weighted": "at most 0.5, head is head top, labelled joints pooled",
    "official": "at most 0.5, head is upper neck and head top, labelled joints pooled",
}
PCK3D_RULES = {
    "official": "below 150 mm",
    "zhou": "at most 150 mm, bones scaled to the true length, hips moved towards the neck",
}
PCK3D_SKELETONS = {
    "universal": "universal skeleton",
    "true": "true skeleton",
}
PCK3D_JOINTS = {
    "14": "14 joints, without pelvis and thorax",
    "16": "16 joints",
}

CHOICES = {  # of each convention: what it decides, and what there is to choose
    "scale": ("Where millimetres come from", SCALES),
    "root_align": ("How MPJPE lays the predicted pose onto the true one", ROOT_ALIGNMENTS),
    "average": ("What errors in mm are averaged over", AVERAGES),
    "pckh": ("The rule of PCKh", PCKH_RULES),
    "pck3d": ("The rule of 3D PCK and AUC", PCK3D_RULES),
    "pck3d_skeleton": ("What 3D PCK and AUC compare with, where the data have both", PCK3D_SKELETONS),
    "pck3d_joints": ("The joints of 3D PCK and AUC", PCK3D_JOINTS),
}


@dataclasses.dataclass(frozen=True)
class Conventions:
    """One choice of each of `CHOICES`.

    Raises:
      ValueError: there is no such choice, or two exclude each other.
    """

    scale: str = "camera"
    root_align: str = "root"
    average: str = "frames"
    pckh: str = "paper"
    pck3d: str = "official"
    pck3d_skeleton: str = "universal"
    pck3d_joints: str = "14"

    def __post_init__(self):
        for name, (_, known) in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, known))}, got {getattr(self, name)!r}."
                )
        if self.root_align == "depth" and self.scale != "camera":
            raise ValueError(
                "root_align='depth' leaves x and y where the camera saw them, so it needs scale='camera'."
            )


PAPERS = Conventions()  # the paper's, as far as it says
