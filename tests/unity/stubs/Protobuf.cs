// What protoc's C# output and the package use of Google.Protobuf, enough to compile them. Nothing here works.
using System;
using System.Collections;
using System.Collections.Generic;

namespace Google.Protobuf
{
    public interface IMessage
    {
        Reflection.MessageDescriptor Descriptor { get; }
        int CalculateSize();
        void WriteTo(CodedOutputStream output);
        void MergeFrom(CodedInputStream input);
    }

    public interface IMessage<T> : IMessage { }

    public sealed class MessageParser<T>
    {
        public MessageParser(Func<T> make) { }
        public T ParseFrom(byte[] data) { throw new NotSupportedException(); }
    }

    public sealed class UnknownFieldSet
    {
        public static UnknownFieldSet Clone(UnknownFieldSet set) { throw new NotSupportedException(); }
        public static UnknownFieldSet MergeFrom(UnknownFieldSet set, UnknownFieldSet other) { throw new NotSupportedException(); }
        public static UnknownFieldSet MergeFieldFrom(UnknownFieldSet set, CodedInputStream input) { throw new NotSupportedException(); }
        public int CalculateSize() { throw new NotSupportedException(); }
        public void WriteTo(CodedOutputStream output) { }
    }

    public sealed class ByteString
    {
        public static readonly ByteString Empty = new ByteString();
        public int Length { get { return 0; } }
        public static ByteString CopyFrom(byte[] data, int start, int count) { return Empty; }
        public byte[] ToByteArray() { throw new NotSupportedException(); }
    }

    public sealed class CodedInputStream
    {
        public uint ReadTag() { return 0; }
        public string ReadString() { return ""; }
        public uint ReadUInt32() { return 0; }
        public ulong ReadUInt64() { return 0; }
        public int ReadEnum() { return 0; }
        public bool ReadBool() { return false; }
        public float ReadFloat() { return 0; }
        public double ReadDouble() { return 0; }
        public ByteString ReadBytes() { return ByteString.Empty; }
        public void ReadMessage(IMessage message) { }
    }

    public sealed class CodedOutputStream
    {
        public static int ComputeStringSize(string value) { return 0; }
        public static int ComputeBytesSize(ByteString value) { return 0; }
        public static int ComputeUInt32Size(uint value) { return 0; }
        public static int ComputeUInt64Size(ulong value) { return 0; }
        public static int ComputeEnumSize(int value) { return 0; }
        public static int ComputeMessageSize(IMessage value) { return 0; }
        public void WriteRawTag(byte a) { }
        public void WriteRawTag(byte a, byte b) { }
        public void WriteString(string value) { }
        public void WriteUInt32(uint value) { }
        public void WriteUInt64(ulong value) { }
        public void WriteEnum(int value) { }
        public void WriteBool(bool value) { }
        public void WriteFloat(float value) { }
        public void WriteDouble(double value) { }
        public void WriteBytes(ByteString value) { }
        public void WriteMessage(IMessage message) { }
    }

    public sealed class FieldCodec<T> { }

    public static class FieldCodec
    {
        public static FieldCodec<string> ForString(uint tag) { return null; }
        public static FieldCodec<string> ForString(uint tag, string otherwise) { return null; }
        public static FieldCodec<float> ForFloat(uint tag) { return null; }
        public static FieldCodec<float> ForFloat(uint tag, float otherwise) { return null; }
        public static FieldCodec<double> ForDouble(uint tag) { return null; }
        public static FieldCodec<double> ForDouble(uint tag, double otherwise) { return null; }
        public static FieldCodec<T> ForMessage<T>(uint tag, MessageParser<T> parser) { return null; }
    }

    public static class JsonFormatter
    {
        public static string ToDiagnosticString(IMessage message) { return ""; }
    }

    public static class ProtoPreconditions
    {
        public static T CheckNotNull<T>(T value, string name) { return value; }
    }

    public static class MessageExtensions
    {
        public static byte[] ToByteArray(this IMessage message) { throw new NotSupportedException(); }
    }
}

namespace Google.Protobuf.Collections
{
    public sealed class RepeatedField<T> : IEnumerable<T>
    {
        public int Count { get { return 0; } }
        public T this[int index] { get { throw new NotSupportedException(); } }
        public void Add(T value) { }
        public void Add(RepeatedField<T> values) { }
        public void AddRange(IEnumerable<T> values) { }
        public void CopyTo(T[] array, int start) { }
        public RepeatedField<T> Clone() { return this; }
        public int CalculateSize(FieldCodec<T> codec) { return 0; }
        public void WriteTo(CodedOutputStream output, FieldCodec<T> codec) { }
        public void AddEntriesFrom(CodedInputStream input, FieldCodec<T> codec) { }
        public IEnumerator<T> GetEnumerator() { throw new NotSupportedException(); }
        IEnumerator IEnumerable.GetEnumerator() { throw new NotSupportedException(); }
    }

    public sealed class MapField<K, V>
    {
        public sealed class Codec
        {
            public Codec(FieldCodec<K> key, FieldCodec<V> value, uint tag) { }
        }

        public void Add(K key, V value) { }
        public void Add(MapField<K, V> other) { }
        public void MergeFrom(MapField<K, V> other) { }
        public MapField<K, V> Clone() { return this; }
        public int CalculateSize(Codec codec) { return 0; }
        public void WriteTo(CodedOutputStream output, Codec codec) { }
        public void AddEntriesFrom(CodedInputStream input, Codec codec) { }
    }

    public static class ProtobufEqualityComparers
    {
        public static readonly EqualityComparer<float> BitwiseSingleEqualityComparer = EqualityComparer<float>.Default;
        public static readonly EqualityComparer<double> BitwiseDoubleEqualityComparer = EqualityComparer<double>.Default;
    }
}

namespace Google.Protobuf.Reflection
{
    public sealed class FileDescriptor
    {
        public IList<MessageDescriptor> MessageTypes { get { throw new NotSupportedException(); } }

        public static FileDescriptor FromGeneratedCode(byte[] data, FileDescriptor[] needs, GeneratedClrTypeInfo info)
        {
            throw new NotSupportedException();
        }
    }

    public sealed class MessageDescriptor
    {
        public IList<MessageDescriptor> NestedTypes { get { throw new NotSupportedException(); } }
    }

    public sealed class Extension { }

    public sealed class GeneratedClrTypeInfo
    {
        public GeneratedClrTypeInfo(
            Type type, object parser, string[] names, string[] oneofs, Type[] enums, Extension[] extensions, GeneratedClrTypeInfo[] nested)
        {
        }

        public GeneratedClrTypeInfo(Type[] enums, Extension[] extensions, GeneratedClrTypeInfo[] nested) { }
    }

    public sealed class OriginalNameAttribute : Attribute
    {
        public OriginalNameAttribute(string name) { }
        public bool PreferredAlias { get; set; }
    }
}
