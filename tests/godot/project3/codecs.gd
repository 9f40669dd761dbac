extends SceneTree
# Reads a file of packets, {"codec", "data" in base64, "face", "widths", "target"} a line, and prints what each is taken
# for. Numbers go out as the bytes of float32; text does not, for Godot's JSON writes control characters as they are.

const LiveLink = preload("res://addons/voxrig/livelink.gd")
const Osc = preload("res://addons/voxrig/osc.gd")
const Vmc = preload("res://addons/voxrig/vmc.gd")
const Web = preload("res://addons/voxrig/web.gd")


func _init() -> void:
	var file = File.new()
	file.open(OS.get_environment("VOXRIG_TEST"), File.READ)
	while not file.eof_reached():
		var line = file.get_line()
		if line != "":
			print(JSON.print(_read(JSON.parse(line).result)))
	quit()


func _read(asked: Dictionary) -> Dictionary:
	var data = Marshalls.base64_to_raw(asked.data) if asked.data != "" else PoolByteArray()
	match asked.codec:
		"livelink":
			var packet = LiveLink.parse(data)
			return {"error": packet.error, "values": _bytes(packet.get("values", PoolRealArray()))}
		"osc":
			var read = Osc.parse(data)
			Vmc.new().take(read.messages)
			return {"error": read.error, "messages": read.messages.size()}
		"web":
			return {"error": Web.parse(data.get_string_from_utf8()).error}
	if Web.face(data) != asked.face:
		return {"error": "frames of another face"}
	var block = Web.frames(data, asked.widths, asked.target)
	if block.error != "":
		return block
	var rows = []
	for row in block.rows:
		rows.append(_bytes(row))
	return {"error": "", "start": block.start, "rows": rows, "sound": block.sound.size()}


func _bytes(values: PoolRealArray) -> String:
	var stream = StreamPeerBuffer.new()
	for value in values:
		stream.put_float(value)
	return Marshalls.raw_to_base64(stream.data_array) if values.size() > 0 else ""
