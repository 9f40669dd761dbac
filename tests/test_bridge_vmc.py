"""Laws of VMC: the bytes of its specification, a commit at the end of each frame, and Unity's way to turn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrig import rigs
from voxrig.errors import BridgeError, WireError
from voxrig.types import Array
from voxrig_bridge import osc, vmc
from voxrig_bridge.vmc import Vmc

FPS = Fraction(60)
BUNDLE = b"#bundle\0\0\0\0\0\0\0\0\1"
NAMES = pytest.mark.parametrize("names", ["vrm0", "vrm1", "arkit", "livelink", "metahuman", "metahuman-v3"])


def posed(codec: Vmc, **values: float) -> Array:
    """The neutral face but for some curves."""
    face = codec.rig.rest.copy()
    for name, value in values.items():
        face[codec.rig.index(name)] = value
    return face


def joined(datagrams: list[bytes]) -> vmc.Packet:
    """What a receiver knows after these."""
    packets = [vmc.parse(datagram) for datagram in datagrams]
    values = {name: value for packet in packets for name, value in packet.values.items()}
    bones = {name: place for packet in packets for name, place in packet.bones.items()}
    return vmc.Packet(packets[0].loaded, packets[0].time, bones, values, packets[-1].apply)


def test_a_frame_has_the_bytes_of_the_specification() -> None:
    codec = Vmc(FPS, bones=False)
    codec.encode(codec.rig.rest, 10.0)
    (datagram,) = codec.encode(posed(codec, A=0.5, LookRight=1.0), 10.25)
    assert datagram.startswith(
        BUNDLE
        + b"\0\0\0\x14/VMC/Ext/OK\0,i\0\0\0\0\0\1"
        + b"\0\0\0\x14/VMC/Ext/T\0\0,f\0\0\x3e\x80\0\0"
        + b"\0\0\0\x20/VMC/Ext/Blend/Val\0\0,sf\0A\0\0\0\x3f\0\0\0"
        + b"\0\0\0\x20/VMC/Ext/Blend/Val\0\0,sf\0I\0\0\0\0\0\0\0"
    )
    assert datagram.endswith(
        b"\0\0\0\x28/VMC/Ext/Blend/Val\0\0,sf\0LookRight\0\0\0\x3f\x80\0\0"
        b"\0\0\0\x1c/VMC/Ext/Blend/Apply\0\0\0\0,\0\0\0"
    )


def test_bones_have_the_bytes_of_the_specification() -> None:
    (datagram,) = Vmc(FPS, neck=0.5).end()
    place = b"\0" * 12 + b"\0" * 12 + b"\x3f\x80\0\0"
    assert b"\0\0\0\x44/VMC/Ext/Root/Pos\0\0\0,sfffffff\0\0\0root\0\0\0\0" + place in datagram
    place = b"\0" * 4 + b"\x3f\0\0\0" + b"\0" * 4
    assert b"\0\0\0\x44/VMC/Ext/Bone/Pos\0\0\0,sfffffff\0\0\0Head\0\0\0\0" + place in datagram


@NAMES
def test_each_frame_ends_with_the_one_apply(names: str) -> None:
    codec = Vmc(FPS, names)
    walk = np.random.default_rng(0).random((5, len(codec.rig))).astype(np.float32)
    for datagrams in (*(codec.encode(values, i / 60) for i, values in enumerate(walk)), codec.end()):
        messages = [message for datagram in datagrams for message in osc.parse(datagram)]
        assert messages[-1] == osc.Message("/VMC/Ext/Blend/Apply", "", ())
        assert sum("Apply" in message.address for message in messages) == 1
        assert [message.address for message in messages[:4]] == [
            "/VMC/Ext/OK",
            "/VMC/Ext/T",
            "/VMC/Ext/Root/Pos",
            "/VMC/Ext/Bone/Pos",
        ]


@NAMES
def test_the_first_frame_and_the_last_tell_everything(names: str) -> None:
    codec = Vmc(FPS, names)
    values = np.linspace(0, 1, len(codec.rig), dtype=np.float32)
    first, last = joined(codec.encode(values, 0.0)), joined(codec.end())
    wanted = dict(zip(codec.rig.curves, values.tolist(), strict=True))
    assert {name.lower() for name in first.values} <= {name.lower() for name in wanted}
    assert len(first.values) == (52 if names == "livelink" else len(codec.rig))
    spelled = {name.lower(): value for name, value in wanted.items()}
    assert all(value == spelled[name.lower()] for name, value in first.values.items())
    assert set(last.values) == set(first.values)
    assert set(last.values.values()) == {0.0}
    assert last.bones["Head"][3:] == (0, 0, 0, 1)


def test_perfect_sync_is_spelled_as_unity_spells_it() -> None:
    names = joined(Vmc(FPS, "arkit").end()).values
    assert list(names) == list(joined(Vmc(FPS, "livelink").end()).values)
    assert {"JawOpen", "BrowDownLeft", "TongueOut"} < set(names)


def test_metahuman_sends_what_moved_and_tells_a_late_listener_all_within_a_second() -> None:
    codec = Vmc(Fraction(30), "metahuman")
    codec.encode(codec.rig.rest, 0.0)
    (still,) = codec.encode(codec.rig.rest, 1 / 30)
    assert len(vmc.parse(still).values) == -(-len(codec.rig) // 30)
    moved = posed(codec, CTRL_expressions_jawOpen=0.01)
    assert joined(codec.encode(moved, 2 / 30)).values["CTRL_expressions_jawOpen"] == np.float32(0.01)
    within = posed(codec, CTRL_expressions_jawOpen=0.01 + 0.9 / 1024)
    late: dict[str, float] = {}
    for i in range(30):
        late |= joined(codec.encode(within, 0.1 + i / 30)).values
    assert set(late) == set(codec.rig.curves)
    assert late["CTRL_expressions_jawOpen"] == within[codec.rig.index("CTRL_expressions_jawOpen")]


def test_time_runs_from_the_first_frame_and_on_past_midnight() -> None:
    codec = Vmc(FPS)
    times = [vmc.parse(codec.encode(codec.rig.rest, t)[0]).time for t in (86_399.5, 86_399.75, 0.0, 0.5)]
    assert times == [0.0, 0.25, 0.5, 1.0]


ANGLE = st.floats(-1.5, 1.5)


@settings(deadline=None)
@given(yaw=ANGLE, pitch=ANGLE, roll=ANGLE)
def test_the_head_turns_by_roll_then_pitch_then_yaw(yaw: float, pitch: float, roll: float) -> None:
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation
    turn = rotation.from_quat(vmc.unity(yaw, pitch, roll))
    assert (turn * rotation.from_euler("YXZ", [yaw, pitch, -roll]).inv()).magnitude() < 1e-9


@pytest.mark.parametrize(
    ("curve", "nose", "crown"),  # Unity: +X to the avatar's right, +Y up, +Z out of the face
    [
        ("HeadYaw", (1, 0, 0), (0, 1, 0)),
        ("HeadPitch", (0, -1, 0), (0, 0, 1)),
        ("HeadRoll", (0, 0, 1), (1, 0, 0)),
    ],
)
def test_yaw_is_right_pitch_is_down_and_roll_is_to_the_right_shoulder(
    curve: str, nose: tuple[int, ...], crown: tuple[int, ...]
) -> None:
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation
    codec = Vmc(FPS, "livelink")
    place = joined(codec.encode(posed(codec, **{curve: np.pi / 2}), 0.0)).bones["Head"]
    turned = rotation.from_quat(place[3:]).apply([[0, 0, 1], [0, 1, 0]])
    np.testing.assert_allclose(turned, [nose, crown], atol=1e-6)


def test_a_packet_passes_over_what_it_does_not_know() -> None:
    odd = [
        osc.message("/VMC/Ext/OK", 1, 3, 0, 1),
        osc.message("/VMC/Ext/OK", 0.0),
        osc.message("/VMC/Ext/T", "soon"),
        osc.message("/VMC/Ext/Blend/Val", "A"),
        osc.message("/VMC/Ext/Blend/Val", "I", 1),
        osc.message("/VMC/Ext/Blend/Val", "U", float("nan")),
        osc.message("/VMC/Ext/Blend/Val", "E", 0.5, "more"),
        osc.message("/VMC/Ext/Bone/Pos", "Head", *[0.0] * 6),
        osc.message("/VMC/Ext/Bone/Pos", "Neck", *[0.0] * 6, 1.0, "more"),
        osc.message("/VMC/Ext/Cam", "Camera"),
    ]
    found = vmc.parse(osc.bundle(odd))
    assert found == vmc.Packet(1, None, {"Neck": (0.0,) * 6 + (1.0,)}, {"E": 0.5}, apply=False)
    with pytest.raises(WireError):
        vmc.parse(b"{}")


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(BridgeError, match="unknown names for VMC 'vrm2'; have vrm0, vrm1, arkit, livelink, "):
        Vmc(FPS, "vrm2")


def test_the_rig_is_the_one_that_is_named() -> None:
    assert Vmc(FPS).rig is rigs.get("vrm0")
    assert Vmc(FPS, "metahuman-v3").rig is rigs.get("metahuman-v3")
    assert Vmc(FPS).begin() == []
