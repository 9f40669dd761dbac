extends Reference
# Bytes of mono PCM, little-endian, as what Godot plays: one Vector2 a sample, the same left and right.


# ``encoding`` is "s16" or "f32". Bytes beyond the last whole sample are left out; what is no number is silence.
static func decode(data: PoolByteArray, encoding: String) -> PoolVector2Array:
	var stream = StreamPeerBuffer.new()
	stream.data_array = data
	var wide = encoding == "f32"
	var out = PoolVector2Array()
	out.resize(data.size() / (4 if wide else 2))
	for i in range(out.size()):
		var value = stream.get_float() if wide else stream.get_16() / 32768.0
		if is_nan(value):
			value = 0.0
		value = clamp(value, -1.0, 1.0)
		out[i] = Vector2(value, value)
	return out
