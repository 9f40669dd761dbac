// Copyright the voxrig authors. Apache-2.0.

#pragma once

#include "CoreMinimal.h"
#include "LiveLinkSourceFactory.h"

#include "VoxRigLiveLinkSourceFactory.generated.h"

/** The entry "voxrig" under Add Source, and what presets make sources with. */
UCLASS()
class VOXRIG_API UVoxRigLiveLinkSourceFactory : public ULiveLinkSourceFactory
{
	GENERATED_BODY()

public:
	virtual FText GetSourceDisplayName() const override;
	virtual FText GetSourceTooltip() const override;

	virtual EMenuType GetMenuType() const override
	{
		return EMenuType::MenuEntry;
	}

	/**
	 * "ADDRESS:PORT" or "PORT"; empty is what the project settings say. Null, and a line in the log, for
	 * anything else.
	 */
	virtual TSharedPtr<ILiveLinkSource> CreateSource(const FString& ConnectionString) const override;
};
