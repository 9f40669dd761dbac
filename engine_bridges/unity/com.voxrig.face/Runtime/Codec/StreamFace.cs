using System;
using System.Collections.Generic;

namespace Voxrig.Face
{
    /// <summary>
    /// A face that a server tells, kept until it is shown: frames, and the sound that comes with them.
    /// </summary>
    /// <remarks>
    /// The server's answers come in on its conversation's thread, sound goes out on the audio thread, and the main
    /// thread asks for the face. Times are seconds of one clock that all of them read.
    /// </remarks>
    public sealed class StreamFace : IFaceListener
    {
        private const double Room = 30d; // seconds of sound

        private readonly object _lock = new object();
        private readonly double _delay;
        private readonly int _frames;
        private readonly string _name;
        private readonly Func<double> _now;
        private readonly Queue<object> _told = new Queue<object>();
        private SenderClock _clock;
        private FaceHeader _header;
        private JitterBuffer _buffer;
        private SoundQueue _sound;
        private long _nextSample;
        private double _readFrom;
        private double _readAt;
        private double _readLength;
        private bool _interrupting;

        /// <param name="delay">Seconds for which frames and sound wait.</param>
        /// <param name="frames">Frames that there is room for.</param>
        /// <param name="name">Of the face to show; the first that is told if empty.</param>
        public StreamFace(double delay, int frames, string name, Func<double> now)
        {
            _delay = delay;
            _frames = frames;
            _name = name ?? "";
            _now = now;
        }

        /// <summary>How the face is told; null before that.</summary>
        public FaceHeader Header
        {
            get
            {
                lock (_lock)
                {
                    return _header;
                }
            }
        }

        public long Received { get; private set; }

        public long Late
        {
            get { return _buffer == null ? 0 : _buffer.Late; }
        }

        public long Dropped
        {
            get { return _buffer == null ? 0 : _buffer.Dropped; }
        }

        /// <summary>Whether all has been told: by a summary or a fault.</summary>
        public bool Over { get; private set; }

        /// <summary>Seconds up to which the face is known.</summary>
        public double Known
        {
            get
            {
                lock (_lock)
                {
                    return _buffer == null || _buffer.Count == 0 ? double.NegativeInfinity : _buffer.Newest;
                }
            }
        }

        public void Begin(FaceHeader header)
        {
            lock (_lock)
            {
                if (_name.Length > 0 && header.Name != _name
                    || _header != null && _header.Face != header.Face && !Over)
                {
                    return;
                }
                _buffer = new JitterBuffer(header.Targets[0].Curves.Length, _frames);
                _clock = new SenderClock(_delay);
                _sound = header.SoundRate > 0 ? new SoundQueue(header.SoundRate, Room + _delay, _delay) : null;
                _nextSample = 0;
                _readLength = 0d;
                _interrupting = false;
                Over = false;
                _header = header;
            }
        }

        public void Show(FrameBlock block)
        {
            lock (_lock)
            {
                if (_header == null || block.Face != _header.Face || _interrupting)
                {
                    return;
                }
                for (var i = 0; i < block.Count; i++)
                {
                    var moment = _header.Moment(block.Start + i);
                    if (_clock.Heard(moment, _now()) && _sound == null)
                    {
                        _buffer.Clear();
                    }
                    _buffer.Add(block.Start + i, moment, block.Tracks[0], i * _buffer.Curves);
                    Received++;
                }
                if (_sound != null)
                {
                    Hear(block);
                }
            }
        }

        /// <summary>Sound is the clock, so frames without any, as those of a closing mouth, bring silence.</summary>
        private void Hear(FrameBlock block)
        {
            // Frames need not begin on a sample; what follows without a gap is not to get one by rounding.
            var due = SampleOf(block.Start);
            var start = Math.Abs(due - _nextSample) <= 2 ? _nextSample : due;
            var count = block.Samples > 0 ? block.Samples : (int)Math.Max(0, SampleOf(block.Start + block.Count) - start);
            _sound.Add(start, block.Samples > 0 ? block.Sound : null, count);
            _nextSample = start + count;
        }

        /// <summary>
        /// Barge-in: forgets what was to be shown and heard after this moment, and what still comes of it until the
        /// server knows. Returns the last frame that is shown, for the server.
        /// </summary>
        public long Interrupt(double moment)
        {
            lock (_lock)
            {
                if (_header == null)
                {
                    return -1;
                }
                var frame = (double)_header.FpsNumerator / _header.FpsDenominator * Math.Max(0d, moment);
                var shown = Math.Min((long)Math.Ceiling(frame), _buffer.Count == 0 ? -1 : _buffer.Last);
                _interrupting = true;
                Cut(shown + 1);
                return shown;
            }
        }

        private void Cut(long frame)
        {
            _buffer.CutFrom(frame);
            if (_sound != null)
            {
                _sound.CutFrom(SampleOf(frame));
                _sound.Hurry();
            }
        }

        public void Tell(FaceNotice notice)
        {
            lock (_lock)
            {
                if (_header == null || notice.Face != _header.Face)
                {
                    return;
                }
                if (notice.Kind == "interrupted")
                {
                    _interrupting = false;
                    Cut(notice.First);
                }
                Remember(notice);
            }
        }

        public void End(FaceSummary summary)
        {
            lock (_lock)
            {
                if (_header == null || summary.Face != _header.Face)
                {
                    return;
                }
                Over = true;
                if (_sound != null)
                {
                    _sound.Hurry();
                }
                Remember(summary);
            }
        }

        public void Fail(FaceFault fault)
        {
            lock (_lock)
            {
                Over = true;
                Remember(fault);
            }
        }

        /// <summary>The oldest notice, summary or fault that nobody heard of yet; null if there is none.</summary>
        public object Heard()
        {
            lock (_lock)
            {
                return _told.Count == 0 ? null : _told.Dequeue();
            }
        }

        /// <summary>Fills sound for the loudspeaker: silence where there is none. For the audio thread.</summary>
        public void Read(float[] into, int channels, int rate)
        {
            SoundQueue sound;
            lock (_lock)
            {
                sound = _sound;
            }
            if (sound == null)
            {
                Array.Clear(into, 0, into.Length);
                return;
            }
            var from = sound.Position;
            var heard = sound.Read(into, channels, rate);
            lock (_lock)
            {
                _readFrom = from;
                _readAt = _now();
                _readLength = (double)heard / rate;
            }
        }

        /// <summary>
        /// The moment to show now, in seconds of the stream: that of the sound that is heard now, or, where none
        /// comes, that of frames as they arrive.
        /// </summary>
        /// <param name="output">Seconds from reading sound to hearing it.</param>
        public double Moment(double output)
        {
            lock (_lock)
            {
                if (_header == null)
                {
                    return double.NegativeInfinity;
                }
                var now = _now();
                return _sound == null ? _clock.Moment(now) : _readFrom + Math.Min(now - _readAt, _readLength) - output;
            }
        }

        /// <summary>The face at a moment. False while it is not known yet.</summary>
        public bool TryGet(double moment, float[] into)
        {
            lock (_lock)
            {
                return _buffer != null && into.Length >= _buffer.Curves && _buffer.TrySample(moment, into);
            }
        }

        private long SampleOf(long frame)
        {
            return (long)Math.Ceiling((double)frame * _header.FpsDenominator * _header.SoundRate / _header.FpsNumerator - 1e-6);
        }

        private void Remember(object told)
        {
            if (_told.Count < 256) // nobody listens
            {
                _told.Enqueue(told);
            }
        }
    }
}
