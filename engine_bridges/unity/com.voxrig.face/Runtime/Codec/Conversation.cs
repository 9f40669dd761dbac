using System;
using System.Collections.Generic;

namespace Voxrig.Face
{
    /// <summary>What a client asks for; meanings are those of voxrig's <c>face.proto</c>.</summary>
    public sealed class FaceConfig
    {
        /// <summary>Hertz of the sound that will be sent, 8,000 to 192,000.</summary>
        public int Rate = 16000;
        public string[] Rigs = { "arkit" };
        public int FpsNumerator = 60;
        public int FpsDenominator = 1;
        /// <summary>The server's first if empty.</summary>
        public string Model = "";
        /// <summary>Frames as they are due (speech as it is spoken), or as soon as they are made.</summary>
        public bool Realtime = true;
        /// <summary>Seconds without sound after which the face goes on in silence; 0 is never.</summary>
        public double Idle;
        /// <summary>The sound comes back with its frames.</summary>
        public bool Echo;
        /// <summary>For the server's logs.</summary>
        public string Name = "";
        public FaceStyle Style = new FaceStyle();
        /// <summary>A director's words, such as "sceptical, then amused"; they go on top of the style.</summary>
        public string Direction = "";
        /// <summary>Seconds of the speech that is directed; 0 where nobody knows.</summary>
        public double Seconds;
        /// <summary>What the face does beside speech; null is nothing.</summary>
        public FaceLife Life;
        /// <summary>Of life: another one, another motion.</summary>
        public uint Seed;
    }

    /// <summary>How to speak.</summary>
    public sealed class FaceStyle
    {
        /// <summary>Weights 0..1 by name; what is not named is 0.</summary>
        public readonly Dictionary<string, float> Emotion = new Dictionary<string, float>();
        /// <summary>Of the emotion, 0..1.5</summary>
        public float Intensity = 1f;
        /// <summary>Which side of the face leads, -1..1: above 0 the subject's own right.</summary>
        public float Asymmetry;
        /// <summary>Effort of jaw and lips, 0..2: they barely move, or shout.</summary>
        public float Energy = 1f;
        /// <summary>Whose habits: lively, reserved, stern, warm; nobody's if empty.</summary>
        public string Speaker = "";
        /// <summary>Where given, emotion is heard in the voice, too.</summary>
        public FaceAuto Auto;
    }

    /// <summary>How much of the emotion is heard in the voice.</summary>
    public sealed class FaceAuto
    {
        /// <summary>Of what is heard and preferred together, 0..1</summary>
        public double Strength = 0.6;
        /// <summary>How far the likely is above the unlikely, 0.3..3</summary>
        public double Contrast = 1d;
        /// <summary>Emotions heard at a time, 1..6</summary>
        public int Most = 3;
        /// <summary>Of what was heard before in what is heard now, 0..1</summary>
        public double Blend = 0.7;
        /// <summary>Share of the style's own emotion, where it has any, 0..1</summary>
        public double Preferred = 0.5;
    }

    /// <summary>What a face does beside speech. Amounts 0..1: of blinks how often, of the rest how far.</summary>
    public sealed class FaceLife
    {
        public double Blink = 1d;
        public double Gaze = 1d;
        public double Head = 1d;
        public double Brows = 1d;
        public double Breath = 1d;
    }

    /// <summary>How a face will be told; once, before its frames.</summary>
    public sealed class FaceHeader
    {
        /// <summary>0..255</summary>
        public int Face;
        public string Name = "";
        public int FpsNumerator = 60;
        public int FpsDenominator = 1;
        /// <summary>Seconds from a sound to the frame that shows it, at worst, but for computing and network.</summary>
        public double Latency;
        public string Model = "";
        public FaceTarget[] Targets = new FaceTarget[0];
        /// <summary>Hertz of the sound that comes with frames; 0 if none does.</summary>
        public int SoundRate;
        /// <summary>Whether that sound is 32-bit float; otherwise it is signed 16-bit.</summary>
        public bool SoundIsFloat;

        /// <summary>Seconds of a frame's index.</summary>
        public double Moment(long frame)
        {
            return (double)frame * FpsDenominator / FpsNumerator;
        }
    }

    /// <summary>A rig that a face is told on.</summary>
    public sealed class FaceTarget
    {
        public string Rig = "";
        public string[] Curves = new string[0];
    }

    /// <summary>
    /// Consecutive frames of a face. One block is filled again and again; it grows to the largest and then
    /// allocates no more.
    /// </summary>
    public sealed class FrameBlock
    {
        public int Face;
        /// <summary>Index of the first frame.</summary>
        public long Start;
        /// <summary>Frames.</summary>
        public int Count;
        /// <summary>count x curves numbers for each target, frame after frame.</summary>
        public float[][] Tracks = new float[0][];
        /// <summary>PCM of these frames, mono.</summary>
        public float[] Sound = new float[0];
        /// <summary>Samples of it that count.</summary>
        public int Samples;

        /// <summary>Room for that many targets.</summary>
        public void Targets(int count)
        {
            if (Tracks.Length != count)
            {
                var tracks = new float[count][];
                for (var i = 0; i < count; i++)
                {
                    tracks[i] = i < Tracks.Length ? Tracks[i] : new float[0];
                }
                Tracks = tracks;
            }
        }

        /// <summary>Room for that many numbers of a target.</summary>
        public float[] Track(int target, int numbers)
        {
            return Tracks[target] = Room(Tracks[target], numbers);
        }

        /// <summary>Takes in PCM bytes. Throws WireException where they end within a sample.</summary>
        public void TakeSound(byte[] data, int start, int count, bool isFloat)
        {
            var size = isFloat ? 4 : 2;
            if (count % size != 0)
            {
                throw new WireException("half a sample");
            }
            Samples = count / size;
            Sound = Room(Sound, Samples);
            Pcm.Decode(data, start, Samples, isFloat, Sound);
        }

        private static float[] Room(float[] had, int numbers)
        {
            return had.Length >= numbers ? had : new float[Math.Max(numbers, 2 * had.Length)];
        }
    }

    /// <summary>Something to know between frames.</summary>
    public sealed class FaceNotice
    {
        public int Face;
        /// <summary>late, dropped, going_away, interrupted or silence.</summary>
        public string Kind = "";
        public string Message = "";
        public long First;
        public long End;
        public double Seconds;
    }

    /// <summary>A face has ended; what became of it.</summary>
    public sealed class FaceSummary
    {
        public int Face;
        public long Samples;
        public long Frames;
        public long Dropped;
        public long Late;
        public long Silence;
        /// <summary>Worst, in seconds.</summary>
        public double Lateness;
    }

    /// <summary>Why a connection ends.</summary>
    public sealed class FaceFault
    {
        /// <summary>The name of a gRPC status.</summary>
        public string Code = "";
        public string Message = "";

        public FaceFault(string code, string message)
        {
            Code = code;
            Message = message;
        }

        public override string ToString()
        {
            return Code + ": " + Message;
        }
    }

    /// <summary>
    /// Who hears what a server says. All calls come from the one thread of a conversation; a block is only lent
    /// for the call.
    /// </summary>
    public interface IFaceListener
    {
        void Begin(FaceHeader header);
        void Show(FrameBlock block);
        void Tell(FaceNotice notice);
        void End(FaceSummary summary);
        /// <summary>The conversation is over, though nobody ended it.</summary>
        void Fail(FaceFault fault);
    }

    /// <summary>
    /// A stream to the service: config at its opening, then sound, and answers to its listener. Calls return at
    /// once and come from one thread; disposing ends everything.
    /// </summary>
    public interface IConversation : IDisposable
    {
        /// <summary>PCM, signed 16-bit little-endian mono, whole samples; the bytes are copied.</summary>
        void Say(byte[] pcm, int count);
        void Restyle(FaceStyle style, long at, double transition);
        /// <summary>
        /// From a sample on the eyes turn there: radians from straight ahead, above 0 to the subject's own right, and
        /// down. Null is where they like.
        /// </summary>
        void Look(float? yaw, float? pitch, long at);
        /// <summary>
        /// Barge-in: forget what is unheard and unsent; the mouth closes within that many seconds from the frame
        /// after <paramref name="shown"/>, or from the last one sent if that is negative.
        /// </summary>
        void Interrupt(long shown, double closing);
        void End();
    }
}
