"""Whether the 2D and the 3D labels of a file belong together."""

import numpy as np


def pixels_off(projected: np.ndarray, pixels: np.ndarray) -> float:
    """How far the projected 3D joints [N, J, 2] are from the 2D joints `pixels` [N, J, 2] of most poses.

    It is the median over the poses of the farthest joint's distance along an axis; 0 without any pose.
    Labels of another camera, unit or frame spoil every pose. What spoils a single one, or is not finite, is
    for the check of that example.
    """
    farthest = np.abs(projected - pixels).max(axis=(1, 2), initial=0)
    farthest = farthest[np.isfinite(farthest)]
    return float(np.median(farthest)) if len(farthest) else 0.0
