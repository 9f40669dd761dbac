using System.Runtime.InteropServices;

namespace Voxrig.Face
{
    /// <summary>
    /// Numbers in bytes, in both orders. Callers check the length first.
    /// </summary>
    public static class Numbers
    {
        // BitConverter has no such method in every profile of Unity.
        [StructLayout(LayoutKind.Explicit)]
        private struct Bits
        {
            [FieldOffset(0)] public int Int;
            [FieldOffset(0)] public float Single;
        }

        public static int BigInt32(byte[] data, int at)
        {
            return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
        }

        public static int LittleInt32(byte[] data, int at)
        {
            return data[at + 3] << 24 | data[at + 2] << 16 | data[at + 1] << 8 | data[at];
        }

        public static float BigSingle(byte[] data, int at)
        {
            return new Bits { Int = BigInt32(data, at) }.Single;
        }

        public static float LittleSingle(byte[] data, int at)
        {
            return new Bits { Int = LittleInt32(data, at) }.Single;
        }

        /// <summary>Neither NaN nor infinite.</summary>
        public static bool IsFinite(float value)
        {
            return value - value == 0f;
        }

        public static bool IsFinite(double value)
        {
            return value - value == 0d;
        }
    }
}
