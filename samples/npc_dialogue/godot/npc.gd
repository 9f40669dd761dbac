extends Spatial
# An NPC: a head, the face that the service makes for it, and what it still has to say. Sound goes to the service as it
# is spoken, silence where it has nothing to say, so frame k always belongs to piece k of the sound.

const Receiver = preload("res://addons/voxrig/voxrig_receiver.gd")
const FPS = 60
const RATE = 24000
const PIECE = 2 * RATE / FPS  # bytes of 1/60 s
const CLOSING = 9  # frames in which the service closes an interrupted mouth
const HEAD = "res://avatar.glb"

var face = Receiver.new()

var _speech = PoolByteArray()
var _silence = PoolByteArray()
var _spoken = 0  # bytes
var _owed = 0.0  # pieces
var _said = 0  # index of the next piece
var _first = 0  # frame of the line's first piece
var _end = 0  # frame after its last
var _styles = []


func _init(named: String, url: String, life_seed: int) -> void:
	name = named
	_silence.resize(PIECE)
	for i in range(PIECE):
		_silence[i] = 0
	face.source = Receiver.Source.SERVICE
	face.url = url
	face.rig = "livelink"
	face.rate = RATE
	face.fps = FPS
	face.life = 1.0
	face.random_seed = life_seed


func _ready() -> void:
	if ResourceLoader.exists(HEAD):
		var head = load(HEAD).instance()
		head.name = "Head"
		add_child(head)
		face.head = NodePath("../Head")
	else:
		push_warning("no head: run prepare.py, then open the project in the editor once, which imports avatar.glb")
	add_child(face)


# Begins a line, {"pcm", "words", "styles"}, from ``from`` seconds on; index of its first frame.
func say(line: Dictionary, from: float) -> int:
	_speech = line.pcm
	_spoken = int(from * FPS) * PIECE
	_first = _said
	_end = _said + int(ceil((_speech.size() - _spoken) / float(PIECE)))
	_styles = line.styles.duplicate()
	return _first


func is_speaking() -> bool:
	return face.shown() + 1 < _end


# Seconds of what was begun last that were heard.
func heard() -> float:
	return max(0, face.shown() + 1 - _first) / float(FPS)


# The mouth closes from the frame that is shown; nothing that was said after it is heard.
func interrupt() -> void:
	_said = face.shown() + 1 + CLOSING
	_first = _said
	_end = _said
	_speech = PoolByteArray()
	_styles = []
	face.interrupt()
	calm()


func calm() -> void:
	face.restyle({}, 0.6)


# Radians to its own right; null is wherever it likes, mostly at the player.
func look(yaw) -> void:
	face.look(null if yaw == null else Vector2(yaw, 0))


func _process(delta: float) -> void:
	_owed = min(_owed + delta * FPS, 15.0)
	while _owed >= 1.0:
		_owed -= 1.0
		face.say(_piece())
		_said += 1
	while not _styles.empty() and (_styles[0][0] <= heard()):
		var style = _styles.pop_front()
		face.restyle(style[1], style[2])


func _piece() -> PoolByteArray:
	if _spoken >= _speech.size():
		return _silence
	var out = _speech.subarray(_spoken, int(min(_spoken + PIECE, _speech.size())) - 1)
	_spoken += PIECE
	if out.size() < PIECE:
		out.append_array(_silence.subarray(0, PIECE - out.size() - 1))
	return out
