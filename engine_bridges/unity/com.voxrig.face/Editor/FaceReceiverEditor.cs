using System.Text;
using UnityEditor;
using UnityEngine;

namespace Voxrig.Face.Editing
{
    /// <summary>Shows, below the settings of a receiver, which shapes it moves and what has come in.</summary>
    [CustomEditor(typeof(FaceReceiver))]
    public sealed class FaceReceiverEditor : Editor
    {
        private bool _open = true;

        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            var receiver = (FaceReceiver)target;
            var inbox = receiver.Inbox;
            if (inbox != null)
            {
                EditorGUILayout.HelpBox(
                    "port " + receiver.Port + (receiver.IsLive ? ", live" : ", silent") + "\n" + inbox.Received
                    + " frames, " + inbox.Late + " late, " + inbox.Dropped + " dropped, " + inbox.Malformed + " malformed"
                    + (inbox.Reason == null ? "" : " (" + inbox.Reason + ")"),
                    MessageType.None);
            }
            _open = EditorGUILayout.Foldout(_open, "Blend shapes");
            if (_open)
            {
                ShowShapes(receiver);
            }
        }

        /// <summary>While it plays, the numbers change.</summary>
        public override bool RequiresConstantRepaint()
        {
            return Application.isPlaying;
        }

        private static void ShowShapes(FaceReceiver receiver)
        {
            var curves = receiver.Curves;
            var shapes = new FaceShapes(curves, receiver.Meshes());
            EditorGUILayout.HelpBox(Matched(shapes, curves), shapes.Count > 0 ? MessageType.Info : MessageType.Warning);
            if (shapes.Missing.Count > 0)
            {
                EditorGUILayout.HelpBox(
                    "No shape for: " + string.Join(", ", new System.Collections.Generic.List<string>(shapes.Missing).ToArray()),
                    MessageType.None);
            }
        }

        private static string Matched(FaceShapes shapes, System.Collections.Generic.IReadOnlyList<string> curves)
        {
            if (shapes.Count == 0)
            {
                return "No blend shape has the name of a curve.";
            }
            var text = new StringBuilder(shapes.Count + " shapes are moved:");
            for (var i = 0; i < shapes.Count; i++)
            {
                text.Append('\n').Append(shapes.Describe(i, curves));
            }
            return text.ToString();
        }
    }
}
