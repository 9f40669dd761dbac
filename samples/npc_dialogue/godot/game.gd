extends Spatial
# The toll bridge: plays lines/dialogue.json with two NPCs. Space interrupts, numbers choose.
#
# godot3 --path . [--server=ws://127.0.0.1:52001/v1/face] [--log=curves.jsonl] [--rehearse=part.json]

const Npc = preload("npc.gd")
const AWAKE = 60  # frames
const STARTLED = 0.3  # seconds between an interruption and the reaction

enum { WAKING, SPEAKING, SILENT, CHOOSING, LEAVING }

var _told = {"server": "ws://127.0.0.1:52001/v1/face", "log": "", "rehearse": ""}
var _graph = {}
var _lines = {}
var _npcs = {}
var _flags = {}
var _part = {"interrupt": {}, "answers": []}  # of a player who rehearses
var _log = null
var _phase = WAKING
var _node = ""
var _from = 0.0  # seconds of the node's line that were heard before
var _words = 0  # that were shown
var _wait = 0.0
var _after = ""  # the node that follows the silence
var _cut = []  # [node, seconds] of what was interrupted last


func _ready() -> void:
	for argument in OS.get_cmdline_args():
		var pair = argument.lstrip("-").split("=", true, 1)
		if pair.size() == 2 and _told.has(pair[0]):
			_told[pair[0]] = pair[1]
	_graph = _read("res://lines/dialogue.json")
	if _told.rehearse != "":
		_part = _read(_told.rehearse)
	if _told.log != "":
		_log = File.new()
		_log.open(_told.log, File.WRITE)
	for name in _graph.nodes:
		if _graph.nodes[name].get("text", "") != "":
			_lines[name] = _line(name)
	for name in _graph.cast:
		var npc = Npc.new(name, _told.server, _npcs.size())
		npc.translation.x = 0.2 - 0.4 * _npcs.size()  # the first stands at the right of the picture
		npc.face.connect("frame", self, "_on_frame", [npc])
		npc.face.connect("refused", self, "_on_refused")
		npc.face.connect("lost", self, "_on_refused", ["LOST", "the service is gone"])
		_npcs[name] = npc
		add_child(npc)


func _process(delta: float) -> void:
	match _phase:
		WAKING:
			var awake = true
			for name in _npcs:
				awake = awake and _npcs[name].face.shown() >= AWAKE
			if awake:
				_enter(_graph.start)
		SPEAKING:
			_speak()
		SILENT:
			_wait -= delta
			if _wait <= 0.0:
				_enter(_after)
		CHOOSING:
			if not _part.answers.empty():
				_choose(int(_part.answers.pop_front()))


func _input(event: InputEvent) -> void:
	if event is InputEventKey and event.pressed and not event.echo:
		if _phase == SPEAKING and event.is_action("ui_accept"):
			_interrupt()
		elif _phase == CHOOSING:
			_choose(event.scancode - KEY_0)


func _enter(name: String) -> void:
	if name == "resume":
		var cut = _cut.pop_back()
		_say(cut[0], cut[1])
	elif name == "":
		_leave(0)
	else:
		_say(name, 0.0)


func _say(name: String, from: float) -> void:
	_node = name
	_from = from
	var node = _graph.nodes[name]
	if node.get("set", "") != "":
		_flags[node.set] = true
	for other in _npcs:
		var seen = node.get("to", "") if other == node.speaker else node.speaker
		_npcs[other].look(_graph.cast[other].get("sees", {}).get(seen))
	_words = 0
	while _words < _lines[name].words.size() and _lines[name].words[_words][1] < from:
		_words += 1
	var first = _npcs[node.speaker].say(_lines[name], from)
	_tell({"kind": "node", "node": name, "npc": node.speaker, "from": from, "first": first})
	$Subtitles.text = node.speaker + ":"
	_phase = SPEAKING


func _speak() -> void:
	var npc = _npcs[_graph.nodes[_node].speaker]
	var words = _lines[_node].words
	while _words < words.size() and words[_words][1] < _from + npc.heard() and npc.heard() > 0.0:
		$Subtitles.text += " " + words[_words][0]
		_tell({"kind": "word", "npc": npc.name, "frame": npc.face.shown(), "word": words[_words][0]})
		_words += 1
	if npc.heard() > _part.interrupt.get(_node, INF):
		_part.interrupt.erase(_node)
		_interrupt()
	elif not npc.is_speaking():
		npc.calm()
		_go_on()


# Who was cut looks up, is silent for a moment, and reacts; "resume" then goes back to the word that was cut.
func _interrupt() -> void:
	var node = _graph.nodes[_node]
	var npc = _npcs[node.speaker]
	_tell({"kind": "interrupted", "node": _node, "npc": npc.name, "frame": npc.face.shown()})
	var heard = _from + npc.heard()
	npc.interrupt()
	for name in _npcs:
		_npcs[name].look(0.0)
	$Subtitles.text += " -"
	var reaction = node.get("interrupted", _graph.cast[node.speaker].get("interrupted", ""))
	if node.get("next", "") == "resume" or reaction == "" or reaction == _node:
		_go_on()
		return
	var from = 0.0
	for word in _lines[_node].words:
		if word[2] > heard:
			from = word[1]
			break
	_cut = [[_node, from]]
	_wait = STARTLED
	_after = reaction
	_phase = SILENT


func _go_on() -> void:
	var open = _open_choices()
	if open.empty():
		_enter(_graph.nodes[_node].get("next", ""))
		return
	for i in range(open.size()):
		$Subtitles.text += "\n%d  %s" % [i + 1, open[i].text]
	for name in _npcs:
		_npcs[name].look(null)
	_phase = CHOOSING


func _choose(number: int) -> void:
	var open = _open_choices()
	if number >= 1 and number <= open.size():
		_enter(open[number - 1].next)


func _open_choices() -> Array:
	var out = []
	for choice in _graph.nodes[_node].get("choices", []):
		var flag = choice.get("if", "")
		if flag == "" or _flags.has(flag.lstrip("!")) != flag.begins_with("!"):
			out.append(choice)
	return out


# A line as prepare.py made it: words and styles with their seconds, and 16-bit sound behind a head of 44 bytes.
func _line(name: String) -> Dictionary:
	var line = _read("res://lines/%s.json" % name)
	var file = File.new()
	file.open("res://lines/%s.wav" % name, File.READ)
	file.seek(44)
	line.pcm = file.get_buffer(file.get_len() - 44)
	return line


func _read(path: String):
	var file = File.new()
	if file.open(path, File.READ) != OK:
		push_error("cannot read %s; run prepare.py" % path)
		_leave(1)
		return {}
	return JSON.parse(file.get_as_text()).result


func _on_frame(values: PoolRealArray, npc) -> void:
	if _log == null:
		return
	var rounded = []
	for value in values:
		rounded.append(stepify(value, 0.0001))
	var mesh = npc.get_node_or_null("Head/Skeleton/Face")
	var jaw = mesh.get("blend_shapes/jawOpen") if mesh != null else null
	_tell({"kind": "frame", "npc": npc.name, "frame": npc.face.shown(), "values": rounded, "mesh": jaw})


func _on_refused(code: String, message: String) -> void:
	if _phase != LEAVING:
		push_error("%s: %s" % [code, message])
		_leave(1)


func _leave(code: int) -> void:
	_phase = LEAVING
	_tell({"kind": "end", "curves": _npcs.values()[0].face.curves if not _npcs.empty() else []})
	if _log != null:
		_log.close()
		_log = null
	get_tree().quit(code)


func _tell(event: Dictionary) -> void:
	if _log != null:
		event.msec = OS.get_ticks_msec()
		_log.store_line(JSON.print(event))
