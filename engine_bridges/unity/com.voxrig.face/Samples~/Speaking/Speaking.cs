using UnityEngine;
using Voxrig.Face;

namespace Voxrig.Face.Samples
{
    /// <summary>
    /// A character that speaks lines one after another and can be interrupted: what a dialogue system does with the
    /// voice that it gets from elsewhere.
    /// </summary>
    [RequireComponent(typeof(FaceStreamer))]
    public sealed class Speaking : MonoBehaviour
    {
        [Tooltip("Mono, at the rate that the Face Streamer has.")]
        [SerializeField] private AudioClip _line;
        [Range(0f, 1f)]
        [SerializeField] private float _joy = 0.4f;

        private FaceStreamer _streamer;

        private void OnEnable()
        {
            _streamer = GetComponent<FaceStreamer>();
            _streamer.Noticed += Tell;
        }

        private void OnDisable()
        {
            _streamer.Noticed -= Tell;
        }

        /// <summary>Says the line: pieces may also come one by one, as a text-to-speech engine makes them.</summary>
        [ContextMenu("Speak")]
        public void Speak()
        {
            var style = new FaceStyle();
            style.Emotion["joy"] = _joy;
            _streamer.Restyle(style);
            var samples = new float[_line.samples];
            _line.GetData(samples, 0);
            _streamer.Push(samples, 0, samples.Length);
        }

        /// <summary>Falls silent and closes the mouth.</summary>
        [ContextMenu("Interrupt")]
        public void Interrupt()
        {
            _streamer.Interrupt();
        }

        private void Tell(FaceNotice notice)
        {
            Debug.LogWarning("voxrig: " + notice.Kind + ": " + notice.Message, this);
        }
    }
}
