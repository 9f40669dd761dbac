// Copyright the voxrig authors. Apache-2.0.

#include "FacePacket.h"

#include <cmath>
#include <cstring>

namespace voxrig
{
namespace
{

constexpr std::size_t HeadSize = 12;
constexpr std::size_t NamesSize = 6;
constexpr std::size_t FaceSize = 34;
constexpr std::uint32_t LargestInt = 0x7fffffffu; // a frame rate in Unreal is two of these
constexpr std::uint64_t Fastest = 1000;			  // frames a second

std::uint32_t U16(const std::uint8_t* At)
{
	return static_cast<std::uint32_t>(At[0]) | static_cast<std::uint32_t>(At[1]) << 8;
}

std::uint32_t U32(const std::uint8_t* At)
{
	return U16(At) | U16(At + 2) << 16;
}

float F32(const std::uint8_t* At)
{
	const std::uint32_t Bits = U32(At);
	float Value;
	std::memcpy(&Value, &Bits, sizeof(Value));
	return Value;
}

/** Whether these bytes are 1..64 printable ASCII characters, none below Lowest. */
bool IsText(const std::uint8_t* At, std::size_t Size, char Lowest)
{
	if (Size < 1 || Size > LongestName)
	{
		return false;
	}
	for (std::size_t i = 0; i < Size; ++i)
	{
		if (At[i] < Lowest || At[i] > '~')
		{
			return false;
		}
	}
	return true;
}

std::string_view Text(const std::uint8_t* At, std::size_t Size)
{
	return {reinterpret_cast<const char*>(At), Size};
}

FPacket ParseNames(const std::uint8_t* Body, std::size_t Size, FHead Head, bool bBegins)
{
	if (Size < NamesSize)
	{
		return FMalformed{"cut short before the names"};
	}
	FNames Packet{Head, bBegins, U16(Body), U16(Body + 2), {}};
	const std::size_t Here = U16(Body + 4);
	if (Packet.Count < 1 || Packet.Count > MostCurves || Here < 1 || Packet.First + Here > Packet.Count)
	{
		return FMalformed{"names out of range"};
	}
	Packet.Names.reserve(Here);
	std::size_t At = NamesSize;
	for (std::size_t i = 0; i < Here; ++i)
	{
		if (At >= Size || Size - At - 1 < Body[At])
		{
			return FMalformed{"cut short in a name"};
		}
		const std::size_t Length = Body[At];
		if (!IsText(Body + At + 1, Length, '!'))
		{
			return FMalformed{"a name that is empty, too long or not printable ASCII"};
		}
		Packet.Names.push_back(Text(Body + At + 1, Length));
		At += 1 + Length;
	}
	if (At != Size)
	{
		return FMalformed{"bytes after the last name"};
	}
	return Packet;
}

FPacket ParseFace(const std::uint8_t* Body, std::size_t Size, FHead Head, bool bTurned)
{
	if (Size < FaceSize)
	{
		return FMalformed{"cut short before the weights"};
	}
	const std::size_t Count = U16(Body + 32);
	if (Count < 1 || Count > MostCurves || Size != FaceSize + 2 * Count)
	{
		return FMalformed{"weights of the wrong length"};
	}
	const std::uint32_t DayFrame = U32(Body + 4), Numerator = U32(Body + 12), Denominator = U32(Body + 16);
	if (Numerator < 1 || Numerator > LargestInt || Denominator < 1 || Denominator > LargestInt ||
		Numerator > Fastest * Denominator)
	{
		return FMalformed{"frame rate out of range"};
	}
	const float Subframe = F32(Body + 8);
	if (DayFrame > LargestInt || !(Subframe >= 0.0f && Subframe < 1.0f))
	{
		return FMalformed{"time of day out of range"};
	}
	FFace Packet;
	Packet.Head = Head;
	Packet.Index = U32(Body);
	Packet.Moment = {static_cast<std::int32_t>(DayFrame), Subframe, static_cast<std::int32_t>(Numerator),
		static_cast<std::int32_t>(Denominator)};
	Packet.bTurned = bTurned;
	for (std::size_t i = 0; i < 3; ++i)
	{
		Packet.Angles[i] = F32(Body + 20 + 4 * i);
		if (!std::isfinite(Packet.Angles[i]))
		{
			return FMalformed{"head angles that are not finite"};
		}
	}
	Packet.Count = Count;
	Packet.Weights = Body + FaceSize;
	return Packet;
}

} // namespace

FPacket Parse(const std::uint8_t* Data, std::size_t Size)
{
	if (Size > LargestDatagram)
	{
		return FMalformed{"too long"};
	}
	if (Size < HeadSize)
	{
		return FMalformed{"shorter than its head"};
	}
	if (std::memcmp(Data, "VXMH", 4) != 0 || Data[4] != 1)
	{
		return FMalformed{"not this protocol"};
	}
	const std::uint8_t Kind = Data[5], Flags = Data[6];
	if (Flags > (Kind != 3 ? 1 : 0))
	{
		return FMalformed{"unknown flags"};
	}
	const std::size_t Length = Data[7];
	if (Size < HeadSize + Length)
	{
		return FMalformed{"cut short in the subject"};
	}
	if (!IsText(Data + HeadSize, Length, ' '))
	{
		return FMalformed{"a name that is empty, too long or not printable ASCII"};
	}
	const FHead Head{Text(Data + HeadSize, Length), U32(Data + 8)};
	const std::uint8_t* Body = Data + HeadSize + Length;
	const std::size_t Left = Size - HeadSize - Length;
	switch (Kind)
	{
	case 1:
		return ParseNames(Body, Left, Head, Flags == 1);
	case 2:
		return ParseFace(Body, Left, Head, Flags == 1);
	case 3:
		return Left == 4 ? FPacket(FEnd{Head, U32(Body)}) : FPacket(FMalformed{"an end of the wrong length"});
	default:
		return FMalformed{"unknown kind"};
	}
}

} // namespace voxrig
