using System;

namespace Voxrig.Face
{
    /// <summary>
    /// Sound on its way to the loudspeaker, with the index of every sample: what is played tells the play-head.
    /// </summary>
    /// <remarks>
    /// The network's thread adds, the audio thread reads; it locks itself, briefly, and never allocates after its
    /// making. Reading changes the rate in straight lines between samples. Nothing sounds until
    /// <c>prebuffer</c> seconds are there, at the beginning and after it ran dry.
    /// </remarks>
    public sealed class SoundQueue
    {
        private readonly object _lock = new object();
        private readonly float[] _ring;
        private readonly int _rate;
        private readonly int _prebuffer;
        private long _end; // index of the next sample to come
        private long _begin; // index of the oldest kept
        private double _position; // of the next sample to read
        private bool _running;
        private bool _hurried;

        /// <param name="rate">Hertz.</param>
        /// <param name="seconds">Room; what comes beyond it drops the oldest.</param>
        public SoundQueue(int rate, double seconds, double prebuffer)
        {
            if (rate < 1 || !(seconds > prebuffer) || !(prebuffer >= 0d))
            {
                throw new ArgumentException("a queue needs a rate and more room than its prebuffer");
            }
            _rate = rate;
            _ring = new float[(int)Math.Ceiling(seconds * rate) + 1];
            _prebuffer = (int)(prebuffer * rate);
        }

        /// <summary>Samples that had to go unheard, for want of room.</summary>
        public long Dropped { get; private set; }

        /// <summary>Times that it ran dry.</summary>
        public int Dry { get; private set; }

        /// <summary>Seconds of the stream that have been read.</summary>
        public double Position
        {
            get
            {
                lock (_lock)
                {
                    return _position / _rate;
                }
            }
        }

        public bool Running
        {
            get
            {
                lock (_lock)
                {
                    return _running;
                }
            }
        }

        /// <summary>
        /// Samples from index <paramref name="start"/> of the stream on, silence where they are null. What was
        /// there from it on is replaced; a gap before it is silence.
        /// </summary>
        public void Add(long start, float[] samples, int count)
        {
            lock (_lock)
            {
                if (_end == _begin || start < _begin || start - _end > _ring.Length)
                {
                    _begin = _end = start;
                    _position = start;
                    _running = false;
                }
                _end = Math.Min(_end, start);
                while (_end < start)
                {
                    Put(0f);
                }
                for (var i = 0; i < count; i++)
                {
                    Put(samples == null ? 0f : samples[i]);
                }
                if (_position < _begin)
                {
                    Dropped += _begin - (long)_position;
                    _position = _begin;
                }
                _position = Math.Min(_position, _end);
            }
        }

        /// <summary>What is there, or comes next, is played without waiting for a prebuffer, once.</summary>
        public void Hurry()
        {
            lock (_lock)
            {
                _hurried = true;
            }
        }

        /// <summary>Forgets samples from this index on: what a barge-in made untrue.</summary>
        public void CutFrom(long start)
        {
            lock (_lock)
            {
                _end = Math.Max(_begin, Math.Min(_end, start));
                _position = Math.Min(_position, _end);
                _running &= _position < _end;
            }
        }

        /// <summary>
        /// Fills interleaved sound for the loudspeaker, silence where there is none; returns how many frames of it
        /// were sound.
        /// </summary>
        public int Read(float[] into, int channels, int rate)
        {
            lock (_lock)
            {
                var frames = into.Length / channels;
                var step = (double)_rate / rate;
                var heard = 0;
                if (!_running && _position < _end && (_hurried || _end - _position >= _prebuffer))
                {
                    _running = true;
                    _hurried = false;
                }
                for (var frame = 0; frame < frames; frame++)
                {
                    var sample = 0f;
                    if (_running)
                    {
                        sample = At(_position);
                        heard++;
                        _position += step;
                        if (_position >= _end)
                        {
                            _position = _end;
                            _running = false;
                            Dry++;
                        }
                    }
                    for (var channel = 0; channel < channels; channel++)
                    {
                        into[frame * channels + channel] = sample;
                    }
                }
                return heard;
            }
        }

        private void Put(float sample)
        {
            _ring[(int)(_end % _ring.Length)] = sample;
            _end++;
            if (_end - _begin > _ring.Length)
            {
                _begin = _end - _ring.Length;
            }
        }

        private float At(double position)
        {
            var whole = (long)position;
            var a = _ring[(int)(whole % _ring.Length)];
            var b = whole + 1 < _end ? _ring[(int)((whole + 1) % _ring.Length)] : a;
            return a + (float)(position - whole) * (b - a);
        }
    }
}
