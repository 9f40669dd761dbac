extends RefCounted
# The WebSocket protocol voxrig.v1, from a client's side: messages in, checked dictionaries out, and the few that a client
# sends. No sockets, no nodes.
#
# Text is JSON with a "type". Binary is frames, little-endian:
#   u8 kind 1 | u8 face | u16 count | u32 index of the first | u32 bytes of sound | f32[count, curves] for each target of
#   the face's header | the sound

const NAME = "voxrig.v1"
const HEAD = 12
const LONGEST = 1 << 18
const DEEPEST = 8
const MOST_CURVES = 4096
const IDLE = 0.5


# A text message: {"error": "", "type", …}, or {"error": why not}. A header is checked whole, and gets "widths": how many
# curves each of its targets has.
static func parse(text: String) -> Dictionary:
	if text.length() > LONGEST or not _shallow(text):
		return {"error": "too long or too deep"}
	var read = JSON.new()
	if read.parse(text) != OK or not read.data is Dictionary or not read.data.get("type") is String:
		return {"error": "not an object with a type"}
	var message = read.data
	message.error = ""
	if not _whole(message.get("face", 0.0), 0, 255):
		return {"error": "an impossible face"}
	if message.type != "header":
		return message
	message.error = _header_fault(message)
	if message.error != "":
		return {"error": message.error}
	message.widths = []
	for target in message.targets:
		message.widths.append(target.curves.size())
	return message


# Which face a binary message is of, or -1.
static func face(data: PackedByteArray) -> int:
	return data[1] if data.size() >= HEAD and data[0] == 1 else -1


# Frames of a face whose targets have so many curves each, of which ``target`` is wanted:
# {"error": "", "start", "rows": [PackedFloat32Array, …], "sound"}, or {"error": why not}.
static func frames(data: PackedByteArray, widths: Array, target: int) -> Dictionary:
	if data.size() < HEAD or data[0] != 1:
		return {"error": "not frames"}
	var stream = StreamPeerBuffer.new()
	stream.data_array = data
	stream.seek(2)
	var count = stream.get_u16()
	var start = stream.get_u32()
	var sound = stream.get_u32()
	var skipped = 0
	var total = 0
	for i in range(widths.size()):
		total += widths[i]
		if i < target:
			skipped += widths[i]
	if data.size() != HEAD + 4 * count * total + sound:
		return {"error": "not as long as its frames"}
	stream.seek(HEAD + 4 * count * skipped)
	var rows = []
	for _i in range(count):
		var row = PackedFloat32Array()
		row.resize(widths[target])
		for j in range(widths[target]):
			var value = stream.get_float()
			if is_nan(value) or is_inf(value):
				return {"error": "a value that is no number"}
			row[j] = value
		rows.append(row)
	var samples = data.slice(data.size() - sound)
	return {"error": "", "start": start, "rows": rows, "sound": samples}


# The first message to a service: 16-bit mono sound follows at ``rate`` hertz. While none comes the face rests.
# ``manner`` holds what is to be told of life, seed, direction, seconds and keys.
static func config(rate: int, rig: String, fps: int, model: String, style: Dictionary, echo: bool, manner := {}) -> String:
	var message = {"type": "config", "rate": rate, "encoding": "s16", "rigs": [rig], "fps": fps, "pacing": "realtime",
		"idle": IDLE, "echo": echo, "format": "binary"}
	if model != "":
		message.model = model
	if not style.is_empty():
		message.style = style
	for name in manner:
		message[name] = manner[name]
	return JSON.stringify(message)


# From sample ``at`` on speak so, reached within ``transition`` seconds; past samples mean at once.
static func style_key(style: Dictionary, at: int, transition: float) -> String:
	return JSON.stringify({"type": "style", "style": style, "at": at, "transition": transition})


# From sample ``at`` on the eyes turn to x radians to the subject's own right and y down; null is where they like.
static func look(angles, at: int) -> String:
	var message = {"type": "look", "at": at}
	if angles != null:
		message.yaw = angles.x
		message.pitch = angles.y
	return JSON.stringify(message)


# Barge-in: frames beyond ``shown`` will not be shown; -1 if none was.
static func interrupt(shown: int) -> String:
	return JSON.stringify({"type": "interrupt", "shown": shown} if shown >= 0 else {"type": "interrupt"})


static func end() -> String:
	return JSON.stringify({"type": "end"})


static func _header_fault(message: Dictionary) -> String:
	var fps = message.get("fps")
	if typeof(fps) != TYPE_ARRAY or fps.size() != 2 or not (_whole(fps[0], 1, 1 << 30) and _whole(fps[1], 1, 1 << 30)):
		return "an impossible frame rate"
	if typeof(message.get("name", "")) != TYPE_STRING:
		return "a name that is no text"
	var targets = message.get("targets")
	if typeof(targets) != TYPE_ARRAY or targets.is_empty():
		return "no targets"
	for target in targets:
		if typeof(target) != TYPE_DICTIONARY or typeof(target.get("rig")) != TYPE_STRING:
			return "a target without a rig"
		var curves = target.get("curves")
		if typeof(curves) != TYPE_ARRAY or curves.is_empty() or curves.size() > MOST_CURVES:
			return "a target without curves"
		for curve in curves:
			if typeof(curve) != TYPE_STRING:
				return "a curve that is no text"
	var sound = message.get("sound")
	if sound == null:
		return ""
	if typeof(sound) != TYPE_DICTIONARY or not _whole(sound.get("rate"), 1000, 384000):
		return "sound of an impossible rate"
	return "" if sound.get("encoding") in ["s16", "f32"] else "sound of an unknown encoding"


static func _whole(value, low: int, high: int) -> bool:
	return (value is float or value is int) and value >= low and value <= high and value == floorf(value)


# Godot reads JSON by recursion without an end, so brackets are counted first.
static func _shallow(text: String) -> bool:
	var depth = 0
	var quoted = false
	var escaped = false
	for byte in text.to_utf8_buffer():
		if quoted:
			if escaped:
				escaped = false
			elif byte == 0x5c:
				escaped = true
			elif byte == 0x22:
				quoted = false
		elif byte == 0x22:
			quoted = true
		elif byte == 0x5b or byte == 0x7b:
			depth += 1
			if depth > DEEPEST:
				return false
		elif byte == 0x5d or byte == 0x7d:
			depth -= 1
	return true
