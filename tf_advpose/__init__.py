"""3D human pose from a single photo, by adversarial learning (Yang et al., CVPR 2018)."""
