// The package without Unity, for tests/test_unity.py: each verb reads a file of messages and prints what it saw.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Text;
using System.Threading;
using UnityEngine;
using Voxrig.Face;

public static class Probe
{
    private struct Message
    {
        public char Kind; // b(ytes) or t(ext)
        public byte[] Data;
    }

    public static int Main(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        switch (args[0])
        {
            case "livelink": LiveLink(args[1]); return 0;
            case "vmc": Vmc(args[1]); return 0;
            case "web": Web(args[1]); return 0;
            case "match": Match(args[1]); return 0;
            case "buffer": Buffering(args[1]); return 0;
            case "sound": Sound(args[1]); return 0;
            case "clock": Clock(args[1]); return 0;
            case "allocations": Allocations(args[1], args[2], args[3]); return 0;
            case "requests": Requests(); return 0;
            case "turn": Turn(args); return 0;
            case "own": Own(args[1]); return 0;
            case "receiver": Receiver(args[1], args[2], args[3]); return 0;
            case "streamer": Streamer(args[1], args[2], args[3], args[4]); return 0;
            case "interrupted": Interrupted(args[1], args[2]); return 0;
            default: return 2;
        }
    }

    private static void LiveLink(string path)
    {
        var packet = new LiveLinkPacket();
        foreach (var message in Messages(path))
        {
            Console.WriteLine(packet.TryRead(message.Data, message.Data.Length, out var reason)
                ? Json.Quote(packet.Device) + "|" + Json.Quote(packet.Subject) + "|" + packet.Frame + "|" + Text(packet.SubFrame) + "|" + packet.Numerator
                    + "|" + packet.Denominator + "|" + Row(packet.Values, packet.Values.Length)
                : "bad " + reason);
        }
    }

    private static void Vmc(string path)
    {
        var reader = new VmcReader();
        foreach (var message in Messages(path))
        {
            var before = reader.Frames;
            if (!reader.TryRead(message.Data, message.Data.Length, out var reason))
            {
                Console.WriteLine("bad " + reason);
            }
            else if (reader.Frames > before)
            {
                Console.WriteLine(string.Join(" ", new List<string>(reader.Names).ToArray()) + "|" + Text((float)reader.Time) + "|"
                    + (reader.HasHead ? Row(reader.Head, 4) : "") + "|" + Row(reader.Values, reader.Names.Count));
            }
        }
    }

    private static void Web(string path)
    {
        var headers = new FaceHeader[256];
        var block = new FrameBlock();
        foreach (var message in Messages(path))
        {
            if (message.Kind == 'b')
            {
                if (!WebFrames.TryRead(message.Data, message.Data.Length, headers, block, out var reason))
                {
                    Console.WriteLine("bad " + reason);
                    continue;
                }
                var text = "frames|" + block.Face + "|" + block.Start + "|" + block.Count;
                for (var i = 0; i < block.Tracks.Length; i++)
                {
                    text += "|" + Row(block.Tracks[i], block.Count * headers[block.Face].Targets[i].Curves.Length);
                }
                Console.WriteLine(text + "|" + Row(block.Sound, block.Samples));
                continue;
            }
            try
            {
                Console.WriteLine(Told(WebMessages.Parse(Encoding.UTF8.GetString(message.Data)), headers));
            }
            catch (WireException error)
            {
                Console.WriteLine("bad " + error.Message);
            }
        }
    }

    private static string Told(object told, FaceHeader[] headers)
    {
        if (told is FaceHeader header)
        {
            headers[header.Face] = header;
            var text = "header|" + header.Face + "|" + header.Name + "|" + header.FpsNumerator + "/" + header.FpsDenominator + "|"
                + Text(header.Latency) + "|" + header.Model + "|" + header.SoundRate + "|" + (header.SoundIsFloat ? "f32" : "s16");
            foreach (var target in header.Targets)
            {
                text += "|" + target.Rig + " " + string.Join(" ", target.Curves);
            }
            return text;
        }
        if (told is FaceNotice notice)
        {
            return "notice|" + notice.Face + "|" + notice.Kind + "|" + notice.Message + "|" + notice.First + "|" + notice.End + "|"
                + Text(notice.Seconds);
        }
        if (told is FaceSummary summary)
        {
            return "summary|" + summary.Face + "|" + summary.Samples + "|" + summary.Frames + "|" + summary.Dropped + "|"
                + summary.Late + "|" + summary.Silence + "|" + Text(summary.Lateness);
        }
        var fault = (FaceFault)told;
        return "error|" + fault.Code + "|" + fault.Message;
    }

    /// <summary>Curves in the first message, shapes in the second, a name a line.</summary>
    private static void Match(string path)
    {
        var lists = Messages(path);
        var found = CurveNames.Match(Lines(lists[0]), Lines(lists[1]));
        Console.WriteLine(string.Join(" ", Array.ConvertAll(found, i => i.ToString())));
    }

    /// <summary>Lines "new curves capacity", "add index moment values…", "at moment", "cut index", "clear".</summary>
    private static void Buffering(string path)
    {
        JitterBuffer buffer = null;
        foreach (var line in Lines(Messages(path)[0]))
        {
            var words = line.Split(' ');
            switch (words[0])
            {
                case "new":
                    buffer = new JitterBuffer(int.Parse(words[1]), int.Parse(words[2]));
                    break;
                case "add":
                    var row = new float[words.Length - 3];
                    for (var i = 0; i < row.Length; i++)
                    {
                        row[i] = (float)Double(words[i + 3]);
                    }
                    buffer.Add(long.Parse(words[1]), Double(words[2]), row, 0);
                    break;
                case "at":
                    var into = new float[buffer.Curves];
                    Console.WriteLine(buffer.TrySample(Double(words[1]), into) ? Row(into, into.Length) : "nothing");
                    break;
                case "cut":
                    buffer.CutFrom(long.Parse(words[1]));
                    break;
                case "clear":
                    buffer.Clear();
                    break;
                case "counts":
                    Console.WriteLine(buffer.Count + " " + buffer.Late + " " + buffer.Dropped + " " + buffer.Starved);
                    break;
            }
        }
    }

    /// <summary>Lines "new rate seconds prebuffer", "add start values…", "read samples rate", "cut start", "hurry".</summary>
    private static void Sound(string path)
    {
        SoundQueue queue = null;
        foreach (var line in Lines(Messages(path)[0]))
        {
            var words = line.Split(' ');
            switch (words[0])
            {
                case "new":
                    queue = new SoundQueue(int.Parse(words[1]), Double(words[2]), Double(words[3]));
                    break;
                case "add":
                    var samples = new float[words.Length - 2];
                    for (var i = 0; i < samples.Length; i++)
                    {
                        samples[i] = (float)Double(words[i + 2]);
                    }
                    queue.Add(long.Parse(words[1]), samples, samples.Length);
                    break;
                case "read":
                    var into = new float[2 * int.Parse(words[1])];
                    var heard = queue.Read(into, 2, int.Parse(words[2]));
                    var left = new float[into.Length / 2];
                    for (var i = 0; i < left.Length; i++)
                    {
                        left[i] = into[2 * i];
                    }
                    Console.WriteLine(heard + " " + Text(queue.Position) + " " + Row(left, left.Length));
                    break;
                case "cut":
                    queue.CutFrom(long.Parse(words[1]));
                    break;
                case "hurry":
                    queue.Hurry();
                    break;
            }
        }
    }

    /// <summary>Lines "moment now" of a frame's arrival; prints whether it leapt and the moment to show.</summary>
    private static void Clock(string path)
    {
        var clock = new SenderClock(0.05);
        foreach (var line in Lines(Messages(path)[0]))
        {
            var words = line.Split(' ');
            var leapt = clock.Heard(Double(words[0]), Double(words[1]));
            Console.WriteLine(leapt + " " + Text(clock.Moment(Double(words[1]))));
        }
    }

    /// <summary>Bytes and collections that a hundred thousand frames cost after a first round.</summary>
    private static void Allocations(string liveLink, string vmc, string web)
    {
        Count("livelink", liveLink, new FaceInbox(new LiveLinkSource("", false), 0.05));
        Count("vmc", vmc, new FaceInbox(new VmcSource(), 0.05));
        var messages = Messages(web);
        var headers = new FaceHeader[256];
        var block = new FrameBlock();
        var buffer = new JitterBuffer(61, 64);
        var sound = new SoundQueue(16000, 2, 0.05);
        var row = new float[61];
        var heard = new float[1600];
        var start = 0L;
        var told = WebMessages.Parse(Encoding.UTF8.GetString(messages[0].Data));
        headers[0] = (FaceHeader)told;
        Measure("web", () =>
        {
            for (var i = 1; i < messages.Count; i++)
            {
                if (!WebFrames.TryRead(messages[i].Data, messages[i].Data.Length, headers, block, out var reason))
                {
                    throw new InvalidOperationException(reason);
                }
                for (var frame = 0; frame < block.Count; frame++)
                {
                    buffer.Add(start, start / 60d, block.Tracks[0], frame * 61);
                    buffer.TrySample(start++ / 60d - 0.05, row);
                }
                sound.Add(start * 16000 / 60, block.Sound, block.Samples);
                sound.Read(heard, 2, 48000);
            }
        });
    }

    private static void Count(string name, string path, FaceInbox inbox)
    {
        var messages = Messages(path);
        var row = new float[inbox.Width];
        var head = new float[4];
        var now = 0d;
        Measure(name, () =>
        {
            for (var i = 0; i < messages.Count; i++)
            {
                now += 1 / 60d;
                inbox.Put(messages[i].Data, messages[i].Data.Length, now);
                if (inbox.TryGet(now, row))
                {
                    inbox.TryHead(row, head);
                }
            }
        });
        if (inbox.Received == 0 || inbox.Malformed > 0)
        {
            throw new InvalidOperationException(name + ": " + inbox.Reason);
        }
    }

    private static void Measure(string name, Action round)
    {
        for (var i = 0; i < 5; i++)
        {
            round();
        }
        var allocated = typeof(GC).GetMethod("GetAllocatedBytesForCurrentThread");
        Func<long> bytes = () => 0L;
        if (allocated != null)
        {
            bytes = (Func<long>)Delegate.CreateDelegate(typeof(Func<long>), allocated);
        }
        GC.Collect();
        var collections = GC.CollectionCount(0);
        bytes();
        var before = bytes();
        for (var i = 0; i < 50; i++)
        {
            round();
        }
        Console.WriteLine(name + " " + (bytes() - before) + " " + (GC.CollectionCount(0) - collections) + " " + (allocated != null));
    }

    private static void Requests()
    {
        var config = new FaceConfig { Rate = 44100, Rigs = new[] { "livelink", "vrm1" }, FpsNumerator = 30000, FpsDenominator = 1001 };
        config.Name = "Ada \"é\"\n";
        config.Idle = 0.5;
        config.Echo = true;
        config.Style.Emotion["joy"] = 0.25f;
        config.Style.Intensity = 1.1f;
        Console.WriteLine(WebMessages.Config(config));
        Console.WriteLine(WebMessages.Style(config.Style, 123, 0.3));
        config.Style.Asymmetry = -0.5f;
        config.Style.Energy = 1.5f;
        config.Style.Speaker = "warm";
        config.Style.Auto = new FaceAuto { Most = 2, Contrast = 1.25 };
        config.Direction = "sad, then \"angry\"";
        config.Seconds = 2.5;
        config.Life = new FaceLife { Head = 0.25 };
        config.Seed = 4000000000;
        Console.WriteLine(WebMessages.Config(config));
        Console.WriteLine(WebMessages.Look(0.5f, -0.25f, 16000));
        Console.WriteLine(WebMessages.Look(null, null, 0));
        Console.WriteLine(WebMessages.Interrupt(7, 0.15));
        Console.WriteLine(WebMessages.Interrupt(-1, 0));
        Console.WriteLine(WebMessages.End);
        Console.WriteLine(string.Join(" ", LiveLinkCurves.Names()));
    }

    /// <summary>The tests that the package brings for Unity's own runner.</summary>
    private static void Own(string path)
    {
        foreach (var type in Assembly.LoadFrom(path).GetTypes())
        {
            foreach (var method in type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly))
            {
                method.Invoke(Activator.CreateInstance(type), null);
                Console.WriteLine(method.Name);
            }
        }
    }

    /// <summary>A bone below a turned parent, turned by yaw, pitch and roll: where its own rest axes then are.</summary>
    private static void Turn(string[] args)
    {
        var into = new float[4];
        HeadTurn.FromAngles((float)Double(args[1]), (float)Double(args[2]), (float)Double(args[3]), into);
        Console.WriteLine(Row(into, 4));
        var body = new GameObject();
        var neck = new GameObject();
        var head = new GameObject();
        body.transform.localRotation = new Quaternion(0f, 0.6f, 0f, 0.8f);
        neck.transform.localRotation = new Quaternion(0.8f, 0f, 0f, 0.6f);
        neck.transform.parent = body.transform;
        head.transform.localRotation = new Quaternion(0f, 0f, 0.28f, 0.96f);
        head.transform.parent = neck.transform;
        var rest = head.transform.rotation;
        var bone = new HeadBone(head.transform, body.transform);
        bone.Turn(new Quaternion(into[0], into[1], into[2], into[3]));
        // In the body's axes: what the head did since its rest.
        var toBody = Quaternion.Inverse(body.transform.rotation);
        var done = toBody * head.transform.rotation * Quaternion.Inverse(rest) * body.transform.rotation;
        Console.WriteLine(Row(new[] { done.x, done.y, done.z, done.w }, 4));
        bone.Restore();
        var again = head.transform.rotation;
        Console.WriteLine(Row(new[] { again.x - rest.x, again.y - rest.y, again.z - rest.z, again.w - rest.w }, 4));
    }

    private static readonly string[] _shapes =
    {
        "Face_jawOpen", "mouthSmile_L", "mouthSmile_R", "EyeBlinkLeft", "A", "nothing",
    };

    /// <summary>Prints the port, then a line whenever weights changed, until standard input says so.</summary>
    private static void Receiver(string protocol, string subject, string jitter)
    {
        var thing = new GameObject();
        var mesh = thing.Add<SkinnedMeshRenderer>();
        mesh.sharedMesh = new Mesh { Shapes = _shapes };
        mesh.SetBlendShapeWeight(0, 12f);
        var receiver = thing.Add<FaceReceiver>();
        var free = new DatagramPort(0, (data, count) => { });
        var port = free.Port;
        free.Dispose();
        receiver.Configure(protocol == "vmc" ? FaceReceiver.Protocol.Vmc : FaceReceiver.Protocol.LiveLink, port, subject);
        Field(receiver, "_jitter", int.Parse(jitter));
        Call(receiver, "OnEnable");
        Console.WriteLine(receiver.Port);
        var ended = false;
        var reading = new Thread(() =>
        {
            Console.In.ReadLine();
            ended = true;
        });
        reading.Start();
        var before = "";
        while (!Volatile.Read(ref ended))
        {
            Call(receiver, "LateUpdate");
            var weights = Weights(mesh);
            if (weights != before)
            {
                Console.WriteLine(weights);
            }
            before = weights;
            Thread.Sleep(1);
        }
        Console.WriteLine("counts " + receiver.Inbox.Received + " " + receiver.Inbox.Malformed);
        Call(receiver, "OnDisable");
        Console.WriteLine("after " + Weights(mesh) + " " + receiver.Port);
        new DatagramPort(port, (data, count) => { }).Dispose(); // throws if it were still open
    }

    /// <summary>
    /// Speaks a file of signed 16-bit sound. Prints what was told; for pushed sound how loud each piece of 10 ms was
    /// and the moment and weights shown with it, for a clip its play-head and weights.
    /// </summary>
    private static void Streamer(string source, string address, string key, string sound)
    {
        var thing = new GameObject();
        var mesh = thing.Add<SkinnedMeshRenderer>();
        mesh.sharedMesh = new Mesh { Shapes = _shapes };
        var speaker = thing.Add<AudioSource>();
        var streamer = thing.Add<FaceStreamer>();
        var pcm = File.ReadAllBytes(sound);
        var samples = new float[pcm.Length / 2];
        Pcm.Decode(pcm, 0, samples.Length, false, samples);
        var clip = new AudioClip { Data = samples, frequency = 16000 };
        streamer.Configure((FaceStreamer.Source)Enum.Parse(typeof(FaceStreamer.Source), source), address, clip);
        streamer.Key = key;
        var over = false;
        streamer.Ended += summary => { Console.WriteLine("ended " + summary.Frames + " " + summary.Samples); over = true; };
        streamer.Failed += fault => { Console.WriteLine("failed " + fault); over = true; };
        streamer.Noticed += notice => Console.WriteLine("noticed " + notice.Kind);
        Call(streamer, "OnEnable");
        if (source == "Pushed")
        {
            streamer.Push(samples, 0, samples.Length);
            streamer.EndSound();
        }
        var before = Weights(mesh);
        var chunk = new float[2 * 480]; // 10 ms of a loudspeaker with two channels at 48 kHz
        for (var waited = 0; waited < 3000 && !(over && source != "Pushed"); waited++)
        {
            Call(streamer, "Update");
            Call(streamer, "OnAudioFilterRead", chunk, 2);
            Call(streamer, "LateUpdate");
            if (source == "Pushed" && speaker.Playing)
            {
                Console.WriteLine("heard " + Text(Math.Sqrt(Power(chunk))) + " " + Text(streamer.Streamed.Moment(0.02)) + " "
                    + Weights(mesh));
                if (over && Power(chunk) == 0f)
                {
                    break;
                }
            }
            if (source == "Broadcast" && Weights(mesh) != before)
            {
                before = Weights(mesh);
                Console.WriteLine("moved " + before);
            }
            Thread.Sleep(source == "Pushed" ? 10 : 1);
        }
        if (source == "Clip" && speaker.Playing)
        {
            var frames = (int)Math.Ceiling(samples.Length * 60 / 16000d);
            for (var frame = 0; frame < frames; frame++)
            {
                speaker.timeSamples = frame * 16000 / 60;
                Call(streamer, "LateUpdate");
                Console.WriteLine("shown " + speaker.timeSamples + " " + Weights(mesh));
            }
        }
        Call(streamer, "OnDisable");
        Console.WriteLine("after " + Weights(mesh) + " " + speaker.Playing);
    }

    /// <summary>
    /// A line cut short half a second in, half a second of nothing, then the line again: the loudness of each 10 ms
    /// piece of sound and the weights shown with it.
    /// </summary>
    private static void Interrupted(string address, string sound)
    {
        var thing = new GameObject();
        var mesh = thing.Add<SkinnedMeshRenderer>();
        mesh.sharedMesh = new Mesh { Shapes = _shapes };
        thing.Add<AudioSource>();
        var streamer = thing.Add<FaceStreamer>();
        var pcm = File.ReadAllBytes(sound);
        var samples = new float[pcm.Length / 2];
        Pcm.Decode(pcm, 0, samples.Length, false, samples);
        streamer.Configure(FaceStreamer.Source.Pushed, address);
        var over = false;
        streamer.Ended += summary => over = true;
        streamer.Failed += fault => { Console.WriteLine("failed " + fault); over = true; };
        streamer.Noticed += notice => Console.WriteLine("noticed " + notice.Kind + " " + notice.First + " " + notice.End);
        Call(streamer, "OnEnable");
        streamer.Push(samples, 0, samples.Length);
        var chunk = new float[2 * 480];
        var cut = -1;
        for (var piece = 0; piece < 1500; piece++)
        {
            Call(streamer, "Update");
            Call(streamer, "OnAudioFilterRead", chunk, 2);
            Call(streamer, "LateUpdate");
            Console.WriteLine("heard " + Text(Math.Sqrt(Power(chunk))) + " " + Weights(mesh));
            if (cut < 0 && streamer.Streamed.Moment(0d) > 0.5)
            {
                cut = piece;
                streamer.Interrupt(0.1);
                Console.WriteLine("interrupted");
            }
            if (cut >= 0 && piece == cut + 50)
            {
                Console.WriteLine("again");
                streamer.Push(samples, 0, samples.Length);
                streamer.EndSound();
            }
            if (over && Power(chunk) == 0f)
            {
                break;
            }
            Thread.Sleep(10);
        }
        Call(streamer, "OnDisable");
    }

    private static float Power(float[] samples)
    {
        var sum = 0f;
        foreach (var sample in samples)
        {
            sum += sample * sample / samples.Length;
        }
        return sum;
    }

    private static string Weights(SkinnedMeshRenderer mesh)
    {
        var weights = new float[_shapes.Length];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = mesh.GetBlendShapeWeight(i);
        }
        return Row(weights, weights.Length);
    }

    private static void Call(object thing, string name, params object[] arguments)
    {
        try
        {
            thing.GetType().GetMethod(name, BindingFlags.Instance | BindingFlags.NonPublic).Invoke(thing, arguments);
        }
        catch (TargetInvocationException error)
        {
            throw new InvalidOperationException(name, error.InnerException);
        }
    }

    private static void Field(object thing, string name, object value)
    {
        thing.GetType().GetField(name, BindingFlags.Instance | BindingFlags.NonPublic).SetValue(thing, value);
    }

    /// <summary>A kind, a length in 32 bits, little-endian, and the bytes, again and again.</summary>
    private static List<Message> Messages(string path)
    {
        var messages = new List<Message>();
        using (var file = new BinaryReader(File.OpenRead(path)))
        {
            while (file.BaseStream.Position < file.BaseStream.Length)
            {
                var kind = (char)file.ReadByte();
                messages.Add(new Message { Kind = kind, Data = file.ReadBytes(file.ReadInt32()) });
            }
        }
        return messages;
    }

    private static string[] Lines(Message message)
    {
        return Encoding.UTF8.GetString(message.Data).Split('\n');
    }

    private static double Double(string text)
    {
        return double.Parse(text, CultureInfo.InvariantCulture);
    }

    private static string Text(double value)
    {
        return value.ToString("R", CultureInfo.InvariantCulture);
    }

    private static string Row(float[] values, int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            text.Append(i == 0 ? "" : " ").Append(values[i].ToString("R", CultureInfo.InvariantCulture));
        }
        return text.ToString();
    }
}
