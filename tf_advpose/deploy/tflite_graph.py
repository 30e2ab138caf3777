"""Puts .tflite files together, on the level of their tensors and operators."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_advpose.deploy.runtime import METADATA_NAME

_FILE_IDENTIFIER = b"TFL3"


def extend(network: bytes, tail: bytes) -> bytes:
    """`network` with the operators of `tail` behind it.

    Args:
      network, tail: .tflite files of one signature each. The inputs of `tail` are outputs of `network` of
        the same name; the outputs of `tail` take their place.
    """
    model, rest = _read(network), _read(tail)
    (whole,), (signature,), (tail_signature,) = model.subgraphs, model.signatureDefs, rest.signatureDefs
    outputs = {entry.name: entry.tensorIndex for entry in signature.outputs}
    inputs = {entry.tensorIndex: outputs.pop(entry.name) for entry in tail_signature.inputs}
    place = _append(model, whole, rest, inputs)
    signature.outputs = [entry for entry in signature.outputs if entry.name in outputs]
    for entry in tail_signature.outputs:
        entry.tensorIndex = place[entry.tensorIndex]
        signature.outputs.append(entry)
    whole.outputs = np.array([entry.tensorIndex for entry in signature.outputs], np.int32)
    return _written(model)


def join(network: bytes, tail: bytes, signatures: tuple[str, str], metadata: bytes) -> bytes:
    """A file in which the outputs of `network` go into `tail`, and those of `network` can be had as well.

    Args:
      network, tail: .tflite files of one signature each; the inputs of `tail` are named as the outputs of
        `network`.
      signatures: names of the whole and of `network` alone. Both share the weights.
      metadata: to be stored in the file.
    """
    model, rest = _read(network), _read(tail)
    (alone,), (signature,) = model.subgraphs, model.signatureDefs
    (tail_signature,) = rest.signatureDefs
    whole = copy.deepcopy(alone)
    outputs = {entry.name: entry.tensorIndex for entry in signature.outputs}
    inputs = {entry.tensorIndex: outputs[entry.name] for entry in tail_signature.inputs}
    place = _append(model, whole, rest, inputs)

    whole_signature = copy.deepcopy(signature)
    whole_signature.outputs = copy.deepcopy(tail_signature.outputs)
    for entry in whole_signature.outputs:
        entry.tensorIndex = place[entry.tensorIndex]
    whole.outputs = np.array([place[tensor] for tensor in rest.subgraphs[0].outputs], np.int32)
    signature.subgraphIndex = 1
    model.subgraphs, model.signatureDefs = [whole, alone], [whole_signature, signature]
    for part, name in zip(model.signatureDefs, signatures, strict=True):
        part.signatureKey = name.encode()
        model.subgraphs[part.subgraphIndex].name = name.encode()

    model.buffers.append(schema.BufferT(data=np.frombuffer(metadata, np.uint8)))
    model.metadata.append(schema.MetadataT(name=METADATA_NAME, buffer=len(model.buffers) - 1))
    return _written(model)


def _read(file: bytes) -> schema.ModelT:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(file))


def _written(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


def _append(
    model: schema.ModelT, subgraph: schema.SubGraphT, rest: schema.ModelT, inputs: dict[int, int]
) -> dict[int, int]:
    """Appends the operators of `rest` to `subgraph` of `model`.

    Args:
      inputs: for each input tensor of `rest` the tensor of `subgraph` that takes its place.

    Returns:
      For each tensor of `rest` its number in `subgraph`.
    """
    codes, buffers = len(model.operatorCodes), len(model.buffers)
    model.operatorCodes += rest.operatorCodes
    model.buffers += rest.buffers
    place = {-1: -1, **inputs}  # -1: an optional input that is not used
    for number, tensor in enumerate(rest.subgraphs[0].tensors):
        if number not in inputs:
            tensor.buffer += buffers
            place[number] = len(subgraph.tensors)
            subgraph.tensors.append(tensor)
    for operator in rest.subgraphs[0].operators:
        operator.opcodeIndex += codes
        operator.inputs = np.array([place[tensor] for tensor in operator.inputs], np.int32)
        operator.outputs = np.array([place[tensor] for tensor in operator.outputs], np.int32)
        subgraph.operators.append(operator)
    return place
