using System;

namespace Voxrig.Face
{
    /// <summary>Samples and their bytes: signed 16-bit or 32-bit float, little-endian, full scale -1..1.</summary>
    public static class Pcm
    {
        /// <summary>Signed 16-bit of <paramref name="count"/> samples, two bytes each; louder than full scale is cut.</summary>
        public static void Encode(float[] samples, int start, int count, byte[] into)
        {
            for (var i = 0; i < count; i++)
            {
                var scaled = Math.Round(samples[start + i] * 32768d);
                var value = scaled >= 32767d ? 32767 : scaled <= -32768d ? -32768 : Numbers.IsFinite(scaled) ? (int)scaled : 0;
                into[2 * i] = (byte)value;
                into[2 * i + 1] = (byte)(value >> 8);
            }
        }

        /// <summary>Bytes to samples; what is no number becomes silence.</summary>
        public static void Decode(byte[] data, int start, int samples, bool isFloat, float[] into)
        {
            for (var i = 0; i < samples; i++)
            {
                if (isFloat)
                {
                    var value = Numbers.LittleSingle(data, start + 4 * i);
                    into[i] = Numbers.IsFinite(value) ? value : 0f;
                }
                else
                {
                    into[i] = (short)(data[start + 2 * i] | data[start + 2 * i + 1] << 8) / 32768f;
                }
            }
        }
    }
}
