using System;
using System.Collections.Generic;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Voxrig.Face
{
    /// <summary>
    /// A conversation over WebSocket, protocol <c>voxrig.v1</c>: with the service, or, without a config, with a
    /// broadcaster. It needs nothing but .NET. Browsers (WebGL) have no ClientWebSocket.
    /// </summary>
    public sealed class WebSocketConversation : IConversation
    {
        private const int Longest = 1 << 24; // bytes of a message
        private const int MostWaiting = 1 << 26; // bytes to be sent: a clip is said whole
        private const int Patience = 10000; // ms for a connection to open

        private struct Message
        {
            public byte[] Data;
            public WebSocketMessageType Type;
        }

        private readonly IFaceListener _listener;
        private readonly FaceHeader[] _headers = new FaceHeader[256];
        private readonly FrameBlock _block = new FrameBlock();
        private readonly CancellationTokenSource _gone = new CancellationTokenSource();
        private readonly SemaphoreSlim _some = new SemaphoreSlim(0);
        private readonly Queue<Message> _waiting = new Queue<Message>();
        private long _waitingBytes;
        private int _disposed;
        private int _failed;

        /// <param name="address">ws:// or wss://, with its path: /v1/face for the service.</param>
        /// <param name="key">Empty for none.</param>
        /// <param name="config">Null to listen to a broadcast.</param>
        public WebSocketConversation(Uri address, string key, FaceConfig config, IFaceListener listener)
        {
            if (address.Scheme != "ws" && address.Scheme != "wss")
            {
                throw new ArgumentException("'" + address + "' is no WebSocket address; write ws://host:port/v1/face or wss://…");
            }
            _listener = listener;
            if (config != null)
            {
                Send(WebMessages.Config(config));
            }
            Task.Run(() => Run(address, key));
        }

        public void Say(byte[] pcm, int count)
        {
            var data = new byte[count];
            Buffer.BlockCopy(pcm, 0, data, 0, count);
            Send(data, WebSocketMessageType.Binary);
        }

        public void Restyle(FaceStyle style, long at, double transition)
        {
            Send(WebMessages.Style(style, at, transition));
        }

        public void Look(float? yaw, float? pitch, long at)
        {
            Send(WebMessages.Look(yaw, pitch, at));
        }

        public void Interrupt(long shown, double closing)
        {
            Send(WebMessages.Interrupt(shown, closing));
        }

        public void End()
        {
            Send(WebMessages.End);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                _gone.Cancel();
            }
        }

        private void Send(string text)
        {
            Send(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text);
        }

        private void Send(byte[] data, WebSocketMessageType type)
        {
            lock (_waiting)
            {
                if (_waitingBytes + data.Length <= MostWaiting)
                {
                    _waitingBytes += data.Length;
                    _waiting.Enqueue(new Message { Data = data, Type = type });
                    _some.Release();
                    return;
                }
            }
            Fail("RESOURCE_EXHAUSTED", "the server does not take what is said; " + MostWaiting + " bytes wait");
            Dispose();
        }

        private async Task Run(Uri address, string key)
        {
            using (var socket = new ClientWebSocket())
            {
                try
                {
                    socket.Options.AddSubProtocol(WebMessages.Subprotocol);
                    if (!string.IsNullOrEmpty(key))
                    {
                        socket.Options.SetRequestHeader("Authorization", "Bearer " + key);
                    }
                    using (var opening = CancellationTokenSource.CreateLinkedTokenSource(_gone.Token))
                    {
                        opening.CancelAfter(Patience);
                        await socket.ConnectAsync(address, opening.Token).ConfigureAwait(false);
                    }
                    var sending = Task.Run(() => SendAll(socket));
                    await Receive(socket).ConfigureAwait(false);
                    Dispose();
                    await sending.ConfigureAwait(false);
                }
                catch (Exception error) when (error is WebSocketException || error is OperationCanceledException
                    || error is System.IO.IOException || error is ObjectDisposedException
                    || error is System.Net.WebException || error is InvalidOperationException)
                {
                    Fail("UNAVAILABLE", error is OperationCanceledException ? "no answer from " + address : error.Message);
                }
                catch (WireException error)
                {
                    Fail("INTERNAL", "the server said what is no voxrig.v1: " + error.Message);
                }
                finally
                {
                    Dispose();
                }
            }
        }

        private async Task SendAll(ClientWebSocket socket)
        {
            try
            {
                while (true)
                {
                    await _some.WaitAsync(_gone.Token).ConfigureAwait(false);
                    Message next;
                    lock (_waiting)
                    {
                        next = _waiting.Dequeue();
                        _waitingBytes -= next.Data.Length;
                    }
                    await socket.SendAsync(new ArraySegment<byte>(next.Data), next.Type, true, _gone.Token).ConfigureAwait(false);
                }
            }
            catch (Exception error) when (error is OperationCanceledException || error is WebSocketException
                || error is System.IO.IOException || error is ObjectDisposedException || error is InvalidOperationException)
            {
                // Whoever receives hears why.
            }
        }

        private async Task Receive(ClientWebSocket socket)
        {
            var data = new byte[1 << 16];
            var count = 0;
            while (true)
            {
                if (count == data.Length)
                {
                    if (count >= Longest)
                    {
                        throw new WireException("a message too long");
                    }
                    Array.Resize(ref data, 2 * count);
                }
                var part = await socket.ReceiveAsync(new ArraySegment<byte>(data, count, data.Length - count), _gone.Token)
                    .ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    Fail("UNAVAILABLE", "the server closed the connection: "
                        + (string.IsNullOrEmpty(socket.CloseStatusDescription) ? "" + socket.CloseStatus : socket.CloseStatusDescription));
                    return;
                }
                count += part.Count;
                if (part.EndOfMessage)
                {
                    if (part.MessageType == WebSocketMessageType.Text)
                    {
                        Hear(Encoding.UTF8.GetString(data, 0, count));
                    }
                    else
                    {
                        Show(data, count);
                    }
                    count = 0;
                }
            }
        }

        private void Show(byte[] data, int count)
        {
            if (!WebFrames.TryRead(data, count, _headers, _block, out var reason))
            {
                throw new WireException(reason);
            }
            _listener.Show(_block);
        }

        private void Hear(string text)
        {
            var told = WebMessages.Parse(text);
            if (told is FaceHeader header)
            {
                _headers[header.Face] = header;
                _listener.Begin(header);
            }
            else if (told is FaceNotice notice)
            {
                _listener.Tell(notice);
            }
            else if (told is FaceSummary summary)
            {
                _listener.End(summary);
            }
            else if (told is FaceFault fault)
            {
                Fail(fault.Code, fault.Message);
            }
        }

        /// <summary>Once; and not after we left.</summary>
        private void Fail(string code, string message)
        {
            if (_disposed == 0 && Interlocked.Exchange(ref _failed, 1) == 0)
            {
                _listener.Fail(new FaceFault(code, message));
            }
        }
    }
}
