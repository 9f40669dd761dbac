// Copyright the voxrig authors. Apache-2.0.

#pragma once

// The faces that one port hears of: their curves, their newest frame, what was lost on the way. Datagrams in,
// values for Live Link out. Standard C++ only; knows nothing about sockets, threads or the engine.

#include "FacePacket.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace voxrig
{

/** What a MetaHuman subject of Live Link has beside its curves, in Epic's order. */
inline constexpr const char* HeadProperties[] = {"HeadControlSwitch", "HeadRoll", "HeadPitch", "HeadYaw",
	"HeadTranslationX", "HeadTranslationY", "HeadTranslationZ", "MHFDSVersion", "DisableFaceOverride"};

/** One face, as Live Link shall see it. */
struct FSubject
{
	std::string Name;
	std::vector<std::string> Properties; // curves, then HeadProperties; empty until all names have come
	std::vector<float> Values;			 // one for each property
	FMoment Moment;
	bool bFresh = false; // the newest frame is the first of a take or of other curves
	bool bEnded = false;

	// How the above came about.
	std::uint32_t Schema = 0;
	std::uint32_t Index = 0; // of the newest frame
	bool bStarted = false;	 // whether there is a newest frame in this take
	std::uint32_t PendingSchema = 0;
	std::vector<std::string> Pending; // names of curves to come; empty where unknown
};

/** Datagrams and frames, since the table was made. */
struct FCounts
{
	std::uint64_t Datagrams = 0;
	std::uint64_t Malformed = 0; // no message of this protocol, or one that contradicts the names
	std::uint64_t Refused = 0;	 // of one subject too many
	std::uint64_t Waiting = 0;	 // frames that came before their names
	std::uint64_t Late = 0;		 // frames older than the newest, or sent twice
	std::uint64_t Lost = 0;		 // frames that never came, or came late
	std::uint64_t Faces = 0;	 // frames taken
};

class FFaceTable
{
public:
	/** Subjects at most; more are refused, since Live Link keeps every one. */
	static constexpr std::size_t MostSubjects = 256;

	/**
	 * How far a frame may be behind the newest and count as late. One further back begins a new take: the
	 * sender was started again and we missed its beginning.
	 */
	static constexpr std::int32_t LateFrames = 64;

	/** How far ahead of the newest a frame may be and those between count as lost. */
	static constexpr std::int32_t LostFrames = 65536;

	/**
	 * Takes a datagram. Returns the subject that has a new frame, valid until the next call, or null:
	 * then it was no frame, or one to be dropped, and Counts tells why.
	 */
	const FSubject* Accept(const std::uint8_t* Data, std::size_t Size);

	const FCounts& Counts() const
	{
		return Tally;
	}

	const std::map<std::string, FSubject, std::less<>>& Subjects() const
	{
		return Table;
	}

private:
	FSubject* Find(const FHead& Head);
	void Take(FSubject& Subject, const FNames& Packet);
	bool Take(FSubject& Subject, const FFace& Packet);
	bool IsNewer(FSubject& Subject, std::uint32_t Index);
	void Adopt(FSubject& Subject);

	std::map<std::string, FSubject, std::less<>> Table;
	FCounts Tally;
};

} // namespace voxrig
