extends Reference
# One face of a broadcaster or of the service, by WebSocket: picks it, unpacks it, says what came by signals.

# A line begins: values of these curves; ``sound`` is null or its {"rate", "encoding"}.
signal began(curves, sound)
signal came(index, at, values)
signal heard(data, at)
# Frames from this index on will be sent anew.
signal cut(index)
signal ended
signal gone
signal refused(code, message)

const Web = preload("web.gd")
const WebClient = preload("web_client.gd")
const PIECE = 16384
const AT_ONCE = 8

var malformed = 0

var _url = ""
var _key = ""
var _subject = ""
var _rig = ""
var _client = WebClient.new()
var _headers = {}  # by face id
var _followed = -1
var _unsent = []


# ``subject`` picks one of several faces by name, the first one told if empty; ``rig`` one of its rigs, else its first.
func _init(url: String, key: String, subject: String, rig: String) -> void:
	_url = url
	_key = key
	_subject = subject
	_rig = rig


func open() -> void:
	_headers = {}
	_followed = -1
	_client.connect_to(_url, _key)


func is_closed() -> bool:
	return _client.closed


func close() -> void:
	_client.close()


# Text, or sound of any length, as soon as the connection stands.
func send(message) -> void:
	if typeof(message) == TYPE_STRING:
		_unsent.append(message)
		return
	for start in range(0, message.size(), PIECE):
		_unsent.append(message.subarray(start, int(min(start + PIECE, message.size())) - 1))


func poll() -> void:
	for message in _client.take():
		if typeof(message) == TYPE_STRING:
			take_text(message)
		else:
			take_frames(message)
	for _i in range(min(AT_ONCE, _unsent.size()) if _client.open else 0):
		if not _client.send(_unsent[0]):
			break
		_unsent.pop_front()
	if _client.closed and not _unsent.empty():
		_unsent = []
		emit_signal("refused", "UNAVAILABLE", "%s does not answer" % _url)
	if _client.closed and not _headers.empty():
		_headers = {}
		_followed = -1
		emit_signal("gone")


func take_text(text: String) -> void:
	var message = Web.parse(text)
	if message.error != "":
		malformed += 1
		return
	var id = int(message.get("face", 0))
	match message.type:
		"header":
			_headers[id] = message
			if id == _followed or _followed < 0 and (_subject == "" or message.get("name", "") == _subject):
				_followed = id
				emit_signal("began", message.targets[_target(message)].curves, message.get("sound"))
		"notice":
			if id == _followed and message.get("kind") == "interrupted" and typeof(message.get("first")) == TYPE_REAL:
				emit_signal("cut", int(message.first))
		"summary":
			if id == _followed:
				_followed = -1
				emit_signal("ended")
		"error":
			emit_signal("refused", str(message.get("code")), str(message.get("message")))


func take_frames(data: PoolByteArray) -> void:
	var id = Web.face(data)
	if not _headers.has(id):
		malformed += 1
		return
	if id != _followed:
		return
	var header = _headers[id]
	var block = Web.frames(data, header.widths, _target(header))
	if block.error != "":
		malformed += 1
		return
	for i in range(block.rows.size()):
		emit_signal("came", block.start + i, (block.start + i) * header.fps[1] / header.fps[0], block.rows[i])
	if block.sound.size() > 0:
		emit_signal("heard", block.sound, block.start * header.fps[1] / header.fps[0])


func _target(header: Dictionary) -> int:
	for i in range(header.targets.size()):
		if header.targets[i].rig == _rig:
			return i
	return 0
