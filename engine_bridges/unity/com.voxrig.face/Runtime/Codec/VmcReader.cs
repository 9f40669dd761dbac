using System;
using System.Collections.Generic;

namespace Voxrig.Face
{
    /// <summary>
    /// A face in the VMC protocol: blend shapes by name, gathered until the sender says that they are a frame.
    /// </summary>
    /// <remarks>
    /// Understood: <c>/VMC/Ext/Blend/Val s f</c>, <c>/VMC/Ext/Blend/Apply</c>, <c>/VMC/Ext/Bone/Pos</c> of the
    /// head, <c>/VMC/Ext/T f</c>. All else, and messages with missing or wrong arguments, are passed over, as
    /// the protocol asks. A curve that a frame does not mention keeps its value.
    /// </remarks>
    public sealed class VmcReader
    {
        /// <summary>Curves beyond these are passed over.</summary>
        public const int MostCurves = 1024;

        private readonly OscReader _osc = new OscReader();
        private readonly Dictionary<string, int> _places = new Dictionary<string, int>(StringComparer.Ordinal);
        private readonly List<string> _names = new List<string>();
        private readonly float[] _said = new float[MostCurves];
        private readonly float[] _saidHead = { 0f, 0f, 0f, 1f };
        private bool _saidAnyHead;
        private bool _saidTime;

        /// <summary>Curves heard of, in the order in which they came up. It only grows.</summary>
        public IReadOnlyList<string> Names
        {
            get { return _names; }
        }

        /// <summary>Values of the last applied frame; the first Names.Count of them count.</summary>
        public float[] Values { get; } = new float[MostCurves];

        /// <summary>The head's rotation x y z w in Unity's axes, of the last applied frame.</summary>
        public float[] Head { get; } = { 0f, 0f, 0f, 1f };

        public bool HasHead { get; private set; }

        /// <summary>Applied frames so far.</summary>
        public long Frames { get; private set; }

        /// <summary>The sender's own time in seconds.</summary>
        public double Time { get; private set; }

        /// <summary>Whether it was told with the last applied frame.</summary>
        public bool HasTime { get; private set; }

        /// <summary>Takes in a datagram. False, and why, if it is no OSC; then nothing of it counts.</summary>
        public bool TryRead(byte[] data, int count, out string reason)
        {
            if (!_osc.TryRead(data, count, out reason))
            {
                return false;
            }
            for (var i = 0; i < _osc.Count; i++)
            {
                Take(i);
            }
            return true;
        }

        private void Take(int message)
        {
            switch (_osc.Address(message))
            {
                case "/VMC/Ext/Blend/Val":
                    if (_osc.Type(message, 0) == 's' && TryFloat(message, 1, out var value))
                    {
                        Say(_osc.Text(message, 0), value);
                    }
                    break;
                case "/VMC/Ext/Blend/Apply":
                    Array.Copy(_said, Values, _names.Count);
                    Array.Copy(_saidHead, Head, 4);
                    HasHead = _saidAnyHead;
                    HasTime = _saidTime;
                    _saidTime = false;
                    Frames++;
                    break;
                case "/VMC/Ext/Bone/Pos":
                    if (_osc.Type(message, 0) == 's' && _osc.Text(message, 0) == "Head")
                    {
                        Turn(message);
                    }
                    break;
                case "/VMC/Ext/T":
                    if (TryFloat(message, 0, out var time))
                    {
                        Time = time;
                        _saidTime = true;
                    }
                    break;
            }
        }

        private void Say(string name, float value)
        {
            if (!_places.TryGetValue(name, out var place))
            {
                if (_names.Count == MostCurves)
                {
                    return;
                }
                place = _names.Count;
                _places.Add(name, place);
                _names.Add(name);
            }
            _said[place] = value;
        }

        /// <summary>A bone's arguments are its name, three floats of place and four of rotation.</summary>
        private void Turn(int message)
        {
            var square = 0d;
            for (var i = 0; i < 4; i++)
            {
                if (!TryFloat(message, 4 + i, out var part))
                {
                    return;
                }
                square += (double)part * part;
            }
            if (square < 0.25 || square > 4d)
            {
                return; // no rotation
            }
            // A rotation is also its own negative; the one nearer to the last lets values run between the two.
            var nearness = 0d;
            for (var i = 0; i < 4; i++)
            {
                nearness += _saidHead[i] * _osc.Float(message, 4 + i);
            }
            var scale = (nearness < 0d ? -1d : 1d) / Math.Sqrt(square);
            for (var i = 0; i < 4; i++)
            {
                _saidHead[i] = (float)(_osc.Float(message, 4 + i) * scale);
            }
            _saidAnyHead = true;
        }

        private bool TryFloat(int message, int argument, out float value)
        {
            value = _osc.Type(message, argument) == 'f' ? _osc.Float(message, argument) : float.NaN;
            return Numbers.IsFinite(value);
        }
    }
}
