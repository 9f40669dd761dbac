extends Reference
# The meshes of one head and what moves in them: curves onto blend shapes, head angles onto a node.

const Curves = preload("curves.gd")

# Shapes that a curve moves, by mesh; and those that none does. For a look at what fits.
var matched = []
var unmatched = []

var _meshes = []
var _head = null
var _pairs = []  # [mesh, property, column]
var _turn = [-1, -1, -1]


# ``head`` may be null. It is turned about its own origin, and is to look along its Z.
func _init(meshes: Array, head) -> void:
	_meshes = meshes
	_head = head


# What follows are values of these curves.
func begin(curves: Array) -> void:
	_pairs = []
	matched = []
	unmatched = []
	for mesh in _meshes:
		var shapes = []
		for i in range(mesh.mesh.get_blend_shape_count()):
			shapes.append(mesh.mesh.get_blend_shape_name(i))
		var moved = {}
		for pair in Curves.pairs(shapes, curves):
			_pairs.append([mesh, "blend_shapes/" + shapes[pair[0]], pair[1]])
			moved[pair[0]] = true
		for i in range(shapes.size()):
			(matched if moved.has(i) else unmatched).append(shapes[i])
	var names = []
	for curve in curves:
		names.append(Curves.plain(curve))
	_turn = [names.find("headpitch"), names.find("headyaw"), names.find("headroll")]


# Roll, then pitch, then yaw, as Godot's angles are applied; its turn about Y is to the subject's left.
func show(values: PoolRealArray) -> void:
	for pair in _pairs:
		if is_instance_valid(pair[0]):
			pair[0].set(pair[1], values[pair[2]])
	if _head != null and is_instance_valid(_head) and _turn.min() >= 0:
		_head.rotation = Vector3(values[_turn[0]], -values[_turn[1]], values[_turn[2]])
