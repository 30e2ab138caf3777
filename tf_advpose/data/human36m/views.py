"""What Human3.6M holds and how its files are named: subjects, actions, sequences, cameras.

A subject did each of the fifteen actions twice, before four cameras; a view is what one camera saw of one
such sequence. Files name sequences as their subject's were named ("TakingPhoto 1"); folders of extracted
frames number them instead (s_01_act_12_subact_01_ca_01: subject, action, subaction, camera).
"""

import dataclasses
import functools
import re
from pathlib import Path

SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}  # Sec. 5
# In the order of their numbers, from 2, which is not that of their names; 1 is no action.
ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting",
    "SittingDown", "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether",
)  # fmt: skip
CAMERAS = ("54138969", "55011271", "58860488", "60457274")  # numbered from 1

_OTHER_SPELLINGS = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}
# Subaction 1 of an action is named "<action> 1" and subaction 2 "<action>", but for these.
_OTHER_NAMES = {
    "S1": {
        (4, 1): "Eating 2", (9, 2): "Sitting 2", (10, 1): "SittingDown 2", (12, 1): "TakingPhoto 1",
        (12, 2): "TakingPhoto", (15, 1): "WalkingDog 1", (15, 2): "WalkingDog",
    },
    "S5": {
        (2, 2): "Directions 2", (3, 1): "Discussion 2", (3, 2): "Discussion 3", (5, 2): "Greeting 2",
        (10, 1): "SittingDown", (10, 2): "SittingDown 1", (12, 1): "Photo", (12, 2): "Photo 2",
        (13, 2): "Waiting 2",
    },
    "S6": {
        (4, 2): "Eating 2", (7, 1): "Posing 2", (9, 2): "Sitting 2", (12, 1): "Photo", (12, 2): "Photo 1",
        (13, 1): "Waiting 3",
    },
    "S7": {
        (6, 1): "Phoning 2", (10, 1): "SittingDown", (10, 2): "SittingDown 1", (12, 1): "Photo",
        (12, 2): "Photo 1", (13, 2): "Waiting 2", (14, 2): "Walking 2",
    },
    "S8": {(10, 1): "SittingDown", (10, 2): "SittingDown 1", (16, 2): "WalkTogether 2"},
    "S9": {(3, 2): "Discussion 2", (10, 1): "SittingDown", (10, 2): "SittingDown 1"},
    "S11": {
        (3, 2): "Discussion 2", (5, 1): "Greeting 2", (6, 1): "Phoning 3", (6, 2): "Phoning 2",
        (10, 1): "SittingDown", (10, 2): "SittingDown 1", (11, 1): "Smoking 2",
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class View:
    """What one camera saw of one sequence; `find_view` makes it of names in files."""

    subject: str  # "S1"
    sequence: str  # as its subject's files are named, "TakingPhoto 1"
    camera: str  # "54138969"

    @property
    def name(self) -> str:
        """Such as S1_TakingPhoto_1.54138969, in prepared datasets from any layout."""
        return f"{self.subject}_{self.sequence.replace(' ', '_')}.{self.camera}"

    @property
    def action(self) -> str:
        return canonical_action(self.sequence)

    @property
    def numbers(self) -> tuple[int, int]:
        """Of action and subaction."""
        names = sequence_names(self.subject)
        return next(numbers for numbers, name in names.items() if name == self.sequence)

    @property
    def numbered(self) -> str:
        """Such as s_01_act_12_subact_01_ca_01."""
        subject, (action, subaction) = int(self.subject[1:]), self.numbers
        number = CAMERAS.index(self.camera) + 1
        return f"s_{subject:02d}_act_{action:02d}_subact_{subaction:02d}_ca_{number:02d}"


# By name, with the reason: the file of this video was damaged at its source.
CORRUPT_VIEWS = {View("S11", "Directions", "54138969"): "S11 Directions 54138969: the video is corrupt"}


def canonical_action(name: str) -> str:
    """The one spelling in `ACTIONS` of an action as files name it, such as "TakingPhoto 1".

    Raises:
      ValueError: it is none of the fifteen.
    """
    return _action_and_number(name)[0]


@functools.cache
def sequence_names(subject: str) -> dict[tuple[int, int], str]:
    """The thirty sequences of a subject, as its files name them, by the numbers of action and subaction."""
    usual = {
        (number, subaction): action + {1: " 1", 2: ""}[subaction]
        for number, action in enumerate(ACTIONS, start=2)
        for subaction in (1, 2)
    }
    return usual | _OTHER_NAMES[subject]


def find_view(subject: str, sequence: str, camera: str, where: Path | str) -> View:
    """The view of a sequence however it is spelt: S1's "Photo 1" and "TakingPhoto_1" are "TakingPhoto 1".

    Raises:
      ValueError: there is no such view; names the file, `where`.
    """
    if subject not in _OTHER_NAMES:
        raise ValueError(f"{where}: {subject!r} is no subject of Human3.6M: {', '.join(_OTHER_NAMES)}.")
    if camera not in CAMERAS:
        raise ValueError(f"{where}: {camera!r} is no camera of Human3.6M: {', '.join(CAMERAS)}.")
    try:
        wanted = _action_and_number(sequence)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    for name in sequence_names(subject).values():
        if _action_and_number(name) == wanted:
            return View(subject, name, camera)
    known = ", ".join(sequence_names(subject).values())
    raise ValueError(f"{where}: {subject} has no sequence {sequence!r}, but {known}.")


def numbered_view(subject: int, action: int, subaction: int, camera: int, where: Path | str) -> View:
    """The view of which s_01_act_12_subact_01_ca_01 gives the numbers.

    Raises:
      ValueError: there is no such view; names the file, `where`.
    """
    names = sequence_names(f"S{subject}") if f"S{subject}" in _OTHER_NAMES else {}
    if (action, subaction) not in names or not 1 <= camera <= len(CAMERAS):
        raise ValueError(
            f"{where}: Human3.6M has no subject {subject}, action {action}, subaction {subaction}, "
            f"camera {camera}."
        )
    return View(f"S{subject}", names[action, subaction], CAMERAS[camera - 1])


@functools.cache
def _action_and_number(name: str) -> tuple[str, str]:
    action, number = re.fullmatch(r"(.*?)(?:[ _](\d+))?", name).groups(default="")
    action = _OTHER_SPELLINGS.get(action, action)
    # By the whole word: Sitting is not SittingDown, nor is Walking WalkingDog.
    if action not in ACTIONS:
        raise ValueError(f"{name!r} is no action of Human3.6M: {', '.join(ACTIONS)}.")
    return action, number
