extends RefCounted
# A WebSocket to a broadcaster or to the service: what came since the last look, and a way to send.

const Web = preload("web.gd")

var open = false
var closed = true

var _peer = null


# The key goes into a header; a browser allows none, there it is a second subprotocol.
func connect_to(url: String, key: String) -> void:
	_peer = WebSocketPeer.new()
	_peer.inbound_buffer_size = 1 << 21
	_peer.outbound_buffer_size = 1 << 20
	_peer.max_queued_packets = 4096
	var protocols = PackedStringArray([Web.NAME])
	if key != "":
		if OS.has_feature("web"):
			protocols.append("voxrig.key." + key)
		else:
			_peer.handshake_headers = PackedStringArray(["authorization: Bearer " + key])
	_peer.supported_protocols = protocols
	open = false
	closed = _peer.connect_to_url(url) != OK


# Messages in order: String for text, PackedByteArray for binary. Those that came before the end are given out, too.
func take() -> Array:
	var out = []
	if closed:
		return out
	_peer.poll()
	while _peer.get_available_packet_count() > 0:
		var data = _peer.get_packet()
		out.append(data.get_string_from_utf8() if _peer.was_string_packet() else data)
	open = _peer.get_ready_state() == WebSocketPeer.STATE_OPEN
	closed = _peer.get_ready_state() == WebSocketPeer.STATE_CLOSED
	return out


# A String or a PackedByteArray; false if it cannot go out now.
func send(message) -> bool:
	return (_peer.send_text(message) if message is String else _peer.send(message)) == OK


func close() -> void:
	if _peer != null and not closed:
		_peer.close()
	open = false
	closed = true
