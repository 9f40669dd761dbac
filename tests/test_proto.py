"""The wire: our NVIDIA messages are NVIDIA's, byte for byte; the stubs are those of the .proto files."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nvidia_wire
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from voxrig.pb.nvidia_ace import (
    a2f_authoring_pb2,
    a2f_authoring_service_pb2,
    a2f_authoring_service_pb2_grpc,
    a2f_controller_service_pb2,
    a2f_controller_service_pb2_grpc,
    a2f_pb2,
    a2x_export_config_service_pb2,
    a2x_export_config_service_pb2_grpc,
    animation_data_pb2,
    audio_pb2,
    controller_pb2,
    emotion_aggregate_pb2,
    emotion_with_timecode_pb2,
    status_pb2,
)

GENERATE = Path(__file__).parent.parent / "proto" / "generate.py"
FILES = [
    a2f_authoring_pb2,
    a2f_authoring_service_pb2,
    a2f_controller_service_pb2,
    a2f_pb2,
    a2x_export_config_service_pb2,
    animation_data_pb2,
    audio_pb2,
    controller_pb2,
    emotion_aggregate_pb2,
    emotion_with_timecode_pb2,
    status_pb2,
]
METHODS = {
    "/nvidia_ace.services.a2f_controller.v1.A2FControllerService/ProcessAudioStream": {
        "messages": ["nvidia_ace.controller.v1.AudioStream", "nvidia_ace.controller.v1.AnimationDataStream"],
        "streams": [True, True],
    },
    "/nvidia_ace.services.a2x_export_config.v1.A2XExportConfigService/GetConfigs": {
        "messages": [
            "nvidia_ace.services.a2x_export_config.v1.ConfigsTypeRequest",
            "nvidia_ace.services.a2x_export_config.v1.A2XConfig",
        ],
        "streams": [False, True],
    },
    "/nvidia_ace.services.a2f_authoring.v1.A2FAuthoringService/UploadAudioClip": {
        "messages": ["nvidia_ace.a2f_authoring.v1.AudioClip", "nvidia_ace.a2f_authoring.v1.AudioClipHandle"],
        "streams": [False, False],
    },
    "/nvidia_ace.services.a2f_authoring.v1.A2FAuthoringService/GetAvatarFacePose": {
        "messages": [
            "nvidia_ace.a2f_authoring.v1.FacePoseRequest",
            "nvidia_ace.a2f_authoring.v1.BlendShapeData",
        ],
        "streams": [False, False],
    },
}


def methods() -> dict[str, Any]:
    """What our stubs say, as METHODS."""
    services = [service for file in FILES for service in file.DESCRIPTOR.services_by_name.values()]
    return {path: facts for service in services for path, facts in nvidia_wire.methods(service).items()}


def test_methods_have_nvidias_names() -> None:
    assert methods() == METHODS


def test_stubs_call_those_methods() -> None:
    class Paths:
        """A channel whose calls are the paths they would be sent to."""

        unary_unary = unary_stream = stream_stream = staticmethod(lambda path, **_: path)

    called = {
        **vars(a2f_controller_service_pb2_grpc.A2FControllerServiceStub(Paths())),
        **vars(a2x_export_config_service_pb2_grpc.A2XExportConfigServiceStub(Paths())),
        **vars(a2f_authoring_service_pb2_grpc.A2FAuthoringServiceStub(Paths())),
    }
    assert set(called.values()) == set(METHODS)
    assert all(path.endswith(f"/{name}") for name, path in called.items())


def test_type_url_of_emotions() -> None:
    packed = AnyMessage()
    packed.Pack(emotion_aggregate_pb2.EmotionAggregate())
    assert packed.type_url == "type.googleapis.com/nvidia_ace.emotion_aggregate.v1.EmotionAggregate"


_WEIGHTS = animation_data_pb2.FloatArrayWithTimeCode(time_code=1, values=[0.5])


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (controller_pb2.AudioStream(end_of_audio={}), "1a 00"),
        (controller_pb2.AudioStream(audio_with_emotion={"audio_buffer": b"\1\2"}), "12 04 0a 02 01 02"),
        (
            audio_pb2.AudioHeader(channel_count=1, samples_per_second=16_000, bits_per_sample=16),
            "10 01 18 80 7d 20 10",
        ),
        (a2f_pb2.BlendShapeParameters(enable_clamping_bs_weight=False), "18 00"),  # set, though false
        (
            animation_data_pb2.AnimationData(skel_animation={"blend_shape_weights": [_WEIGHTS]}),
            "0a 11 0a 0f 09 00 00 00 00 00 00 f0 3f 12 04 00 00 00 3f",
        ),
        (controller_pb2.AnimationDataStream(event={}), "1a 00"),
        (
            controller_pb2.AnimationDataStream(status={"code": status_pb2.Status.ERROR, "message": "no"}),
            "22 06 08 03 12 02 6e 6f",
        ),
    ],
    ids=["end", "sound", "audio header", "clamp", "weights", "event", "status"],
)
def test_bytes(message: Message, wire: str) -> None:
    assert message.SerializeToString() == bytes.fromhex(wire)


@pytest.fixture(scope="module")
def nvidia() -> Any:
    """What NVIDIA's own packages say: see nvidia_wire."""
    python = os.environ.get("VOXRIG_NVIDIA_PYTHON")
    if not python:
        pytest.skip(
            "VOXRIG_NVIDIA_PYTHON names no Python that has nvidia-audio2face-3d and its authoring package"
        )
    command = [python, "-I", nvidia_wire.__file__]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=120).stdout)


def test_nvidias_messages_are_ours(nvidia: Any) -> None:
    ours = {
        name: descriptor
        for file in FILES
        for message in file.DESCRIPTOR.message_types_by_name.values()
        for name, descriptor in nvidia_wire.reachable(message).items()
    }
    aggregate = "nvidia_ace.emotion_aggregate.v1.EmotionAggregate"  # travels in an Any, so no method names it
    pairs = {name: aggregate for name in nvidia["messages"] if name.endswith(".EmotionAggregate")}
    assert nvidia["methods"].keys() == METHODS.keys()
    for path, facts in METHODS.items():
        assert nvidia["methods"][path]["streams"] == facts["streams"]
        pairs |= zip(nvidia["methods"][path]["messages"], facts["messages"], strict=True)

    waiting = list(pairs.items())
    while waiting:  # from each pair to the messages that both hold under one field
        theirs, name = waiting.pop()
        their_fields, our_fields = nvidia["messages"][theirs]["fields"], nvidia_wire.fields(ours[name])
        held = {
            field["holds"]: our_fields[key]["holds"]
            for key, field in their_fields.items()
            if field["holds"] and key in our_fields
        }
        assert _bare(their_fields) == _bare(our_fields), theirs
        for pair in held.items():
            if pair[0] not in pairs:
                waiting.append(pair)
            assert pairs.setdefault(*pair) == pair[1], pair
        for sample in nvidia["messages"][theirs]["samples"]:
            parsed = GetMessageClass(ours[name]).FromString(bytes.fromhex(sample["bytes"]))
            assert json.loads(json.dumps(nvidia_wire.tree(parsed))) == sample["tree"], theirs
            parsed.DiscardUnknownFields()  # protobuf would hand them back unread
            assert parsed.SerializeToString(deterministic=True).hex() == sample["bytes"], theirs
    assert pairs.keys() == nvidia["messages"].keys()
    assert set(pairs.values()) == set(ours), "some of ours are in no message of NVIDIA's"
    assert len(set(pairs.values())) == len(pairs)


def _bare(fields: dict[str, Any]) -> dict[str, Any]:
    """Without the names of messages, which differ between NVIDIA's generations and never travel."""
    return {name: {**field, "holds": None} for name, field in fields.items()}


def test_committed_stubs_are_fresh() -> None:
    python = os.environ.get("VOXRIG_GRPC_TOOLS_PYTHON")
    if not python:
        pytest.skip("VOXRIG_GRPC_TOOLS_PYTHON names no Python that has the grpcio-tools of proto/generate.py")
    done = subprocess.run([python, GENERATE, "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(
    importlib.util.find_spec("grpc_tools") is not None, reason="grpcio-tools is installed here"
)
def test_generator_refuses_other_tools() -> None:
    done = subprocess.run([sys.executable, GENERATE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == "generate.py: stubs are made with grpcio-tools 1.74.0; this Python has none\n"
