using System;

namespace Voxrig.Face
{
    /// <summary>
    /// What moment of a sender's time to show now, where all that is known is when its frames arrived.
    /// </summary>
    /// <remarks>
    /// The frame with the quickest way through the network sets the offset between the two clocks; a little
    /// forgetting, one millisecond a second, follows clocks that run apart. A leap (the sender began anew, or
    /// it struck midnight) is told, so that frames from before it are forgotten.
    /// </remarks>
    public sealed class SenderClock
    {
        private const double Forgetting = 0.001; // seconds in a second
        private const double Leap = 1d; // seconds

        private readonly double _delay;
        private double _offset = double.NaN;
        private double _heard;

        /// <param name="delay">Seconds by which frames are shown after the quickest of them could be.</param>
        public SenderClock(double delay)
        {
            if (!(delay >= 0d))
            {
                throw new ArgumentException("a delay must not be negative, got " + delay);
            }
            _delay = delay;
        }

        /// <summary>A frame of that moment arrived now. True if it leaps away from those before.</summary>
        public bool Heard(double moment, double now)
        {
            var offset = now - moment;
            var leap = !double.IsNaN(_offset) && Math.Abs(offset - _offset) > Leap;
            if (double.IsNaN(_offset) || leap)
            {
                _offset = offset;
            }
            else
            {
                _offset = Math.Min(offset, _offset + Forgetting * Math.Max(0d, now - _heard));
            }
            _heard = now;
            return leap;
        }

        /// <summary>The moment to show now; nothing is before the first frame.</summary>
        public double Moment(double now)
        {
            return double.IsNaN(_offset) ? double.NegativeInfinity : now - _offset - _delay;
        }
    }
}
