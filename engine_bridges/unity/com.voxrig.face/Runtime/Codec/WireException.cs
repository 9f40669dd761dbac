using System;

namespace Voxrig.Face
{
    /// <summary>Bytes or text from the network that are no message of their protocol.</summary>
    public sealed class WireException : Exception
    {
        public WireException(string reason) : base(reason) { }
    }
}
