// Copyright the voxrig authors. Apache-2.0.

#include "FaceTable.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace voxrig
{
namespace
{

std::uint32_t SchemaId(const std::vector<std::string>& Names)
{
	std::uint32_t Hash = 0x811c9dc5u;
	const auto Add = [&Hash](char Letter) { Hash = (Hash ^ static_cast<std::uint8_t>(Letter)) * 0x01000193u; };
	for (const std::string& Name : Names)
	{
		std::for_each(Name.begin(), Name.end(), Add);
		Add('\n');
	}
	return Hash;
}

/** Whether names repeat as Unreal compares them: upper case is lower case. */
bool Repeat(const std::vector<std::string>& Names)
{
	std::set<std::string> Seen;
	for (std::string Name : Names)
	{
		for (char& Letter : Name)
		{
			Letter = Letter >= 'A' && Letter <= 'Z' ? static_cast<char>(Letter - 'A' + 'a') : Letter;
		}
		if (!Seen.insert(std::move(Name)).second)
		{
			return true;
		}
	}
	return false;
}

} // namespace

const FSubject* FFaceTable::Accept(const std::uint8_t* Data, std::size_t Size)
{
	++Tally.Datagrams;
	const FPacket Packet = Parse(Data, Size);
	if (const FNames* Names = std::get_if<FNames>(&Packet))
	{
		if (FSubject* Subject = Find(Names->Head))
		{
			Take(*Subject, *Names);
		}
	}
	else if (const FFace* Face = std::get_if<FFace>(&Packet))
	{
		FSubject* Subject = Find(Face->Head);
		return Subject && Take(*Subject, *Face) ? Subject : nullptr;
	}
	else if (const FEnd* End = std::get_if<FEnd>(&Packet))
	{
		if (FSubject* Subject = Find(End->Head))
		{
			Subject->bEnded = true;
			Subject->bStarted = false;
		}
	}
	else
	{
		++Tally.Malformed;
	}
	return nullptr;
}

FSubject* FFaceTable::Find(const FHead& Head)
{
	const auto Known = Table.find(Head.Subject);
	if (Known != Table.end())
	{
		return &Known->second;
	}
	if (Table.size() >= MostSubjects)
	{
		++Tally.Refused;
		return nullptr;
	}
	FSubject& Subject = Table[std::string(Head.Subject)];
	Subject.Name = Head.Subject;
	return &Subject;
}

void FFaceTable::Take(FSubject& Subject, const FNames& Packet)
{
	if (Packet.bBegins)
	{
		Subject.bStarted = Subject.bEnded = false;
	}
	if (!Subject.Properties.empty() && Subject.Schema == Packet.Head.Schema)
	{
		return; // known
	}
	if (Subject.PendingSchema != Packet.Head.Schema || Subject.Pending.size() != Packet.Count)
	{
		Subject.PendingSchema = Packet.Head.Schema;
		Subject.Pending.assign(Packet.Count, std::string());
	}
	for (std::size_t i = 0; i < Packet.Names.size(); ++i)
	{
		Subject.Pending[Packet.First + i] = Packet.Names[i];
	}
	const auto IsUnknown = [](const std::string& Name) { return Name.empty(); };
	if (std::none_of(Subject.Pending.begin(), Subject.Pending.end(), IsUnknown))
	{
		Adopt(Subject);
	}
}

void FFaceTable::Adopt(FSubject& Subject)
{
	std::vector<std::string> Names = std::move(Subject.Pending);
	Subject.Pending.clear();
	const std::uint32_t Id = SchemaId(Names);
	Names.insert(Names.end(), std::begin(HeadProperties), std::end(HeadProperties));
	if (Id != Subject.PendingSchema || Repeat(Names))
	{
		++Tally.Malformed;
		return;
	}
	Subject.Schema = Id;
	Subject.Values.assign(Names.size(), 0.0f);
	Subject.Properties = std::move(Names);
	Subject.bStarted = false;
}

bool FFaceTable::Take(FSubject& Subject, const FFace& Packet)
{
	if (Subject.Properties.empty() || Subject.Schema != Packet.Head.Schema)
	{
		++Tally.Waiting;
		return false;
	}
	if (Packet.Count + std::size(HeadProperties) != Subject.Values.size())
	{
		++Tally.Malformed;
		return false;
	}
	if (!IsNewer(Subject, Packet.Index))
	{
		++Tally.Late;
		return false;
	}
	float* Value = Subject.Values.data();
	for (std::size_t i = 0; i < Packet.Count; ++i)
	{
		*Value++ = Packet.Weight(i);
	}
	*Value++ = Packet.bTurned ? 1.0f : 0.0f; // HeadControlSwitch
	for (const float Angle : Packet.Angles)
	{
		*Value++ = Angle;
	}
	for (int Axis = 0; Axis < 3; ++Axis) // HeadTranslation: speech moves no heads
	{
		*Value++ = 0.0f;
	}
	*Value++ = 1.0f; // MHFDSVersion
	*Value++ = 1.0f; // DisableFaceOverride
	Subject.Moment = Packet.Moment;
	Subject.bEnded = false;
	++Tally.Faces;
	return true;
}

bool FFaceTable::IsNewer(FSubject& Subject, std::uint32_t Index)
{
	// The difference of two counters that wrap.
	const std::int32_t Ahead = static_cast<std::int32_t>(Index - Subject.Index);
	const bool bFollows = Subject.bStarted && Ahead > -LateFrames && Ahead <= LostFrames;
	if (bFollows && Ahead <= 0)
	{
		return false;
	}
	Tally.Lost += bFollows ? static_cast<std::uint64_t>(Ahead - 1) : 0;
	Subject.bFresh = !bFollows;
	Subject.bStarted = true;
	Subject.Index = Index;
	return true;
}

} // namespace voxrig
