// Copyright the voxrig authors. Apache-2.0.

#pragma once

// One datagram of a face: what its bytes say. Standard C++ only, no engine types, so that it compiles and is
// tested anywhere. The sender is voxrig_bridge/metahuman.py.
//
// Little-endian, no padding, at most 1400 bytes. Every datagram begins with
//
//     4 bytes  magic "VXMH"
//     u8       version, 1
//     u8       kind: 1 names, 2 face, 3 end
//     u8       flags: bit 0 of names: a take begins; bit 0 of a face: the head's angles count; the rest is 0
//     u8       m, bytes of the subject, 1..64
//     u32      id of the names: FNV-1a of all of them, each followed by a line feed
//     m bytes  subject, printable ASCII
//
// and goes on, by kind, with
//
//     names    u16 curves in all, 1..600; u16 index of the first name here; u16 names here;
//              then each: u8 length, 1..64, and printable ASCII without spaces
//     face     u32 index of the frame since the take began; u32 frames since midnight, f32 part of a frame
//              that has passed, 0 to less than 1; u32 numerator, u32 denominator of the frame rate;
//              f32 HeadRoll, f32 HeadPitch, f32 HeadYaw, degrees; u16 curves; u16 of each, 0..65535 for 0..1
//     end      u32 frames sent

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace voxrig
{

inline constexpr std::size_t LargestDatagram = 1400;
inline constexpr std::size_t MostCurves = 600;
inline constexpr std::size_t LongestName = 64;

// Views into the datagram: valid as long as its bytes are.

/** Bytes that are no message of this protocol. */
struct FMalformed
{
	const char* Why = "";
};

struct FHead
{
	std::string_view Subject;
	std::uint32_t Schema = 0;
};

/** Some of the names of a subject's curves. */
struct FNames
{
	FHead Head;
	bool bBegins = false;
	std::size_t Count = 0; // curves in all
	std::size_t First = 0; // index of Names[0] among them
	std::vector<std::string_view> Names;
};

/** When a frame belongs, as Unreal counts scene time. */
struct FMoment
{
	std::int32_t Frame = 0; // since midnight
	float Subframe = 0.0f;	// 0 to less than 1
	std::int32_t Numerator = 60;
	std::int32_t Denominator = 1;
};

/** One frame of a subject. */
struct FFace
{
	FHead Head;
	std::uint32_t Index = 0; // frames since the take began
	FMoment Moment;
	bool bTurned = false; // whether the angles count
	float Angles[3] = {0.0f, 0.0f, 0.0f}; // HeadRoll, HeadPitch, HeadYaw, degrees
	std::size_t Count = 0;
	const std::uint8_t* Weights = nullptr; // Count little-endian u16

	/** The weight of curve i, 0..1. */
	float Weight(std::size_t i) const
	{
		return static_cast<float>(Weights[2 * i] | (Weights[2 * i + 1] << 8)) / 65535.0f;
	}
};

/** A take is over. */
struct FEnd
{
	FHead Head;
	std::uint32_t Frames = 0; // how many were sent
};

using FPacket = std::variant<FMalformed, FNames, FFace, FEnd>;

/** What a datagram says. */
FPacket Parse(const std::uint8_t* Data, std::size_t Size);

} // namespace voxrig
