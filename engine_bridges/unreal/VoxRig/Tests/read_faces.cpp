// Copyright the voxrig authors. Apache-2.0.

// Reads datagrams, each after its length as a little-endian u32, from standard input, and prints what the
// plugin would hand to Live Link: `malformed`, `-` (no frame) or a frame, one line each; last the counts.
// For the tests: g++ -std=c++17 -I../Source/VoxRig/Private read_faces.cpp ../Source/VoxRig/Private/*Face*.cpp

#include "FaceTable.h"

#include <cstdio>

int main(int Arguments, char**)
{
	voxrig::FFaceTable Table;
	const bool bQuiet = Arguments > 1; // for millions of datagrams
	std::uint8_t Length[4];
	while (std::fread(Length, 1, 4, stdin) == 4)
	{
		// Exactly as long as the datagram, so that a sanitizer sees every step beyond it.
		std::vector<std::uint8_t> Datagram(Length[0] | Length[1] << 8 | Length[2] << 16);
		if (std::fread(Datagram.data(), 1, Datagram.size(), stdin) != Datagram.size())
		{
			return 1;
		}
		const std::uint64_t Malformed = Table.Counts().Malformed;
		const voxrig::FSubject* Subject = Table.Accept(Datagram.data(), Datagram.size());
		if (bQuiet)
		{
			continue;
		}
		if (!Subject)
		{
			std::puts(Table.Counts().Malformed > Malformed ? "malformed" : "-");
			continue;
		}
		std::printf("%s\t%d\t%u\t%d\t%a\t%d\t%d", Subject->Name.c_str(), Subject->bFresh, Subject->Index,
			Subject->Moment.Frame, Subject->Moment.Subframe, Subject->Moment.Numerator, Subject->Moment.Denominator);
		for (std::size_t i = 0; i < Subject->Values.size(); ++i)
		{
			std::printf("\t%s=%a", Subject->Properties[i].c_str(), Subject->Values[i]);
		}
		std::putchar('\n');
	}
	const voxrig::FCounts& Counts = Table.Counts();
	std::printf("datagrams=%llu malformed=%llu refused=%llu waiting=%llu late=%llu lost=%llu faces=%llu subjects=%zu\n",
		(unsigned long long)Counts.Datagrams, (unsigned long long)Counts.Malformed, (unsigned long long)Counts.Refused,
		(unsigned long long)Counts.Waiting, (unsigned long long)Counts.Late, (unsigned long long)Counts.Lost,
		(unsigned long long)Counts.Faces, Table.Subjects().size());
	return 0;
}
