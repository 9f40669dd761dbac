// Copyright the voxrig authors. Apache-2.0.

#pragma once

#include "CoreMinimal.h"
#include "FaceTable.h"
#include "HAL/CriticalSection.h"
#include "HAL/Runnable.h"
#include "ILiveLinkSource.h"
#include "Interfaces/IPv4/IPv4Endpoint.h"

#include <atomic>

class FRunnableThread;
class FSocket;
class ILiveLinkClient;

DECLARE_LOG_CATEGORY_EXTERN(LogVoxRig, Log, All);

/**
 * Listens on a UDP port and hands the faces it hears to Live Link, one subject of the Basic role each.
 *
 * Lifecycle only: datagrams are understood in FaceTable. The thread reads, and pushes to the client, which
 * takes frames from any thread; the game thread asks for the status.
 */
class FVoxRigLiveLinkSource final : public ILiveLinkSource, public FRunnable
{
public:
	explicit FVoxRigLiveLinkSource(const FIPv4Endpoint& InEndpoint);
	virtual ~FVoxRigLiveLinkSource() override;

	//~ Begin ILiveLinkSource
	virtual void ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid) override;
	virtual bool IsSourceStillValid() const override;
	virtual bool RequestSourceShutdown() override;
	virtual FText GetSourceType() const override;
	virtual FText GetSourceMachineName() const override;
	virtual FText GetSourceStatus() const override;
	//~ End ILiveLinkSource

	//~ Begin FRunnable
	virtual uint32 Run() override;
	virtual void Stop() override;
	//~ End FRunnable

private:
	void Push(const voxrig::FSubject& Subject);
	void PushNames(const FLiveLinkSubjectKey& Key, const voxrig::FSubject& Subject);
	void Close();

	const FIPv4Endpoint Endpoint;
	ILiveLinkClient* Client = nullptr;
	FGuid SourceGuid;

	FSocket* Socket = nullptr; // null if the port was taken
	FRunnableThread* Thread = nullptr;
	std::atomic<bool> bStopping{false};
	std::atomic<bool> bFinished{false};

	voxrig::FFaceTable Table; // the thread's own

	mutable FCriticalSection StatusLock;
	voxrig::FCounts Counts;	   // under StatusLock
	double LastFaceTime = 0.0; // under StatusLock; platform seconds
};
