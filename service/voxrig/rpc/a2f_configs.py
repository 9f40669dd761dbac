"""NVIDIA's A2XExportConfigService: what this server does, as NVIDIA's three settings files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from .._version import __version__
from ..errors import VoxrigError
from ..pb.nvidia_ace import a2x_export_config_service_pb2 as pb
from ..pb.nvidia_ace import a2x_export_config_service_pb2_grpc
from ..style import EMOTIONS
from . import status
from .a2f_emotions import FPS
from .a2f_parameters import FACE, MAX_BUFFER, POST, RIG, TRANSITION, Parameter
from .floor import Floor

Settings = Mapping[str, Any]


class Configs(a2x_export_config_service_pb2_grpc.A2XExportConfigServiceServicer):
    """The service. ``secure`` is disabled, tls or mtls."""

    def __init__(self, floor: Floor, secure: str, type_url: str) -> None:
        model = next(iter(floor.models))
        self._files: dict[str, Settings] = {
            "stylization_config.yaml": _stylization(model),
            "deployment_config.yaml": _deployment(floor, secure, type_url),
            "advanced_config.yaml": _advanced(floor),
        }

    async def GetConfigs(  # noqa: N802
        self, request: pb.ConfigsTypeRequest, context: Any
    ) -> AsyncIterator[pb.A2XConfig]:
        """The three files."""
        async with status.told(context):
            write = _WRITERS.get(request.config_type)
            if write is None:
                raise VoxrigError(f"config_type is {request.config_type}; have 0 (YAML), 1 (JSON)")
            for name, settings in self._files.items():
                yield pb.A2XConfig(name=name, content=write(settings))


def _stylization(model: str) -> Settings:
    return {
        "default_beginning_emotions": dict.fromkeys(EMOTIONS, 0.0),
        "a2e": {
            "enabled": False,  # emotions are shown as asked for; none is heard in the sound
            TRANSITION.name: TRANSITION.default,
            "post_processing_params": {"enable_preferred_emotion": True} | {p.name: p.default for p in POST},
        },
        "a2f": {
            "inference_model_id": model,
            "enable_tongue_blendshapes": True,
            "face_params": {p.name: p.default for p in FACE},
            "blendshape_params": {
                "enable_clamping_bs_weight": False,
                "weight_multipliers": dict.fromkeys(RIG.curves, 1.0),
                "weight_offsets": dict.fromkeys(RIG.curves, 0.0),
            },
        },
        "request_parameters": {p.name: _parameter(p) for p in (*FACE, *POST, TRANSITION)},
    }


def _parameter(parameter: Parameter) -> Settings:
    return {
        "default": parameter.default,
        "minimum": parameter.low,
        "maximum": parameter.high,
        "effect": parameter.effect,
    }


def _deployment(floor: Floor, secure: str, type_url: str) -> Settings:
    models = {
        name: {
            "lookahead_ms": round(1000 * model.card.lookahead / model.card.rate),
            "licence": model.card.licence,
        }
        for name, model in floor.models.items()
    }
    return {
        "server": {"name": "voxrig", "version": __version__, "secure_mode": secure},
        "common": {"stream_number": floor.limits.streams, "emotion_type_url": type_url},
        "models": models,
    }


def _advanced(floor: Floor) -> Settings:
    limits = floor.limits
    return {
        "input_sanitization": {
            "min_sample_rate": limits.min_rate,
            "max_sample_rate": limits.max_rate,
            "max_audio_buffer_size_second": MAX_BUFFER,
            "max_audio_clip_size_second": limits.max_clip,
            "max_message_bytes": limits.max_message,
            "max_wait_time_idle_ms": round(1000 * limits.idle),
            "max_wait_time_unread_ms": round(1000 * limits.stall),
        },
        "pipeline_parameters": {"burst_mode": True, "blendshape_streaming_fps": int(FPS)},
    }


def _yaml(settings: Settings) -> str:
    return "\n".join(_lines(settings, "")) + "\n"


def _lines(settings: Settings, indent: str) -> Iterator[str]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        else:
            # What JSON writes for a number, a truth or a text, YAML reads as the same.
            yield f"{indent}{key}: {json.dumps(value)}"


def _json(settings: Settings) -> str:
    return json.dumps(settings, indent=2) + "\n"


_WRITERS = {pb.ConfigsTypeRequest.YAML: _yaml, pb.ConfigsTypeRequest.JSON: _json}
