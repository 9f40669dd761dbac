using System.Text;

namespace Voxrig.Face
{
    /// <summary>
    /// Strings for names that come again and again in packets: the first time is an allocation, later ones are not.
    /// </summary>
    /// <remarks>
    /// It keeps up to <see cref="Capacity"/> names. Whoever floods it with new ones gets new strings and makes it
    /// no bigger.
    /// </remarks>
    public sealed class NameTable
    {
        public const int Capacity = 1024;
        /// <summary>What stands in the place of bytes that are no UTF-8.</summary>
        public const char Bad = '\uFFFD';
        private const int Slots = 4 * Capacity; // a power of two, and sparse

        private readonly string[] _names = new string[Slots];
        private readonly byte[][] _bytes = new byte[Slots][];

        public int Count { get; private set; }

        /// <summary>The UTF-8 text of <paramref name="count"/> bytes; bad sequences become <see cref="Bad"/>.</summary>
        public string Get(byte[] data, int start, int count)
        {
            var hash = 2166136261u; // FNV-1a
            for (var i = 0; i < count; i++)
            {
                hash = (hash ^ data[start + i]) * 16777619u;
            }
            var slot = (int)(hash & (Slots - 1));
            while (_bytes[slot] != null)
            {
                if (Same(_bytes[slot], data, start, count))
                {
                    return _names[slot];
                }
                slot = (slot + 1) & (Slots - 1);
            }
            var name = Encoding.UTF8.GetString(data, start, count);
            if (Count < Capacity)
            {
                var kept = new byte[count];
                System.Buffer.BlockCopy(data, start, kept, 0, count);
                _bytes[slot] = kept;
                _names[slot] = name;
                Count++;
            }
            return name;
        }

        private static bool Same(byte[] kept, byte[] data, int start, int count)
        {
            if (kept.Length != count)
            {
                return false;
            }
            for (var i = 0; i < count; i++)
            {
                if (kept[i] != data[start + i])
                {
                    return false;
                }
            }
            return true;
        }
    }
}
