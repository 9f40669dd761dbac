using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Google.Protobuf;
using Grpc.Core;
using Voxrig.V1;

namespace Voxrig.Face
{
    /// <summary>A conversation over gRPC: <c>voxrig.v1.Face/Animate</c>.</summary>
    public sealed class GrpcConversation : IConversation
    {
        private const int MostWaiting = 1 << 26; // bytes of sound

        private static readonly Method<AnimateRequest, AnimateResponse> _animate =
            new Method<AnimateRequest, AnimateResponse>(
                MethodType.DuplexStreaming,
                "voxrig.v1.Face",
                "Animate",
                Marshallers.Create<AnimateRequest>(message => message.ToByteArray(), AnimateRequest.Parser.ParseFrom),
                Marshallers.Create<AnimateResponse>(message => message.ToByteArray(), AnimateResponse.Parser.ParseFrom));

        private readonly IFaceListener _listener;
        private readonly CancellationTokenSource _gone = new CancellationTokenSource();
        private readonly SemaphoreSlim _some = new SemaphoreSlim(0);
        private readonly Queue<AnimateRequest> _waiting = new Queue<AnimateRequest>();
        private readonly FrameBlock _block = new FrameBlock();
        private readonly GrpcAnswers _answers;
        private readonly Action _close;
        private long _waitingBytes;
        private int _disposed;
        private int _failed;

        /// <param name="key">Empty for none.</param>
        /// <param name="close">Called when the conversation is over, to let go of its channel; may be null.</param>
        public GrpcConversation(CallInvoker invoker, string key, FaceConfig config, IFaceListener listener, Action close)
        {
            _listener = listener;
            _close = close;
            _answers = new GrpcAnswers(config);
            Send(new AnimateRequest { Config = GrpcAnswers.Config(config) }, 0);
            var headers = new Metadata();
            if (!string.IsNullOrEmpty(key))
            {
                headers.Add("authorization", "Bearer " + key);
            }
            Task.Run(() => Run(invoker, headers));
        }

        public void Say(byte[] pcm, int count)
        {
            Send(new AnimateRequest { Audio = new Audio { Samples = ByteString.CopyFrom(pcm, 0, count) } }, count);
        }

        public void Restyle(FaceStyle style, long at, double transition)
        {
            var key = new StyleKey { Style = GrpcAnswers.Style(style), At = (ulong)Math.Max(0L, at), Transition = transition };
            Send(new AnimateRequest { Style = key }, 0);
        }

        public void Look(float? yaw, float? pitch, long at)
        {
            Send(new AnimateRequest { Look = GrpcAnswers.Look(yaw, pitch, at) }, 0);
        }

        public void Interrupt(long shown, double closing)
        {
            var interrupt = new Interrupt { Closing = closing };
            if (shown >= 0)
            {
                interrupt.Shown = (ulong)shown;
            }
            Send(new AnimateRequest { Interrupt = interrupt }, 0);
        }

        public void End()
        {
            Send(new AnimateRequest { End = new End() }, 0);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                _gone.Cancel();
            }
        }

        private void Send(AnimateRequest request, int bytes)
        {
            lock (_waiting)
            {
                if (_waitingBytes + bytes <= MostWaiting)
                {
                    _waitingBytes += bytes;
                    _waiting.Enqueue(request);
                    _some.Release();
                    return;
                }
            }
            Fail("RESOURCE_EXHAUSTED", "the server does not take what is said; " + MostWaiting + " bytes wait");
            Dispose();
        }

        private async Task Run(CallInvoker invoker, Metadata headers)
        {
            try
            {
                using (var call = invoker.AsyncDuplexStreamingCall(_animate, null,
                    new CallOptions(headers, null, _gone.Token)))
                {
                    var sending = Task.Run(() => SendAll(call.RequestStream));
                    while (await call.ResponseStream.MoveNext(_gone.Token).ConfigureAwait(false))
                    {
                        _answers.Tell(call.ResponseStream.Current, _block, _listener);
                    }
                    Fail("UNAVAILABLE", "the server ended the stream");
                    Dispose();
                    await sending.ConfigureAwait(false);
                }
            }
            catch (RpcException error)
            {
                Fail(Name(error.StatusCode), error.Status.Detail);
            }
            catch (WireException error)
            {
                Fail("INTERNAL", "the server said what is no voxrig.v1: " + error.Message);
            }
            catch (Exception error) when (error is OperationCanceledException || error is System.IO.IOException
                || error is InvalidOperationException || error is System.Net.Http.HttpRequestException)
            {
                Fail("UNAVAILABLE", error.Message);
            }
            finally
            {
                Dispose();
                if (_close != null)
                {
                    _close();
                }
            }
        }

        private async Task SendAll(IClientStreamWriter<AnimateRequest> stream)
        {
            try
            {
                while (true)
                {
                    await _some.WaitAsync(_gone.Token).ConfigureAwait(false);
                    AnimateRequest next;
                    lock (_waiting)
                    {
                        next = _waiting.Dequeue();
                        _waitingBytes -= next.Audio == null ? 0 : next.Audio.Samples.Length;
                    }
                    await stream.WriteAsync(next).ConfigureAwait(false);
                    if (next.PartCase == AnimateRequest.PartOneofCase.End)
                    {
                        await stream.CompleteAsync().ConfigureAwait(false);
                        return;
                    }
                }
            }
            catch (Exception error) when (error is OperationCanceledException || error is RpcException
                || error is InvalidOperationException || error is System.IO.IOException)
            {
                // Whoever receives hears why.
            }
        }

        /// <summary>InvalidArgument to INVALID_ARGUMENT, as every other part of voxrig names it.</summary>
        private static string Name(StatusCode code)
        {
            var name = new System.Text.StringBuilder();
            foreach (var c in code.ToString())
            {
                if (char.IsUpper(c) && name.Length > 0)
                {
                    name.Append('_');
                }
                name.Append(char.ToUpperInvariant(c));
            }
            return name.ToString();
        }

        /// <summary>Once; not after we left, and not after all was told.</summary>
        private void Fail(string code, string message)
        {
            if (_disposed == 0 && !_answers.Ended && Interlocked.Exchange(ref _failed, 1) == 0)
            {
                _listener.Fail(new FaceFault(code, message));
            }
        }
    }
}
