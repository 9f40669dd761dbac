namespace Voxrig.Face
{
    /// <summary>
    /// One frame as Apple's Live Link Face app and voxrig's <c>livelink://</c> send it: one UDP datagram, version 6.
    /// </summary>
    /// <remarks>
    /// All numbers are big-endian and nothing is padded: u8 version = 6; i32 length and text of the device;
    /// i32 length and text of the subject; i32 frame and f32 sub-frame since midnight; i32 numerator and
    /// denominator of the rate; u8 count = 61; 61 f32 in the order of <see cref="LiveLinkCurves"/>.
    /// A packet object is read into again and again and allocates nothing once it has met its names.
    /// </remarks>
    public sealed class LiveLinkPacket
    {
        public const int Version = 6;
        private const int LongestName = 256; // bytes
        private const int Tail = 4 * 4 + 1 + 4 * LiveLinkCurves.Count;

        private readonly NameTable _table = new NameTable();

        public string Device { get; private set; } = "";
        public string Subject { get; private set; } = "";
        /// <summary>Whole frames since midnight at Numerator / Denominator frames a second.</summary>
        public int Frame { get; private set; }
        /// <summary>0..1 of a frame more.</summary>
        public float SubFrame { get; private set; }
        public int Numerator { get; private set; } = 60;
        public int Denominator { get; private set; } = 1;
        /// <summary>61 values: shapes 0..1, angles as the sender has them (voxrig: radians).</summary>
        public readonly float[] Values = new float[LiveLinkCurves.Count];

        /// <summary>Seconds since midnight.</summary>
        public double Moment
        {
            get { return ((double)Frame + SubFrame) * Denominator / Numerator; }
        }

        /// <summary>
        /// Reads a datagram. False, and why, if it is none; the values are then those of before.
        /// </summary>
        public bool TryRead(byte[] data, int count, out string reason)
        {
            reason = null;
            if (count < 1 + 4 || data[0] != Version)
            {
                reason = count < 1 + 4 ? "too short" : "another version than 6";
                return false;
            }
            var deviceLength = Numbers.BigInt32(data, 1);
            if (deviceLength < 0 || deviceLength > LongestName || count < 5 + deviceLength + 4)
            {
                reason = "length of the device name";
                return false;
            }
            var subjectLength = Numbers.BigInt32(data, 5 + deviceLength);
            var tail = 9 + deviceLength + subjectLength;
            if (subjectLength < 0 || subjectLength > LongestName || count != tail + Tail)
            {
                reason = "length of the subject name or of the packet";
                return false;
            }
            var subFrame = Numbers.BigSingle(data, tail + 4);
            var numerator = Numbers.BigInt32(data, tail + 8);
            var denominator = Numbers.BigInt32(data, tail + 12);
            var frame = Numbers.BigInt32(data, tail);
            if (frame < 0 || numerator <= 0 || denominator <= 0 || !(subFrame >= 0f && subFrame <= 1f))
            {
                reason = "frame time";
                return false;
            }
            if (data[tail + 16] != LiveLinkCurves.Count)
            {
                reason = "another count than 61";
                return false;
            }
            for (var i = 0; i < LiveLinkCurves.Count; i++)
            {
                if (!Numbers.IsFinite(Numbers.BigSingle(data, tail + 17 + 4 * i)))
                {
                    reason = "a value that is no number";
                    return false;
                }
            }
            var device = _table.Get(data, 5, deviceLength);
            var subject = _table.Get(data, 9 + deviceLength, subjectLength);
            if (device.IndexOf(NameTable.Bad) >= 0 || subject.IndexOf(NameTable.Bad) >= 0)
            {
                reason = "a name that is no UTF-8";
                return false;
            }
            for (var i = 0; i < LiveLinkCurves.Count; i++)
            {
                Values[i] = Numbers.BigSingle(data, tail + 17 + 4 * i);
            }
            Device = device;
            Subject = subject;
            Frame = frame;
            SubFrame = subFrame;
            Numerator = numerator;
            Denominator = denominator;
            return true;
        }
    }
}
