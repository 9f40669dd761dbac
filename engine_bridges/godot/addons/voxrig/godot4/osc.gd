extends RefCounted
# Open Sound Control 1.0: a datagram in, its messages out. Knows nothing of what they mean.
#
# Everything is big-endian and padded to four bytes. A message: address, type tags (",sf"), arguments. A bundle:
# "#bundle", eight bytes of time, then messages and bundles, each with its length in front.

const DEEPEST = 4
const MOST = 1024
const WIDTH = {"i": 4, "f": 4, "h": 8, "d": 8, "T": 0, "F": 0, "N": 0}


# {"error": "", "messages": [{"address", "arguments"}, …]}, or {"error": why not}.
static func parse(data: PackedByteArray) -> Dictionary:
	var messages = []
	var error = _element(data, 0, data.size(), 0, messages)
	return {"error": error, "messages": [] if error != "" else messages}


static func _element(data: PackedByteArray, start: int, end: int, depth: int, messages: Array) -> String:
	if end - start < 4 or (end - start) % 4 != 0:
		return "not a multiple of four bytes"
	if data[start] == 0x2f:  # "/"
		return _message(data, start, end, messages)
	var is_bundle = end - start >= 16 and data[start + 7] == 0
	if not is_bundle or data.slice(start, start + 7).get_string_from_ascii() != "#bundle":
		return "neither a message nor a bundle"
	if depth == DEEPEST:
		return "bundles too deep within each other"
	var at = start + 16
	while at < end:
		if end - at < 4:
			return "ends within a length"
		var length = _int(data, at)
		if length < 4 or length > end - at - 4:
			return "an element of impossible length"
		var error = _element(data, at + 4, at + 4 + length, depth + 1, messages)
		if error != "":
			return error
		at += 4 + length
	return ""


static func _message(data: PackedByteArray, start: int, end: int, messages: Array) -> String:
	if messages.size() == MOST:
		return "too many messages"
	var stop = _text_end(data, start, end)
	if stop < 0:
		return "an address without an end"
	var address = _text(data, start, stop)
	var at = _padded(start, stop)
	var arguments = []
	stop = _text_end(data, at, end)
	if stop < 0 or data[at] != 0x2c:  # ","
		return "no type tags"
	var tags = _text(data, at + 1, stop)
	at = _padded(at, stop)
	var stream = StreamPeerBuffer.new()
	stream.big_endian = true
	stream.data_array = data
	for tag in tags:
		if tag == "s":
			stop = _text_end(data, at, end)
			if stop < 0:
				return "a text without an end"
			arguments.append(_text(data, at, stop))
			at = _padded(at, stop)
		elif tag == "b":
			if end - at < 4 or _int(data, at) < 0 or _int(data, at) > end - at - 4:
				return "a blob of impossible length"
			var length = _int(data, at)
			arguments.append(data.slice(at + 4, at + 4 + length) if length > 0 else PackedByteArray())
			at += 4 + (length + 3) / 4 * 4
		elif WIDTH.has(tag):
			if end - at < WIDTH[tag]:
				return "ends within an argument"
			stream.seek(at)
			arguments.append(_number(stream, tag))
			at += WIDTH[tag]
		else:
			return "an unknown type"
	if at != end:
		return "not as long as its arguments"
	messages.append({"address": address, "arguments": arguments})
	return ""


static func _number(stream: StreamPeerBuffer, tag: String):
	match tag:
		"f":
			return stream.get_float()
		"d":
			return stream.get_double()
		"i":
			return stream.get_32()
		"h":
			return stream.get_64()
		"T":
			return true
		"F":
			return false
	return null


static func _int(data: PackedByteArray, at: int) -> int:
	var value = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
	return value - (1 << 32) if value >= 1 << 31 else value


# Index of the zero that ends a text, or -1.
static func _text_end(data: PackedByteArray, at: int, end: int) -> int:
	while at < end and data[at] != 0:
		at += 1
	return at if at < end else -1


static func _text(data: PackedByteArray, start: int, stop: int) -> String:
	return data.slice(start, stop).get_string_from_utf8() if stop > start else ""


# Where the next field begins after a text: at least one zero, then up to a multiple of four.
static func _padded(start: int, stop: int) -> int:
	return start + (stop - start) / 4 * 4 + 4
