extends RefCounted
# Faces by UDP: Live Link Face or VMC, from whoever sends to our port. Owns the socket; says what came by signals.

# What follows are values of these curves.
signal named(curves)
signal came(index, at, values)
# The sender is silent for too long.
signal gone

const LiveLink = preload("livelink.gd")
const Curves = preload("curves.gd")
const Osc = preload("osc.gd")
const Vmc = preload("vmc.gd")
const AT_ONCE = 256

# Packets that were none of their protocol.
var malformed = 0

var _peer = PacketPeerUDP.new()
var _vmc = null
var _subject = ""
var _patience = 1.0
var _followed = null
var _named = 0
var _heard_at = 0.0


# ``subject`` picks one of several Live Link faces, the first one heard if empty. ``patience`` is in seconds.
func _init(is_vmc: bool, subject: String, patience: float) -> void:
	_vmc = Vmc.new() if is_vmc else null
	_subject = subject
	_patience = patience


# OK, or an Error if the port cannot be had.
func open(port: int) -> int:
	return _peer.bind(port)


func close() -> void:
	_peer.close()


# ``now`` in seconds; at most AT_ONCE packets, so that a flood cannot hold up a picture.
func poll(now: float) -> void:
	var left = AT_ONCE
	while left > 0 and _peer.get_available_packet_count() > 0:
		left -= 1
		take(_peer.get_packet(), now)
	if _followed != null and now - _heard_at > _patience:
		_followed = null
		_named = 0
		if _vmc != null:
			_vmc = Vmc.new()
		gone.emit()


# One packet.
func take(data: PackedByteArray, now: float) -> void:
	if _vmc == null:
		_take_live_link(data, now)
	else:
		_take_vmc(data, now)


func _take_live_link(data: PackedByteArray, now: float) -> void:
	var packet = LiveLink.parse(data)
	if packet.error != "":
		malformed += 1
		return
	if _subject != "" and packet.subject != _subject or _followed != null and packet.subject != _followed:
		return
	_followed = packet.subject
	_heard_at = now
	_name(Curves.LIVE_LINK)
	var at = (packet.frame + packet.subframe) * packet.denominator / packet.numerator
	came.emit(packet.frame, at, packet.values)


func _take_vmc(data: PackedByteArray, now: float) -> void:
	var read = Osc.parse(data)
	if read.error != "":
		malformed += 1
		return
	for made in _vmc.take(read.messages):
		_followed = ""
		_heard_at = now
		_name(_vmc.curves)
		came.emit(made.index, made.at if made.at >= 0.0 else now, made.values)


# The list of a sender never shrinks, so its length tells whether it is news.
func _name(curves: Array) -> void:
	if curves.size() != _named:
		_named = curves.size()
		named.emit(curves)
