extends Reference
# A WebSocket to a broadcaster or to the service: what came since the last look, and a way to send.

const Web = preload("web.gd")

var open = false
var closed = true

var _client = null
var _came = []


# The key goes into a header; a browser allows none, there it is a second subprotocol.
func connect_to(url: String, key: String) -> void:
	_client = WebSocketClient.new()
	_client.set_buffers(2048, 4096, 1024, 256)
	_client.connect("connection_established", self, "_on_open")
	_client.connect("connection_error", self, "_on_closed")
	_client.connect("connection_closed", self, "_on_closed")
	_client.connect("data_received", self, "_on_data")
	var protocols = [Web.NAME]
	var headers = []
	if key != "":
		if OS.get_name() == "HTML5":
			protocols.append("voxrig.key." + key)
		else:
			headers.append("authorization: Bearer " + key)
	open = false
	closed = _client.connect_to_url(url, PoolStringArray(protocols), false, PoolStringArray(headers)) != OK


# Messages in order: String for text, PoolByteArray for binary.
func take() -> Array:
	if not closed:
		_client.poll()
	var out = _came
	_came = []
	return out


# A String or a PoolByteArray; false if it cannot go out now.
func send(message) -> bool:
	var is_text = typeof(message) == TYPE_STRING
	var peer = _client.get_peer(1)
	peer.set_write_mode(WebSocketPeer.WRITE_MODE_TEXT if is_text else WebSocketPeer.WRITE_MODE_BINARY)
	return peer.put_packet(message.to_utf8() if is_text else message) == OK


func close() -> void:
	if _client != null and not closed:
		_client.disconnect_from_host()
	open = false
	closed = true


func _on_open(_protocol: String) -> void:
	open = true


func _on_closed(_clean = false) -> void:
	open = false
	closed = true


func _on_data() -> void:
	var peer = _client.get_peer(1)
	var data = peer.get_packet()
	_came.append(data.get_string_from_utf8() if peer.was_string_packet() else data)
