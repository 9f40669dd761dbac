// Copyright the voxrig authors. Apache-2.0.

#include "VoxRigLiveLinkSource.h"

#include "Common/UdpSocketBuilder.h"
#include "HAL/PlatformTime.h"
#include "HAL/RunnableThread.h"
#include "ILiveLinkClient.h"
#include "IPAddress.h"
#include "LiveLinkTypes.h"
#include "Misc/ScopeLock.h"
#include "Modules/ModuleManager.h"
#include "Roles/LiveLinkBasicRole.h"
#include "SocketSubsystem.h"
#include "Sockets.h"

#define LOCTEXT_NAMESPACE "VoxRig"

DEFINE_LOG_CATEGORY(LogVoxRig);
IMPLEMENT_MODULE(FDefaultModuleImpl, VoxRig)

namespace
{
constexpr double Silence = 1.0;				// seconds without a frame after which the status says so
constexpr int32 ReceiveBufferSize = 1 << 20; // bytes: half a minute of a face at 60 frames a second
} // namespace

FVoxRigLiveLinkSource::FVoxRigLiveLinkSource(const FIPv4Endpoint& InEndpoint)
	: Endpoint(InEndpoint)
{
}

FVoxRigLiveLinkSource::~FVoxRigLiveLinkSource()
{
	bStopping = true;
	Close();
}

void FVoxRigLiveLinkSource::ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid)
{
	Client = InClient;
	SourceGuid = InSourceGuid;
	// Not reusable: two sources on one port would each hear some of the datagrams.
	Socket = FUdpSocketBuilder(TEXT("voxrig"))
				 .AsNonBlocking()
				 .BoundToEndpoint(Endpoint)
				 .WithReceiveBufferSize(ReceiveBufferSize)
				 .Build();
	if (!Socket)
	{
		UE_LOG(LogVoxRig, Error, TEXT("cannot listen on %s; another program may have the port"), *Endpoint.ToString());
		return;
	}
	Thread = FRunnableThread::Create(this, TEXT("voxrig Live Link"), 128 * 1024, TPri_AboveNormal);
}

bool FVoxRigLiveLinkSource::IsSourceStillValid() const
{
	return Thread != nullptr && !bFinished;
}

bool FVoxRigLiveLinkSource::RequestSourceShutdown()
{
	bStopping = true;
	if (Thread && !bFinished)
	{
		return false; // asked again until the thread has seen it
	}
	Close();
	return true;
}

void FVoxRigLiveLinkSource::Close()
{
	if (Thread)
	{
		Thread->WaitForCompletion();
		delete Thread;
		Thread = nullptr;
	}
	if (Socket)
	{
		Socket->Close();
		ISocketSubsystem::Get(PLATFORM_SOCKETSUBSYSTEM)->DestroySocket(Socket);
		Socket = nullptr;
	}
}

FText FVoxRigLiveLinkSource::GetSourceType() const
{
	return LOCTEXT("SourceType", "voxrig");
}

FText FVoxRigLiveLinkSource::GetSourceMachineName() const
{
	return FText::FromString(Endpoint.ToString());
}

FText FVoxRigLiveLinkSource::GetSourceStatus() const
{
	if (!Thread)
	{
		return LOCTEXT("Taken", "The port is taken");
	}
	voxrig::FCounts Now;
	double Heard = 0.0;
	{
		const FScopeLock Lock(&StatusLock);
		Now = Counts;
		Heard = LastFaceTime;
	}
	FFormatNamedArguments Arguments;
	Arguments.Add(TEXT("Faces"), static_cast<int64>(Now.Faces));
	Arguments.Add(TEXT("Lost"), static_cast<int64>(Now.Lost));
	Arguments.Add(TEXT("Dropped"), static_cast<int64>(Now.Malformed + Now.Refused + Now.Late));
	if (Now.Faces > 0 && FPlatformTime::Seconds() - Heard < Silence)
	{
		return FText::Format(LOCTEXT("Receiving", "Receiving: {Faces} frames, {Lost} lost, {Dropped} dropped"), Arguments);
	}
	if (Now.Datagrams > 0)
	{
		return FText::Format(LOCTEXT("Silent", "Silent: {Faces} frames, {Lost} lost, {Dropped} dropped"), Arguments);
	}
	return LOCTEXT("Waiting", "Waiting for voxrig");
}

uint32 FVoxRigLiveLinkSource::Run()
{
	const TSharedRef<FInternetAddr> Sender = ISocketSubsystem::Get(PLATFORM_SOCKETSUBSYSTEM)->CreateInternetAddr();
	uint8 Datagram[2048]; // more than the longest, so that longer ones show
	while (!bStopping)
	{
		if (!Socket->Wait(ESocketWaitConditions::WaitForRead, FTimespan::FromMilliseconds(50)))
		{
			continue;
		}
		// Some platforms report an empty queue as a success of 0 bytes.
		int32 Size = 0;
		while (!bStopping && Socket->RecvFrom(Datagram, sizeof(Datagram), Size, *Sender) && Size > 0)
		{
			const voxrig::FSubject* Subject = Table.Accept(Datagram, static_cast<std::size_t>(Size));
			if (Subject)
			{
				Push(*Subject);
			}
			const FScopeLock Lock(&StatusLock);
			Counts = Table.Counts();
			LastFaceTime = Subject ? FPlatformTime::Seconds() : LastFaceTime;
		}
	}
	bFinished = true;
	return 0;
}

void FVoxRigLiveLinkSource::Stop()
{
	bStopping = true;
}

void FVoxRigLiveLinkSource::Push(const voxrig::FSubject& Subject)
{
	const FLiveLinkSubjectKey Key(SourceGuid, FName(Subject.Name.c_str()));
	if (Subject.bFresh) // not more often: new names empty Live Link's buffer of the subject
	{
		PushNames(Key, Subject);
	}
	FLiveLinkFrameDataStruct FrameData(FLiveLinkBaseFrameData::StaticStruct());
	FLiveLinkBaseFrameData& Frame = *FrameData.Cast<FLiveLinkBaseFrameData>();
	Frame.WorldTime = FLiveLinkWorldTime(FPlatformTime::Seconds());
	Frame.MetaData.SceneTime =
		FQualifiedFrameTime(FFrameTime(FFrameNumber(Subject.Moment.Frame), Subject.Moment.Subframe),
			FFrameRate(static_cast<uint32>(Subject.Moment.Numerator), static_cast<uint32>(Subject.Moment.Denominator)));
	Frame.PropertyValues.Append(Subject.Values.data(), static_cast<int32>(Subject.Values.size()));
	Client->PushSubjectFrameData_AnyThread(Key, MoveTemp(FrameData));
}

void FVoxRigLiveLinkSource::PushNames(const FLiveLinkSubjectKey& Key, const voxrig::FSubject& Subject)
{
	FLiveLinkStaticDataStruct StaticData(FLiveLinkBaseStaticData::StaticStruct());
	TArray<FName>& Names = StaticData.Cast<FLiveLinkBaseStaticData>()->PropertyNames;
	Names.Reserve(static_cast<int32>(Subject.Properties.size()));
	for (const std::string& Name : Subject.Properties)
	{
		Names.Add(FName(Name.c_str()));
	}
	Client->PushSubjectStaticData_AnyThread(Key, ULiveLinkBasicRole::StaticClass(), MoveTemp(StaticData));
}

#undef LOCTEXT_NAMESPACE
