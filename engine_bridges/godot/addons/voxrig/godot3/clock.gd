extends Reference
# The sender's time, told from when its frames arrive. The quickest frames are shown ``delay`` seconds after they came;
# slower ones have that much time to catch up. It follows a sender whose clock runs differently by a tenth of the
# difference each second, and one that stands still or falls behind at once. One that sends far ahead is left alone.

const AHEAD = 1.0

var delay = 0.05

var _offset = null  # our time when the sender's is 0
var _slack = 0.0  # the most time that a frame had left in the second since _since
var _since = 0.0


# The sender's moment, or null before its first frame.
func moment(now: float):
	return null if _offset == null else now - _offset


# Frames came: ``newest`` is the moment of the last. The first of all that is to be shown is ``first``.
func hear(first: float, newest: float, now: float) -> void:
	if _offset == null:
		_begin(now + delay - first, now)
		return
	var slack = newest + _offset - now
	if slack < 0.0:
		_begin(_offset - slack + (delay if slack < -delay else 0.0), now)
		return
	_slack = max(_slack, slack)
	if now - _since > 1.0:
		_begin(_offset - (0.1 * (_slack - delay) if _slack < AHEAD else 0.0), now)


func clear() -> void:
	_offset = null


func _begin(offset: float, now: float) -> void:
	_offset = offset
	_slack = 0.0
	_since = now
