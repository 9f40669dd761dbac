using System;
using System.Collections.Generic;

namespace Voxrig.Face
{
    /// <summary>
    /// Live Link Face packets of one subject. Without a name it is the first that is heard, until that one is
    /// silent for two seconds.
    /// </summary>
    public sealed class LiveLinkSource : IFaceSource
    {
        private const double Patience = 2d; // seconds

        private readonly LiveLinkPacket _packet = new LiveLinkPacket();
        private readonly string[] _names = LiveLinkCurves.Names();
        private readonly string _subject;
        private readonly float _toRadians;
        private string _heard;
        private double _heardAt;

        /// <param name="halfTurns">
        /// Angles are -1..1 for half a turn, as Unreal's own sender for iOS has them, rather than radians.
        /// </param>
        public LiveLinkSource(string subject, bool halfTurns)
        {
            _subject = subject ?? "";
            _toRadians = halfTurns ? (float)Math.PI : 1f;
        }

        public int Width
        {
            get { return LiveLinkCurves.Count; }
        }

        public IReadOnlyList<string> Names
        {
            get { return _names; }
        }

        public float[] Row
        {
            get { return _packet.Values; }
        }

        public long Index
        {
            get { return _packet.Frame; }
        }

        public double? Moment
        {
            get { return _packet.Moment; }
        }

        public bool TryTake(byte[] data, int count, double now, out bool isFrame, out string reason)
        {
            isFrame = false;
            if (!_packet.TryRead(data, count, out reason))
            {
                return false;
            }
            if (_subject.Length > 0)
            {
                isFrame = _packet.Subject == _subject;
                return true;
            }
            if (_heard == null || now - _heardAt > Patience)
            {
                _heard = _packet.Subject;
            }
            isFrame = _packet.Subject == _heard;
            if (isFrame)
            {
                _heardAt = now;
            }
            return true;
        }

        public bool TryHead(float[] row, float[] into)
        {
            HeadTurn.FromAngles(
                row[LiveLinkCurves.HeadYaw] * _toRadians,
                row[LiveLinkCurves.HeadPitch] * _toRadians,
                row[LiveLinkCurves.HeadRoll] * _toRadians,
                into);
            return true;
        }
    }
}
