namespace Voxrig.Face
{
    /// <summary>
    /// Binary messages of <c>voxrig.v1</c>: frames, and perhaps their sound.
    /// </summary>
    /// <remarks>
    /// Little-endian: u8 kind = 1, u8 face, u16 count of frames, u32 index of the first, u32 bytes of sound; then
    /// count x curves f32 for each target of the face's header; then the sound.
    /// </remarks>
    public static class WebFrames
    {
        private const int Head = 12;

        /// <summary>
        /// Reads a message into a block. False, and why, if it is none; the block is then of no use.
        /// </summary>
        /// <param name="headers">By face, null where none came.</param>
        public static bool TryRead(byte[] data, int count, FaceHeader[] headers, FrameBlock into, out string reason)
        {
            reason = null;
            if (count < Head || data[0] != 1)
            {
                reason = count < Head ? "too short" : "no frames";
                return false;
            }
            var header = data[1] < headers.Length ? headers[data[1]] : null;
            if (header == null)
            {
                reason = "frames before their header";
                return false;
            }
            var frames = data[2] | data[3] << 8;
            var sound = (uint)Numbers.LittleInt32(data, 8);
            var size = Head + (long)sound;
            foreach (var target in header.Targets)
            {
                size += 4L * frames * target.Curves.Length;
            }
            var sample = header.SoundIsFloat ? 4 : 2;
            if (size != count || sound % sample != 0 || sound > 0 && header.SoundRate == 0)
            {
                reason = size != count ? "another length than its head tells" : "sound";
                return false;
            }
            into.Face = data[1];
            into.Start = (uint)Numbers.LittleInt32(data, 4);
            into.Count = frames;
            into.Targets(header.Targets.Length);
            var at = Head;
            for (var target = 0; target < header.Targets.Length; target++)
            {
                var numbers = frames * header.Targets[target].Curves.Length;
                var track = into.Track(target, numbers);
                for (var i = 0; i < numbers; i++, at += 4)
                {
                    track[i] = Numbers.LittleSingle(data, at);
                    if (!Numbers.IsFinite(track[i]))
                    {
                        reason = "a value that is no number";
                        return false;
                    }
                }
            }
            into.TakeSound(data, at, (int)sound, header.SoundIsFloat);
            return true;
        }
    }
}
