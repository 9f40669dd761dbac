extends Reference
# The face in the VMC protocol: OSC messages in, frames out. Remembers values, for senders that tell changes only.
#
# /VMC/Ext/Blend/Val (name, value) is noted; /VMC/Ext/Blend/Apply makes a frame of all that is noted. The frame's time is
# the last /VMC/Ext/T. The bone "Head" becomes the curves headYaw, headPitch and headRoll, in radians.

const MOST = 1024
const POSE = [TYPE_STRING, TYPE_REAL, TYPE_REAL, TYPE_REAL, TYPE_REAL, TYPE_REAL, TYPE_REAL, TYPE_REAL]

# Curves heard of so far, in the order in which they came; this list only grows.
var curves = []

var _column = {}
var _values = PoolRealArray()
var _time = -1.0
var _frames = 0


# The frames that these messages complete: [{"index", "at": seconds or -1 if the sender tells none, "values"}, …].
func take(messages: Array) -> Array:
	var out = []
	for message in messages:
		var arguments = message.arguments
		match message.address:
			"/VMC/Ext/T":
				if _typed(arguments, [TYPE_REAL]) and arguments[0] >= 0.0:
					_time = arguments[0]
			"/VMC/Ext/Blend/Val":
				if _typed(arguments, [TYPE_STRING, TYPE_REAL]):
					_note(arguments[0], arguments[1])
			"/VMC/Ext/Bone/Pos":
				if _typed(arguments, POSE) and arguments[0] == "Head":
					_turn(Quat(arguments[4], arguments[5], arguments[6], arguments[7]))
			"/VMC/Ext/Blend/Apply":
				if _values.size() > 0:
					out.append({"index": _frames, "at": _time, "values": _values})
					_frames += 1
	return out


# Unity's X points the other way, so turns about Y and Z change their sign. Godot's Euler angles are applied as ours are:
# roll, then pitch, then yaw; its turn about Y is to the subject's left.
func _turn(unity: Quat) -> void:
	if abs(unity.length() - 1.0) > 0.01:
		return
	var turn = Basis(Quat(unity.x, -unity.y, -unity.z, unity.w).normalized()).get_euler()
	_note("headYaw", -turn.y)
	_note("headPitch", turn.x)
	_note("headRoll", turn.z)


func _note(name: String, value: float) -> void:
	if not _column.has(name):
		if curves.size() == MOST:
			return
		_column[name] = curves.size()
		curves.append(name)
		_values.append(0.0)
	_values[_column[name]] = value


# More arguments than wanted are allowed, as the protocol says; values that are no numbers are not.
static func _typed(arguments: Array, wanted: Array) -> bool:
	if arguments.size() < wanted.size():
		return false
	for i in range(wanted.size()):
		if typeof(arguments[i]) != wanted[i]:
			return false
		if wanted[i] == TYPE_REAL and (is_nan(arguments[i]) or is_inf(arguments[i])):
			return false
	return true
