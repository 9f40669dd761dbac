extends Reference
# Names of curves: those of Live Link Face, and how a curve finds the blend shapes of a mesh.

# The 61 of Live Link Face, in the order of its packets.
const LIVE_LINK = [
	"EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft", "EyeLookOutLeft", "EyeLookUpLeft",
	"EyeSquintLeft", "EyeWideLeft", "EyeBlinkRight", "EyeLookDownRight", "EyeLookInRight",
	"EyeLookOutRight", "EyeLookUpRight", "EyeSquintRight", "EyeWideRight", "JawForward", "JawLeft",
	"JawRight", "JawOpen", "MouthClose", "MouthFunnel", "MouthPucker", "MouthLeft", "MouthRight",
	"MouthSmileLeft", "MouthSmileRight", "MouthFrownLeft", "MouthFrownRight", "MouthDimpleLeft",
	"MouthDimpleRight", "MouthStretchLeft", "MouthStretchRight", "MouthRollLower", "MouthRollUpper",
	"MouthShrugLower", "MouthShrugUpper", "MouthPressLeft", "MouthPressRight", "MouthLowerDownLeft",
	"MouthLowerDownRight", "MouthUpperUpLeft", "MouthUpperUpRight", "BrowDownLeft", "BrowDownRight",
	"BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight", "CheekPuff", "CheekSquintLeft",
	"CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut", "HeadYaw", "HeadPitch",
	"HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch",
	"RightEyeRoll",
]
const SEPARATORS = "._-:/ "


# A name as it is compared: small letters, no separators, "_L" and "_R" at the end written out.
static func plain(name: String) -> String:
	var tail = name.right(name.length() - 2).to_lower() if name.length() > 2 else ""
	if tail.length() == 2 and tail[0] in SEPARATORS:
		if tail[1] == "l":
			name = name.left(name.length() - 2) + "left"
		elif tail[1] == "r":
			name = name.left(name.length() - 2) + "right"
	var out = ""
	for letter in name.to_lower():
		if not letter in SEPARATORS:
			out += letter
	return out


# A shape's name, then the same with ever more of its front taken off at the separators, all plain:
# "Face.M_jawOpen" gives facemjawopen, mjawopen, jawopen.
static func readings(name: String) -> Array:
	var out = [plain(name)]
	for i in range(name.length() - 1):
		if name[i] in SEPARATORS:
			var shorter = plain(name.right(i + 1))
			if shorter != "" and shorter != out.back() and not shorter in ["left", "right"]:
				out.append(shorter)
	return out


# Which shapes show which curves: an array of [index of the shape, index of the curve]. A curve goes to the shapes
# that bear its very name; only where none does, to those that bear it behind a prefix.
static func pairs(shapes: Array, curves: Array) -> Array:
	var column = {}
	for i in range(curves.size()):
		column[plain(curves[i])] = i
	var whole = []
	var prefixed = []
	var taken = {}
	for i in range(shapes.size()):
		var names = readings(shapes[i])
		for j in range(names.size()):
			if column.has(names[j]):
				var curve = column[names[j]]
				if j == 0:
					whole.append([i, curve])
					taken[curve] = true
				else:
					prefixed.append([i, curve])
				break
	for pair in prefixed:
		if not taken.has(pair[1]):
			whole.append(pair)
	return whole
