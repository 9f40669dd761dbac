extends Spatial
# A face without a picture: a mesh with blend shapes, a head and a receiver. Prints what the mesh was given, a line of
# JSON a frame, and ends when the sender is lost. Told what to do by the environment variable VOXRIG_TEST.

const Receiver = preload("res://addons/voxrig/voxrig_receiver.gd")

var _told = JSON.parse(OS.get_environment("VOXRIG_TEST")).result
var _mesh = MeshInstance.new()
var _head = Spatial.new()
var _receiver = Receiver.new()
var _recorder = AudioEffectRecord.new()


func _ready() -> void:
	_mesh.mesh = _build(_told.shapes)
	add_child(_mesh)
	add_child(_head)
	var hat = MeshInstance.new()  # a mesh that has no shapes
	hat.mesh = CubeMesh.new()
	_head.add_child(hat)
	for name in _told.receiver:
		_receiver.set(name, _told.receiver[name])
	_head.name = "Head"
	_receiver.head = NodePath("../Head")
	for name in ["connected", "lost", "ended", "refused"]:
		_receiver.connect(name, self, "_on_" + name)
	_receiver.connect("frame", self, "_on_frame")
	if _told.has("record"):
		AudioServer.add_bus_effect(0, _recorder)
		_recorder.set_recording_active(true)
	add_child(_receiver)
	if _told.has("say"):
		var file = File.new()
		file.open(_told.say, File.READ)
		_receiver.say(file.get_buffer(file.get_len()))
		_receiver.finish()
	if _told.has("interrupt"):
		get_tree().create_timer(_told.interrupt).connect("timeout", _receiver, "interrupt")
	get_tree().create_timer(_told.seconds).connect("timeout", self, "_end")
	_write({"event": "ready"})


func _build(shapes: Array) -> ArrayMesh:
	var mesh = ArrayMesh.new()
	for shape in shapes:
		mesh.add_blend_shape(shape)
	var triangle = []
	triangle.resize(ArrayMesh.ARRAY_MAX)
	triangle[ArrayMesh.ARRAY_VERTEX] = PoolVector3Array([Vector3.ZERO, Vector3.RIGHT, Vector3.UP])
	var moved = []
	for _shape in shapes:
		moved.append(triangle.duplicate())
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, triangle, moved)
	return mesh


# Numbers as the four bytes that Godot holds them in: text would round them.
func _on_frame(values: PoolRealArray) -> void:
	var bytes = StreamPeerBuffer.new()
	for shape in _told.shapes:
		bytes.put_float(_mesh.get("blend_shapes/" + shape))
	_write({"event": "frame", "shown": _receiver.shown(), "time": OS.get_ticks_usec() / 1e6, "count": values.size(),
		"shapes": Marshalls.raw_to_base64(bytes.data_array), "head": [_head.rotation.x, _head.rotation.y, _head.rotation.z]})


func _on_connected() -> void:
	_write({"event": "connected"})


func _on_ended() -> void:
	_write({"event": "ended"})


func _on_refused(code: String, message: String) -> void:
	_write({"event": "refused", "code": code, "message": message})
	_end()


func _on_lost() -> void:
	_write({"event": "lost"})
	_end()


func _end() -> void:
	_write({"event": "end", "counts": _receiver.counts(), "shapes": _receiver.shapes(), "curves": _receiver.curves})
	if _told.has("record"):
		_recorder.set_recording_active(false)
		_recorder.get_recording().save_to_wav(_told.record)
		AudioServer.remove_bus_effect(0, 0)
	_receiver.queue_free()
	yield(get_tree().create_timer(0.1), "timeout")
	get_tree().quit()


func _write(line: Dictionary) -> void:
	print(JSON.print(line))
