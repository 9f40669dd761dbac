extends RefCounted
# Live Link Face over UDP, version 6: one datagram is one frame. Bytes in, a packet out; no sockets, no nodes.
#
# All big-endian, nothing between the fields; text has its length in bytes in front and no zero behind:
#   u8 version 6 | i32 + text: device | i32 + text: subject | i32 frame since midnight | f32 part of a frame |
#   i32, i32: frames a second as a fraction | u8 count 61 | f32[61] values

const Curves = preload("curves.gd")
const VERSION = 6
const LONGEST = 256


# {"error": ""} and the packet's fields, or {"error": why it is none}.
static func parse(data: PackedByteArray) -> Dictionary:
	if data.size() < 1 or data[0] != VERSION:
		return {"error": "not version 6"}
	var stream = StreamPeerBuffer.new()
	stream.big_endian = true
	stream.data_array = data
	stream.seek(1)
	var texts = []
	for _i in range(2):
		if stream.get_available_bytes() < 4:
			return {"error": "ends within a length"}
		var length = stream.get_32()
		if length < 0 or length > LONGEST or length > stream.get_available_bytes():
			return {"error": "a name of impossible length"}
		texts.append(_text(data, stream.get_position(), length))
		stream.seek(stream.get_position() + length)
	var count = Curves.LIVE_LINK.size()
	if stream.get_available_bytes() < 17:
		return {"error": "ends within the time"}
	var packet = {"error": "", "device": texts[0], "subject": texts[1], "frame": stream.get_32(),
		"subframe": stream.get_float(), "numerator": stream.get_32(), "denominator": stream.get_32(), "values": PackedFloat32Array()}
	if packet.numerator <= 0 or packet.denominator <= 0:
		return {"error": "an impossible frame rate"}
	if not (packet.subframe >= 0.0 and packet.subframe <= 1.0) or packet.frame < 0:
		return {"error": "an impossible time"}
	if stream.get_u8() != count:
		return {"error": "not 61 values"}
	if stream.get_available_bytes() != 4 * count:
		return {"error": "not as long as 61 values"}
	var values = PackedFloat32Array()
	values.resize(count)
	for i in range(count):
		var value = stream.get_float()
		if is_nan(value) or is_inf(value):
			return {"error": "a value that is no number"}
		values[i] = value
	packet.values = values
	return packet


static func _text(data: PackedByteArray, start: int, length: int) -> String:
	return data.slice(start, start + length).get_string_from_utf8() if length > 0 else ""
