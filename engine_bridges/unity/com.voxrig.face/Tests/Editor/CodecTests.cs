using System.Text;
using NUnit.Framework;

namespace Voxrig.Face.Tests
{
    /// <summary>
    /// That the codec does in Unity what it does elsewhere. The laws themselves are tested with real packets in
    /// voxrig's own tests.
    /// </summary>
    public sealed class CodecTests
    {
        /// <summary>Subject "Ada", frame 90.25 at 60, all values 0 but JawOpen 0.5.</summary>
        private static byte[] LiveLink()
        {
            var packet = new byte[270 + 4 + 3];
            packet[0] = 6;
            packet[4] = 4;
            Encoding.ASCII.GetBytes("Tron").CopyTo(packet, 5);
            packet[12] = 3;
            Encoding.ASCII.GetBytes("Ada").CopyTo(packet, 13);
            packet[19] = 90;
            packet[20] = 0x3e;
            packet[21] = 0x80;
            packet[27] = 60;
            packet[31] = 1;
            packet[32] = 61;
            packet[33 + 4 * 17] = 0x3f;
            return packet;
        }

        [Test]
        public void LiveLinkIsRead()
        {
            var data = LiveLink();
            var packet = new LiveLinkPacket();
            Assert.IsTrue(packet.TryRead(data, data.Length, out _));
            Assert.AreEqual("Ada", packet.Subject);
            Assert.AreEqual(90.25 / 60, packet.Moment, 1e-9);
            Assert.AreEqual(0.5f, packet.Values[17]);
        }

        [Test]
        public void NoPieceOfAPacketIsOne()
        {
            var data = LiveLink();
            var packet = new LiveLinkPacket();
            for (var count = 0; count < data.Length; count++)
            {
                Assert.IsFalse(packet.TryRead(data, count, out _));
            }
        }

        [Test]
        public void BetweenFramesRunStraightLines()
        {
            var buffer = new JitterBuffer(1, 4);
            buffer.Add(0, 0d, new[] { 0f }, 0);
            buffer.Add(1, 1d, new[] { 1f }, 0);
            var row = new float[1];
            Assert.IsTrue(buffer.TrySample(0.25, row));
            Assert.AreEqual(0.25f, row[0]);
        }

        [Test]
        public void NamesFindEachOther()
        {
            Assert.AreEqual(new[] { 0 }, CurveNames.Match(new[] { "mouthSmileLeft" }, new[] { "Face.mouthSmile_L" }));
        }
    }
}
