using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Voxrig.Face
{
    /// <summary>
    /// The WebSocket protocol <c>voxrig.v1</c>: what a client says, as JSON, and what a server answers in text.
    /// </summary>
    /// <remarks>
    /// Frames come in binary: see <see cref="WebFrames"/>. Keys that we do not know are passed over, so that a
    /// newer server may tell more.
    /// </remarks>
    public static class WebMessages
    {
        public const string Subprotocol = "voxrig.v1";
        public const string End = "{\"type\":\"end\"}";
        /// <summary>Of the service; a broadcaster answers on every path.</summary>
        public const string Path = "/v1/face";
        private const int MostCurves = 4096;
        private const int MostTargets = 64;

        public static string Config(FaceConfig config)
        {
            var rigs = new List<string>();
            foreach (var rig in config.Rigs)
            {
                rigs.Add(Json.Quote(rig));
            }
            return "{\"type\":\"config\",\"rate\":" + Number(config.Rate) + ",\"encoding\":\"s16\",\"rigs\":["
                + string.Join(",", rigs.ToArray()) + "],\"fps\":[" + Number(config.FpsNumerator) + ","
                + Number(config.FpsDenominator) + "],\"model\":" + Json.Quote(config.Model) + ",\"pacing\":\""
                + (config.Realtime ? "realtime" : "burst") + "\",\"idle\":" + Number(config.Idle) + ",\"echo\":"
                + (config.Echo ? "true" : "false") + ",\"name\":" + Json.Quote(config.Name) + ",\"style\":"
                + Plain(config.Style) + ",\"direction\":" + Json.Quote(config.Direction) + ",\"seconds\":"
                + Number(config.Seconds) + ",\"life\":" + Plain(config.Life) + ",\"seed\":" + Number(config.Seed) + "}";
        }

        public static string Style(FaceStyle style, long at, double transition)
        {
            return "{\"type\":\"style\",\"style\":" + Plain(style) + ",\"at\":" + Number(at) + ",\"transition\":"
                + Number(transition) + "}";
        }

        /// <param name="yaw">Null, beside no pitch, is where the eyes like.</param>
        public static string Look(float? yaw, float? pitch, long at)
        {
            return "{\"type\":\"look\"," + (yaw == null ? "" : "\"yaw\":" + Number(yaw.Value) + ",")
                + (pitch == null ? "" : "\"pitch\":" + Number(pitch.Value) + ",") + "\"at\":" + Number(at) + "}";
        }

        /// <param name="shown">Last frame that is shown; negative is the last one sent.</param>
        public static string Interrupt(long shown, double closing)
        {
            return "{\"type\":\"interrupt\"," + (shown < 0 ? "" : "\"shown\":" + Number(shown) + ",") + "\"closing\":"
                + Number(closing) + "}";
        }

        /// <summary>
        /// A text message of a server: FaceHeader, FaceNotice, FaceSummary or FaceFault. Throws WireException.
        /// </summary>
        public static object Parse(string text)
        {
            var told = new Fields(Json.Parse(text));
            switch (told.Text("type", null))
            {
                case "header":
                    return Header(told);
                case "notice":
                    return new FaceNotice
                    {
                        Face = (int)told.Whole("face", 0, 255),
                        Kind = told.Text("kind", null),
                        Message = told.Text("message", ""),
                        First = told.Whole("first", 0),
                        End = told.Whole("end", 0),
                        Seconds = told.Double("seconds", 0d),
                    };
                case "summary":
                    return new FaceSummary
                    {
                        Face = (int)told.Whole("face", 0, 255),
                        Samples = told.Whole("samples", 0),
                        Frames = told.Whole("frames", 0),
                        Dropped = told.Whole("dropped", 0),
                        Late = told.Whole("late", 0),
                        Silence = told.Whole("silence", 0),
                        Lateness = told.Double("lateness", 0d),
                    };
                case "error":
                    return new FaceFault(told.Text("code", null), told.Text("message", ""));
                default:
                    throw new WireException("a type of message that we do not know");
            }
        }

        private static FaceHeader Header(Fields told)
        {
            var header = new FaceHeader
            {
                Face = (int)told.Whole("face", 0, 255),
                Name = told.Text("name", ""),
                Latency = told.Double("latency", 0d),
                Model = told.Text("model", ""),
            };
            told.Ratio("fps", out header.FpsNumerator, out header.FpsDenominator);
            var targets = told.List("targets");
            if (targets.Count < 1 || targets.Count > MostTargets)
            {
                throw new WireException("number of targets");
            }
            header.Targets = new FaceTarget[targets.Count];
            for (var i = 0; i < targets.Count; i++)
            {
                var target = new Fields(targets[i]);
                var curves = target.List("curves");
                if (curves.Count < 1 || curves.Count > MostCurves)
                {
                    throw new WireException("number of curves");
                }
                var names = new string[curves.Count];
                for (var j = 0; j < names.Length; j++)
                {
                    names[j] = curves[j] as string ?? throw new WireException("a curve without a name");
                }
                header.Targets[i] = new FaceTarget { Rig = target.Text("rig", null), Curves = names };
            }
            if (told.Has("sound"))
            {
                var sound = told.Inside("sound");
                header.SoundRate = (int)sound.Whole("rate", 0, 1 << 20);
                var encoding = sound.Text("encoding", null);
                if (header.SoundRate < 1 || encoding != "s16" && encoding != "f32")
                {
                    throw new WireException("sound");
                }
                header.SoundIsFloat = encoding == "f32";
            }
            return header;
        }

        private static string Plain(FaceStyle style)
        {
            var text = new StringBuilder("{\"emotion\":{");
            var comma = "";
            foreach (var emotion in style.Emotion)
            {
                text.Append(comma).Append(Json.Quote(emotion.Key)).Append(':').Append(Number(emotion.Value));
                comma = ",";
            }
            text.Append("},\"intensity\":").Append(Number(style.Intensity));
            text.Append(",\"asymmetry\":").Append(Number(style.Asymmetry)).Append(",\"energy\":").Append(Number(style.Energy));
            text.Append(",\"speaker\":").Append(Json.Quote(style.Speaker)).Append(",\"auto\":");
            var auto = style.Auto;
            if (auto == null)
            {
                return text.Append("null}").ToString();
            }
            text.Append("{\"strength\":").Append(Number(auto.Strength)).Append(",\"contrast\":").Append(Number(auto.Contrast));
            text.Append(",\"most\":").Append(Number(auto.Most)).Append(",\"blend\":").Append(Number(auto.Blend));
            return text.Append(",\"preferred\":").Append(Number(auto.Preferred)).Append("}}").ToString();
        }

        private static string Plain(FaceLife life)
        {
            return life == null ? "null" : "{\"blink\":" + Number(life.Blink) + ",\"gaze\":" + Number(life.Gaze) + ",\"head\":"
                + Number(life.Head) + ",\"brows\":" + Number(life.Brows) + ",\"breath\":" + Number(life.Breath) + "}";
        }

        private static string Number(double value)
        {
            if (!Numbers.IsFinite(value))
            {
                throw new System.ArgumentException("JSON holds no " + value);
            }
            return value.ToString("R", CultureInfo.InvariantCulture);
        }

        private static string Number(float value)
        {
            return Numbers.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : Number((double)value);
        }

        private static string Number(long value)
        {
            return value.ToString(CultureInfo.InvariantCulture);
        }

        /// <summary>An object's members, each of the kind that is asked for or a WireException.</summary>
        private struct Fields
        {
            private const double Exact = 9007199254740992d;
            private readonly Dictionary<string, object> _members;

            public Fields(object value)
            {
                _members = value as Dictionary<string, object> ?? throw new WireException("no JSON object");
            }

            public bool Has(string name)
            {
                return _members.TryGetValue(name, out var value) && value != null;
            }

            /// <summary>Without an <paramref name="otherwise"/> it has to be there.</summary>
            public string Text(string name, string otherwise)
            {
                if (!Has(name) && otherwise != null)
                {
                    return otherwise;
                }
                return Get(name) as string ?? throw new WireException(name + " is no text");
            }

            public double Double(string name, double otherwise)
            {
                return Has(name) ? Get(name) as double? ?? throw new WireException(name + " is no number") : otherwise;
            }

            public long Whole(string name, long otherwise, long most = long.MaxValue)
            {
                var number = Double(name, otherwise);
                if (number != System.Math.Floor(number) || number < 0d || number > Exact || number > most)
                {
                    throw new WireException(name + " is no such whole number");
                }
                return (long)number;
            }

            public List<object> List(string name)
            {
                return Get(name) as List<object> ?? throw new WireException(name + " is no list");
            }

            public Fields Inside(string name)
            {
                return new Fields(Get(name));
            }

            /// <summary>60, or [30000, 1001].</summary>
            public void Ratio(string name, out int numerator, out int denominator)
            {
                var value = Get(name);
                var list = value as List<object> ?? new List<object> { value, 1d };
                numerator = list.Count == 2 ? Positive(list[0]) : 0;
                denominator = list.Count == 2 ? Positive(list[1]) : 0;
                if (numerator == 0 || denominator == 0)
                {
                    throw new WireException(name + " is no rate");
                }
            }

            private static int Positive(object value)
            {
                return value is double number && number >= 1d && number <= int.MaxValue && number == System.Math.Floor(number)
                    ? (int)number : 0;
            }

            private object Get(string name)
            {
                return Has(name) ? _members[name] : throw new WireException(name + " is missing");
            }
        }
    }
}
