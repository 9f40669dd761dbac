using System;
using System.Collections.Generic;

namespace Voxrig.Face
{
    /// <summary>A live protocol as frames: datagrams in, one row of numbers out at a time.</summary>
    public interface IFaceSource
    {
        /// <summary>Numbers in a row: curves, then what turns the head.</summary>
        int Width { get; }
        /// <summary>Names of the first numbers; it may grow.</summary>
        IReadOnlyList<string> Names { get; }
        /// <summary>The frame read last.</summary>
        float[] Row { get; }
        /// <summary>Grows by the frame.</summary>
        long Index { get; }
        /// <summary>Seconds of the sender's time, or null where it has none.</summary>
        double? Moment { get; }
        /// <summary>False, and why, for bytes that are none of this protocol.</summary>
        bool TryTake(byte[] data, int count, double now, out bool isFrame, out string reason);
        /// <summary>The rotation x y z w of the head in Unity's axes, from a row; false if it tells none.</summary>
        bool TryHead(float[] row, float[] into);
    }

    /// <summary>
    /// What lies between a network thread and a game's main thread: one puts datagrams in, the other asks for the
    /// face at a time. Times are seconds of one clock that both read.
    /// </summary>
    public sealed class FaceInbox
    {
        private const int Frames = 128;

        private readonly object _lock = new object();
        private readonly IFaceSource _source;
        private readonly JitterBuffer _buffer;
        private readonly SenderClock _clock;
        private bool _byArrival;
        private double _heard = double.NegativeInfinity;

        /// <param name="delay">Seconds for which frames wait, so that late ones are in time.</param>
        public FaceInbox(IFaceSource source, double delay)
        {
            _source = source;
            _buffer = new JitterBuffer(source.Width, Frames);
            _clock = new SenderClock(delay);
        }

        public int Width
        {
            get { return _source.Width; }
        }

        public long Received { get; private set; }

        /// <summary>Datagrams that were none of the protocol, and why the last was not.</summary>
        public long Malformed { get; private set; }

        public string Reason { get; private set; }

        public long Late
        {
            get { return _buffer.Late; }
        }

        public long Dropped
        {
            get { return _buffer.Dropped; }
        }

        public void Put(byte[] data, int count, double now)
        {
            lock (_lock)
            {
                if (!_source.TryTake(data, count, now, out var isFrame, out var reason))
                {
                    Malformed++;
                    Reason = reason;
                    return;
                }
                if (!isFrame)
                {
                    return;
                }
                Received++;
                _heard = now;
                // A sender that once has no time is trusted no more with it: two clocks must not alternate.
                _byArrival |= _source.Moment == null;
                var moment = _byArrival ? now : _source.Moment.Value;
                if (_clock.Heard(moment, now))
                {
                    _buffer.Clear();
                }
                _buffer.Add(_source.Index, moment, _source.Row, 0);
            }
        }

        /// <summary>The row to show now. False while there is nothing yet.</summary>
        public bool TryGet(double now, float[] into)
        {
            lock (_lock)
            {
                return _buffer.TrySample(_clock.Moment(now), into);
            }
        }

        /// <summary>Whether a frame came within the last so many seconds.</summary>
        public bool IsLive(double now, double seconds)
        {
            lock (_lock)
            {
                return now - _heard <= seconds;
            }
        }

        /// <summary>The curves' names, if there are more than <paramref name="known"/>; otherwise null.</summary>
        public string[] NewNames(int known)
        {
            lock (_lock)
            {
                if (_source.Names.Count <= known)
                {
                    return null;
                }
                var names = new string[_source.Names.Count];
                for (var i = 0; i < names.Length; i++)
                {
                    names[i] = _source.Names[i];
                }
                return names;
            }
        }

        /// <summary>See <see cref="IFaceSource.TryHead"/>.</summary>
        public bool TryHead(float[] row, float[] into)
        {
            return _source.TryHead(row, into);
        }
    }
}
