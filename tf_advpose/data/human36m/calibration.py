"""The cameras of Human3.6M: where they stood for each subject, and their lenses.

The calibration is part of the dataset's metadata.xml and is public besides: `published` are the figures of
github.com/karfly/human36m-camera-parameters (MIT licence), which are the same to nine digits.
"""

import dataclasses
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from tf_advpose.data.human36m.views import CAMERAS

_ALL_SUBJECTS = 11  # whom metadata.xml has the cameras of, four times six numbers each
_EXTRINSICS, _INTRINSICS = 6, 9
_NUM_METADATA = len(CAMERAS) * (_ALL_SUBJECTS * _EXTRINSICS + _INTRINSICS)


@dataclasses.dataclass(frozen=True)
class Camera:
    """One camera as it stood for one subject."""

    intrinsics: np.ndarray  # [9], as tf_advpose.camera has them
    rotation: np.ndarray  # [3, 3], from the world's axes to the camera's
    centre: np.ndarray  # [3] world millimetres

    def to_camera(self, world: np.ndarray) -> np.ndarray:
        """World millimetres [..., 3], z up, in the camera frame."""
        return (world - self.centre) @ self.rotation.T


Cameras = dict[tuple[str, str], Camera]  # by subject and camera, such as ("S1", "54138969")


def published() -> Cameras:
    """The public calibration, of the subjects whose joints are public."""
    return {
        (subject, name): _camera(placed, _PUBLISHED_INTRINSICS[name])
        for subject, extrinsics in _PUBLISHED_EXTRINSICS.items()
        for name, placed in zip(CAMERAS, extrinsics, strict=True)
    }


def find(source: Path) -> Cameras:
    """The cameras of a metadata.xml in the folder `source`, above or in a folder of it, else `published`.

    Raises:
      ValueError: a metadata.xml is of another form.
    """
    candidates = (source / "metadata.xml", source.parent / "metadata.xml", *source.glob("*/metadata.xml"))
    for path in candidates:
        if path.is_file():
            return read_metadata(path)
    return published()


def read_metadata(path: Path) -> Cameras:
    """Reads the calibration in a metadata.xml, of all eleven subjects.

    Raises:
      ValueError: it is not readable, or its list of calibration, w0, is of another form.
    """
    try:
        text = xml.etree.ElementTree.parse(path).findtext("w0", "")
        numbers = np.array(text.strip("[] \n").split(), np.float64)
    except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
        raise ValueError(f"{path} is not Human3.6M's metadata.xml: {error}") from None
    if numbers.size != _NUM_METADATA:
        raise ValueError(f"{path}: w0 has {numbers.size} numbers, expected {_NUM_METADATA}.")
    extrinsics, intrinsics = np.split(numbers, [-len(CAMERAS) * _INTRINSICS])
    extrinsics = extrinsics.reshape(len(CAMERAS), _ALL_SUBJECTS, _EXTRINSICS)
    intrinsics = intrinsics.reshape(len(CAMERAS), _INTRINSICS)
    return {
        (f"S{subject + 1}", name): _camera(extrinsics[number, subject], intrinsics[number])
        for number, name in enumerate(CAMERAS)
        for subject in range(_ALL_SUBJECTS)
    }


def _camera(extrinsics: np.ndarray, intrinsics: np.ndarray) -> Camera:
    """`extrinsics`: angles about the axes x, y, z in turn, radians, then the centre."""
    rotation = Rotation.from_euler("XYZ", extrinsics[:3]).as_matrix()
    return Camera(np.array(intrinsics), rotation, np.array(extrinsics[3:]))


_PUBLISHED_INTRINSICS = {
    "54138969": (
        1145.04940458804, 1143.78109572365, 512.541504956548, 515.4514869776,
        -0.207098910824901, 0.247775183068982, -0.0030751503508, -0.0014244715747, -0.00097569885947,
    ),
    "55011271": (
        1149.67569986785, 1147.59161666764, 508.848621645943, 508.064917088557,
        -0.194213629607385, 0.240408539138292, 0.00681997559022603, -0.0027408943961907, -0.001619026613787,
    ),
    "58860488": (
        1149.14071676148, 1148.7989685676, 519.815837182153, 501.402658888552,
        -0.208338188251856, 0.255488007488945, -0.0024604974989, -0.00075999932103, 0.00148438698385668,
    ),
    "60457274": (
        1145.51133842318, 1144.77392807652, 514.968197319863, 501.882018537695,
        -0.198384093827848, 0.218323676298049, -0.0089478070415, -0.0018133620049, -0.000587205583421,
    ),
}  # fmt: skip
_PUBLISHED_EXTRINSICS = {
    "S1": (
        (1.757764893, 0.025750390, -2.727956345, 1841.10703, 4955.28462, 1563.44540),
        (1.786421463, 0.002248382, -0.381329473, 1761.27853, -5078.00659, 1606.26496),
        (1.786988115, -0.045738899, 2.726581972, -1846.77766, 5215.04650, 1491.97247),
        (1.850745397, 0.061945599, 0.413019667, -1794.78973, -3722.69892, 1574.89273),
    ),
    "S5": (
        (1.765415519, 0.020975012, -2.700782661, 2097.39151, 4880.94466, 1605.73247),
        (1.785287597, 0.012274602, -0.396855207, 2031.70078, -5167.93301, 1612.92305),
        (1.785318308, -0.061771056, 2.758727282, -1620.59486, 5171.65873, 1496.43705),
        (1.828272491, 0.084152500, 0.388292595, -1637.17375, -3867.31735, 1547.03326),
    ),
    "S6": (
        (1.767751998, 0.008036432, -2.726254383, 1935.45175, 4950.24580, 1618.08382),
        (1.788857824, 0.018526428, -0.402985375, 1969.80391, -5128.73876, 1632.77884),
        (1.778638409, -0.068615235, 2.735672845, -1769.59648, 5185.36115, 1476.99341),
        (1.825844037, 0.092053681, 0.397065948, -1721.66875, -3884.13135, 1540.48790),
    ),
    "S7": (
        (1.764802568, 0.014752914, -2.703765389, 1974.51296, 4926.35446, 1597.83264),
        (1.790433180, 0.016175444, -0.399168153, 1937.05843, -5119.78982, 1631.56648),
        (1.779572480, -0.065196526, 2.755733181, -1741.81112, 5208.24936, 1464.82465),
        (1.829293618, 0.090674491, 0.385415920, -1734.71058, -3832.42135, 1548.58303),
    ),
    "S8": (
        (1.764301650, 0.020204193, -2.718334510, 2150.65184, 4896.16095, 1611.90471),
        (1.786296674, 0.012524675, -0.373408652, 2219.96567, -5148.45308, 1613.04402),
        (1.785259598, -0.062553323, 2.745854425, -1571.22150, 5137.01858, 1498.17613),
        (1.828977985, 0.085098652, 0.373554221, -1476.91338, -3896.74112, 1547.97221),
    ),
    "S9": (
        (1.754991117, 0.041332861, -2.700113896, 2044.45853, 4935.11728, 1481.22753),
        (1.778009116, -0.007329242, -0.372014256, 1990.95966, -5123.81055, 1568.80482),
        (1.792710931, -0.038631961, 2.758803690, -1670.99215, 5211.98574, 1528.38800),
        (1.839429013, 0.063665296, 0.409502164, -1696.04347, -3827.09989, 1591.41273),
    ),
    "S11": (
        (1.759054080, 0.038736792, -2.705908205, 2098.44024, 4926.55466, 1500.27857),
        (1.774503274, -0.001417295, -0.398444605, 2083.18240, -4912.17282, 1561.07858),
        (1.802057401, -0.040950253, 2.707173186, -1609.81534, 5177.33597, 1537.89672),
        (1.836310644, 0.065225999, 0.403999640, -1590.73799, -3854.16900, 1578.01761),
    ),
}  # fmt: skip
