// Copyright the voxrig authors. Apache-2.0.

using UnrealBuildTool;

public class VoxRig : ModuleRules
{
	public VoxRig(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "DeveloperSettings", "LiveLinkInterface" });
		PrivateDependencyModuleNames.AddRange(new string[] { "Engine", "Networking", "Sockets" });
	}
}
