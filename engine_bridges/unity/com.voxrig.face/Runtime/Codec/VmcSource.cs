using System;
using System.Collections.Generic;

namespace Voxrig.Face
{
    /// <summary>A VMC sender: whatever curves it names, then the head's rotation.</summary>
    public sealed class VmcSource : IFaceSource
    {
        private readonly VmcReader _reader = new VmcReader();
        private readonly float[] _row = new float[VmcReader.MostCurves + 4];

        public int Width
        {
            get { return _row.Length; }
        }

        public IReadOnlyList<string> Names
        {
            get { return _reader.Names; }
        }

        public float[] Row
        {
            get { return _row; }
        }

        public long Index
        {
            get { return _reader.Frames; }
        }

        public double? Moment
        {
            get { return _reader.HasTime ? _reader.Time : (double?)null; }
        }

        public bool TryTake(byte[] data, int count, double now, out bool isFrame, out string reason)
        {
            var before = _reader.Frames;
            isFrame = false;
            if (!_reader.TryRead(data, count, out reason))
            {
                return false;
            }
            isFrame = _reader.Frames > before;
            if (isFrame)
            {
                Array.Copy(_reader.Values, _row, _reader.Names.Count);
                for (var i = 0; i < 4; i++)
                {
                    _row[VmcReader.MostCurves + i] = _reader.HasHead ? _reader.Head[i] : 0f;
                }
            }
            return true;
        }

        public bool TryHead(float[] row, float[] into)
        {
            var square = 0d;
            for (var i = 0; i < 4; i++)
            {
                into[i] = row[VmcReader.MostCurves + i];
                square += (double)into[i] * into[i];
            }
            if (square < 0.01)
            {
                return false;
            }
            for (var i = 0; i < 4; i++)
            {
                into[i] = (float)(into[i] / Math.Sqrt(square));
            }
            return true;
        }
    }
}
