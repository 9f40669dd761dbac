// What the package uses of Grpc.Core.Api and Grpc.Net.Client, enough to compile it. Nothing here works.
using System;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;

namespace Grpc.Core
{
    public enum StatusCode
    {
        OK,
        InvalidArgument,
    }

    public struct Status
    {
        public string Detail { get { return ""; } }
    }

    public sealed class RpcException : Exception
    {
        public Status Status { get { return default(Status); } }
        public StatusCode StatusCode { get { return StatusCode.OK; } }
    }

    public sealed class Metadata
    {
        public void Add(string name, string value) { }
    }

    public struct CallOptions
    {
        public CallOptions(Metadata headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default(CancellationToken)) { }
    }

    public enum MethodType
    {
        DuplexStreaming,
    }

    public sealed class Marshaller<T> { }

    public static class Marshallers
    {
        public static Marshaller<T> Create<T>(Func<T, byte[]> write, Func<byte[], T> read) { return null; }
    }

    public sealed class Method<TRequest, TResponse>
    {
        public Method(MethodType type, string service, string name, Marshaller<TRequest> request, Marshaller<TResponse> response) { }
    }

    public interface IClientStreamWriter<T>
    {
        Task WriteAsync(T message);
        Task CompleteAsync();
    }

    public interface IAsyncStreamReader<T>
    {
        T Current { get; }
        Task<bool> MoveNext(CancellationToken cancellationToken);
    }

    public sealed class AsyncDuplexStreamingCall<TRequest, TResponse> : IDisposable
    {
        public IClientStreamWriter<TRequest> RequestStream { get { return null; } }
        public IAsyncStreamReader<TResponse> ResponseStream { get { return null; } }
        public void Dispose() { }
    }

    public abstract class CallInvoker
    {
        public abstract AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string host, CallOptions options)
            where TRequest : class
            where TResponse : class;
    }
}

namespace Grpc.Net.Client
{
    public sealed class GrpcChannelOptions
    {
        public HttpMessageHandler HttpHandler { get; set; }
        public bool DisposeHttpClient { get; set; }
    }

    public sealed class GrpcChannel : IDisposable
    {
        public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions options) { return null; }
        public Grpc.Core.CallInvoker CreateCallInvoker() { return null; }
        public void Dispose() { }
    }
}

namespace System.Net.Http
{
    public abstract class HttpMessageHandler { }
    public sealed class HttpRequestException : Exception { }
}

namespace Cysharp.Net.Http
{
    public sealed class YetAnotherHttpHandler : HttpMessageHandler
    {
        public bool? Http2Only { get; set; }
    }
}
