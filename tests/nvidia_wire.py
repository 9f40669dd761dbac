"""Any protobuf message, described and filled unseen. As a script: what NVIDIA's own packages say.

NVIDIA's packages need a protobuf and a grpcio older than ours, so the script runs in a Python of their own
and prints JSON. Nothing but protobuf may be imported at the top.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

Json = dict[str, Any]


def methods(service: ServiceDescriptor) -> Json:
    """gRPC path to the method's messages and whether each side streams."""
    return {
        f"/{service.full_name}/{method.name}": {
            "messages": [method.input_type.full_name, method.output_type.full_name],
            "streams": [method.client_streaming, method.server_streaming],
        }
        for method in service.methods
    }


def reachable(descriptor: Descriptor, seen: Json | None = None) -> dict[str, Descriptor]:
    """Full name to message, for a message and all that it can hold."""
    seen = {} if seen is None else seen
    if descriptor.full_name not in seen:
        seen[descriptor.full_name] = descriptor
        for field in descriptor.fields:
            if field.message_type:
                reachable(field.message_type, seen)
    return seen


def fields(descriptor: Descriptor) -> Json:
    """Name of a field to what decides its bytes; "holds" alone may differ between NVIDIA's generations."""
    stated = DescriptorProto()
    descriptor.CopyToProto(stated)
    return {proto.name: _field(descriptor, proto) for proto in stated.field}


def _field(descriptor: Descriptor, proto: FieldDescriptorProto) -> Json:
    field = descriptor.fields_by_name[proto.name]
    rivals = stated_oneof(field)
    names = EnumDescriptorProto()
    if field.enum_type:
        field.enum_type.CopyToProto(names)
    return {
        "number": proto.number,
        "type": FieldDescriptorProto.Type.Name(proto.type),
        "label": FieldDescriptorProto.Label.Name(proto.label),
        "optional": proto.proto3_optional,
        "packed": field.is_packed,
        "oneof": [rival.name for rival in rivals],
        "enum": {value.name: value.number for value in names.value},
        "map": bool(field.message_type and field.message_type.GetOptions().map_entry),
        "holds": field.message_type and field.message_type.full_name,
    }


def stated_oneof(field: FieldDescriptor) -> list[FieldDescriptor]:
    """The members of the oneof that a field is in, if any."""
    oneof = field.containing_oneof  # protobuf makes one, named so, for each optional field
    return [] if oneof is None or oneof.name == f"_{field.name}" else list(oneof.fields)


def filled(descriptor: Descriptor) -> list[Message]:
    """The message with every field set and no number or text twice; one for each member of its oneof."""
    members = max([1, *(len(stated_oneof(field)) for field in descriptor.fields)])
    made = [GetMessageClass(descriptor)() for _ in range(members)]
    for member, message in enumerate(made):
        _fill(message, itertools.count(1), member)
    return made


def _fill(message: Message, count: Iterator[int], member: int) -> None:
    message.SetInParent()
    for field in message.DESCRIPTOR.fields:
        rivals = stated_oneof(field)
        if rivals and rivals[member % len(rivals)].name != field.name:
            continue
        shape = fields(message.DESCRIPTOR)[field.name]
        place = getattr(message, field.name)
        if shape["map"]:
            key, value = field.message_type.fields
            if value.message_type:
                _fill(place[_value(key, count)], count, member)
            else:
                place[_value(key, count)] = _value(value, count)
        elif shape["label"] == "LABEL_REPEATED":
            for _ in range(2):
                if field.message_type:
                    _fill(place.add(), count, member)
                else:
                    place.append(_value(field, count))
        elif field.message_type:
            _fill(place, count, member)
        else:
            setattr(message, field.name, _value(field, count))


def _value(field: FieldDescriptor, count: Iterator[int]) -> object:
    n = next(count)
    kinds = {
        field.CPPTYPE_BOOL: True,
        field.CPPTYPE_DOUBLE: n + 1 / 3,  # not exact as a float, so a double must be one
        field.CPPTYPE_FLOAT: n + 0.25,
        field.CPPTYPE_STRING: f"text {n}".encode() if field.type == field.TYPE_BYTES else f"text {n}",
    }
    return kinds.get(field.cpp_type, n)  # enums are open: a number without a name is kept


def tree(message: Message) -> Json:
    """The fields that are set, as JSON can hold them."""
    return {field.name: _leaf(value) for field, value in message.ListFields()}


def _leaf(value: Any) -> Any:
    if isinstance(value, Message):
        return tree(value)
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "items"):
        return {key: _leaf(each) for key, each in value.items()}
    if isinstance(value, str | int | float):
        return value
    return [_leaf(each) for each in value]


def main() -> None:
    from nvidia_audio2face_3d import a2x_export_config_pb2, audio2face_pb2, messages_pb2
    from nvidia_audio2face_3d_authoring import audio2face_3d_authoring_pb2

    found: dict[str, Descriptor] = reachable(messages_pb2.EmotionAggregate.DESCRIPTOR)
    paths: Json = {}
    for module in (audio2face_pb2, a2x_export_config_pb2, audio2face_3d_authoring_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            paths |= methods(service)
            for method in service.methods:
                reachable(method.input_type, found)
                reachable(method.output_type, found)
    messages = {
        name: {
            "fields": fields(descriptor),
            "samples": [
                {"bytes": one.SerializeToString(deterministic=True).hex(), "tree": tree(one)}
                for one in filled(descriptor)
            ],
        }
        for name, descriptor in found.items()
    }
    json.dump({"methods": paths, "messages": messages}, sys.stdout)


if __name__ == "__main__":
    main()
