using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Voxrig.Face
{
    /// <summary>
    /// A small JSON reader: objects are Dictionary&lt;string, object&gt;, arrays List&lt;object&gt;, the rest
    /// string, double, bool and null. It reads headers and notices; frames come in binary.
    /// </summary>
    public sealed class Json
    {
        private const int Longest = 1 << 20; // characters
        private const int Deepest = 16;

        private readonly string _text;
        private int _at;

        private Json(string text)
        {
            _text = text;
        }

        /// <summary>Throws WireException where the text is not one JSON value.</summary>
        public static object Parse(string text)
        {
            if (text.Length > Longest)
            {
                throw new WireException("JSON too long");
            }
            var json = new Json(text);
            var value = json.Value(0);
            json.Blank();
            if (json._at != text.Length)
            {
                throw new WireException("text after the JSON value");
            }
            return value;
        }

        /// <summary>A text as JSON writes it, quotes included.</summary>
        public static string Quote(string text)
        {
            var quoted = new StringBuilder("\"");
            foreach (var c in text)
            {
                if (c == '"' || c == '\\')
                {
                    quoted.Append('\\').Append(c);
                }
                else if (c < ' ' || c >= '\u007f')
                {
                    quoted.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                }
                else
                {
                    quoted.Append(c);
                }
            }
            return quoted.Append('"').ToString();
        }

        private object Value(int depth)
        {
            if (depth > Deepest)
            {
                throw new WireException("JSON too deep");
            }
            switch (Peek())
            {
                case '{':
                    return Object(depth);
                case '[':
                    return Array(depth);
                case '"':
                    return Text();
                case 't':
                    return Word("true", true);
                case 'f':
                    return Word("false", false);
                case 'n':
                    return Word("null", null);
                default:
                    return Number();
            }
        }

        private Dictionary<string, object> Object(int depth)
        {
            var members = new Dictionary<string, object>();
            _at++;
            if (Peek() == '}')
            {
                _at++;
                return members;
            }
            while (true)
            {
                if (Peek() != '"')
                {
                    throw new WireException("JSON name");
                }
                var name = Text();
                Expect(':');
                members[name] = Value(depth + 1);
                if (Peek() != ',')
                {
                    Expect('}');
                    return members;
                }
                _at++;
            }
        }

        private List<object> Array(int depth)
        {
            var values = new List<object>();
            _at++;
            if (Peek() == ']')
            {
                _at++;
                return values;
            }
            while (true)
            {
                values.Add(Value(depth + 1));
                if (Peek() != ',')
                {
                    Expect(']');
                    return values;
                }
                _at++;
            }
        }

        private string Text()
        {
            var text = new StringBuilder();
            _at++;
            while (true)
            {
                var c = Next();
                if (c == '"')
                {
                    return text.ToString();
                }
                if (c < ' ')
                {
                    throw new WireException("JSON text");
                }
                text.Append(c == '\\' ? Escaped() : c);
            }
        }

        private char Escaped()
        {
            var c = Next();
            switch (c)
            {
                case 'b': return '\b';
                case 'f': return '\f';
                case 'n': return '\n';
                case 'r': return '\r';
                case 't': return '\t';
                case '"':
                case '\\':
                case '/':
                    return c;
                case 'u':
                    if (_at + 4 <= _text.Length && ushort.TryParse(_text.Substring(_at, 4), NumberStyles.AllowHexSpecifier,
                            CultureInfo.InvariantCulture, out var code))
                    {
                        _at += 4;
                        return (char)code;
                    }
                    break;
            }
            throw new WireException("JSON escape");
        }

        private object Number()
        {
            var start = _at;
            while (_at < _text.Length && "+-.0123456789eE".IndexOf(_text[_at]) >= 0)
            {
                _at++;
            }
            if (!double.TryParse(_text.Substring(start, _at - start), NumberStyles.Float, CultureInfo.InvariantCulture,
                    out var number) || !Numbers.IsFinite(number))
            {
                throw new WireException("JSON value");
            }
            return number;
        }

        private object Word(string word, object value)
        {
            if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0)
            {
                throw new WireException("JSON value");
            }
            _at += word.Length;
            return value;
        }

        private void Blank()
        {
            while (_at < _text.Length && " \t\r\n".IndexOf(_text[_at]) >= 0)
            {
                _at++;
            }
        }

        private char Peek()
        {
            Blank();
            return _at < _text.Length ? _text[_at] : throw new WireException("JSON ends early");
        }

        private char Next()
        {
            return _at < _text.Length ? _text[_at++] : throw new WireException("JSON ends early");
        }

        private void Expect(char c)
        {
            if (Peek() != c)
            {
                throw new WireException("JSON without '" + c + "'");
            }
            _at++;
        }
    }
}
