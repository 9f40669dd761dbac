extends SceneTree
# Laws of the parts that need no packet: order, time, names, sound. Prints "broken: ..." for each that does not hold, and
# last how many were tried.

const Clock = preload("res://addons/voxrig/clock.gd")
const Curves = preload("res://addons/voxrig/curves.gd")
const Jitter = preload("res://addons/voxrig/jitter.gd")
const Sound = preload("res://addons/voxrig/sound.gd")

var _tried = 0


func _init() -> void:
	frames_come_out_in_order_however_they_came()
	what_is_lost_or_late_is_counted_once()
	between_frames_lies_a_straight_line()
	a_sender_that_begins_anew_is_followed()
	a_cut_forgets_the_future_only()
	the_clock_starts_one_delay_late_and_stays()
	the_clock_waits_for_a_sender_that_paused()
	the_clock_follows_one_that_runs_fast()
	the_clock_does_not_run_after_one_far_ahead()
	names_find_shapes()
	sound_is_full_scale()
	print("tried: %d" % _tried)
	quit()


func holds(law: String, is_so: bool) -> void:
	_tried += 1
	if not is_so:
		print("broken: " + law)


func frames_come_out_in_order_however_they_came() -> void:
	for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 1, 4, 3], [0, 0, 1, 1, 4, 4, 2, 3]]:
		var jitter = Jitter.new()
		for index in order:
			jitter.push(index, index / 10.0, row(index), null)
		var seen = []
		for step in range(5):
			seen.append(jitter.show(step / 10.0, false)[0])
		holds("order %s" % [order], str(seen) == str([0, 1, 2, 3, 4]))
		holds("no loss in %s" % [order], jitter.dropped == 0 and jitter.late == 0 and jitter.received == order.size())


func what_is_lost_or_late_is_counted_once() -> void:
	var jitter = Jitter.new()
	for index in [0, 1, 4]:
		jitter.push(index, index / 10.0, row(index), null)
	jitter.show(0.4, false)
	holds("two are missing", jitter.dropped == 2 and jitter.late == 0)
	for _twice in range(2):
		jitter.push(2, 0.2, row(2), 0.45)
	holds("one of them came after its turn", jitter.dropped == 1 and jitter.late == 1)
	holds("and is not shown", jitter.show(0.45, false)[0] == 4.0)
	jitter.push(5, 0.5, row(5), 0.6)
	holds("a frame past its moment is late", jitter.late == 2)
	holds("and shown all the same", jitter.show(0.6, false)[0] == 5.0)


func between_frames_lies_a_straight_line() -> void:
	var jitter = Jitter.new()
	holds("nothing before the first", jitter.show(0.0, true) == null)
	jitter.push(1, 1.0, row(2), null)
	jitter.push(2, 2.0, row(4), null)
	holds("nor before its moment", jitter.show(0.9, true) == null)
	for moment in [1.0, 1.25, 1.5, 2.0]:
		holds("blend at %s" % moment, abs(jitter.show(moment, true)[0] - 2.0 * moment) < 1e-6)
	holds("the last one stays", jitter.show(9.0, true)[0] == 4.0)


func a_sender_that_begins_anew_is_followed() -> void:
	var jitter = Jitter.new()
	jitter.push(5184000 - 1, 86400.0 - 1.0 / 60, row(1), null)
	jitter.show(86400.0, false)
	holds("midnight is told", jitter.push(0, 0.0, row(2), 86400.0))
	holds("and nothing lost by it", jitter.dropped == 0 and jitter.show(0.0, false)[0] == 2.0)
	holds("a leap is told", jitter.push(6000, 100.0, row(3), 0.1))
	holds("a step is not", not jitter.push(6001, 100.0 + 1.0 / 60, row(3), 100.0))


func a_cut_forgets_the_future_only() -> void:
	var jitter = Jitter.new()
	for index in range(6):
		jitter.push(index, index / 10.0, row(index), null)
	jitter.show(0.2, false)
	jitter.cut(4)
	holds("frame 3 is left", jitter.show(9.0, false)[0] == 3.0 and jitter.shown() == 3)
	jitter.push(4, 0.4, row(40), null)
	holds("frame 4 comes anew", jitter.show(9.0, false)[0] == 40.0 and jitter.dropped == 0)


func the_clock_starts_one_delay_late_and_stays() -> void:
	var clock = Clock.new()
	holds("no moment before a frame", clock.moment(1.0) == null)
	var random = RandomNumberGenerator.new()
	random.seed = 1
	var now = 0.0
	for i in range(600):
		now = 50.0 + i / 60.0 + (0.0 if i % 7 == 0 else random.randf() * 0.04)
		clock.hear(1000.0 + i / 60.0, 1000.0 + i / 60.0, now)
	holds("jitter within the delay moves nothing", abs(clock.moment(now) - (now + 950.0 - clock.delay)) < 1e-3)


func the_clock_waits_for_a_sender_that_paused() -> void:
	var clock = Clock.new()
	clock.hear(0.0, 0.0, 10.0)
	clock.hear(0.1, 0.1, 13.0)
	holds("the next frame is due one delay after it came", abs(clock.moment(13.0 + clock.delay) - 0.1) < 1e-6)


func the_clock_follows_one_that_runs_fast() -> void:
	var clock = Clock.new()
	var now = 0.0
	for i in range(60 * 600):
		now = i / 60.0
		clock.hear(now * 1.0001, now * 1.0001, now)
	var ahead = now * 1.0001 - clock.moment(now)
	holds("after ten minutes of a fast sender the delay is still the delay", abs(ahead - clock.delay) < 0.005)


func the_clock_does_not_run_after_one_far_ahead() -> void:
	var clock = Clock.new()
	for i in range(300):
		clock.hear(0.0, 3.0 + i / 60.0, 10.0 + i / 60.0)
	holds("a second is a second", abs(clock.moment(15.0) - (5.0 - clock.delay)) < 1e-6)


func names_find_shapes() -> void:
	var curves = ["jawOpen", "mouthLeft", "eyeBlinkLeft", "mouthSmileRight", "A"]
	for case in [["jawOpen", 0], ["JawOpen", 0], ["jaw_open", 0], ["Face.M_F00_JawOpen", 0], ["mouthLeft", 1],
		["eyeBlink_L", 2], ["eye_blink_l", 2], ["blendShape1.eyeBlink_L", 2], ["MouthSmile_R", 3], ["Fcl_MTH_A", 4], ["jawOpened", -1], ["Left", -1],
		["", -1], ["_", -1], ["a_L", -1]]:
		var found = Curves.pairs([case[0]], curves)
		holds("%s is %d, not %s" % [case[0], case[1], found], str(found) == str([[0, case[1]]] if case[1] >= 0 else []))
	var both = Curves.pairs(["lower_mouthLeft", "mouthLeft"], curves)
	holds("a curve's own name wins over a prefixed one", str(both) == str([[1, 1]]))


func sound_is_full_scale() -> void:
	var s16 = Sound.decode(PoolByteArray([0, 0, 0xff, 0x7f, 0, 0x80, 9]), "s16")
	holds("s16", s16.size() == 3 and s16[0].x == 0.0 and abs(s16[1].y - 1.0) < 1e-4 and s16[2].x == -1.0)
	var stream = StreamPeerBuffer.new()
	for value in [0.5, NAN, 9.0]:
		stream.put_float(value)
	var f32 = Sound.decode(stream.data_array, "f32")
	holds("f32", f32.size() == 3 and f32[0].x == 0.5 and f32[1].x == 0.0 and f32[2].x == 1.0)


func row(value: float) -> PoolRealArray:
	return PoolRealArray([value])
