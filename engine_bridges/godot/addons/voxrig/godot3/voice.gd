extends AudioStreamPlayer
# Plays the sound that comes with frames, and tells which moment of it is heard now, so that the face can keep step.

const Sound = preload("sound.gd")
const BUFFER = 0.1
const MOST = 60.0
const NOTICED = 0.01

# Seconds of sound to gather before the first is heard, and again after it ran out.
var delay = 0.05

var _rate = 0
var _encoding = ""
var _width = 2  # bytes of a sample
var _queue = PoolByteArray()
var _origin = null  # the sender's moment of the first sample given to the player
var _given = 0  # samples
var _capacity = 0  # samples that the player can hold
var _running = false
var _last = false
var _cut = false  # the mouth closes without a sound
var _heard = 0.0


func begin(rate: int, encoding: String) -> void:
	finish()
	_rate = rate
	_encoding = encoding
	_width = 4 if encoding == "f32" else 2
	var generator = AudioStreamGenerator.new()
	generator.mix_rate = rate
	generator.buffer_length = BUFFER
	stream = generator
	play()
	_capacity = get_stream_playback().get_frames_available()


# Whether sound keeps the time: from begin() to finish().
func is_on() -> bool:
	return _rate > 0


# Sound of the moment ``at`` and after. Where some is missing it is silent that long.
func push(data: PoolByteArray, at: float) -> void:
	var count = data.size() / _width
	if count == 0 or _queue.size() > MOST * _rate * _width:
		return
	if _origin == null:
		_origin = at
	if _cut:
		_cut = false
		_given = int(max(_given, _heard * _rate))  # it went on without a sound
	var gap = at - (_origin + float(_given + _queue.size() / _width) / _rate)
	if gap > NOTICED and gap < 1.0:
		var silence = PoolByteArray()
		silence.resize(int(round(gap * _rate)) * _width)
		for i in range(silence.size()):
			silence[i] = 0
		_queue.append_array(silence)
	elif abs(gap) > NOTICED:
		_origin += gap
	_queue.append_array(data.subarray(0, count * _width - 1))


# The moment that is heard now; null before the first.
func moment():
	return null if _given == 0 else _origin + _heard


# No more will come: what there is need not wait for more.
func last() -> void:
	_last = true


func has_more() -> bool:
	return _rate > 0 and (_queue.size() > 0 or _heard < float(_given) / _rate)


# Forgets what is not yet with the player. After that time goes on by itself, until there is sound again.
func cut() -> void:
	_cut = true
	_queue.resize(0)


func finish() -> void:
	stop()
	_rate = 0
	_queue.resize(0)
	_origin = null
	_given = 0
	_heard = 0.0
	_running = false
	_last = false
	_cut = false


func _process(delta: float) -> void:
	var playback = get_stream_playback() if _rate > 0 else null
	if playback == null:
		return
	var room = playback.get_frames_available()
	var waiting = _queue.size() / _width
	if room >= _capacity and waiting == 0:
		_running = false
	if waiting > 0 and (_last or waiting >= delay * _rate):
		_running = true
	if _running and waiting > 0 and room > 0:
		var count = int(min(room, waiting))
		playback.push_buffer(Sound.decode(_queue.subarray(0, count * _width - 1), _encoding))
		_queue = _queue.subarray(count * _width, _queue.size() - 1) if count < waiting else PoolByteArray()
		_given += count
		room -= count
	_keep_up(float(_capacity - room + _queue.size() / _width) / _rate)
	_advance(_capacity - room, delta)


# A sound card that runs slower than the sender's clock would fall behind ever more: beyond the delay and the player's own
# buffer it is played up to a fiftieth faster. ``waiting`` is in seconds.
func _keep_up(waiting: float) -> void:
	pitch_scale = 1.0 + clamp(0.1 * (waiting - delay - 2.0 * BUFFER), 0.0, 0.02)


# Godot takes sound from us in steps of some 20 ms; in between, time goes on by its own clock. ``waiting`` is samples that
# the player still has.
func _advance(waiting: int, delta: float) -> void:
	var now = _heard + delta
	if waiting > 0:
		now = float(_given - waiting) / _rate + AudioServer.get_time_since_last_mix() - AudioServer.get_output_latency()
	var end = float(_given) / _rate
	if now > end and not _cut:
		now = end
	if now > _heard:
		_heard = now
