extends Node
# A face that follows what comes over the network: Live Link Face or VMC by UDP, or voxrig's WebSocket, of a broadcaster
# (frames for everyone) or of the service (our speech there, our face back). Everything runs in _process.

# What is shown now: values of ``curves``, in that order. Only when they changed.
signal frame(values)
signal connected
signal lost
# All of a line came, by WebSocket.
signal ended
# The service will not: the name of a gRPC status, and a sentence.
signal refused(code, message)

enum Source { LIVE_LINK, VMC, BROADCAST, SERVICE }

const Clock = preload("clock.gd")
const Face = preload("face.gd")
const Jitter = preload("jitter.gd")
const UdpFeed = preload("udp_feed.gd")
const Voice = preload("voice.gd")
const Web = preload("web.gd")
const WebFeed = preload("web_feed.gd")
const AGAIN = 1.0  # seconds between attempts to reach a broadcaster

export(Source) var source = Source.LIVE_LINK
# For UDP: 11111 is usual for Live Link Face, 39539 for VMC.
export(int, 1, 65535) var port = 11111
export var url = "ws://127.0.0.1:52001"
export var key = ""
# Live Link subject or name of the face; the first one heard if empty. VMC names none.
export var subject = ""
# By WebSocket: which of a face's rigs to show, and which to ask the service for.
export var rig = "arkit"
# Asked of the service; the style is {"emotion": {"joy": 0.5}, "intensity": 1.0, "asymmetry": 0.2, "energy": 1.2,
# "speaker": "warm", "auto": {}} or some of it. With auto emotion is heard in the voice.
export var fps = 60
export var model = ""
export var style = {}
# A director's words, such as "sceptical, then amused"; they go on top of the style.
export var direction = ""
# Blinks, gaze, motion of head and brows, breath: how much of it all. Another seed, another motion.
export(float, 0, 1) var life = 0.0
export var random_seed = 0
# Hertz, of the speech given to say().
export var rate = 16000
# Meshes to move; if none is named, all with blend shapes beside and below this node.
export(Array, NodePath) var meshes = []
# Turned with the head, if named; it is to look along its Z.
export(NodePath) var head = NodePath()
# Seconds that a frame may be on its way longer than the quickest.
export(float, 0.0, 1.0) var delay = 0.05
# Between two frames, show what lies between them.
export var blended = true
export var play_sound = true
# Seconds without a packet after which a sender by UDP is lost. The face then goes to rest.
export(float, 0.1, 60.0) var patience = 1.0

# Names of the values in ``frame``.
var curves = []

var _feed = null
var _jitter = Jitter.new()
var _clock = Clock.new()
var _voice = Voice.new()
var _face = null
var _alive = false
var _gone = false  # what came is still shown to its end
var _again_at = 0.0
# Seconds; compared by hand, since Godot 3 has max() and min() round to 32 bits, 8 ms at the end of a day.
var _newest = -1.0  # of the frames that came since the last picture, as is _oldest
var _oldest = INF
var _last = PoolRealArray()


func _ready() -> void:
	_face = Face.new(_find_meshes(), null if head.is_empty() else get_node_or_null(head))
	_clock.delay = delay
	_voice.delay = delay
	add_child(_voice)
	if source == Source.LIVE_LINK or source == Source.VMC:
		_feed = UdpFeed.new(source == Source.VMC, subject, patience)
		_feed.connect("named", self, "_on_named")
		if _feed.open(port) != OK:
			push_error("voxrig: UDP port %d is taken; choose another, here and in the sender" % port)
	else:
		_feed = WebFeed.new(url, key, subject, rig)
		for name in ["began", "heard", "cut", "ended", "refused"]:
			_feed.connect(name, self, "_on_" + name)
	_feed.connect("came", self, "_on_came")
	_feed.connect("gone", self, "_on_gone")


func _exit_tree() -> void:
	if _feed != null:
		_feed.close()
	_voice.finish()


# Frames that came; that never came; that came after their turn. Messages that were none of their protocol.
func counts() -> Dictionary:
	return {"received": _jitter.received, "dropped": _jitter.dropped, "late": _jitter.late, "malformed": _feed.malformed}


# Blend shapes of the meshes that the present curves move, and those that none of them does.
func shapes() -> Dictionary:
	return {"matched": _face.matched, "unmatched": _face.unmatched}


# Index of the frame that is shown, or of the one before if it is blended; -1 before the first.
func shown() -> int:
	return _jitter.shown()


# Speech for the service: signed 16 bits, little-endian, mono, at ``rate``. The first piece opens the connection.
func say(pcm: PoolByteArray) -> void:
	if _feed.is_closed():
		_feed.open()
		_feed.send(Web.config(rate, rig, fps, model, style, play_sound, _manner()))
	_feed.send(pcm)


# No more speech: the rest is shown, then ``ended`` comes.
func finish() -> void:
	if not _feed.is_closed():
		_feed.send(Web.end())


# Barge-in: what is not yet shown never will be, and the mouth closes. say() goes on with the next line.
func interrupt() -> void:
	if not _feed.is_closed():
		_feed.send(Web.interrupt(shown()))
		_on_cut(shown() + 1)


# From now on speak so, reached within ``transition`` seconds. For the next line set ``style``.
func restyle(now: Dictionary, transition := 0.3) -> void:
	if not _feed.is_closed():
		_feed.send(Web.style_key(now, 0, transition))


# From now on look there: radians to the subject's own right and down, as a Vector2; null is where the eyes like.
func look(angles) -> void:
	if not _feed.is_closed():
		_feed.send(Web.look(angles, 0))


func _process(delta: float) -> void:
	var now = _now()
	_newest = -1.0
	_oldest = INF
	if _feed is UdpFeed:
		_feed.poll(now)
	else:
		if source == Source.BROADCAST and _feed.is_closed() and not _gone and now >= _again_at:
			_again_at = now + AGAIN
			_feed.open()
		_feed.poll()
	if _newest >= 0.0:
		_clock.hear(_newest if _feed is UdpFeed else _oldest, _newest, now)
	_show(_moment(now), delta)
	if _gone and not _jitter.has_more() and not _voice.has_more():
		_forget()


func _manner() -> Dictionary:
	var manner = {}
	if direction != "":
		manner.direction = direction
	if life > 0.0:
		manner.life = {"blink": life, "gaze": life, "head": life, "brows": life, "breath": life}
		manner.seed = random_seed
	return manner


func _now() -> float:
	return OS.get_ticks_usec() / 1e6


# Null while nothing can be shown yet. Where there is sound, the face waits for what is heard.
func _moment(now: float):
	return _voice.moment() if _voice.is_on() else _clock.moment(now)


func _on_named(names: Array) -> void:
	curves = names.duplicate()
	_last = PoolRealArray()
	_face.begin(curves)


func _on_began(names: Array, sound) -> void:
	_gone = false
	_jitter.clear()
	_clock.clear()
	_voice.finish()
	if play_sound and sound != null:
		_voice.begin(int(sound.rate), sound.encoding)
	_on_named(names)


func _on_came(index: int, at: float, values: PoolRealArray) -> void:
	if not _alive:
		_alive = true
		emit_signal("connected")
	_gone = false
	if _jitter.push(index, at, values, _moment(_now())):
		_clock.clear()
		_newest = -1.0
		_oldest = INF
	_newest = at if at > _newest else _newest
	_oldest = at if at < _oldest else _oldest


func _on_heard(data: PoolByteArray, at: float) -> void:
	if _voice.is_on():
		_voice.push(data, at)


func _on_cut(index: int) -> void:
	_jitter.cut(index)
	_voice.cut()


func _on_ended() -> void:
	_voice.last()
	emit_signal("ended")


func _on_refused(code: String, message: String) -> void:
	emit_signal("refused", code, message)


func _on_gone() -> void:
	_gone = true
	_voice.last()


func _forget() -> void:
	_gone = false
	_alive = false
	_jitter.clear()
	_clock.clear()
	_voice.finish()
	emit_signal("lost")


func _show(moment, delta: float) -> void:
	var values = null if moment == null else _jitter.show(moment, blended)
	if values == null:
		if not _alive:
			_rest(delta)
	elif values != _last and values.size() == curves.size():
		_last = values
		_face.show(values)
		emit_signal("frame", values)


# Without a sender a face does not stay with its mouth open: in about a third of a second it is neutral.
func _rest(delta: float) -> void:
	if _last.size() == 0:
		return
	var most = 0.0
	for i in range(_last.size()):
		_last[i] = _last[i] * max(0.0, 1.0 - delta / 0.07)
		most = max(most, abs(_last[i]))
	if most < 0.001:
		for i in range(_last.size()):
			_last[i] = 0.0
	_face.show(_last)
	if most < 0.001:
		_last = PoolRealArray()


func _find_meshes() -> Array:
	var out = []
	if meshes.empty():
		_gather(get_parent(), out)
	for path in meshes:
		var mesh = get_node_or_null(path)
		if _has_shapes(mesh):
			out.append(mesh)
		else:
			push_warning("voxrig: %s is no MeshInstance with blend shapes" % path)
	return out


func _gather(node: Node, out: Array) -> void:
	if _has_shapes(node):
		out.append(node)
	for child in node.get_children():
		_gather(child, out)


func _has_shapes(node) -> bool:
	return node is MeshInstance and node.mesh is ArrayMesh and node.mesh.get_blend_shape_count() > 0
