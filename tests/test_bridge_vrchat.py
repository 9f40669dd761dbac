"""Laws of VRChat's parameters: their names, what changed and no more, and digits that add up."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrig import rigs
from voxrig.errors import BridgeError, WireError
from voxrig.types import Array
from voxrig_bridge import osc, vrchat
from voxrig_bridge.vrchat import Vrchat

RIG = rigs.get("vrchat")
STEP = 1 / 127


def posed(**values: float) -> Array:
    """The neutral face but for some parameters."""
    face = RIG.rest.copy()
    for name, value in values.items():
        face[RIG.index("v2/" + name)] = value
    return face


def told(datagrams: list[bytes]) -> dict[str, float | bool]:
    """What these datagrams set."""
    return {name: value for datagram in datagrams for name, value in vrchat.parse(datagram).values.items()}


def wander(count: int, seed: int = 0) -> Array:
    """Frames that wander about the neutral face: (t, c)."""
    walk = np.random.default_rng(seed).normal(0, 0.01, (count, len(RIG))).cumsum(axis=0)
    return np.asarray(np.clip(RIG.rest + walk, RIG.low, RIG.high), np.float32)


def test_parameters_have_the_bytes_that_vrchat_reads() -> None:
    codec = Vrchat()
    first = codec.encode(posed(JawOpen=0.5), 0.0)
    jaw = b"\0\0\0\x28/avatar/parameters/v2/JawOpen\0\0\0,f\0\0\x3f\0\0\0"
    assert sum(jaw in datagram for datagram in first) == 1
    assert codec.begin() == [
        b"#bundle\0\0\0\0\0\0\0\0\1"
        b"\0\0\0\x2c/avatar/parameters/EyeTrackingActive\0\0\0\0,F\0\0"
        b"\0\0\0\x2c/avatar/parameters/LipTrackingActive\0\0\0\0,T\0\0"
        b"\0\0\0\x30/avatar/parameters/ExpressionTrackingActive\0,T\0\0"
    ]


def test_the_first_frame_tells_every_parameter_and_the_end_lays_them_down() -> None:
    codec = Vrchat()
    values = wander(1)[0]
    first, last = told(codec.encode(values, 0.0)), told(codec.end())
    status = told(codec.begin())
    assert first == dict(zip(RIG.curves, values.tolist(), strict=True)) | status
    assert last == dict(zip(RIG.curves, RIG.rest.tolist(), strict=True)) | dict.fromkeys(status, False)


def test_a_still_face_is_told_once_a_second_and_a_parameter_at_a_time() -> None:
    codec = Vrchat(fps=Fraction(30))
    codec.encode(RIG.rest, 0.0)
    seconds = [told(codec.encode(RIG.rest, i / 30)) for i in range(30)]
    status = told(codec.begin())
    assert max(map(len, seconds)) <= -(-len(RIG) // 30) + len(status)
    assert set().union(*seconds) == {*RIG.curves, *status}
    assert sum(map(len, seconds)) == len(RIG) + len(status)


def test_a_listener_is_never_more_than_half_a_step_off() -> None:
    codec = Vrchat()
    held: dict[str, float | bool] = {}
    sent = 0
    frames = wander(200)
    for i, values in enumerate(frames):
        new = told(codec.encode(values, i / 60))
        held |= new
        sent += len(new)
        assert np.abs([held[name] for name in RIG.curves] - values).max() <= STEP / 2 + 1e-7
    assert sent < 0.9 * frames.size


@settings(max_examples=40, deadline=None)
@given(bits=st.integers(1, 8), seed=st.integers(0, 99))
def test_digits_add_up_to_the_value(bits: int, seed: int) -> None:
    codec = Vrchat(bits=bits)
    held: dict[str, float | bool] = {}
    for i, values in enumerate(wander(3, seed) * 5):
        values = np.clip(values, RIG.low, RIG.high)
        held |= told(codec.encode(values, i / 60))
        for name, low, value in zip(RIG.curves, RIG.low, values.tolist(), strict=True):
            size = sum(2**digit * held[f"{name}{2**digit}"] for digit in range(bits))
            assert size == min(int(abs(value) * 2**bits), 2**bits - 1)
            assert held.get(f"{name}Negative") is (value < 0 if low < 0 else None)


def test_digits_are_bools_named_by_their_weight() -> None:
    found = told(Vrchat(bits=3).encode(posed(JawX=-0.7, JawOpen=1.0, MouthClosed=0.3), 0.0))
    assert {name: said for name, said in found.items() if "/JawX" in name} == {
        "v2/JawX1": True,
        "v2/JawX2": False,
        "v2/JawX4": True,
        "v2/JawXNegative": True,
    }
    assert [found[f"v2/JawOpen{weight}"] for weight in (1, 2, 4)] == [True, True, True]
    assert [found[f"v2/MouthClosed{weight}"] for weight in (1, 2, 4)] == [False, True, False]
    assert "v2/JawOpenNegative" not in found


def test_a_still_face_of_digits_sends_few_of_them() -> None:
    codec = Vrchat(bits=4)
    everything = len(told(codec.encode(RIG.rest, 0.0))) - len(told(codec.begin()))
    assert everything == 4 * len(RIG) + int((RIG.low < 0).sum())
    assert len(told(codec.encode(RIG.rest, 0.1))) <= everything / 60 + 1


def test_parameters_go_where_the_avatar_has_them() -> None:
    codec = Vrchat("/avatar/parameters/FT/v2/")
    names = told(codec.encode(RIG.rest, 0.0))
    assert "FT/v2/JawOpen" in names
    assert "FT/v2/Head/Yaw" in names
    assert {name for name in told(codec.begin()) if "FT" in name} == set()


def test_native_eyes_turn_in_degrees_down_and_right() -> None:
    codec = Vrchat(native=True)
    values = posed(EyeLeftX=0.5, EyeLeftY=1.0, EyeRightX=-1.0, EyeRightY=-0.25, EyeClosed=0.75)
    found = vrchat.parse(codec.encode(values, 0.0)[0])
    full = np.degrees(0.6)  # of an eyeLook shape, see docs/rigs.md
    assert found.look == pytest.approx((-full, full / 2, full / 4, -full))
    assert found.closed == 0.75
    again = vrchat.parse(codec.encode(values, 0.1)[0])
    assert (again.look, again.closed) == (found.look, found.closed)  # VRChat forgets what it does not hear
    assert vrchat.parse(codec.end()[0]).closed == 0.0
    assert told(codec.begin())["EyeTrackingActive"] is True


@pytest.mark.parametrize(
    ("options", "active"), [({}, False), ({"eyes": True}, True), ({"native": True}, True)]
)
def test_eyes_are_active_only_if_the_frames_move_them(options: dict[str, bool], active: bool) -> None:
    status = told(Vrchat(**options).begin())  # type: ignore[arg-type]
    assert status == {
        "EyeTrackingActive": active,
        "LipTrackingActive": True,
        "ExpressionTrackingActive": True,
    }


def test_a_packet_passes_over_what_is_not_about_the_face() -> None:
    odd = [
        osc.message("/avatar/change", "avtr_1"),
        osc.message("/avatar/parameters/A", "text"),
        osc.message("/avatar/parameters/B", float("inf")),
        osc.message("/avatar/parameters/C"),
        osc.message("/tracking/eye/LeftRightPitchYaw", 1.0, 2.0, 3.0),
        osc.message("/tracking/eye/EyesClosedAmount", float("nan")),
        osc.message("/avatar/parameters/D", True),
    ]
    assert vrchat.parse(osc.bundle(odd)) == vrchat.Parameters({"D": True})
    with pytest.raises(WireError):
        vrchat.parse(b"/avatar")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prefix": "/v2/"}, "prefix '/v2/' is no place for VRChat parameters; have /avatar/parameters/…/"),
        ({"prefix": "/avatar/parameters/v2"}, "is no place"),
        ({"prefix": "/avatar/parameters/a b/"}, "is no place"),
        ({"prefix": "/avatar/parameters/" + "a" * 200 + "/"}, "is no place"),
        ({"bits": 9}, r"9 bits for a VRChat parameter; have 0 \(a float\) to 8"),
        ({"bits": -1}, "-1 bits"),
    ],
)
def test_what_vrchat_cannot_take_is_refused(options: dict[str, str | int], sentence: str) -> None:
    with pytest.raises(BridgeError, match=sentence):
        Vrchat(**options)  # type: ignore[arg-type]
