using System;
using System.Collections.Generic;
using System.Diagnostics;
using UnityEngine;

namespace Voxrig.Face
{
    /// <summary>
    /// Sends sound to the voxrig service and shows the face that comes back, in step with what is heard.
    /// </summary>
    /// <remarks>
    /// Four sources. Clip: a clip is sent whole and played by the AudioSource; the face follows its play-head.
    /// Microphone: the player's own voice, not played. Pushed: PCM from the game (a voice made by a machine), sent
    /// by <see cref="Push"/>, comes back with its frames and is played. Broadcast: nothing is sent; frames of a
    /// <c>voxrig send</c> are shown, with their sound if they bring one.
    /// </remarks>
    [AddComponentMenu("Voxrig/Face Streamer")]
    [DisallowMultipleComponent]
    [RequireComponent(typeof(AudioSource))]
    public sealed class FaceStreamer : MonoBehaviour
    {
        public enum Source
        {
            Clip,
            Microphone,
            Pushed,
            Broadcast,
        }

        private const int ClipMargin = 64; // frames beyond a clip's own
        private const int LiveFrames = 1024;
        private const int LongestName = 64; // characters that the service takes
        private const int Chunk = 8192; // samples of a message

        [Tooltip("Of the service's WebSocket, or of a broadcast. Not used beside another way, such as gRPC.")]
        [SerializeField] private string _address = "ws://127.0.0.1:52001/v1/face";
        [Tooltip("API key, if the server wants one. Rather set it from code than save it in a scene.")]
        [SerializeField] private string _key = "";
        [SerializeField] private Source _source = Source.Clip;
        [SerializeField] private AudioClip _clip;
        [Tooltip("Empty is the system's own choice.")]
        [SerializeField] private string _microphone = "";
        [Tooltip("Hertz of the microphone and of pushed sound.")]
        [SerializeField] private int _rate = 16000;
        [Tooltip("Curves to ask for: arkit, livelink (with a head), vrm0, vrm1 …")]
        [SerializeField] private string _rig = "livelink";
        [Tooltip("Of the server's models; empty is its first.")]
        [SerializeField] private string _model = "";
        [Tooltip("Face of a broadcast; empty is the first.")]
        [SerializeField] private string _face = "";
        [SerializeField] private int _framesPerSecond = 60;
        [Tooltip("Seconds without sound after which the face goes on in silence; 0 is never.")]
        [SerializeField] private float _idle = 0.5f;
        [Tooltip("A director's words, such as: sceptical, then amused; looks down at the end.")]
        [SerializeField] private string _direction = "";
        [Tooltip("Blinks, looks about, moves head and brows, breathes: how much of it all.")]
        [Range(0f, 1f)]
        [SerializeField] private float _life;
        [Tooltip("Of life: another one, another motion.")]
        [SerializeField] private int _seed;
        [Tooltip("Milliseconds for which frames and sound wait, so that late ones are in time.")]
        [Range(0, 500)]
        [SerializeField] private int _jitter = 80;
        [SerializeField] private SkinnedMeshRenderer[] _meshes = new SkinnedMeshRenderer[0];
        [SerializeField] private Transform _head;
        [SerializeField] private Transform _body;
        [Range(0f, 2f)]
        [SerializeField] private float _strength = 1f;

        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private readonly float[] _turn = new float[4];
        private readonly FaceStyle _style = new FaceStyle();
        private IConversation _conversation;
        private volatile StreamFace _streamed;
        private AudioSource _speaker;
        private AudioClip _heard;
        private FaceHeader _shown;
        private FaceShapes _shapes;
        private HeadBone _bone;
        private float[] _row = new float[0];
        private float[] _samples = new float[Chunk];
        private byte[] _bytes = new byte[2 * Chunk];
        private int _outputRate;
        private double _output;
        private int _heardTo;
        private int _yaw, _pitch, _roll;
        private bool _playing;

        /// <summary>Late, dropped, interrupted, silence, a word that was left out, or going away.</summary>
        public event Action<FaceNotice> Noticed;
        /// <summary>The server has told everything.</summary>
        public event Action<FaceSummary> Ended;
        /// <summary>The conversation broke off.</summary>
        public event Action<FaceFault> Failed;

        /// <summary>Emotions and how they are said, for what is opened next; see <see cref="Restyle"/> for now.</summary>
        public FaceStyle Style
        {
            get { return _style; }
        }

        /// <summary>What has come; null while disabled.</summary>
        public StreamFace Streamed
        {
            get { return _streamed; }
        }

        public string Key
        {
            set { _key = value; }
        }

        /// <summary>Takes another source and address; call it while disabled.</summary>
        public void Configure(Source source, string address, AudioClip clip = null, int rate = 16000)
        {
            if (_streamed != null)
            {
                throw new InvalidOperationException("disable the streamer before it is configured");
            }
            _source = source;
            _address = address;
            _clip = clip;
            _rate = rate;
        }

        /// <summary>Sound to speak, mono at the component's rate. For source Pushed.</summary>
        public void Push(float[] samples, int start, int count)
        {
            if (_source != Source.Pushed || _conversation == null)
            {
                throw new InvalidOperationException("sound is pushed to an enabled streamer of source Pushed");
            }
            Say(samples, start, count);
        }

        /// <summary>No more sound; what was pushed is played out.</summary>
        public void EndSound()
        {
            if (_conversation != null)
            {
                _conversation.End();
            }
        }

        /// <summary>Barge-in: silence at once, and the mouth closes. What is pushed next is spoken next.</summary>
        public void Interrupt(double closing = 0.15)
        {
            if (_conversation != null && _streamed != null)
            {
                _conversation.Interrupt(_streamed.Interrupt(_streamed.Moment(_output)), closing);
            }
        }

        /// <summary>Speaks so from now on, within that many seconds.</summary>
        public void Restyle(FaceStyle style, double transition = 0.3)
        {
            if (_conversation != null)
            {
                _conversation.Restyle(style, 0, transition);
            }
        }

        /// <summary>Looks there from now on: radians to the subject's own right and down.</summary>
        public void LookAt(float yaw, float pitch)
        {
            if (_conversation != null)
            {
                _conversation.Look(yaw, pitch, 0);
            }
        }

        /// <summary>Looks where it likes from now on.</summary>
        public void LookFreely()
        {
            if (_conversation != null)
            {
                _conversation.Look(null, null, 0);
            }
        }

        private void OnEnable()
        {
            _speaker = GetComponent<AudioSource>();
            _outputRate = AudioSettings.outputSampleRate;
            AudioSettings.GetDSPBufferSize(out var length, out var buffers);
            _output = (double)length * buffers / _outputRate;
            if (_source == Source.Clip && _clip == null)
            {
                UnityEngine.Debug.LogError("voxrig: source Clip needs a clip", this);
                enabled = false;
                return;
            }
            var frames = LiveFrames;
            if (_source == Source.Clip)
            {
                frames = (int)Math.Ceiling((double)_clip.samples * _framesPerSecond / _clip.frequency) + ClipMargin;
            }
            _streamed = new StreamFace(_jitter / 1000d, frames, _source == Source.Broadcast ? _face : "", Now);
            try
            {
                Open();
            }
            catch (ArgumentException error)
            {
                UnityEngine.Debug.LogError("voxrig: " + error.Message, this);
                enabled = false;
                return;
            }
            if (_source == Source.Clip)
            {
                SayClip();
            }
            else if (_source == Source.Microphone)
            {
                _heard = Microphone.Start(DeviceName(), true, 1, _rate);
                _heardTo = 0;
                if (_heard == null)
                {
                    UnityEngine.Debug.LogError("voxrig: the microphone '" + _microphone + "' gives no sound at " + _rate + " Hz", this);
                }
            }
            if (_source == Source.Pushed || _source == Source.Broadcast)
            {
                _speaker.clip = null;
                _speaker.Play(); // so that OnAudioFilterRead is asked
            }
        }

        private void Open()
        {
            var config = _source == Source.Broadcast ? null : Config();
            var opener = GetComponent<ConversationOpener>();
            if (config != null && opener != null)
            {
                _conversation = opener.Open(config, _streamed);
                return;
            }
            if (!Uri.TryCreate(_address, UriKind.Absolute, out var address))
            {
                throw new ArgumentException("'" + _address + "' is no WebSocket address; write ws://host:port/v1/face or wss://…");
            }
            _conversation = new WebSocketConversation(address, _key, config, _streamed);
        }

        private FaceConfig Config()
        {
            return new FaceConfig
            {
                Rate = _source == Source.Clip ? _clip.frequency : _rate,
                Rigs = new[] { _rig },
                FpsNumerator = _framesPerSecond,
                Model = _model,
                Realtime = _source != Source.Clip,
                Idle = _source == Source.Clip ? 0d : _idle,
                Echo = _source == Source.Pushed,
                Name = name.Length <= LongestName ? name : name.Substring(0, LongestName),
                Style = _style,
                Direction = _direction,
                Seconds = _source == Source.Clip ? (double)_clip.samples / _clip.frequency : 0d,
                Life = _life > 0f
                    ? new FaceLife { Blink = _life, Gaze = _life, Head = _life, Brows = _life, Breath = _life } : null,
                Seed = (uint)_seed,
            };
        }

        private void OnDisable()
        {
            if (_conversation != null)
            {
                _conversation.Dispose();
            }
            if (_heard != null)
            {
                Microphone.End(DeviceName());
            }
            if (_speaker != null && _streamed != null)
            {
                _speaker.Stop();
            }
            Release();
            _conversation = null;
            _streamed = null;
            _heard = null;
            _playing = false;
        }

        private void Release()
        {
            if (_shapes != null)
            {
                _shapes.Restore();
            }
            if (_bone != null)
            {
                _bone.Restore();
            }
            _shapes = null;
            _bone = null;
            _shown = null;
        }

        private void Update()
        {
            if (_heard != null)
            {
                Hear();
            }
            for (var told = _streamed.Heard(); told != null; told = _streamed == null ? null : _streamed.Heard())
            {
                Tell(told);
            }
        }

        // After the animator has had its say.
        private void LateUpdate()
        {
            if (_streamed == null)
            {
                return;
            }
            var header = _streamed.Header;
            if (header != null && header != _shown)
            {
                Bind(header);
            }
            if (_shapes != null && _streamed.TryGet(Moment(), _row))
            {
                _shapes.Show(_row, _strength);
                if (_bone != null)
                {
                    HeadTurn.FromAngles(_row[_yaw], _row[_pitch], _row[_roll], _turn);
                    _bone.Turn(new Quaternion(_turn[0], _turn[1], _turn[2], _turn[3]));
                }
            }
        }

        // Unity's audio thread.
        private void OnAudioFilterRead(float[] data, int channels)
        {
            var streamed = _streamed;
            if (streamed != null && (_source == Source.Pushed || _source == Source.Broadcast))
            {
                streamed.Read(data, channels, _outputRate);
            }
        }

        private double Moment()
        {
            if (_source != Source.Clip)
            {
                return _streamed.Moment(_output);
            }
            if (!_playing)
            {
                if (!_streamed.Over && _streamed.Known < _jitter / 1000d)
                {
                    return 0d;
                }
                _speaker.clip = _clip;
                _speaker.Play();
                _playing = true;
            }
            if (!_speaker.isPlaying && _speaker.timeSamples == 0)
            {
                return (double)_clip.samples / _clip.frequency; // it has ended
            }
            return (double)_speaker.timeSamples / _clip.frequency - _output;
        }

        private void Bind(FaceHeader header)
        {
            Release();
            var curves = header.Targets[0].Curves;
            _shapes = new FaceShapes(curves, _meshes.Length > 0 ? _meshes : GetComponentsInChildren<SkinnedMeshRenderer>());
            _row = new float[curves.Length];
            _yaw = Find(curves, "HeadYaw");
            _pitch = Find(curves, "HeadPitch");
            _roll = Find(curves, "HeadRoll");
            if (_head != null && _yaw >= 0 && _pitch >= 0 && _roll >= 0)
            {
                _bone = new HeadBone(_head, _body != null ? _body : transform);
            }
            _shown = header;
        }

        private static int Find(IReadOnlyList<string> curves, string name)
        {
            for (var i = 0; i < curves.Count; i++)
            {
                if (string.Equals(curves[i], name, StringComparison.OrdinalIgnoreCase))
                {
                    return i;
                }
            }
            return -1;
        }

        private void Tell(object told)
        {
            if (told is FaceNotice notice && Noticed != null)
            {
                Noticed(notice);
            }
            else if (told is FaceSummary summary && Ended != null)
            {
                Ended(summary);
            }
            else if (told is FaceFault fault)
            {
                UnityEngine.Debug.LogWarning("voxrig: " + fault, this);
                if (Failed != null)
                {
                    Failed(fault);
                }
            }
        }

        /// <summary>The clip, its channels' mean.</summary>
        private void SayClip()
        {
            var channels = _clip.channels;
            var all = new float[Chunk * channels];
            for (var at = 0; at < _clip.samples; at += Chunk)
            {
                var count = Math.Min(Chunk, _clip.samples - at);
                _clip.GetData(all, at); // beyond the end it begins anew; what comes of that is not counted
                Mix(all, channels, count);
                Say(_samples, 0, count);
            }
            _conversation.End();
        }

        private void Hear()
        {
            var to = Microphone.GetPosition(DeviceName());
            var size = _heard.samples;
            var count = (to - _heardTo + size) % size;
            while (count > 0)
            {
                var piece = Math.Min(Math.Min(count, Chunk / 2), size - _heardTo);
                var all = new float[piece * _heard.channels];
                _heard.GetData(all, _heardTo);
                Mix(all, _heard.channels, piece);
                Say(_samples, 0, piece);
                _heardTo = (_heardTo + piece) % size;
                count -= piece;
            }
        }

        private void Mix(float[] all, int channels, int count)
        {
            for (var i = 0; i < count; i++)
            {
                var sum = 0f;
                for (var channel = 0; channel < channels; channel++)
                {
                    sum += all[i * channels + channel];
                }
                _samples[i] = sum / channels;
            }
        }

        private void Say(float[] samples, int start, int count)
        {
            for (var at = 0; at < count; at += Chunk)
            {
                var piece = Math.Min(Chunk, count - at);
                Pcm.Encode(samples, start + at, piece, _bytes);
                _conversation.Say(_bytes, 2 * piece);
            }
        }

        private string DeviceName()
        {
            return string.IsNullOrEmpty(_microphone) ? null : _microphone;
        }

        private double Now()
        {
            return _clock.Elapsed.TotalSeconds;
        }
    }
}
