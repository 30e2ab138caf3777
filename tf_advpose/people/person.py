"""One posed and dressed person standing in the world, and what a camera's labels say about them."""

import numpy as np

from tf_advpose import camera as cameras
from tf_advpose.people import appearance, kinematics, things
from tf_advpose.people.appearance import Dressed
from tf_advpose.people.body import RIG_INDEX, Body, joint_positions, mpii_joints, skin, vertex_normals
from tf_advpose.people.kinematics import Pose
from tf_advpose.people.looks import Look
from tf_advpose.people.render import Camera, Surface
from tf_advpose.people.things import Part

_HEAD_SHARE = 0.6  # PCKh's head size is this share of the diagonal of MPII's head rectangle


class Person:
    """A person in the world's frame (mm, z up, ground at 0).

    Attributes:
      action: the name of the pose's family. look: the outfit.
      joints: [P, 3] the sixteen joints. vertices: [V, 3].
      seat: [3] the middle of what the person sits on, None where nobody sits.
      heading: radians; 0 faces -y.
    """

    def __init__(
        self,
        body: Body,
        look: Look,
        dressed: Dressed,
        action: str,
        pose: Pose,
        place: np.ndarray,
        heading: float,
    ):
        """Poses the body and puts it on the ground at `place` (x, y), turned by `heading`."""
        rotations = kinematics.rotations(pose, body)
        posed = joint_positions(body.joints, rotations)
        vertices = skin(dressed.vertices, dressed.weights, body.joints, rotations, posed)
        turned = kinematics.turn(z=heading)
        offset = turned @ -posed[RIG_INDEX["pelvis"]]
        offset = np.array([place[0] + offset[0], place[1] + offset[1], pose.lift - vertices[:, 2].min()])
        self.vertices = vertices @ turned.T + offset
        self.joints = mpii_joints(body, rotations, posed) @ turned.T + offset
        self.action = action
        self.look = look
        self.heading = heading
        self._on_head = dressed.fields[:, appearance.HEAD] > 0.5
        self.surface = painted(
            look,
            self.vertices,
            dressed.triangles,
            vertex_normals(self.vertices, dressed.triangles),
            dressed.fields,
        )
        self._owner = dressed.weights.argmax(axis=1)
        self.seat = None
        if pose.seat:
            sitting = dressed.weights[:, RIG_INDEX["pelvis"]] > 0.3
            self.seat = np.append(self.vertices[sitting, :2].mean(axis=0), self.vertices[sitting, 2].min())

    def chair(self, colour: np.ndarray) -> list[Part]:
        """The stool this person sits on; nothing for who does not sit."""
        if self.seat is None:
            return []
        x, y, height = self.seat
        return things.moved(things.stool(height, colour), np.array([x, y, 0.0]), self.heading)

    def recoloured(self, look: Look) -> Surface:
        """The surface in an outfit of the same cut, other colours."""
        mesh = self.surface
        return painted(look, mesh.vertices, mesh.triangles, mesh.normals, mesh.fields)

    def limbs(self) -> list[np.ndarray]:
        """The points [N, 3] of each part of the body, in the order of the rig, thinned."""
        order = np.argsort(self._owner[::2], kind="stable")
        ends = np.searchsorted(self._owner[::2][order], np.arange(1, self._owner.max() + 1))
        return [part for part in np.split(self.vertices[::2][order], ends) if len(part) > 2]

    def box(self, camera: Camera) -> np.ndarray:
        """The box (x, y, width, height) around all of the person in a camera's picture, pixels."""
        return cameras.tight_box(cameras.project(camera.to_camera(self.vertices), camera.intrinsics))

    def labels(self, camera: Camera, size: int) -> dict:
        """The labels of this person in a picture of `size` pixels, named as `schema.make_example` does.

        The box is the visible extent, as people are boxed in photos: clipped to the picture. Joints
        outside the picture have weight 0; hidden ones inside it are labelled.
        """
        joints = camera.to_camera(self.joints)
        joints_2d = cameras.project(joints, camera.intrinsics)
        pixels = cameras.project(camera.to_camera(self.vertices), camera.intrinsics)
        head = cameras.tight_box(pixels[self._on_head])
        low, high = np.clip([pixels.min(axis=0), pixels.max(axis=0)], 0, size)
        return {
            "joints_2d": joints_2d,
            "joint_weight": ((joints_2d > 0) & (joints_2d < size)).all(axis=1).astype(np.float64),
            "joints_3d_absolute": joints,
            "intrinsics": camera.intrinsics,
            "head_size": _HEAD_SHARE * float(np.hypot(*head[2:])),
            "box": np.concatenate([low, high - low]),
        }


def painted(look: Look, *mesh: np.ndarray) -> Surface:
    """The surface of a dressed person's `mesh`: vertices, triangles, normals and fields, see `Surface`."""
    folded = (lambda fields: appearance.relief(look, fields)) if look.folds else None
    return Surface(*mesh, lambda fields: appearance.paint(look, fields), folded)
