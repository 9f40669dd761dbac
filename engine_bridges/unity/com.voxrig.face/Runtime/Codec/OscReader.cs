namespace Voxrig.Face
{
    /// <summary>
    /// Open Sound Control packets: a message, or a bundle of messages and bundles, as a flat list of messages.
    /// </summary>
    /// <remarks>
    /// A packet is read whole or not at all. The arguments stay where they are, in the bytes that were given, which
    /// must therefore not change while messages are looked at. Types read: i f s b h d t T F N I. Time tags
    /// of bundles are ignored: everything counts at once.
    /// </remarks>
    public sealed class OscReader
    {
        private const int MostMessages = 1024;
        private const int MostArguments = 64;
        private const int Deepest = 8;

        private readonly NameTable _table = new NameTable();
        private readonly string[] _addresses = new string[MostMessages];
        private readonly int[] _first = new int[MostMessages + 1];
        private readonly char[] _types = new char[MostMessages * 8];
        private readonly int[] _places = new int[MostMessages * 8];
        private byte[] _data;
        private int _arguments;

        /// <summary>Messages of the packet read last.</summary>
        public int Count { get; private set; }

        /// <summary>Reads a datagram. False, and why, if it is none; there are then no messages.</summary>
        public bool TryRead(byte[] data, int count, out string reason)
        {
            _data = data;
            Count = 0;
            _arguments = 0;
            reason = Packet(0, count, 0);
            if (reason != null)
            {
                Count = 0;
            }
            return reason == null;
        }

        public string Address(int message)
        {
            return _addresses[message];
        }

        /// <summary>How many arguments a message has.</summary>
        public int Arguments(int message)
        {
            return _first[message + 1] - _first[message];
        }

        /// <summary>Type letter of an argument, or '\0' where there is none.</summary>
        public char Type(int message, int argument)
        {
            return argument < Arguments(message) ? _types[_first[message] + argument] : '\0';
        }

        /// <summary>An argument of type f.</summary>
        public float Float(int message, int argument)
        {
            return Numbers.BigSingle(_data, _places[_first[message] + argument]);
        }

        /// <summary>An argument of type i.</summary>
        public int Int(int message, int argument)
        {
            return Numbers.BigInt32(_data, _places[_first[message] + argument]);
        }

        /// <summary>An argument of type s.</summary>
        public string Text(int message, int argument)
        {
            var start = _places[_first[message] + argument];
            return _table.Get(_data, start, Length(start, _data.Length));
        }

        private string Packet(int start, int end, int depth)
        {
            if (end - start < 4 || (end - start) % 4 != 0)
            {
                return "length";
            }
            if (_data[start] == (byte)'/')
            {
                return Message(start, end);
            }
            if (!IsBundle(start, end))
            {
                return "neither message nor bundle";
            }
            if (depth == Deepest)
            {
                return "bundles too deep";
            }
            var at = start + 16;
            while (at < end)
            {
                var size = end - at < 4 ? -1 : Numbers.BigInt32(_data, at);
                if (size < 4 || size > end - at - 4)
                {
                    return "length of a bundle's element";
                }
                var reason = Packet(at + 4, at + 4 + size, depth + 1);
                if (reason != null)
                {
                    return reason;
                }
                at += 4 + size;
            }
            return null;
        }

        private bool IsBundle(int start, int end)
        {
            return end - start >= 16 && _data[start] == '#' && _data[start + 1] == 'b' && _data[start + 2] == 'u'
                && _data[start + 3] == 'n' && _data[start + 4] == 'd' && _data[start + 5] == 'l'
                && _data[start + 6] == 'e' && _data[start + 7] == 0;
        }

        private string Message(int start, int end)
        {
            var addressLength = Length(start, end);
            var at = start + Padded(addressLength);
            if (Count == MostMessages || addressLength < 0)
            {
                return addressLength < 0 ? "address without an end" : "too many messages";
            }
            var typesLength = at < end ? Length(at, end) : 0;
            var places = at + Padded(typesLength);
            if (typesLength < 0 || at < end && (typesLength == 0 || _data[at] != (byte)','))
            {
                return "types";
            }
            if (typesLength - 1 > MostArguments || _arguments + typesLength > _types.Length)
            {
                return "too many arguments";
            }
            _first[Count] = _arguments;
            for (var i = 1; i < typesLength; i++)
            {
                var type = (char)_data[at + i];
                var size = Size(type, places, end);
                if (size < 0 || size > end - places)
                {
                    return "arguments";
                }
                _types[_arguments] = type;
                _places[_arguments++] = places;
                places += size;
            }
            if (at < end && places != end)
            {
                return "bytes after the arguments";
            }
            _addresses[Count++] = _table.Get(_data, start, addressLength);
            _first[Count] = _arguments;
            return null;
        }

        /// <summary>Bytes of an argument, padding included; -1 for types we do not know.</summary>
        private int Size(char type, int at, int end)
        {
            switch (type)
            {
                case 'i':
                case 'f':
                    return 4;
                case 'h':
                case 'd':
                case 't':
                    return 8;
                case 'T':
                case 'F':
                case 'N':
                case 'I':
                    return 0;
                case 's':
                    var length = Length(at, end);
                    return length < 0 ? -1 : Padded(length);
                case 'b':
                    var size = end - at < 4 ? -1 : Numbers.BigInt32(_data, at);
                    return size < 0 || size > end - at - 4 ? -1 : 4 + (size + 3) / 4 * 4;
                default:
                    return -1;
            }
        }

        /// <summary>Bytes of a text before its zero; -1 if it, or its padding, does not end within.</summary>
        private int Length(int start, int end)
        {
            for (var i = start; i < end; i++)
            {
                if (_data[i] == 0)
                {
                    return start + Padded(i - start) <= end ? i - start : -1;
                }
            }
            return -1;
        }

        /// <summary>With its zero, up to the next multiple of four; nothing at all stays nothing.</summary>
        private static int Padded(int length)
        {
            return (length / 4 + 1) * 4;
        }
    }
}
