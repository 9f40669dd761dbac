using System;
using Voxrig.V1;

namespace Voxrig.Face
{
    /// <summary>Messages of <c>face.proto</c> as those that every conversation tells, both ways.</summary>
    public sealed class GrpcAnswers
    {
        private readonly FaceConfig _config;
        private FaceHeader _header;

        /// <param name="config">What was asked for: the header does not repeat how sound comes back.</param>
        public GrpcAnswers(FaceConfig config)
        {
            _config = config;
        }

        /// <summary>Whether the summary was told.</summary>
        public bool Ended { get; private set; }

        public static Config Config(FaceConfig config)
        {
            var message = new Config
            {
                Rate = (uint)config.Rate,
                Encoding = Encoding.S16,
                FpsNumerator = (uint)config.FpsNumerator,
                FpsDenominator = (uint)config.FpsDenominator,
                Style = Style(config.Style),
                Pacing = config.Realtime ? Pacing.Realtime : Pacing.Burst,
                Idle = new Idle { After = config.Idle },
                Echo = config.Echo,
                Name = config.Name,
                Model = config.Model,
            };
            message.Rigs.AddRange(config.Rigs);
            message.Direction = new Direction { Words = config.Direction, Seconds = config.Seconds };
            message.Seed = config.Seed;
            var life = config.Life;
            if (life != null)
            {
                message.Life = new Life
                {
                    Blink = life.Blink,
                    Gaze = life.Gaze,
                    Head = life.Head,
                    Brows = life.Brows,
                    Breath = life.Breath,
                };
            }
            return message;
        }

        public static Style Style(FaceStyle style)
        {
            var message = new Style
            {
                Intensity = style.Intensity,
                Asymmetry = style.Asymmetry,
                Energy = style.Energy,
                Speaker = style.Speaker,
            };
            var auto = style.Auto;
            if (auto != null)
            {
                message.Auto = new Auto
                {
                    Strength = auto.Strength,
                    Contrast = auto.Contrast,
                    Most = (uint)Math.Max(0, auto.Most),
                    Blend = auto.Blend,
                    Preferred = auto.Preferred,
                };
            }
            foreach (var emotion in style.Emotion)
            {
                message.Emotion.Add(emotion.Key, emotion.Value);
            }
            return message;
        }

        public static Look Look(float? yaw, float? pitch, long at)
        {
            var message = new Look { At = (ulong)Math.Max(0L, at) };
            if (yaw != null)
            {
                message.Yaw = yaw.Value;
            }
            if (pitch != null)
            {
                message.Pitch = pitch.Value;
            }
            return message;
        }

        /// <summary>Throws WireException where a message does not fit the header.</summary>
        public void Tell(AnimateResponse message, FrameBlock block, IFaceListener listener)
        {
            switch (message.PartCase)
            {
                case AnimateResponse.PartOneofCase.Header:
                    _header = Header(message.Header);
                    listener.Begin(_header);
                    break;
                case AnimateResponse.PartOneofCase.Frames:
                    Fill(message.Frames, block);
                    listener.Show(block);
                    break;
                case AnimateResponse.PartOneofCase.Notice:
                    var notice = message.Notice;
                    listener.Tell(new FaceNotice
                    {
                        Kind = Kind(notice.Code),
                        Message = notice.Message,
                        First = (long)notice.First,
                        End = (long)notice.End,
                        Seconds = notice.Seconds,
                    });
                    break;
                case AnimateResponse.PartOneofCase.Summary:
                    var summary = message.Summary;
                    Ended = true;
                    listener.End(new FaceSummary
                    {
                        Samples = (long)summary.Samples,
                        Frames = (long)summary.Frames,
                        Dropped = (long)summary.Dropped,
                        Late = (long)summary.Late,
                        Silence = (long)summary.Silence,
                        Lateness = summary.Lateness,
                    });
                    break;
            }
        }

        private FaceHeader Header(Header message)
        {
            if (message.Targets.Count == 0 || message.FpsNumerator == 0 || message.FpsDenominator == 0)
            {
                throw new WireException("header without targets or rate");
            }
            var header = new FaceHeader
            {
                FpsNumerator = (int)message.FpsNumerator,
                FpsDenominator = (int)message.FpsDenominator,
                Latency = message.Latency,
                Model = message.Model,
                Name = _config.Name,
                SoundRate = _config.Echo ? _config.Rate : 0,
                Targets = new FaceTarget[message.Targets.Count],
            };
            for (var i = 0; i < header.Targets.Length; i++)
            {
                var curves = new string[message.Targets[i].Curves.Count];
                message.Targets[i].Curves.CopyTo(curves, 0);
                header.Targets[i] = new FaceTarget { Rig = message.Targets[i].Rig, Curves = curves };
            }
            return header;
        }

        private void Fill(Voxrig.V1.FrameBlock message, FrameBlock block)
        {
            if (_header == null || message.Tracks.Count != _header.Targets.Length || message.Count > 65535)
            {
                throw new WireException("frames without their header");
            }
            block.Face = 0;
            block.Start = (long)message.Start;
            block.Count = (int)message.Count;
            block.Targets(message.Tracks.Count);
            for (var target = 0; target < message.Tracks.Count; target++)
            {
                var values = message.Tracks[target].Values;
                if (values.Count != block.Count * _header.Targets[target].Curves.Length)
                {
                    throw new WireException("number of values");
                }
                values.CopyTo(block.Track(target, values.Count), 0);
            }
            var sound = message.Sound.ToByteArray();
            block.TakeSound(sound, 0, sound.Length, false);
        }

        private static string Kind(Notice.Types.Code code)
        {
            switch (code)
            {
                case Notice.Types.Code.Dropped: return "dropped";
                case Notice.Types.Code.Late: return "late";
                case Notice.Types.Code.GoingAway: return "going_away";
                case Notice.Types.Code.Interrupted: return "interrupted";
                case Notice.Types.Code.Silence: return "silence";
                case Notice.Types.Code.LeftOut: return "left_out";
                default: return "unknown";
            }
        }
    }
}
