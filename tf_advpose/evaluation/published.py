"""The figures of the paper's tables, with what they cite, to stand beside ours.

From Yang, Ouyang, Wang, Ren, Li and Wang, 3D Human Pose Estimation in the Wild by Adversarial Learning,
CVPR 2018; numbers in brackets are its references. Averages are as printed. Most rows of Table 1, the
paper's own among them, print a mean over all frames: the plain mean of the fifteen actions differs by up
to 1.9 mm, and weighing each action by its number of frames gives what is printed.
"""

PAPER = "Yang et al., CVPR 2018"

# The columns of Table 1 and our names of the actions.
HUMAN36M_ACTIONS = {
    "Directions": "Direct.", "Discussion": "Discuss", "Eating": "Eating", "Greeting": "Greet",
    "Phoning": "Phone", "Photo": "Photo", "Posing": "Pose", "Purchases": "Purch.", "Sitting": "Sitting",
    "SittingDown": "SittingD.", "Smoking": "Smoke", "Waiting": "Wait", "WalkDog": "WalkD.",
    "Walking": "Walk", "WalkTogether": "WalkT.",
}  # fmt: skip

# Table 1: the fifteen actions and the average, mm.
TABLE_1_PROTOCOL_1 = {
    "LinKDE, PAMI'16 [19]": (
        132.7, 183.6, 132.3, 164.4, 162.1, 205.9, 150.6, 171.3, 151.6, 243.0, 162.1, 170.7, 177.1, 96.6,
        127.9, 162.1,
    ),
    "Tekin et al., ICCV'16 [38]": (
        102.4, 147.2, 88.8, 125.3, 118.0, 182.7, 112.4, 129.2, 138.9, 224.9, 118.4, 138.8, 126.3, 55.1,
        65.8, 125.0,
    ),
    "Du et al., ECCV'16 [11]": (
        85.1, 112.7, 104.9, 122.1, 139.1, 135.9, 105.9, 166.2, 117.5, 226.9, 120.0, 117.7, 137.4, 99.3,
        106.5, 126.5,
    ),
    "Chen & Ramanan, CVPR'17 [4]": (
        89.9, 97.6, 89.9, 107.9, 107.3, 139.2, 93.6, 136.0, 133.1, 240.1, 106.6, 106.2, 87.0, 114.0, 90.5,
        114.1,
    ),
    "Pavlakos et al., CVPR'17 [31]": (
        67.4, 71.9, 66.7, 69.1, 72.0, 77.0, 65.0, 68.3, 83.7, 96.5, 71.7, 65.8, 74.9, 59.1, 63.2, 71.9,
    ),
    "Mehta et al., 3DV'17 [26]": (
        52.6, 64.1, 55.2, 62.2, 71.6, 79.5, 52.8, 68.6, 91.8, 118.4, 65.7, 63.5, 49.4, 76.4, 53.5, 68.6,
    ),
    "Zhou et al., ICCV'17 [57]": (
        54.8, 60.7, 58.2, 71.4, 62.0, 65.5, 53.8, 55.6, 75.2, 111.6, 64.1, 66.0, 51.4, 63.2, 55.3, 64.9,
    ),
    "Martinez et al., ICCV'17 [25]": (
        51.8, 56.2, 58.1, 59.0, 69.5, 78.4, 55.2, 58.1, 74.0, 94.6, 62.3, 59.1, 65.1, 49.5, 52.4, 62.9,
    ),
    "Fang et al., AAAI'18 [12]": (
        50.1, 54.3, 57.0, 57.1, 66.6, 73.3, 53.4, 55.7, 72.8, 88.6, 60.3, 57.7, 62.7, 47.5, 50.6, 60.4,
    ),
    "Yang et al., CVPR'18, Full-2s": (
        53.0, 60.8, 47.9, 57.1, 61.5, 65.5, 50.8, 49.9, 73.3, 98.6, 58.8, 58.1, 42.0, 62.3, 43.6, 59.7,
    ),
    "Yang et al., CVPR'18, Full-4s": (
        51.5, 58.9, 50.4, 57.0, 62.1, 65.4, 49.8, 52.7, 69.2, 85.2, 57.4, 58.4, 43.6, 60.1, 47.7, 58.6,
    ),
}  # fmt: skip
TABLE_1_PROTOCOL_2 = {
    "Ramakrishna et al., ECCV'12 [34]": (
        137.4, 149.3, 141.6, 154.3, 157.7, 158.9, 141.8, 158.1, 168.6, 175.6, 160.4, 161.7, 150.0, 174.8,
        150.2, 157.3,
    ),
    "Bogo et al., ECCV'16 [2]": (
        62.0, 60.2, 67.8, 76.5, 92.1, 77.0, 73.0, 75.3, 100.3, 137.3, 83.4, 77.3, 86.8, 79.7, 87.7, 82.3,
    ),
    "Moreno-Noguer, CVPR'17 [28]": (
        66.1, 61.7, 84.5, 73.7, 65.2, 67.2, 60.9, 67.3, 103.5, 74.6, 92.6, 69.6, 71.5, 78.0, 73.2, 74.0,
    ),
    "Pavlakos et al., CVPR'17 [31]": (*[None] * 15, 51.9),
    "Martinez et al., ICCV'17 [25]": (
        39.5, 43.2, 46.4, 47.0, 51.0, 56.0, 41.4, 40.6, 56.5, 69.4, 49.2, 45.0, 49.5, 38.0, 43.1, 47.7,
    ),
    "Fang et al., AAAI'18 [12]": (
        38.2, 41.7, 43.7, 44.9, 48.5, 55.3, 40.2, 38.2, 54.5, 64.4, 47.2, 44.3, 47.3, 36.7, 41.7, 45.7,
    ),
    "Yang et al., CVPR'18, Full-4s": (
        26.9, 30.9, 36.3, 39.9, 43.9, 47.4, 28.8, 29.4, 36.9, 58.4, 41.5, 30.5, 29.5, 42.5, 32.2, 37.7,
    ),
}  # fmt: skip

# Table 2, MPJPE in mm: upper arms, lower arms, upper legs, lower legs, mean.
TABLE_2 = {
    "Baseline (fix 2D)": (67.6, 89.6, 46.6, 83.3, 65.2),
    "Baseline": (66.6, 90.0, 47.1, 83.7, 64.8),
    "Map": (62.9, 81.6, 44.6, 80.9, 61.3),
    "Geo": (61.6, 80.7, 43.9, 78.8, 60.3),
    "Full (fix 2D)": (63.9, 84.4, 45.8, 85.1, 63.1),
    "Full (w/o pretrain)": (65.2, 84.2, 46.7, 82.5, 63.4),
    "Full": (61.7, 81.1, 43.1, 77.6, 59.7),
}

# Table 3, PCKh@0.5 in percent on MPII's validation split: the groups of `PCKH_GROUPS`, mean.
TABLE_3 = {
    "Pretrain": (96.3, 95.0, 89.0, 84.5, 87.1, 82.5, 78.3, 87.6),
    "Yang et al., CVPR'18": (96.1, 95.6, 89.9, 84.6, 87.9, 84.3, 81.2, 88.6),
}

# Table 4, PCK and AUC in percent on MPI-INF-3DHP.
TABLE_4 = {
    "Mehta et al., 3DV'17 [26]": (64.7, 31.7),
    "Baseline": (50.1, 21.6),
    "Yang et al., CVPR'18": (69.0, 32.0),
}

REFERENCES = {
    "[2]": "Bogo et al., Keep it SMPL, ECCV 2016",
    "[4]": "Chen and Ramanan, 3D Human Pose Estimation = 2D Pose Estimation + Matching, CVPR 2017",
    "[11]": "Du et al., Marker-less 3D Human Motion Capture with Monocular Image Sequence and Height-maps, "
    "ECCV 2016",
    "[12]": "Fang et al., Learning Knowledge-guided Pose Grammar Machine for 3D Human Pose Estimation, "
    "AAAI 2018",
    "[19]": "Ionescu et al., Human3.6M, PAMI 2014 (the paper's table says PAMI'16)",
    "[25]": "Martinez et al., A Simple yet Effective Baseline for 3D Human Pose Estimation, ICCV 2017",
    "[26]": "Mehta et al., Monocular 3D Human Pose Estimation in the Wild Using Improved CNN Supervision, "
    "3DV 2017",
    "[28]": "Moreno-Noguer, 3D Human Pose Estimation from a Single Image via Distance Matrix Regression, "
    "CVPR 2017",
    "[31]": "Pavlakos et al., Coarse-to-fine Volumetric Prediction for Single-image 3D Human Pose, "
    "CVPR 2017",
    "[34]": "Ramakrishna et al., Reconstructing 3D Human Pose from 2D Image Landmarks, ECCV 2012",
    "[38]": "Tekin et al., Direct Prediction of 3D Body Poses from Motion Compensated Sequences, CVPR 2016 "
    "(the paper's table says ICCV'16)",
    "[57]": "Zhou et al., Towards 3D Human Pose Estimation in the Wild: a Weakly-supervised Approach, "
    "ICCV 2017",
}
