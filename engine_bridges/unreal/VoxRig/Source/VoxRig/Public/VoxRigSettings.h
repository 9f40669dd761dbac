// Copyright the voxrig authors. Apache-2.0.

#pragma once

#include "CoreMinimal.h"
#include "Engine/DeveloperSettings.h"

#include "VoxRigSettings.generated.h"

/** Where new sources listen: Project Settings > Plugins > voxrig. */
UCLASS(Config = Engine, DefaultConfig, meta = (DisplayName = "voxrig"))
class VOXRIG_API UVoxRigSettings : public UDeveloperSettings
{
	GENERATED_BODY()

public:
	virtual FName GetCategoryName() const override
	{
		return TEXT("Plugins");
	}

	/** UDP port of new sources. */
	UPROPERTY(Config, EditAnywhere, Category = "Live Link", meta = (ClampMin = 1, ClampMax = 65535))
	int32 Port = 11112;

	/** Address of new sources: 0.0.0.0 hears every machine of the network, 127.0.0.1 this one only. */
	UPROPERTY(Config, EditAnywhere, Category = "Live Link")
	FString Address = TEXT("0.0.0.0");
};
