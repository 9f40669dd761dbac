// Copyright the voxrig authors. Apache-2.0.

#include "VoxRigLiveLinkSourceFactory.h"

#include "Interfaces/IPv4/IPv4Endpoint.h"
#include "VoxRigLiveLinkSource.h"
#include "VoxRigSettings.h"

#define LOCTEXT_NAMESPACE "VoxRig"

FText UVoxRigLiveLinkSourceFactory::GetSourceDisplayName() const
{
	return LOCTEXT("SourceName", "voxrig");
}

FText UVoxRigLiveLinkSourceFactory::GetSourceTooltip() const
{
	return LOCTEXT("SourceTooltip", "Faces that voxrig sends over UDP: voxrig send line.wav metahuman://HOST:11112");
}

TSharedPtr<ILiveLinkSource> UVoxRigLiveLinkSourceFactory::CreateSource(const FString& ConnectionString) const
{
	const UVoxRigSettings* Settings = GetDefault<UVoxRigSettings>();
	FString Where = ConnectionString.TrimStartAndEnd();
	if (Where.IsEmpty())
	{
		Where = FString::FromInt(Settings->Port);
	}
	if (Where.IsNumeric())
	{
		Where = Settings->Address + TEXT(":") + Where;
	}
	FIPv4Endpoint Endpoint;
	if (!FIPv4Endpoint::Parse(Where, Endpoint) || Endpoint.Port == 0)
	{
		UE_LOG(LogVoxRig, Error, TEXT("'%s' is nowhere to listen; say ADDRESS:PORT, such as 0.0.0.0:11112"), *Where);
		return nullptr;
	}
	return MakeShared<FVoxRigLiveLinkSource>(Endpoint);
}

#undef LOCTEXT_NAMESPACE
