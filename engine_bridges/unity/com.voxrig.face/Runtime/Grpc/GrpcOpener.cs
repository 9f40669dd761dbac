using System;
using Grpc.Core;
using Grpc.Net.Client;
using UnityEngine;

namespace Voxrig.Face
{
    /// <summary>Put it beside a <see cref="FaceStreamer"/>, and that one speaks gRPC.</summary>
    /// <remarks>
    /// gRPC needs HTTP/2, which Unity's own HttpClient does not speak. With Cysharp's YetAnotherHttpHandler in the
    /// project it is used; otherwise hand in an invoker of your own before the streamer is enabled.
    /// </remarks>
    [AddComponentMenu("Voxrig/Face Streamer over gRPC")]
    [DisallowMultipleComponent]
    public sealed class GrpcOpener : ConversationOpener
    {
        [Tooltip("http:// or https://, host and port.")]
        [SerializeField] private string _address = "http://127.0.0.1:52000";
        [Tooltip("API key, if the server wants one. Rather set it from code than save it in a scene.")]
        [SerializeField] private string _key = "";

        public string Key
        {
            set { _key = value; }
        }

        /// <summary>Calls go through this one instead of a channel of ours; the channel stays yours.</summary>
        public CallInvoker Invoker { get; set; }

        public override IConversation Open(FaceConfig config, IFaceListener listener)
        {
            if (Invoker != null)
            {
                return new GrpcConversation(Invoker, _key, config, listener, null);
            }
            if (!Uri.TryCreate(_address, UriKind.Absolute, out var address))
            {
                throw new ArgumentException("'" + _address + "' is no address; write http://host:port or https://…");
            }
            var options = new GrpcChannelOptions();
#if VOXRIG_HTTP2_HANDLER
            var handler = new Cysharp.Net.Http.YetAnotherHttpHandler { Http2Only = true };
            options.HttpHandler = handler;
            options.DisposeHttpClient = true;
#endif
            var channel = GrpcChannel.ForAddress(address, options);
            return new GrpcConversation(channel.CreateCallInvoker(), _key, config, listener, channel.Dispose);
        }
    }
}
