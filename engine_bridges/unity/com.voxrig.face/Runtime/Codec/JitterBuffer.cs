using System;

namespace Voxrig.Face
{
    /// <summary>
    /// Frames that have come, in the order of their moments, and the face at any moment between them.
    /// </summary>
    /// <remarks>
    /// Moments are seconds of the sender's own time. Between two frames values run in straight lines, as voxrig
    /// means them; after the last frame it holds. Frames stay until room is needed, so the play-head may also
    /// go back. It never allocates after its making. It is not safe for two threads: its owner locks.
    /// </remarks>
    public sealed class JitterBuffer
    {
        private readonly int _curves;
        private readonly int _capacity;
        private readonly long[] _indices;
        private readonly double[] _moments;
        private readonly float[] _values;
        private readonly int[] _order; // ring of places, by index
        private int _head;
        private double _shown = double.NegativeInfinity;

        public JitterBuffer(int curves, int capacity)
        {
            if (curves < 1 || capacity < 2)
            {
                throw new ArgumentException("a buffer needs at least one curve and two frames, got " + curves + " and " + capacity);
            }
            _curves = curves;
            _capacity = capacity;
            _indices = new long[capacity];
            _moments = new double[capacity];
            _values = new float[curves * capacity];
            _order = new int[capacity];
            for (var i = 0; i < capacity; i++)
            {
                _order[i] = i;
            }
        }

        public int Curves
        {
            get { return _curves; }
        }

        public int Capacity
        {
            get { return _capacity; }
        }

        public int Count { get; private set; }

        /// <summary>Frames that came after their moment had been shown.</summary>
        public long Late { get; private set; }

        /// <summary>Frames that had to go for newer ones before they were shown.</summary>
        public long Dropped { get; private set; }

        /// <summary>Whether the play-head stood beyond the last frame when it was asked last.</summary>
        public bool Starved { get; private set; }

        /// <summary>Moment of the newest frame; asked only where Count is not 0.</summary>
        public double Newest
        {
            get { return _moments[Place(Count - 1)]; }
        }

        /// <summary>Index of the newest frame; asked only where Count is not 0.</summary>
        public long Last
        {
            get { return _indices[Place(Count - 1)]; }
        }

        public double Oldest
        {
            get { return _moments[Place(0)]; }
        }

        /// <summary>
        /// Keeps a copy of the row that starts at <paramref name="offset"/>. Indices and moments grow together;
        /// a frame that was there is replaced.
        /// </summary>
        public void Add(long index, double moment, float[] values, int offset)
        {
            if (moment < _shown)
            {
                Late++;
            }
            var at = Count;
            while (at > 0 && _indices[Place(at - 1)] >= index)
            {
                at--;
            }
            var known = at < Count && _indices[Place(at)] == index;
            if (!known)
            {
                if (Count == _capacity)
                {
                    if (at == 0)
                    {
                        return; // older than all that there is room for
                    }
                    if (_moments[Place(0)] > _shown)
                    {
                        Dropped++;
                    }
                    _head = (_head + 1) % _capacity; // its place follows the last one now
                    Count--;
                    at--;
                }
                var free = Place(Count);
                for (var i = Count; i > at; i--)
                {
                    _order[(_head + i) % _capacity] = Place(i - 1);
                }
                _order[(_head + at) % _capacity] = free;
                Count++;
            }
            var place = Place(at);
            _indices[place] = index;
            _moments[place] = moment;
            Array.Copy(values, offset, _values, place * _curves, _curves);
        }

        /// <summary>
        /// The face at a moment, into <paramref name="into"/>. False while the first frame is still to come.
        /// </summary>
        public bool TrySample(double moment, float[] into)
        {
            if (Count == 0 || moment < Oldest)
            {
                return false;
            }
            _shown = moment;
            var after = After(moment);
            Starved = after == Count && moment > Newest;
            var a = Place(after - 1);
            Array.Copy(_values, a * _curves, into, 0, _curves);
            if (after < Count && moment > _moments[a])
            {
                var b = Place(after);
                var weight = (float)((moment - _moments[a]) / (_moments[b] - _moments[a]));
                for (var i = 0; i < _curves; i++)
                {
                    into[i] += weight * (_values[b * _curves + i] - into[i]);
                }
            }
            return true;
        }

        /// <summary>Forgets frames from this index on: what a barge-in made untrue.</summary>
        public void CutFrom(long index)
        {
            while (Count > 0 && _indices[Place(Count - 1)] >= index)
            {
                Count--;
            }
        }

        /// <summary>Forgets all frames and where the play-head was. The counts stay.</summary>
        public void Clear()
        {
            Count = 0;
            _shown = double.NegativeInfinity;
            Starved = false;
        }

        private int Place(int i)
        {
            return _order[(_head + i) % _capacity];
        }

        /// <summary>How many frames are not after the moment: the first that is.</summary>
        private int After(double moment)
        {
            int low = 0, high = Count;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_moments[Place(middle)] <= moment)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }
            return low;
        }
    }
}
