"""A client made of NVIDIA's own packages alone: says a clip to a server and prints what it heard, as JSON.

Their grpcio and protobuf are older than ours, so it runs in a Python of its own:
nvidia_client.py ADDRESS FILE_OF_16_BIT_SAMPLES RATE. It speaks as NVIDIA's sample does: a second of sound a
message, every emotion in the first, a marker at the end, and its own side stays open.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nvidia_ace.audio_pb2 import AudioHeader
from nvidia_audio2face_3d import messages_pb2 as a2f
from nvidia_audio2face_3d.a2x_export_config_pb2 import ConfigsTypeRequest
from nvidia_audio2face_3d.a2x_export_config_pb2_grpc import A2XExportConfigServiceStub
from nvidia_audio2face_3d.audio2face_pb2_grpc import A2FControllerServiceStub
from nvidia_audio2face_3d_authoring.audio2face_3d_authoring_pb2_grpc import A2FAuthoringServiceStub
from nvidia_audio2face_3d_authoring.messages_pb2 import AudioClip, FacePoseRequest

Json = dict[str, Any]


def process(channel: Any, sound: bytes, rate: int, emotion: dict[str, float]) -> Json:
    """A clip from start to end, with an emotion from its first second on."""
    heard: Json = {
        "parts": [],
        "times": [],
        "weights": [],
        "status": [],
        "shown": [],
        "asked": [],
        "echo": "",
    }
    echo = b""
    finished: list[bool] = []
    requests = _requests(sound, rate, emotion, finished)
    for answer in A2FControllerServiceStub(channel).ProcessAudioStream(requests):
        part = answer.WhichOneof("stream_part")
        heard["parts"].append(part)
        if part == "animation_data_stream_header":
            header = answer.animation_data_stream_header
            heard["names"] = list(header.skel_animation_header.blend_shapes)
            heard["format"] = [
                header.audio_header.audio_format,
                header.audio_header.channel_count,
                header.audio_header.samples_per_second,
                header.audio_header.bits_per_sample,
            ]
            heard["epoch"] = header.start_time_code_since_epoch
        elif part == "animation_data":
            data = answer.animation_data
            (frame,) = data.skel_animation.blend_shape_weights
            heard["times"].append(frame.time_code)
            heard["weights"].append(list(frame.values))
            echo += data.audio.audio_buffer
            told = a2f.EmotionAggregate()
            assert data.metadata["emotion_aggregate"].Unpack(told)
            assert not told.a2e_output
            heard["shown"].append(dict(told.a2f_smoothed_output[0].emotion))
            heard["asked"].append(dict(told.input_emotions[0].emotion))
        elif part == "status":
            heard["status"].append([answer.status.code, answer.status.message])
    finished.append(True)
    return heard | {"echo": echo.hex()}


def refused(channel: Any, sound: bytes) -> Json:
    """What is told of a clip at a rate that no server takes."""
    finished: list[bool] = []
    statuses: list[Any] = []
    try:
        for answer in A2FControllerServiceStub(channel).ProcessAudioStream(_requests(sound, 1, {}, finished)):
            if answer.HasField("status"):
                statuses.append([answer.status.code, answer.status.message])
    except grpc.RpcError as error:
        return {"status": statuses, "code": error.code().name, "details": error.details()}
    finally:
        finished.append(True)
    return {"status": statuses}


def _requests(sound: bytes, rate: int, emotion: dict[str, float], finished: list[bool]) -> Iterator[Any]:
    header = AudioHeader(
        audio_format=AudioHeader.AUDIO_FORMAT_PCM,
        channel_count=1,
        samples_per_second=rate,
        bits_per_sample=16,
    )
    yield a2f.AudioWithEmotionStream(
        audio_stream_header=a2f.AudioWithEmotionStreamHeader(
            audio_header=header, face_params=a2f.FaceParameters(float_params={"lowerFaceStrength": 1.3})
        )
    )
    second = 2 * rate
    for at in range(0, len(sound) + second, second):  # the last is empty where the clip is whole seconds
        emotions = [a2f.EmotionWithTimeCode(time_code=1.0, emotion=emotion)] if at == 0 else []
        yield a2f.AudioWithEmotionStream(
            audio_with_emotion=a2f.AudioWithEmotion(audio_buffer=sound[at : at + second], emotions=emotions)
        )
    yield a2f.AudioWithEmotionStream(end_of_audio=a2f.AudioWithEmotionStream.EndOfAudio())
    while not finished:  # grpc would close our side where the requests end
        time.sleep(0.01)


def author(channel: Any, sound: bytes, rate: int) -> Json:
    """The clip uploaded, and its face at the frames of its first second."""
    stub = A2FAuthoringServiceStub(channel)
    header = AudioHeader(channel_count=1, samples_per_second=rate, bits_per_sample=16)
    handle = stub.UploadAudioClip(AudioClip(audio_header=header, content=sound))
    poses = [
        stub.GetAvatarFacePose(FacePoseRequest(audio_hash=handle.audio_clip_id, time_stamp=i / 30))
        for i in range(30)
    ]
    return {
        "id": handle.audio_clip_id,
        "names": list(handle.blendshape_names),
        "poses": [list(pose.blendshapes) for pose in poses],
        "emotions": dict(poses[0].emotions),
    }


def configs(channel: Any) -> Json:
    """Files by name, of either kind."""
    stub = A2XExportConfigServiceStub(channel)
    kinds = {"yaml": ConfigsTypeRequest.YAML, "json": ConfigsTypeRequest.JSON}
    return {
        kind: {file.name: file.content for file in stub.GetConfigs(ConfigsTypeRequest(config_type=number))}
        for kind, number in kinds.items()
    }


def main(address: str, path: str, rate: str) -> None:
    sound = Path(path).read_bytes()
    with grpc.insecure_channel(address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        told = {
            "health": health_pb2.HealthCheckResponse.ServingStatus.Name(check.status),
            "configs": configs(channel),
            "clip": process(channel, sound, int(rate), {}),
            "joyful": process(channel, sound, int(rate), {"joy": 1.0}),
            "refused": refused(channel, sound[:64]),
            "authoring": author(channel, sound, int(rate)),
        }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
