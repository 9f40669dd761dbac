extends Reference
# Frames in order of their index, given out when it is their turn. Knows no clock: who asks says what moment it is,
# in seconds of the sender's time.

const MOST = 4096
const LEAP = 5.0

# Frames that came; that never came though later ones did; that came after their turn.
var received = 0
var dropped = 0
var late = 0

var _queue = []
var _shown = null
var _missing = {}


# Takes a frame: ``at`` is its moment, ``moment`` the present one or null while there is none. True if the sender began
# anew: its time went back by a second, or forward by LEAP.
func push(index: int, at: float, values: PoolRealArray, moment) -> bool:
	received += 1
	var newest = _queue.back() if not _queue.empty() else _shown
	var anew = false
	if newest != null and (at < newest.at - 1.0 or at > newest.at + LEAP):
		clear()
		anew = true
	if _shown != null and index <= _shown.index:
		if _missing.erase(index):
			dropped -= 1
			late += 1
		return anew
	var place = _queue.size()
	while place > 0 and _queue[place - 1].index >= index:
		place -= 1
	if place < _queue.size() and _queue[place].index == index:
		return anew
	if not anew and moment != null and at < moment:
		late += 1
	_queue.insert(place, {"index": index, "at": at, "values": values})
	if _queue.size() > MOST:
		_step(_queue.pop_front())
	return anew


# The values at a moment: of the last frame before it, or, blended, on the way to the next. Null before the first.
func show(moment: float, blended: bool):
	while not _queue.empty() and _queue[0].at <= moment:
		_step(_queue.pop_front())
	if _shown == null:
		return null
	if not blended or _queue.empty() or _queue[0].values.size() != _shown.values.size():
		return _shown.values
	var next = _queue[0]
	var share = clamp((moment - _shown.at) / (next.at - _shown.at), 0.0, 1.0) if next.at > _shown.at else 1.0
	var out = PoolRealArray()
	out.resize(next.values.size())
	for i in range(next.values.size()):
		out[i] = lerp(_shown.values[i], next.values[i], share)
	return out


# Index of the frame shown last, -1 before the first.
func shown() -> int:
	return -1 if _shown == null else _shown.index


func has_more() -> bool:
	return not _queue.empty()


# Forgets frames from this index on.
func cut(index: int) -> void:
	while not _queue.empty() and _queue.back().index >= index:
		_queue.pop_back()


func clear() -> void:
	_queue.clear()
	_missing.clear()
	_shown = null


func _step(frame: Dictionary) -> void:
	if _shown != null:
		var gap = frame.index - _shown.index - 1
		dropped += gap
		for i in range(min(gap, 64)):  # those that may yet come
			_missing[frame.index - 1 - i] = true
	_shown = frame
	while _missing.size() > 256:
		_missing.erase(_missing.keys()[0])
