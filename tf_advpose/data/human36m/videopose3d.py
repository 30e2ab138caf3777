"""Human3.6M as VideoPose3D stores it: data_3d_h36m.npz, with the joints of all sequences in the world."""

import collections
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tf_advpose.data import pickles
from tf_advpose.data.human36m import calibration, examples
from tf_advpose.data.human36m.views import CAMERAS, SUBJECTS, find_view

FILE = "data_3d_h36m.npz"
MM_PER_METRE = 1000.0


def read_videopose3d(
    source: Path,
    split: str,
    skipped: collections.Counter,
    steps: Mapping[str, int] = examples.STEPS,
) -> Iterator[dict]:
    """Reads data_3d_h36m.npz in the folder `source`; videos or photos lie beside it.

    The file holds no cameras: they are those of metadata.xml, if there is one, or of the public
    calibration. S11's second Directions is not in the file.

    Args:
      steps: of each split, how many frames further the next one is.

    Raises:
      ValueError: the file is not readable or of another form.
    """
    path = source / FILE
    subjects = pickles.load_npz_object(path, "positions_3d")
    if not isinstance(subjects, dict) or not all(isinstance(of, dict) for of in subjects.values()):
        raise ValueError(f"{path}: expected positions_3d by subject and sequence, two dictionaries.")
    cameras = calibration.find(source)
    for subject in SUBJECTS[split]:
        if subject not in subjects:
            skipped[f"subject {subject} is not there"] += 1
            continue
        for name, metres in sorted(subjects[subject].items()):
            where = f"{path}, {subject} {name}"
            if np.ndim(metres) != 3 or metres.shape[1:] != (32, 3):
                raise ValueError(
                    f"{where}: the joints have shape {np.shape(metres)}, expected (frames, 32, 3)."
                )
            world = metres.astype(np.float64) * MM_PER_METRE
            for number in CAMERAS:
                lens = cameras[subject, number]
                yield from examples.filmed_people(
                    source,
                    find_view(subject, name, number, path),
                    lens.to_camera(world),
                    lens,
                    steps[split],
                    skipped,
                    where,
                )
