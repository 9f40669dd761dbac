using UnityEngine;

namespace Voxrig.Face
{
    /// <summary>
    /// Another way to the service than WebSocket: put a component of this kind beside a <see cref="FaceStreamer"/>.
    /// </summary>
    public abstract class ConversationOpener : MonoBehaviour
    {
        /// <summary>Opens a conversation; what comes of it is told to the listener.</summary>
        public abstract IConversation Open(FaceConfig config, IFaceListener listener);
    }
}
