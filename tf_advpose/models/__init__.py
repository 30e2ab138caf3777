"""The networks, as Keras functional models that build on any Keras backend."""

from tf_advpose.models.discriminator import build_discriminator
from tf_advpose.models.generator import build_generator
from tf_advpose.models.hourglass import build_hourglass
from tf_advpose.models.pytorch_weights import load_pytorch_hourglass

__all__ = ["build_discriminator", "build_generator", "build_hourglass", "load_pytorch_hourglass"]
